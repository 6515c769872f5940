"""Upgrade one SQLite database: run in a process of its own, so that the gateway never imports Alembic."""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config


def upgrade(database: Path) -> None:
    """Bring ``database`` to the newest revision."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{database}")
    command.upgrade(config, "head")


if __name__ == "__main__":
    upgrade(Path(sys.argv[1]))
