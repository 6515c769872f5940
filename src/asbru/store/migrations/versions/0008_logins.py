"""Sessions of those who manage."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "logins",
        sa.Column("digest", sa.Text, primary_key=True, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.Column("expires_at", sa.Float(53), nullable=False),
    )
    op.create_index("logins_user", "logins", ["user_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("logins")
