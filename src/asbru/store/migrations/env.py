"""Alembic's entry: one online connection, batch mode for SQLite's limited ALTER."""

from alembic import context
from sqlalchemy import create_engine

from asbru.store.tables import METADATA


def run() -> None:
    """Run the migrations that are missing."""
    url = context.config.get_main_option("sqlalchemy.url")
    assert url is not None, "migrations are run by asbru.store.migrations, which sets the address"
    with create_engine(url).connect() as connection:
        context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()


run()
