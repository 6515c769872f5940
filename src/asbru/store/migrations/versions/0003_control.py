"""Money and control of batches: reservations, limits, deadlines, pauses, identical items, webhooks."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _whole(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))


def _time(name: str, *, null: bool = True) -> "sa.Column[float]":
    return sa.Column(name, sa.Float(53), nullable=null)


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def _added() -> Mapping[str, Sequence["sa.Column[Any]"]]:
    return {
        "batches": (
            *map(_whole, ("estimate", "reserved", "max_cost", "twins")),
            *map(_time, ("deadline", "paused_at")),
            *map(_text, ("webhook", "stopped", "rerun_of")),
        ),
        "items": (
            *map(_whole, ("reserve", "reserve_live")),
            sa.Column("twin", sa.Integer, nullable=True),
            _text("moved"),
        ),
        "jobs": (_whole("reserve"),),
    }


def upgrade() -> None:
    """Add the columns and the table."""
    for table, columns in _added().items():
        for column in columns:
            op.add_column(table, column)
    twins = sa.text("state = 'twin'")
    op.create_index("items_twins", "items", ["batch", "twin"], sqlite_where=twins)
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("batch", sa.Integer, sa.ForeignKey("batches.seq", ondelete="CASCADE"), nullable=False),
        _text("url"),
        _whole("attempts"),
        _whole("lease"),
        _text("failure"),
        _time("created_at", null=False),
        _time("due_at", null=False),
        _time("done_at"),
        sqlite_with_rowid=False,
    )
    op.create_index("webhooks_due", "webhooks", ["due_at"], sqlite_where=sa.text("done_at IS NULL"))
    op.create_index("webhooks_batch", "webhooks", ["batch"])


def downgrade() -> None:
    """Take them away."""
    op.drop_table("webhooks")
    op.drop_index("items_twins", "items")
    for table, columns in _added().items():
        for column in columns:
            op.drop_column(table, column.name)
