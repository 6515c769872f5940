"""The writer thread: groups log lines, charges and batch work into transactions.

Rule 1. One transaction per group: what piled up while the last one was being committed (natural group commit).
Rule 2. ``add`` only appends to a deque, about a microsecond; a full buffer drops log lines and counts them, never a
charge.
Rule 3. Each piece of work is undone alone when it raises; its caller gets the error, the group goes on.
Rule 4. When the commit itself fails, work fails with it (nothing was stored) and log lines and charges wait for the
next try.
Rule 5. A group that was in another transaction's way is run again at once; one of which nobody knows whether it was
committed is asked for, with a new connection, before anything else is written.
Rule 6. Nobody waits for ever: whatever is raised in the thread becomes the error of those who wait, and the thread goes
on, with a new connection when the old one cannot be trusted.
"""

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from msgspec import Struct

from asbru.model.failure import Unavailable
from asbru.model.record import Record
from asbru.store import meters
from asbru.store.blobs import Appender
from asbru.store.db import BEGIN, Again, Db, InDoubt, Work, savepoint
from asbru.store.logs import charge_of, write_charges, write_lines

T = TypeVar("T")

_log = logging.getLogger("asbru.store")


_TRIES = 5
"""So often a group that lost against another transaction is run again."""


class Limits(Struct, frozen=True, kw_only=True):
    """``lines``: most buffered log lines. ``group``: most lines and most pieces of work in one transaction.

    ``pause``: seconds between groups of log lines when nobody waits for them. ``retry``: seconds after a failed commit.
    """

    lines: int = 65_536
    group: int = 1_024
    pause: float = 0.05
    retry: float = 0.25


class _Task(Struct):
    work: Callable[[Db], Any]
    future: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop
    result: Any = None
    error: Exception | None = None


