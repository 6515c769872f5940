"""Bytes in PostgreSQL, where every gateway can reach them: bodies of batches, uploaded files, lines of jobs.

Rule 1. The bodies of one transaction are one segment, a row of ``blobs`` that is part of it: there is no segment
without rows that refer to it, and none that is half written.
Rule 2. A file is a row for each megabyte, all in one transaction.
Rule 3. ``blobs`` are kept uncompressed and out of line (EXTERNAL), so that a body is read out of a segment without the
rest.
"""

import io
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from asbru.store.blobs import NOWHERE, Place
from asbru.store.db import Conflict, Db, transaction
from asbru.store.postgres import PostgresDb

_ROLL = 1 << 20
"""Bytes after which a new segment is begun."""
_PIECE = 1 << 20
_SEGMENT = "segments/"
_STEP = 100
"""Segments removed in one transaction."""

INSERT = "INSERT INTO blobs (name, k, written_at, bytes) VALUES (?, ?, ?, ?)"
"""A part of a file, or a segment."""
_READ = (
    "SELECT substring(b.bytes FROM p.at::int + 1 FOR p.length::int)"
    " FROM unnest(?::text[], ?::bigint[], ?::bigint[]) WITH ORDINALITY AS p(name, at, length, i)"
    " LEFT JOIN blobs b ON b.name = p.name AND b.k = 0 ORDER BY p.i"
)
_UNUSED = (
    "DELETE FROM blobs WHERE (name, k) IN (SELECT b.name, b.k FROM blobs b WHERE b.name LIKE 'segments/%' AND"
    " NOT EXISTS (SELECT 1 FROM segment_uses u WHERE u.segment = substr(b.name, 10)) LIMIT ?)"
)


class BlockAppender:
    """An Appender of rows; ``sync(db)`` writes them in the transaction of ``db``."""

    def __init__(self, stem: str) -> None:
        self.stem = stem
        self.name = ""
        self._made = 0
        self._size = 0
        self._bodies: list[bytes] = []
        self._full: list[tuple[str, bytes]] = []

    def append(self, body: bytes) -> Place:
        """Take ``body``."""
        if not body:
            return NOWHERE
        if self._bodies and self._size + len(body) > _ROLL:
            self._finish()
        if not self._bodies:
            self._made += 1
            self.name = f"{self.stem}-{self._made}"
        place = Place(self.name, self._size, len(body))
        self._bodies.append(body)
        self._size += len(body)
        return place

    def _finish(self) -> None:
        if self._bodies:
            self._full.append((self.name, b"".join(self._bodies)))
        self._bodies, self._size = [], 0

    def sync(self, db: Db | None = None) -> None:
        """Everything appended is part of the transaction."""
        self._finish()
        rows, self._full = self._full, []
        if rows:
            assert db is not None, "segments are written in a transaction here"
            db.executemany(INSERT, [(_SEGMENT + name, 0, time.time(), body) for name, body in rows])

    def abandon(self) -> None:
        """Forget what was not written; its names are not used again."""
        self._bodies, self._size, self._full = [], 0, []

    def restart(self, stem: str) -> None:
        """Go on under another stem."""
        self._finish()
        self.stem, self._made = stem, 0

    def close(self) -> None:
        """Nothing more will be appended."""


def read(db: Db, places: Sequence[Place]) -> list[bytes]:
    """The bodies at ``places``. Raises OSError when one is gone."""
    there = [place for place in places if place.segment]
    if not there:
        return [b""] * len(places)
    assert isinstance(db, PostgresDb)
    names, ats, lengths = zip(*((_SEGMENT + place.segment, place.at, place.length) for place in there), strict=True)
    found = iter(db.bytes_of(_READ, (list(names), list(ats), list(lengths))))
    bodies = [next(found) if place.segment else b"" for place in places]
    for place, body in zip(places, bodies, strict=True):
        if body is None or len(body) != place.length:
            raise OSError(f"segment {place.segment} ends before {place.at + place.length}, or is gone")
    return cast(list[bytes], bodies)


def segments(db: Db) -> list[str]:
    """The names of all segments."""
    rows = db.execute("SELECT name FROM blobs WHERE name LIKE 'segments/%' ORDER BY name").fetchall()
    return [row[0].removeprefix(_SEGMENT) for row in rows]


def clear_step(db: Db) -> bool:
    """Remove some segments that no batch uses any more; whether there may be more."""
    return db.execute(_UNUSED, (_STEP,)).rowcount == _STEP


