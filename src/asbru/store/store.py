"""The store of one worker process: one writer thread, a few reader threads, the segments, and the worker's session."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from asbru.model.failure import Failure, Unavailable
from asbru.model.record import Record
from asbru.store import clearing, replies, sessions, waits
from asbru.store.backend import Backend, PostgresTarget, SqliteTarget, Target
from asbru.store.blobs import Place
from asbru.store.db import Again, Db, InDoubt, Work, transaction
from asbru.store.directory import Directory
from asbru.store.reader import Reader
from asbru.store.sqlite import SchemaError
from asbru.store.writer import Limits, Writer

T = TypeVar("T")

OUTBOX = "outbox"
SPOOL = "spool"
FILES = "files"


class Clocks:
    """``now``: Unix seconds. ``ticks``: monotonic seconds, by which heartbeats are watched.

    ``told``: where gateways share a database, its time of day is gone by, and ``now`` is not asked again.
    """

    def __init__(
        self, now: Callable[[], float], ticks: Callable[[], float] = time.monotonic, *, told: bool = False
    ) -> None:
        self.ticks = ticks
        self._now = now
        self._told = told
        self._ahead: float | None = None

    def now(self) -> float:
        """Unix seconds."""
        return self._now() if self._ahead is None else self._ahead + self.ticks()

    def tell(self, now: float | None) -> None:
        """The time of day as the database has it."""
        if self._told and now is not None:
            self._ahead = now - self.ticks()


class Store:
    """``target``: where it is. ``session``: the number under which this worker claims; it can change.

    ``segments`` is for work given to write() only. ``clock``: Unix seconds. ``files``, ``outbox``: whole files.
    """

    def __init__(self, target: Target, worker: str, clocks: Clocks, limits: Limits) -> None:
        self.target = target
        self.app_dir = Path(target.app_dir)
        self.worker = worker
        self._clocks = clocks
        self.clock = clocks.now
        self._backend = backend = backend_of(target)
        self._watch = sessions.Watch(clocks.ticks)
        with backend.opening():
            backend.prepare()
            self.session = self._begin()
            backend.hold(self.session)
        self.files = backend.depot(FILES)
        self.outbox = backend.depot(OUTBOX)
        self.segments = backend.appender(str(self.session))
        self._writer = Writer(backend.connect, self.segments, limits)
        self._reader = Reader(partial(backend.connect, reading=True))
        self.log: Callable[[Record], None] = self._writer.add
        self._writer.start()

    @classmethod
    def open(
        cls,
        where: Path | Target,
        worker: str,
        clock: Callable[[], float] | Clocks,
        limits: Limits = Limits(),  # noqa: B008  Immutable in use.
    ) -> "Store":
        """Open the store at ``where`` (a path: SQLite in that directory), making or upgrading it. A few milliseconds.

        Raises SchemaError, OSError.
        """
        target = SqliteTarget(str(where)) if isinstance(where, Path) else where
        app_dir = Path(target.app_dir)
        for folder in (app_dir, app_dir / SPOOL):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(target, worker, clock if isinstance(clock, Clocks) else Clocks(clock), limits)

    @property
    def dropped(self) -> int:
        """Log lines lost because the buffer was full."""
        return self._writer.dropped

    def _begin(self) -> int:
        """A session; what workers that are certainly dead left is cleared first."""
        db = self._backend.connect()
        try:
            self._clocks.tell(self._backend.now(db))
            now = self.clock()
            orphans = self._backend.orphans(db)
            with transaction(db):
                sessions.end(db, orphans, now)
                if db.execute("SELECT 1 FROM sessions LIMIT 1").fetchone() is None:
                    clearing.abandon_intakes(db, now)
                begun = sessions.begin(db, self.worker, now + sessions.LEASE)
            self._watch.dead(db)
            return begun
        finally:
            db.close()

    async def write(self, work: Work[T]) -> T:
        """Run ``work`` in a transaction; returns after its commit. Raises what ``work`` raises, Unavailable when the
        store cannot be written now.
        """
        try:
            return await self._writer.do(work)
        except Exception as error:
            raise self._said(error) from error

    async def read(self, work: Work[T]) -> T:
        """What ``work`` reads. Raises what it raises, Unavailable when the store cannot be read now."""
        try:
            return await self._reader.do(work)
        except Exception as error:
            raise self._said(error) from error

    def _said(self, error: Exception) -> Exception:
        if isinstance(error, Failure) or not (isinstance(error, Again | InDoubt) or self._backend.trouble(error)):
            return error
        return Unavailable("The gateway's store cannot be used now; try again.", detail=repr(error))

    async def bodies(self, places: list[Place]) -> list[bytes]:
        """The bodies at ``places``. Raises OSError when one is gone."""
        return await self.read(lambda db: self._backend.bodies(db, places))

    async def call(self, work: Callable[[], T]) -> T:
        """Run something slow in a reader's thread."""
        return await self._reader.call(work)

    async def beat(self) -> bool:
        """Renew the session, and free what dead workers held. False: it was lost, and a new one has begun."""
        now = self.clock()
        session = self.session

        def work(db: Db) -> int:
            self._clocks.tell(self._backend.now(db))
            held = sessions.renew(db, session, now + sessions.LEASE)
            begun = session if held else sessions.begin(db, self.worker, now + sessions.LEASE)
            dead = self._watch.dead(db, self._backend.absent(db))
            sessions.end(db, [each for each in dead if each != begun], now)
            waits.cut_short(db, now)
            if not held:
                # What it claimed since it was given up is nobody's now.
                sessions.free(db, now)
                self.segments.restart(str(begun))
            return begun

        self.session = await self.write(work)
        self._backend.hold(self.session)
        return self.session == session

    async def release(self, worker: str) -> None:
        """Free what a worker held; the caller knows that it is dead."""
        now = self.clock()
        await self.write(lambda db: sessions.end_worker(db, worker, now))

    def on_news(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called in the running event loop when another gateway has made work, or stopped it."""
        loop = asyncio.get_running_loop()

        def tell() -> None:
            loop.call_soon_threadsafe(wake)

        self._backend.listen(tell)

    async def tell(self) -> None:
        """Wake the other gateways. One that is not reached looks every second anyway."""
        if self._backend.shared:
            await self.write(self._backend.tell)

    async def flush(self) -> None:
        """All that was logged until now is committed."""
        await self._writer.flush()

    async def close(self) -> None:
        """Write what is left, end the session and the threads. Raises why the session could not be ended."""
        now = self.clock()
        try:
            await self.write(lambda db: sessions.end(db, [self.session], now))
        finally:
            await asyncio.to_thread(self.close_at_once)

    def close_at_once(self) -> None:
        """Close without ending the session; blocks. What it held is freed when its lease lapses or nobody is alive."""
        self._writer.close()
        self._reader.close()
        self._backend.close()

    async def clear(self, before: float) -> None:
        """Archive batches created before a time and remove, step by step, what nobody can reach any more."""
        with self._backend.turn() as mine:
            if mine:
                await self._clear(before)

    async def _clear(self, before: float) -> None:
        now = self.clock()
        await self.write(lambda db: clearing.archive(db, before, now))
        await self.write(lambda db: clearing.abandon_intakes(db, now - 3_600))
        while await self.write(clearing.clear_step):
            pass
        while await self.write(lambda db: replies.expire(db, now)):
            pass
        while await self.write(lambda db: self._backend.clear_segments(db, (self.segments.stem, self.segments.name))):
            pass

    async def segment_names(self) -> list[str]:
        """All segments."""
        return await self.read(self._backend.segments)


def backend_of(target: Target) -> Backend:
    """What opens ``target``. Raises SchemaError when its driver is not installed."""
    if isinstance(target, PostgresTarget):
        try:
            from asbru.store.cluster import Cluster  # The driver is an extra, and costs 0.1 s.
        except ModuleNotFoundError as error:
            raise SchemaError("PostgreSQL needs its driver: pip install 'asbru[postgres]'") from error
        return Cluster(target)
    return Directory(Path(target.app_dir))
