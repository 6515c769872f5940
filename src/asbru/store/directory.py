"""A store in a directory: rows in a SQLite file, bodies and files beside it. For the workers of one machine."""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from errno import EDQUOT, EFBIG, EIO, ENOSPC
from pathlib import Path

from asbru.store import clearing
from asbru.store.blobs import ROLL, Appender, FileAppender, Place, Shelf
from asbru.store.db import Db
from asbru.store.depot import Depot, Folder
from asbru.store.sqlite import HEAD, Presence, connect, locked, prepare, revision

DATABASE = "asbru.db"
SEGMENTS = "segments"


_TROUBLES = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
    }
)


class Directory:
    """``folder``: the app dir."""

    shared = False
    head = HEAD

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / DATABASE
        self.shelf = Shelf(folder / SEGMENTS)
        self._presence: Presence | None = None

    def revision(self) -> str:
        """The schema that is there, "" for none."""
        if not self.database.is_file():
            return ""
        db = connect(self.database)
        try:
            return revision(db)
        finally:
            db.close()

    def prepare(self) -> None:
        """Make or upgrade the SQLite file."""
        (self.folder / SEGMENTS).mkdir(parents=True, exist_ok=True, mode=0o700)
        prepare(self.database)

    def connect(self, *, reading: bool = False) -> Db:
        """A connection."""
        db = connect(self.database)
        if reading:
            db.execute("PRAGMA query_only=ON")
        return db

    def now(self, db: Db) -> float | None:
        """The machine's."""
        return None

    def opening(self) -> AbstractContextManager[None]:
        """A lock on a file of the directory."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return locked(self.folder / "open.lock")

    def orphans(self, db: Db) -> Collection[int]:
        """All sessions when nobody else has the directory open: the lock of a dead process is gone at once."""
        self._presence = Presence(self.folder / "alive.lock")
        rows = db.execute("SELECT seq FROM sessions").fetchall()
        return [row[0] for row in rows] if self._presence.alone else []

    def hold(self, session: int) -> None:
        """Keep the directory's lock."""
        if self._presence is not None:
            self._presence.share()

    def absent(self, db: Db) -> Collection[int]:
        """Unknown here: the supervisor tells which worker died."""
        return ()

    def appender(self, stem: str, *, whole: bool = False) -> Appender:
        """Writes files."""
        return FileAppender(self.folder / SEGMENTS, stem, 1 << 40 if whole else ROLL)

    def bodies(self, db: Db, places: Sequence[Place]) -> list[bytes]:
        """Reads files."""
        return [self.shelf.read(place) for place in places]

    def depot(self, kind: str) -> Depot:
        """Files in a folder."""
        (self.folder / kind).mkdir(parents=True, exist_ok=True, mode=0o700)
        return Folder(self.folder / kind)

    def segments(self, db: Db) -> list[str]:
        """The names of the files."""
        return self.shelf.names()

    def clear_segments(self, db: Db, mine: tuple[str, str]) -> bool:
        """Remove all at once."""
        for name in clearing.unused_segments(db, self.shelf.names(), mine):
            self.shelf.remove(name)
        return False

    def turn(self) -> AbstractContextManager[bool]:
        """Every worker may; what one has removed the next finds gone."""
        return nullcontext(True)

    def tell(self, db: Db) -> None:
        """The other workers look every second."""

    def listen(self, wake: Callable[[], None]) -> None:
        """Nobody tells."""

    def trouble(self, error: BaseException) -> bool:
        """A full disk, a lost one, a file that cannot be opened."""
        return (isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF in _TROUBLES) or (
            isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT, EFBIG, EIO)
        )

    def close(self) -> None:
        """Close all files."""
        self.shelf.close()
        if self._presence is not None:
            self._presence.close()
