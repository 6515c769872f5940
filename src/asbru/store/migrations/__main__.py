"""Upgrade one database: run in a process of its own, so that the gateway never imports Alembic.

The SQLite file is the argument; without one, SQLAlchemy's address of a database is read from stdin: it may hold a
password.
"""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config


def upgrade(url: str) -> None:
    """Bring the database at SQLAlchemy's ``url`` to the newest revision."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["url"] = url
    command.upgrade(config, "head")


def sqlite_url(database: Path) -> str:
    """The address of a SQLite file."""
    return f"sqlite:///{database}"


if __name__ == "__main__":
    upgrade(sqlite_url(Path(sys.argv[1])) if len(sys.argv) > 1 else sys.stdin.read())
