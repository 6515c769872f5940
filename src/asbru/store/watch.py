"""Notices that what is configured has changed, whichever worker or gateway changed it."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from asbru.store import objects
from asbru.store.store import Store

EVERY = 0.3
"""Seconds between looks: a change is known everywhere within a second."""

_log = logging.getLogger("asbru.store")


class Watch:
    """Calls ``changed`` once at start and then after every change; a failure of it is tried again."""

    def __init__(self, store: Store, changed: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._changed = changed
        self._seen = -1
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look once, then go on looking."""
        await self.look()
        self._task = asyncio.create_task(self._run())

    async def look(self) -> None:
        """Look now."""
        revision = await self._store.read(objects.revision)
        if revision != self._seen:
            await self._changed()
            self._seen = revision

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.look()
            except Exception:
                _log.exception("what is configured could not be read; the last known holds")
