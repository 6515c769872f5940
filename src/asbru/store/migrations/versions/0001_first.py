"""The first tables: batches, items, jobs, ledger, logs."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


_POSTGRES = {
    "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT": "SERIAL NOT NULL PRIMARY KEY",
    " WITHOUT ROWID": "",
}
"""What the script says in SQLite's words only."""


def upgrade() -> None:
    """Make the tables as they were at this revision."""
    script = Path(__file__).with_suffix(".sql").read_text()
    if op.get_bind().dialect.name == "postgresql":
        for words, other in _POSTGRES.items():
            script = script.replace(words, other)
    lines = [line for line in script.splitlines() if not line.startswith("--")]
    for statement in "\n".join(lines).split(";\n"):
        if statement.strip() and "alembic_version" not in statement:
            op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    for table in ("logs", "ledger", "idempotency", "segment_uses", "jobs", "items", "shares", "sessions", "batches"):
        op.drop_table(table)
