"""A streamed response that is kept when it is over: its last event waits until that is done.

Rule 1. Only our own last event is looked for, by the id that it must have; a stream of another one passes untouched
from its first piece on.
Rule 2. The client hears that a response is complete once it can be found again. When it cannot be kept, the client has
it all the same, and the log says why.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from asbru.model.http import Sink, Stream

LOG = logging.getLogger("asbru.edge")

_ENDS = (b"event: response.completed\ndata: ", b"event: response.incomplete\ndata: ")

Keep = Callable[[bytes], Awaitable[None]]
"""Keeps a response, given the data of the event that holds it."""


class Keeping:
    """Stream for the client, sink of the answer. ``mark``: bytes that the first piece of a stream of ours holds."""

    __slots__ = ("_error", "_held", "_keep", "_looking", "_mark", "_over", "_sink", "_source", "_task")

    def __init__(self, source: Stream, mark: bytes, keep: Keep) -> None:
        self._source = source
        self._mark = mark
        self._keep = keep
        self._sink: Sink | None = None
        self._looking: bool | None = None
        self._held = b""
        self._over = False
        self._error: Exception | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, sink: Sink) -> None:
        """Attach the client."""
        self._sink = sink
        self._source.start(self)

    def data(self, chunk: bytes) -> None:
        """One piece of the answer."""
        if self._looking is None:
            self._looking = self._mark in chunk
        if self._looking:
            self._look(chunk)
        elif self._sink is not None:
            self._sink.data(chunk)

    def _look(self, chunk: bytes) -> None:
        if self._task is not None:
            self._held += chunk
            return
        at = max(chunk.rfind(end) for end in _ENDS)
        if at < 0:
            if self._sink is not None:
                self._sink.data(chunk)
            return
        self._held = chunk
        told = chunk[at:].partition(b"\ndata: ")[2].partition(b"\n\n")[0]
        self._task = asyncio.get_running_loop().create_task(self._finish(told))

    async def _finish(self, told: bytes) -> None:
        try:
            await self._keep(told)
        except Exception:
            LOG.exception("a response could not be kept")
        held, self._held, self._task, self._looking = self._held, b"", None, False
        if self._sink is not None:
            self._sink.data(held)
            if self._over:
                self._sink.end(self._error)

    def end(self, error: Exception | None) -> None:
        """The answer is over; the client hears of it when its last event has been kept."""
        self._over, self._error = True, error
        if self._task is None and self._sink is not None:
            self._sink.end(error)

    def pause(self) -> None:
        """The client has enough for now."""
        self._source.pause()

    def resume(self) -> None:
        """The client can take more."""
        self._source.resume()

    def cancel(self) -> None:
        """The client is gone; what is being kept is kept."""
        self._sink = None
        self._source.cancel()
