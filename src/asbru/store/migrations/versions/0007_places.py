"""Files at places as S3 has them, and results of batches that are to be put there."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _text(name: str, default: str = "") -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text(f"'{default}'"))


def _whole(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("files", _text("place"))
    op.add_column("files", _text("metadata", "{}"))
    op.create_index("files_place", "files", ["owner", "place"], unique=True, sqlite_where=sa.text("place <> ''"))
    op.create_table(
        "deliveries",
        sa.Column(
            "batch",
            sa.Integer,
            sa.ForeignKey("batches.seq", ondelete="CASCADE"),
            primary_key=True,
            nullable=False,
        ),
        _text("target"),
        _text("failure"),
        _whole("attempts"),
        _whole("lease"),
        sa.Column("due_at", sa.Float(53), nullable=False),
        sa.Column("done_at", sa.Float(53), nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_index("deliveries_due", "deliveries", ["due_at"], sqlite_where=sa.text("done_at IS NULL"))


def downgrade() -> None:
    """Take them away."""
    op.drop_table("deliveries")
    op.drop_index("files_place", "files")
    op.drop_column("files", "metadata")
    op.drop_column("files", "place")
