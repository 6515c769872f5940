"""The engine of one worker: claim, run, write, until stopped.

Rule 1. Items are claimed in chunks, a little ahead of what may start, taking turns among batches.
Rule 2. What has run is written in groups; a result, its charge and its log line are one transaction.
Rule 3. A claim that was lost (this worker was thought dead) is not written: somebody else has it.
Rule 4. Only this worker's own memory is needed to go on; after a crash everything needed is in the store.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from asbru.batch.desk import Desk
from asbru.batch.limit import end_stopped
from asbru.batch.pace import Pace, PaceSettings
from asbru.batch.rerun import WAITS
from asbru.batch.run import Attempt, Carry, Ran, attempt_of, run
from asbru.batch.sweep import Sweep, SweepSettings
from asbru.model.batches import Phase
from asbru.model.failure import Refused, Unavailable
from asbru.store import Store, batches, items
from asbru.store.batches import Active
from asbru.store.items import Claimed, Postponed

_log = logging.getLogger("asbru.batch")
_INLINE = 64 << 10


class EngineSettings(Struct, frozen=True, kw_only=True):
    """Durations in seconds. ``poll``: between looks for work that others left. ``beat``: between heartbeats.

    ``group``: items per transaction, or whatever there is after ``linger``. ``waits``: between the tries of an item.
    """

    poll: float = 1.0
    beat: float = 10.0
    group: int = 128
    linger: float = 0.02
    waits: tuple[float, ...] = WAITS
    pace: PaceSettings = PaceSettings()
    sweep: SweepSettings = SweepSettings()


class _Ready(Struct):
    """An item that is ours and has not started. ``body`` None: large, read when it starts."""

    item: Claimed
    batch: Active
    body: bytes | None
    session: int


class Engine:
    """``carry``: the gateway. ``live``: how many live exchanges run in this worker right now."""

    def __init__(
        self,
        store: Store,
        carry: Carry,
        live: Callable[[], int],
        settings: EngineSettings = EngineSettings(),  # noqa: B008
    ) -> None:
        self._store = store
        self._carry = carry
        self._live = live
        self._settings = settings
        self._paces: dict[str, Pace] = {}
        self._ready: dict[str, deque[_Ready]] = {}
        self._turns: dict[str, deque[Active]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._desk = Desk(store, settings.group, settings.linger)
        self._sweep = Sweep(store, settings.sweep)
        self._news = asyncio.Event()
        self._stale = True
        self._stopping = False

    def start(self) -> None:
        """Begin to work, in the running event loop."""
        self._loops = [
            asyncio.create_task(_for_ever(self._dispatch)),
            asyncio.create_task(_for_ever(self._desk.write_groups)),
            asyncio.create_task(_for_ever(self._beat)),
            asyncio.create_task(_for_ever(self._sweep.expire_for_ever)),
            asyncio.create_task(_for_ever(self._sweep.clear_for_ever)),
        ]

    def wake(self) -> None:
        """There is new work, or a batch was canceled."""
        self._stale = True
        self._news.set()

    async def stop(self, within: float = 0.0) -> None:
        """Start nothing more, let what runs finish within so many seconds, put back the rest, write everything."""
        self._stopping = True
        self._news.set()
        if self._running and within > 0:
            await asyncio.wait(self._running, timeout=within)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        for ready in self._ready.values():
            self._give_back(ready)
        self._ready.clear()
        await self._desk.empty()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._settings.beat)
            if not await self._store.beat():
                _log.warning("this worker was thought dead; what it had claimed runs elsewhere")
                self._ready.clear()
                self.wake()

    async def _dispatch(self) -> None:
        """Claim and start, whenever there is room and work."""
        seen = 0.0
        while not self._stopping:
            self._news.clear()
            now = time.monotonic()
            if self._stale or now - seen >= self._settings.poll:
                self._stale, seen = False, now
                await self._look()
            claimed = await self._claim()
            self._start_all()
            if not claimed:
                await self._wait(self._settings.poll)

    async def _wait(self, most: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most):
                await self._news.wait()

    async def _look(self) -> None:
        """See which batches have work now, and let go of items whose batch is being stopped, or is paused."""
        now = self._store.clock()
        active = await self._store.read(lambda db: batches.active(db, now))
        turns: dict[str, deque[Active]] = {}
        for batch in active:
            if batch.stopped and batch.phase is Phase.IN_PROGRESS:
                await end_stopped(self._store, batch)
            elif batch.phase is Phase.IN_PROGRESS:
                for provider in batch.due:
                    turns.setdefault(provider, deque()).append(batch)
        self._turns = {provider: _turned(mine, self._turns.get(provider)) for provider, mine in turns.items()}
        self._let_go({batch.seq for batch in active if batch.phase is Phase.IN_PROGRESS and not batch.paused})

    def _let_go(self, wanted: set[int]) -> None:
        for provider, ready in self._ready.items():
            gone = [one for one in ready if one.item.batch not in wanted]
            if gone:
                self._ready[provider] = deque(one for one in ready if one.item.batch in wanted)
                self._give_back(gone)

    def _give_back(self, ready: Sequence[_Ready] | deque[_Ready]) -> None:
        for one in ready:
            self._desk.put(Postponed(one.item.batch, one.item.n, 0.0, failed=False), one.session)

    async def _claim(self) -> bool:
        """One chunk for every provider that has room and work; whether any item was claimed."""
        wanted = [(provider, need) for provider in tuple(self._turns) if (need := self._need(provider)) > 0]
        took = await asyncio.gather(*(self._claim_for(provider, need) for provider, need in wanted))
        return any(took)

    def _need(self, provider: str) -> int:
        pace = self._pace(provider)
        if not self._turns[provider] or pace.wait() > 0:
            return 0
        at_hand = len(self._ready.get(provider, ()))
        need = pace.room(self._live()) + pace.ahead() - at_hand
        return need if at_hand == 0 or need * 2 > pace.ahead() else 0

    def _pace(self, provider: str) -> Pace:
        pace = self._paces.get(provider)
        if pace is None:
            pace = self._paces[provider] = Pace(time.monotonic, self._settings.pace)
        return pace

    async def _claim_for(self, provider: str, need: int) -> bool:
        turns = self._turns[provider]
        batch = turns[0]
        turns.rotate(-1)
        chunk = min(max(need // len(turns), 1), self._settings.group)
        session, now = self._store.session, self._store.clock()
        work = partial(items.claim, session=session, share=(batch.seq, provider), now=now, most=chunk)
        claimed = await self._store.write(work)
        if len(claimed) < chunk and batch in turns:
            turns.remove(batch)
        bodies = await self._bodies(claimed)
        ready = self._ready.setdefault(provider, deque())
        if session == self._store.session:
            ready.extend(_Ready(item, batch, body, session) for item, body in zip(claimed, bodies, strict=True))
        return bool(claimed)

    async def _bodies(self, claimed: list[Claimed]) -> list[bytes | None]:
        small = [item.ask for item in claimed if item.ask.length <= _INLINE]
        try:
            read = iter(await self._store.bodies(small))
        except (OSError, Unavailable):
            return [None] * len(claimed)
        return [next(read) if item.ask.length <= _INLINE else None for item in claimed]

    def _start_all(self) -> None:
        for provider in self._ready:
            self._start(provider)

    def _start(self, provider: str) -> None:
        """Start as many items as may run now."""
        ready = self._ready.get(provider)
        if not ready or self._stopping:
            return
        pace = self._pace(provider)
        for _ in range(min(pace.room(self._live()), len(ready))):
            pace.begin()
            task = asyncio.create_task(self._run(ready.popleft(), pace))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, one: _Ready, pace: Pace) -> None:
        """One item, from its body to the desk."""
        item, batch = one.item, one.batch
        began = time.monotonic()
        try:
            ran = await run(item, batch, await self._body(one), self._carry, self._store.clock())
        except asyncio.CancelledError:
            pace.end(time.monotonic() - began)
            self._give_back([one])
            raise
        except Unavailable:
            # The store is away, and nothing was sent: the claim must not be lost with it.
            pace.end(time.monotonic() - began)
            self._desk.put(Postponed(item.batch, item.n, 0.0, failed=False), one.session)
            return
        except OSError:
            ran = None, Refused(500, "The request's body can no longer be read.", code="api_error")
        self._settle(one, ran, pace, time.monotonic() - began)
        self._next(item.provider)

    def _settle(self, one: _Ready, ran: Ran, pace: Pace, took: float) -> None:
        """Put what became of an item on the desk, and learn from it how much the provider can take."""
        now = self._store.clock()
        try:
            attempt = attempt_of(one.item, one.batch, ran, (now, took, self._settings.waits))
        except Exception:
            # A bug of ours must not leave an item claimed for ever; it is tried again, until its batch expires.
            _log.exception("what became of an item could not be written", extra={"item": one.item.custom_id})
            attempt = Attempt(Postponed(one.item.batch, one.item.n, now + self._settings.waits[-1]))
        if attempt.overloaded:
            pace.overloaded(attempt.retry_after)
        else:
            pace.end(took)
        self._desk.put(attempt.result, one.session)

    def _next(self, provider: str) -> None:
        """An item is over: start the next, and have more claimed before there are none."""
        self._start(provider)
        if provider in self._turns and self._need(provider) > 0:
            self._news.set()

    async def _body(self, one: _Ready) -> bytes:
        return one.body if one.body is not None else (await self._store.bodies([one.item.ask]))[0]


def _turned(mine: "deque[Active]", before: "deque[Active] | None") -> "deque[Active]":
    """``mine`` in the order of the turns before, so that looking for work does not give the oldest batch another
    turn.
    """
    if before:
        first = before[0].seq
        while mine[0].seq < first and any(batch.seq >= first for batch in mine):
            mine.rotate(-1)
    return mine


async def _for_ever(loop: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run one of the engine's loops; when the disk, the database or a bug fails it, say so and go on."""
    while True:
        try:
            await loop()
            return
        except Exception:
            _log.exception("a part of the batch engine failed; it tries again")
            await asyncio.sleep(1.0)
