"""A body that is read piece by piece (results of a batch) as a stream that is pushed to the client."""

import asyncio
from collections.abc import AsyncIterator

from asbru.logs import log
from asbru.model.http import Sink


class Pulled:
    """Reads ``source`` only as fast as the client takes it; closes it when the client leaves."""

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = source
        self._ready = asyncio.Event()
        self._ready.set()
        self._task: asyncio.Task[None] | None = None

    def start(self, sink: Sink) -> None:
        """Begin to read."""
        self._task = asyncio.get_running_loop().create_task(self._run(sink))

    async def _run(self, sink: Sink) -> None:
        try:
            async for chunk in self._source:
                sink.data(chunk)
                await self._ready.wait()
        except Exception as error:
            log.exception("a body broke off")
            sink.end(error)
        else:
            sink.end(None)

    def pause(self) -> None:
        """The client has enough for now."""
        self._ready.clear()

    def resume(self) -> None:
        """The client can take more."""
        self._ready.set()

    def cancel(self) -> None:
        """The client is gone."""
        if self._task is not None:
            self._task.cancel()
