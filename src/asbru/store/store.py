"""The store of one worker process: one writer thread, a few reader threads, the segments, and the worker's session."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from asbru.model.record import Record
from asbru.store import clearing, replies, sessions
from asbru.store.blobs import Appender, Place, Shelf
from asbru.store.db import Db, transaction
from asbru.store.reader import Reader
from asbru.store.sqlite import Presence, connect, locked, prepare
from asbru.store.writer import Limits, Writer

T = TypeVar("T")

DATABASE = "asbru.db"
SEGMENTS = "segments"
OUTBOX = "outbox"
SPOOL = "spool"
FILES = "files"
UPLOADS = "uploads"
"""Where unfinished uploads lie."""


class Store:
    """``app_dir``: everything lies below it. ``session``: the number under which this worker claims; it can change.

    ``segments`` is for work given to write() only. ``clock``: Unix seconds.
    """

    def __init__(self, app_dir: Path, worker: str, clock: Callable[[], float], limits: Limits) -> None:
        self.app_dir = app_dir
        self.worker = worker
        self.clock = clock
        self._presence = Presence(app_dir / "alive.lock")
        self.session = self._begin()
        self._presence.share()
        self.shelf = Shelf(app_dir / SEGMENTS)
        self.segments = Appender(app_dir / SEGMENTS, str(self.session))
        self._writer = Writer(partial(connect, self.database), self.segments, limits)
        self._reader = Reader(partial(connect, self.database))
        self.log: Callable[[Record], None] = self._writer.add
        self.write = self._writer.do
        self.read = self._reader.do
        self._writer.start()

    @classmethod
    def open(
        cls,
        app_dir: Path,
        worker: str,
        clock: Callable[[], float],
        limits: Limits = Limits(),  # noqa: B008  Immutable in use.
    ) -> "Store":
        """Open the store below ``app_dir``, making or upgrading it. A few milliseconds. Raises SchemaError, OSError."""
        for folder in ("", SEGMENTS, OUTBOX, SPOOL, FILES, UPLOADS):
            (app_dir / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(app_dir / "open.lock"):
            prepare(app_dir / DATABASE)
            return cls(app_dir, worker, clock, limits)

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.app_dir / DATABASE

    @property
    def dropped(self) -> int:
        """Log lines lost because the buffer was full."""
        return self._writer.dropped

    def _begin(self) -> int:
        """A session; when nobody else is alive, what dead workers left is cleared first."""
        now = self.clock()
        db = connect(self.database)
        try:
            with transaction(db):
                if self._presence.alone:
                    sessions.end_all(db, now)
                    clearing.abandon_intakes(db, now)
                return sessions.begin(db, self.worker, now + sessions.LEASE)
        finally:
            db.close()

    async def bodies(self, places: list[Place]) -> list[bytes]:
        """The bodies at ``places``. Raises OSError when one is gone."""
        return await self._reader.call(lambda: [self.shelf.read(place) for place in places])

    async def call(self, work: Callable[[], T]) -> T:
        """Run something slow in a reader's thread."""
        return await self._reader.call(work)

    async def beat(self) -> bool:
        """Renew the session, and free what dead workers held. False: it was lost, and a new one has begun."""
        now = self.clock()
        session = self.session

        def work(db: Db) -> int:
            held = sessions.renew(db, session, now + sessions.LEASE)
            sessions.lapse(db, now)
            if held:
                return session
            begun = sessions.begin(db, self.worker, now + sessions.LEASE)
            self.segments.restart(str(begun))
            return begun

        self.session = await self.write(work)
        return self.session == session

    async def release(self, worker: str) -> None:
        """Free what a worker held; the caller knows that it is dead."""
        now = self.clock()
        await self.write(lambda db: sessions.end_worker(db, worker, now))

    async def flush(self) -> None:
        """All that was logged until now is committed."""
        await self._writer.flush()

    async def close(self) -> None:
        """Write what is left, end the session and the threads. Raises why the session could not be ended."""
        now = self.clock()
        try:
            await self.write(lambda db: sessions.end(db, self.session, now))
        finally:
            await asyncio.to_thread(self.close_at_once)

    def close_at_once(self) -> None:
        """Close without ending the session; blocks. What it held is freed when its lease lapses or nobody is alive."""
        self._writer.close()
        self._reader.close()
        self.shelf.close()
        self._presence.close()

    def _mine(self) -> tuple[str, str]:
        return self.segments.stem, self.segments.name

    async def clear(self, before: float) -> None:
        """Archive batches created before a time and remove, step by step, what nobody can reach any more."""
        now = self.clock()
        await self.write(lambda db: clearing.archive(db, before, now))
        await self.write(lambda db: clearing.abandon_intakes(db, now - 3_600))
        while await self.write(clearing.clear_step):
            pass
        while await self.write(lambda db: replies.expire(db, now)):
            pass
        names = await self.call(self.shelf.names)
        unused = await self.write(lambda db: clearing.unused_segments(db, names, self._mine()))
        for name in unused:
            await self.call(partial(self.shelf.remove, name))
