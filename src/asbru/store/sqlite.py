"""Connections to the SQLite file, and making or upgrading it.

Rule 1. Every connection: WAL, full sync, foreign keys, transactions opened by hand.
Rule 2. A fresh file is made from schema.sql in milliseconds; an older one is upgraded by Alembic in a process of its
own.
"""

import fcntl
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HEAD = "0009"
"""The schema that this code speaks; a test keeps it equal to tables.HEAD."""

BUSY = 30.0
"""Seconds to wait for another process's transaction."""


class SchemaError(Exception):
    """The database is of a newer version than this program, or cannot be upgraded. The text says what to do."""


def connect(database: Path) -> sqlite3.Connection:
    """A connection for one thread at a time."""
    db = sqlite3.connect(database, timeout=BUSY, isolation_level=None, check_same_thread=False, cached_statements=256)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA foreign_keys=ON")
    db.execute("PRAGMA temp_store=MEMORY")
    db.execute("PRAGMA cache_size=-16000")
    return db


def prepare(database: Path) -> None:
    """Make or upgrade ``database``. Raises SchemaError. The caller holds the lock of the directory."""
    db = connect(database)
    try:
        found = revision(db)
        if found == "":
            db.executescript("BEGIN IMMEDIATE;\n" + Path(__file__).with_name("schema.sql").read_text() + "COMMIT;")
    finally:
        db.close()
    if found not in ("", HEAD):
        _upgrade(database, found)


def revision(db: sqlite3.Connection) -> str:
    """The schema of the database; "" for an empty one."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is None:
        return ""
    row = db.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else "none"


def _upgrade(database: Path, found: str) -> None:
    if found != "none" and found > HEAD:
        raise SchemaError(
            f"{database} was written by a newer asbru (schema {found}, this one speaks {HEAD}): install that version."
        )
    command = [sys.executable, "-m", "asbru.store.migrations", str(database)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  Our own interpreter and module.
    if done.returncode != 0:
        raise SchemaError(f"{database} could not be upgraded from schema {found} to {HEAD}:\n{done.stderr}")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on ``path`` among processes."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class Presence:
    """A shared lock that this process holds while it lives: whoever gets it exclusively is alone.

    ``alone``: nobody else had the directory open when this was made.
    """

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.alone = True
        except BlockingIOError:
            self.alone = False

    def share(self) -> None:
        """Keep a shared lock from now on. Between making and sharing the caller holds ``locked`` on another file."""
        fcntl.flock(self._handle, fcntl.LOCK_SH)

    def close(self) -> None:
        """Give it up."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
