"""Alembic's entry: one online connection, batch mode for SQLite's limited ALTER."""

from alembic import context
from sqlalchemy import Index, Table, create_engine, event

from asbru.store.tables import METADATA, same_where


def _partial_on_both(index: Index, table: Table) -> None:
    """Migrations say once, for SQLite, of which rows an index is."""
    same_where(index)


def run() -> None:
    """Run the migrations that are missing."""
    event.listen(Index, "after_parent_attach", _partial_on_both)
    url = context.config.attributes["url"]
    with create_engine(url).connect() as connection:
        context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()


run()
