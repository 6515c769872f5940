"""Bodies and files in PostgreSQL, where every gateway can reach them."""

import sqlalchemy as sa
from alembic import op

from asbru.store.tables import OUT_OF_LINE

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "blobs",
        sa.Column("name", sa.Text, primary_key=True, nullable=False),
        sa.Column("k", sa.Integer, primary_key=True, nullable=False),
        sa.Column("written_at", sa.Float(53), nullable=False),
        sa.Column("bytes", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(OUT_OF_LINE)


def downgrade() -> None:
    """Drop it."""
    op.drop_table("blobs")
