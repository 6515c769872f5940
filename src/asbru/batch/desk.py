"""Where results lie until they are written: in groups, each one transaction."""

import asyncio
import contextlib

from asbru.store import Store, items
from asbru.store.db import Db
from asbru.store.items import Done, Postponed

_MOST = 1_024


class Desk:
    """``group``: results that are written at once; fewer after ``linger`` seconds."""

    def __init__(self, store: Store, group: int, linger: float) -> None:
        self._store = store
        self._group = group
        self._linger = linger
        self._waiting: list[Done | Postponed] = []
        self._some = asyncio.Event()
        self._many = asyncio.Event()

    def put(self, result: Done | Postponed, session: int) -> None:
        """Take what became of an item that was claimed under ``session``; nothing when that session is over."""
        if session != self._store.session:
            return
        self._waiting.append(result)
        self._some.set()
        if len(self._waiting) >= self._group:
            self._many.set()

    async def write_groups(self) -> None:
        """Write, for ever, what lies here."""
        while True:
            await self._some.wait()
            if len(self._waiting) < self._group:
                await self._pause()
            await self.empty()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._linger):
                await self._many.wait()

    async def empty(self) -> None:
        """Write all that lies here now. Raises what the store raises; nothing is lost then."""
        while self._waiting:
            part = self._waiting[:_MOST]
            await self._write(part)
            del self._waiting[: len(part)]
        self._some.clear()
        self._many.clear()

    async def _write(self, part: list[Done | Postponed]) -> None:
        store = self._store
        session, now = store.session, store.clock()
        done = [one for one in part if isinstance(one, Done)]
        again = [one for one in part if isinstance(one, Postponed)]

        def work(db: Db) -> None:
            if done:
                items.finish(db, session, done, store.segments, now)
            if again:
                items.postpone(db, session, again, now)

        await store.write(work)
