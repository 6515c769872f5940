"""Ties the gate of one worker to the store: who is known, slices of limits, and what is given back of them."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from asbru.gateway.admission import Admission
from asbru.governance import Grant, Need
from asbru.model.people import Measure, Spend
from asbru.model.usage import Usage
from asbru.store import Store, meters
from asbru.store.people import read_people

_IDLE = 1.0
"""Seconds after which a slice that nobody uses goes back."""

_log = logging.getLogger("asbru.limits")


class Limits:
    """``admission`` is the gateway's. ``read()`` when the register has changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.admission = Admission(self._ask, store.clock)
        self._task: asyncio.Task[None] | None = None

    async def read(self) -> None:
        """Read who is known; slices of limits that may have changed go back."""
        self.admission.people = await self._store.read(read_people)
        await self._give_back(0.0)

    def start(self) -> None:
        """Begin to give back what is idle."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop; what is left goes back with the session."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def charge(self, owner: str, target: tuple[str, str], cost: int, usage: Usage) -> tuple[Spend, ...]:
        """What something of which nothing was held takes from its owner's limits (a provider's own batch API)."""
        people = self.admission.people
        if not owner and not people.limited:
            return ()
        amounts = {Measure.MONEY: cost, Measure.TOKENS: usage.input + usage.output, Measure.REQUESTS: 1}
        allowances = people.allowances(people.owner(owner), *target)
        return tuple(Spend(each.id, amounts[each.measure], 0, each) for each in allowances if amounts[each.measure])

    async def _ask(self, needs: Sequence[tuple[Need, int]]) -> list[Grant]:
        store = self._store
        now, holder = store.clock(), store.session
        return await store.write(lambda db: meters.grant(db, needs, holder, now))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_IDLE)
            try:
                await self._give_back(_IDLE)
            except Exception:
                _log.exception("slices of limits could not be given back; they are kept")

    async def _give_back(self, idle: float) -> None:
        back = self.admission.book.idle(self._store.clock(), idle)
        if back:
            await self._store.write(lambda db: meters.give_back(db, back))
