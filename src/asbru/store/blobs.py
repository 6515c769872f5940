"""Bodies in append-only segments: rows hold the segment's name, an offset and a length.

On SQLite a segment is a file (this module), on PostgreSQL a row (``blocks.py``).

Rule 1. Bytes are written and synced before the transaction that refers to them commits; what a crash leaves behind at
the end of a segment is referred to by nothing.
Rule 2. A segment is written by one process, under a name that no other process and no later start uses: its stem is
the number of the session, and who gets a new session begins anew under that.
Rule 3. A segment that no batch uses any more is removed.
"""

import contextlib
import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from asbru.store.db import Db

ROLL = 64 << 20
"""Bytes after which a new segment is begun."""

_KEPT_OPEN = 64


class Place(Struct, frozen=True):
    """Where a body lies. ``segment`` "": there is none."""

    segment: str
    at: int
    length: int


NOWHERE = Place("", 0, 0)


class Appender(Protocol):
    """Writes one segment after the other, named ``<stem>-<k>``. For one thread; ``sync()`` before the commit."""

    stem: str
    name: str

    def append(self, body: bytes) -> Place:
        """Take ``body``; it can be read after sync(), by others after the commit."""

    def sync(self, db: Db | None = None) -> None:
        """Everything appended is on the disk, or part of the transaction of ``db``."""

    def abandon(self) -> None:
        """Begin anew: what was appended since the last sync is referred to by nothing."""

    def restart(self, stem: str) -> None:
        """Go on under another stem."""

    def close(self) -> None:
        """Nothing more will be appended."""


class FileAppender:
    """An Appender of files in a folder."""

    def __init__(self, folder: Path, stem: str, roll: int = ROLL) -> None:
        self.stem = stem
        self._folder = folder
        self._roll = roll
        self._made = 0
        self._handle = -1
        self._pending: list[bytes] = []
        self._end = 0
        self._dirty = False
        self.name = ""

    def append(self, body: bytes) -> Place:
        """Take ``body``; it can be read after sync()."""
        if not body:
            return NOWHERE
        if self._handle < 0 or self._end >= self._roll:
            self._begin()
        place = Place(self.name, self._end, len(body))
        self._pending.append(body)
        self._end += len(body)
        if len(self._pending) >= 512:
            self._write()
        return place

    def _begin(self) -> None:
        self.close()
        self._made += 1
        name = f"{self.stem}-{self._made}"
        self._handle = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self.name = name
        self._end = 0
        sync_folder(self._folder)

    def _write(self) -> None:
        if self._pending:
            rest = memoryview(b"".join(self._pending))
            self._pending.clear()
            self._dirty = True
            while rest:
                rest = rest[os.write(self._handle, rest) :]

    def sync(self, db: Db | None = None) -> None:
        """Everything appended is on the disk."""
        self._write()
        if self._dirty:
            os.fdatasync(self._handle)
            self._dirty = False

    def abandon(self) -> None:
        """Begin anew: what was appended since the last sync may be half written and is referred to by nothing."""
        self._pending.clear()
        self._dirty = False
        handle, self._handle = self._handle, -1
        if handle >= 0:
            with contextlib.suppress(OSError):
                os.close(handle)

    def restart(self, stem: str) -> None:
        """Go on under another stem."""
        self.close()
        self.stem, self._made = stem, 0

    def close(self) -> None:
        """Sync and close the current segment."""
        if self._handle >= 0:
            self.sync()
            os.close(self._handle)
            self._handle = -1


class Shelf:
    """Reads bodies; any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, place: Place) -> bytes:
        """The body at ``place``. Raises OSError when the segment is gone or shorter than the row says."""
        if not place.segment:
            return b""
        with self._lock:
            body = os.pread(self._handle(place.segment), place.length, place.at)
        if len(body) != place.length:
            raise OSError(f"segment {place.segment} ends before {place.at + place.length}")
        return body

    def _handle(self, name: str) -> int:
        handle = self._open.get(name)
        if handle is not None:
            self._open.move_to_end(name)
            return handle
        if len(self._open) >= _KEPT_OPEN:
            os.close(self._open.popitem(last=False)[1])
        handle = self._open[name] = os.open(self._folder / name, os.O_RDONLY | os.O_CLOEXEC)
        return handle

    def names(self) -> list[str]:
        """All segments on the disk."""
        return sorted(entry.name for entry in os.scandir(self._folder) if entry.is_file())

    def remove(self, name: str) -> None:
        """Remove a segment; an absent one is fine."""
        with self._lock:
            handle = self._open.pop(name, None)
            if handle is not None:
                os.close(handle)
        (self._folder / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            while self._open:
                os.close(self._open.popitem()[1])


def sync_folder(folder: Path) -> None:
    """Make new names in ``folder`` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