class Writer:
    """The one thread of this process that writes to the database.

    ``connect`` is called in that thread. ``segments``: synced before every commit, to be used by work only.
    ``dropped``: log lines lost because the buffer was full.
    """

    def __init__(self, connect: Callable[[], Db], segments: Appender, limits: Limits) -> None:
        self.segments = segments
        self.dropped = 0
        self._connect = connect
        self._limits = limits
        self._bound = limits.lines
        self._lines: deque[Record] = deque()
        self._charges: deque[Record] = deque()
        self._tasks: deque[_Task] = deque()
        self._at_hand: list[_Task] = []
        self._db: Db | None = None
        self._failure: Exception | None = None
        self._wake = threading.Event()
        self._taken = 0
        self._stopping = False
        self._over = False
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
        if self._over:
            # The thread ended between the two lines above: nobody else would answer.
            self._fail_rest()
        return await future

    async def flush(self) -> None:
        """Wait until all that was added until now is committed. Raises why it cannot be."""
        goal = self._taken + len(self._lines)
        await self.do(lambda db: None)
        while self._taken < goal or self._charges:
            if self._failure is not None:
                raise self._failure
            await self.do(lambda db: None)

    def close(self) -> None:
        """Write what is left and end the thread. Blocks: not for the event loop."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._turn()
            for _ in range(3):
                self._turn()
        finally:
            self._over = True
            self._fail_rest()
            self._leave()

    def _turn(self) -> None:
        """Write all there is now. Raises nothing: whoever waits for what could not be done is told."""
        try:
            if not self._stopping:
                self._wake.wait(self._limits.pause)
                self._wake.clear()
            # Lines that come meanwhile wait for the next turn: a transaction costs as much as a hundred of them.
            goal = self._taken + len(self._lines)
            while self._taken < goal or self._charges or self._tasks:
                if not self._group():
                    self._wake.wait(self._limits.retry)
                    break
        except BaseException as error:
            _log.exception("the store's writer failed; it goes on")
            self._disconnect()
            self._answer(_presentable(error))

    def _group(self) -> bool:
        """Write one group; False when something has to wait for the next try."""
        tasks = self._at_hand = _take(self._tasks, self._limits.group)
        lines = _take(self._lines, self._limits.group)
        charges = _take(self._charges, self._limits.group)
        error = self._commit(tasks, lines, charges)
        self._note(error)
        if error is None:
            self._taken += len(lines)
            self._answer(None)
            return True
        self._lines.extendleft(reversed(lines))
        self._charges.extendleft(reversed(charges))
        if tasks and (lines or charges):
            # The log's trouble must not become the batches': their work gets a transaction of its own.
            error = self._commit(tasks, [], [])
        self._answer(error)
        return False

    def _note(self, error: Exception | None) -> None:
        """Say once that nothing can be written, and once that it can again."""
        if error is not None and self._failure is None:
            _log.error("the database cannot be written; log lines and charges are kept for later", exc_info=error)
        if error is None and self._failure is not None:
            _log.warning("the database can be written again")
        self._failure = error

    def _answer(self, error: Exception | None) -> None:
        tasks, self._at_hand = self._at_hand, []
        _deliver(tasks, error)

    def _commit(self, tasks: list[_Task], lines: list[Record], charges: list[Record]) -> Exception | None:
        """One transaction; why it failed, None when it did not."""
        for _ in range(_TRIES):
            made = self._db is None
            try:
                self._db = self._db or self._connect()
                self._write(self._db, tasks, lines, charges)
            except Again as error:
                self._undo()
                failed: Exception = error
            except Unavailable as error:
                self._undo()
                if made:
                    return error
                # The connection may have been dead for long: what it had begun is undone, a new one may do.
                failed = error
            except InDoubt as doubt:
                self._undo()
                return self._settled(doubt)
            except BaseException as error:
                self._undo()
                return _presentable(error)
            else:
                return None
        return failed

    def _settled(self, doubt: InDoubt) -> Exception | None:
        """Wait until it is known whether a group was committed; new work is refused while there is no database."""
        self._disconnect()
        while not self._stopping:
            try:
                self._db = self._db or self._connect()
                known = doubt.ask(self._db)
            except Exception as error:
                self._disconnect()
                self._note(_presentable(error))
                _deliver(_take(self._tasks, len(self._tasks)), _presentable(error))
                known = None
            if known is not None:
                return None if known else doubt
            self._wake.wait(self._limits.retry)
            self._wake.clear()
        return doubt

    def _write(self, db: Db, tasks: list[_Task], lines: list[Record], charges: list[Record]) -> None:
        db.execute(BEGIN)
        if lines:
            write_lines(db, lines)
        if lines or charges:
            records = (*lines, *charges)
            write_charges(db, [charge_of(record) for record in records])
            meters.spend(db, [(spend, record.at) for record in records for spend in record.spends])
        for task in tasks:
            _attempt(db, task)
        self.segments.sync(db)
        db.execute("COMMIT")

    def _undo(self) -> None:
        self.segments.abandon()
        try:
            if self._db is not None and self._db.in_transaction:
                self._db.execute("ROLLBACK")
            else:
                # Whatever ended the transaction may have ended the connection as well.
                self._disconnect()
        except Exception:
            self._disconnect()

    def _disconnect(self) -> None:
        """Have a new connection made for the next group; closing the old one undoes what it had begun."""
        db, self._db = self._db, None
        if db is not None:
            with contextlib.suppress(Exception):
                db.close()

    def _fail_rest(self) -> None:
        _deliver(_take(self._tasks, len(self._tasks)), RuntimeError("the store is closed"))

    def _leave(self) -> None:
        """Close everything, and say what could not be written."""
        lines, charges = len(self._lines), len(self._charges)
        if lines or charges:
            _log.error("log lines and charges are lost", extra={"lines": lines, "charges": lines + charges})
        try:
            self.segments.close()
        except OSError:
            _log.exception("the last segment could not be closed")
        self._disconnect()


def _take(queue: "deque[T]", most: int) -> list[T]:
    taken: list[T] = []
    with contextlib.suppress(IndexError):
        while len(taken) < most:
            taken.append(queue.popleft())
    return taken


def _attempt(db: Db, task: _Task) -> None:
    task.error = None
    try:
        with savepoint(db):
            task.result = task.work(db)
    except BaseException as error:
        task.error = _presentable(error)
        if not db.in_transaction or isinstance(error, Again):
            raise


def _presentable(error: BaseException) -> Exception:
    """As something that a future takes, and that ends no event loop when it is raised there."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    made = RuntimeError(f"work in the store was ended by {error!r}")
    made.__cause__ = error
    return made


def _deliver(tasks: list[_Task], error: Exception | None) -> None:
    """Complete the futures, with one wake-up per event loop: each its own error, else ``error``, else its result."""
    for task in tasks:
        task.error = task.error or error
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
