"""Replies that are kept for ``previous_response_id``."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "replies",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("owner", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("previous", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("asked", sa.LargeBinary, nullable=False),
        sa.Column("reply", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.Column("expires_at", sa.Float(53), nullable=False),
    )
    op.create_index("replies_expiry", "replies", ["expires_at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("replies")