class Table:
    """A Depot in the database. ``connect``: makes a connection. ``folder``: for drafts and copies, on this machine."""

    def __init__(self, connect: Callable[[], PostgresDb], kind: str, folder: Path) -> None:
        self._connect = connect
        self._prefix = f"{kind}/"
        self._folder = folder

    def draft(self, name: str) -> BinaryIO:
        """A new file to write to."""
        return (self._folder / f"{name}.draft").open("w+b")

    def keep(self, name: str, file: BinaryIO) -> None:
        """The draft is complete: move it into the database."""
        with file:
            file.seek(0)
            try:
                with self._connected() as db, transaction(db):
                    self._insert(db, name, file)
            except Conflict:
                raise FileExistsError(f"there is a file {name} already") from None
            finally:
                (self._folder / f"{name}.draft").unlink(missing_ok=True)

    def _insert(self, db: Db, name: str, file: BinaryIO) -> None:
        piece, k = file.read(_PIECE), 0
        while piece or k == 0:
            db.execute(INSERT, (self._prefix + name, k, time.time(), piece))
            piece, k = file.read(_PIECE), k + 1

    def open(self, name: str) -> BinaryIO:
        """A kept file, to be read from the start. Raises FileNotFoundError."""
        db = self._connect()
        reader = _Pieces(db, self._prefix + name)
        if not reader.found:
            reader.close()
            raise FileNotFoundError(f"there is no file {name} in the database")
        return cast(BinaryIO, io.BufferedReader(reader, _PIECE))

    def path(self, name: str) -> Path:
        """A copy on this machine; the sweep removes it when it has not been used for an hour."""
        copy = self._folder / name
        if copy.exists():
            copy.touch()
            return copy
        half = copy.with_name(f"{name}.{time.monotonic_ns()}")
        with self.open(name) as file, half.open("wb") as out:
            while piece := file.read(_PIECE):
                out.write(piece)
        half.replace(copy)
        return copy

    def remove(self, name: str) -> None:
        """Remove a file or a draft; an absent one is fine."""
        for local in (name, f"{name}.draft"):
            (self._folder / local).unlink(missing_ok=True)
        with self._connected() as db:
            db.execute("DELETE FROM blobs WHERE name = ?", (self._prefix + name,))

    def entries(self) -> list[tuple[str, float]]:
        """All names, each with the time it was last written (Unix seconds)."""
        with self._connected() as db:
            mine = "SELECT name, max(written_at) FROM blobs WHERE name LIKE ? GROUP BY name"
            rows = db.execute(mine, (self._prefix + "%",)).fetchall()
        self._forget_copies()
        return [(name.removeprefix(self._prefix), at) for name, at in rows]

    def _forget_copies(self) -> None:
        for entry in self._folder.iterdir():
            if entry.stat().st_mtime < time.time() - 3_600:
                entry.unlink(missing_ok=True)

    def _connected(self) -> "_Connected":
        return _Connected(self._connect)


class _Connected:
    """A connection for a moment."""

    def __init__(self, connect: Callable[[], PostgresDb]) -> None:
        self._connect = connect

    def __enter__(self) -> PostgresDb:
        self._db = self._connect()
        return self._db

    def __exit__(self, *error: object) -> None:
        self._db.close()


class _Pieces(io.RawIOBase):
    """Reads the rows of one file, one at a time."""

    def __init__(self, db: PostgresDb, name: str) -> None:
        self._db = db
        self._name = name
        self._rest = memoryview(b"")
        self._at = self._k = 0
        self.found = self._advance()

    def _advance(self) -> bool:
        found = self._db.bytes_of("SELECT bytes FROM blobs WHERE name = ? AND k = ?", (self._name, self._k))
        self._k += 1
        self._rest = memoryview(found[0] or b"" if found else b"")
        return bool(found)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, at: int, whence: int = 0) -> int:
        assert whence == io.SEEK_SET, "files are read from a place on"
        if at != self._at:
            self._at, self._k = at, at // _PIECE
            self._advance()
            self._rest = self._rest[at % _PIECE :]
        return at

    def readinto(self, into: "memoryview") -> int:  # type: ignore[override]
        if not self._rest and not self._advance():
            return 0
        count = min(len(into), len(self._rest))
        into[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self._at += count
        return count

    def close(self) -> None:
        if not self.closed:
            self._db.close()
        super().close()
