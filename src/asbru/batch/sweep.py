"""What has to happen because time passes: batches expire after 24 hours, results are kept for 29 days."""

import asyncio
from functools import partial

from msgspec import Struct

from asbru.batch.outbox import abandoned, remove
from asbru.store import Store, batches, files, jobs

DAY = 86_400.0


class SweepSettings(Struct, frozen=True, kw_only=True):
    """Seconds. ``expire``, ``clear``: between two looks. ``keep``: age at which results are archived."""

    expire: float = 5.0
    clear: float = 600.0
    keep: float = 29 * DAY


class Sweep:
    """Every worker sweeps; what one has done the next finds done."""

    def __init__(self, store: Store, settings: SweepSettings) -> None:
        self._store = store
        self._settings = settings

    async def expire_for_ever(self) -> None:
        """Expire what is due, from now on."""
        while True:
            await self.expire()
            await asyncio.sleep(self._settings.expire)

    async def clear_for_ever(self) -> None:
        """Archive and clear, from now on."""
        while True:
            await self.clear()
            await asyncio.sleep(self._settings.clear)

    async def expire(self) -> None:
        """Expire what is due now."""
        now = self._store.clock()
        if await self._store.read(lambda db: batches.expired(db, now)):
            await self._store.write(lambda db: jobs.expire(db, now))

    async def clear(self) -> None:
        """Archive what is old enough now, and remove what nobody can reach."""
        await self._store.clear(self._store.clock() - self._settings.keep)
        await self._clear_outbox()
        await self._clear_files()

    async def _clear_files(self) -> None:
        """Remove files whose time is over, and bytes that an upload which died an hour ago or earlier left behind."""
        store, now = self._store, self._store.clock()
        await store.write(lambda db: files.expire(db, now))
        old = [name for name, at in await store.call(store.files.entries) if at < now - 3_600]
        for name in await store.read(lambda db: files.unused(db, old)) if old else ():
            await store.call(partial(store.files.remove, name))

    async def _clear_outbox(self) -> None:
        """Remove lines of jobs that were never planned: their gatherer died an hour ago or earlier."""
        outbox = self._store.outbox
        old = await self._store.call(partial(abandoned, outbox, self._store.clock() - 3_600))
        wanted = await self._store.read(jobs.open_ids) if old else frozenset()
        for job in old - wanted:
            await self._store.call(partial(remove, outbox, job))
