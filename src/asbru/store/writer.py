"""The writer thread: groups log lines, charges and batch work into transactions.

Rule 1. One transaction per group: what piled up while the last one was being committed (natural group commit).
Rule 2. ``add`` only appends to a deque, about a microsecond; a full buffer drops log lines and counts them, never a
charge.
Rule 3. Each piece of work is undone alone when it raises; its caller gets the error, the group goes on.
Rule 4. When the commit itself fails, work fails with it (nothing was stored) and log lines and charges wait for the
next try.
"""

import asyncio
import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from msgspec import Struct

from asbru.model.record import Record
from asbru.store.blobs import Appender
from asbru.store.logs import charge_of, write_charges, write_lines
from asbru.store.sqlite import Work, savepoint

T = TypeVar("T")


class Limits(Struct, frozen=True, kw_only=True):
    """``lines``: most buffered log lines. ``group``: most lines and most pieces of work in one transaction.

    ``pause``: seconds between groups of log lines when nobody waits for them. ``retry``: seconds after a failed commit.
    """

    lines: int = 65_536
    group: int = 1_024
    pause: float = 0.05
    retry: float = 0.25


class _Task(Struct):
    work: Callable[[sqlite3.Connection], Any]
    future: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop
    result: Any = None
    error: BaseException | None = None


class Writer:
    """The one thread of this process that writes to the database.

    ``connect`` is called in that thread. ``segments``: synced before every commit, to be used by work only.
    ``dropped``: log lines lost because the buffer was full.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], segments: Appender, limits: Limits) -> None:
        self.segments = segments
        self.dropped = 0
        self._connect = connect
        self._limits = limits
        self._bound = limits.lines
        self._lines: deque[Record] = deque()
        self._charges: deque[Record] = deque()
        self._tasks: deque[_Task] = deque()
        self._wake = threading.Event()
        self._taken = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="asbru-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def add(self, record: Record) -> None:
        """Keep a log line and its charge; written soon, without anybody waiting."""
        if len(self._lines) < self._bound:
            self._lines.append(record)
        else:
            self.dropped += 1
            self._charges.append(record)

    async def do(self, work: Work[T]) -> T:
        """Run ``work`` in a transaction; returns after its commit. Raises what ``work`` raises, or the commit's
        error.
        """
        if self._stopping:
            raise RuntimeError("the store is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._tasks.append(_Task(work, future, loop))
        self._wake.set()
        return await future

    async def flush(self) -> None:
        """Wait until all that was added until now is committed."""
        goal = self._taken + len(self._lines)
        await self.do(lambda db: None)
        while self._taken < goal or self._charges:
            await self.do(lambda db: None)

    def close(self) -> None:
        """Write what is left and end the thread. Blocks: not for the event loop."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        db = self._connect()
        try:
            while not self._stopping:
                self._wake.wait(self._limits.pause)
                self._wake.clear()
                self._drain(db)
            for _ in range(3):
                self._drain(db)
        finally:
            self._fail_rest()
            self.segments.close()
            db.close()

    def _drain(self, db: sqlite3.Connection) -> None:
        while self._lines or self._charges or self._tasks:
            if not self._group(db):
                self._wake.wait(self._limits.retry)
                return

    def _group(self, db: sqlite3.Connection) -> bool:
        tasks = _take(self._tasks, self._limits.group)
        lines = _take(self._lines, self._limits.group)
        charges = _take(self._charges, self._limits.group)
        try:
            self._commit(db, tasks, lines, charges)
        except Exception as error:
            self._undo(db)
            self._lines.extendleft(reversed(lines))
            self._charges.extendleft(reversed(charges))
            for task in tasks:
                task.error = error
            _deliver(tasks)
            return False
        self._taken += len(lines)
        _deliver(tasks)
        return True

    def _commit(self, db: sqlite3.Connection, tasks: list[_Task], lines: list[Record], charges: list[Record]) -> None:
        db.execute("BEGIN IMMEDIATE")
        if lines:
            write_lines(db, lines)
        if lines or charges:
            write_charges(db, [charge_of(record) for record in (*lines, *charges)])
        for task in tasks:
            _attempt(db, task)
        self.segments.sync()
        db.execute("COMMIT")

    def _undo(self, db: sqlite3.Connection) -> None:
        with contextlib.suppress(sqlite3.Error):
            if db.in_transaction:
                db.execute("ROLLBACK")
        self.segments.abandon()

    def _fail_rest(self) -> None:
        rest = _take(self._tasks, len(self._tasks))
        for task in rest:
            task.error = RuntimeError("the store is closed")
        _deliver(rest)


def _take(queue: "deque[T]", most: int) -> list[T]:
    return [queue.popleft() for _ in range(min(len(queue), most))]


def _attempt(db: sqlite3.Connection, task: _Task) -> None:
    try:
        with savepoint(db):
            task.result = task.work(db)
    except Exception as error:
        task.error = error
        if not db.in_transaction:
            raise


def _deliver(tasks: list[_Task]) -> None:
    """Complete the futures, with one wake-up per event loop."""
    loops = {task.loop for task in tasks}
    for loop in loops:
        mine = [task for task in tasks if task.loop is loop]
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, mine)


def _settle(tasks: list[_Task]) -> None:
    for task in tasks:
        if task.future.done():
            continue
        if task.error is not None:
            task.future.set_exception(task.error)
        else:
            task.future.set_result(task.result)
