"""People and their limits: meters, slices, documents, and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _text(name: str, default: str = "") -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text(f"'{default}'"))


def _whole(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))


def _time(name: str) -> "sa.Column[float]":
    return sa.Column(name, sa.Float(53), nullable=False)


def _key(name: str, kind: "type[sa.Text] | type[sa.BigInteger]" = sa.Text) -> "sa.Column[object]":
    return sa.Column(name, kind, primary_key=True, nullable=False)


def upgrade() -> None:
    """Make the tables."""
    op.create_table("meters", _key("id"), _whole("spent"), _time("began"), sqlite_with_rowid=False)
    op.create_table("slices", _key("meter"), _key("holder", sa.BigInteger), _whole("amount"), sqlite_with_rowid=False)
    op.create_index("slices_holder", "slices", ["holder"])
    op.create_table(
        "objects",
        *(_key("kind"), _key("id"), _text("name"), _text("body", "{}"), _text("origin"), _text("file_digest")),
        *(_time("created_at"), _time("updated_at")),
    )
    op.create_index("objects_name", "objects", ["kind", "name"])
    op.create_table(
        "revisions",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False, nullable=False),
        _whole("number"),
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True, nullable=False),
        _time("at"),
        *map(_text, ("actor", "action", "kind", "object", "was", "became")),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_at", "audit", ["at"])


def downgrade() -> None:
    """Drop them."""
    for table in ("audit", "revisions", "objects", "slices", "meters"):
        op.drop_table(table)
