"""A streamed answer on its way from the provider through a lane to the client.

Rule 1. Nothing reaches the client before the first good frame: until then a failure can still be tried elsewhere.
Rule 2. After it a failure becomes an error event in the client's dialect, or a cut where it has none (sound); a cut
answer never looks finished.
Rule 3. However it ends (whole, failed, client gone), ``over`` is called exactly once.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from asbru.model.failure import Broken, Failure
from asbru.model.http import Sink, Stream

CLIENT_GONE = Failure(499, "The client closed the connection.", code="request_cancelled")


class Passage(Protocol):
    """What a stream passes through: a lane, or one who only looks on."""

    @property
    def failure(self) -> Failure | None:
        """What the provider itself told the client in the middle of the stream; known after finish()."""

    def feed(self, chunk: bytes) -> bytes:
        """What to pass on now; may be empty. Raises Upstream for an error event or garbage."""

    def finish(self) -> bytes:
        """The last bytes. Raises Broken when the end marker has not been seen."""

    def fail(self, failure: Failure) -> bytes:
        """The bytes that tell the client, in the middle of its stream, what went wrong; none: it must be cut."""


class Pipe:
    """Sink of the provider's stream, stream for the client's sink."""

    __slots__ = ("_cut", "_failure", "_first", "_held", "_lane", "_open", "_over", "_sink", "_source")

    def __init__(self, source: Stream, lane: Passage, over: Callable[[Failure | None], None]) -> None:
        self._source = source
        self._lane = lane
        self._over = over
        self._sink: Sink | None = None
        self._held: list[bytes] = []
        self._first: asyncio.Future[None] | None = None
        self._failure: Failure | None = None
        self._cut: Failure | None = None
        self._open = True

    async def first(self) -> None:
        """Wait for the first good frame. Raises the Upstream failure that came instead; the source is then closed."""
        self._source.start(self)
        if not self._held and self._open:
            self._first = asyncio.get_running_loop().create_future()
            try:
                await self._first
            except asyncio.CancelledError:
                self._source.cancel()
                raise
        if self._failure is not None:
            raise self._failure

    # From the provider.

    def data(self, chunk: bytes) -> None:
        """One piece from the provider."""
        if not self._open:
            return
        try:
            out = self._lane.feed(chunk)
        except Failure as failure:
            self._source.cancel()
            self._fail(failure)
            return
        sink = self._sink
        if sink is None:
            if out:
                self._hold(out)
        elif out:
            sink.data(out)

    def _hold(self, out: bytes) -> None:
        self._held.append(out)
        if self._first is not None and not self._first.done():
            self._first.set_result(None)

    def end(self, error: Exception | None) -> None:
        """The provider's stream is over."""
        if not self._open:
            return
        if error is not None:
            self._fail(error if isinstance(error, Failure) else Broken(502, "The provider's stream broke off."))
            return
        try:
            rest = self._lane.finish()
        except Failure as failure:
            self._fail(failure)
            return
        self._close(self._lane.failure, rest)

    def _fail(self, failure: Failure) -> None:
        if self._held or self._sink is not None:
            told = self._lane.fail(failure)
            self._cut = None if told else failure
            self._close(failure, told)
            return
        self._open = False
        self._failure = failure
        if self._first is not None and not self._first.done():
            self._first.set_result(None)

    def _close(self, failure: Failure | None, rest: bytes) -> None:
        self._open = False
        if self._sink is None:
            self._hold(rest)
        else:
            if rest:
                self._sink.data(rest)
            self._sink.end(self._cut)
        self._over(failure)

    # From the client.

    def start(self, sink: Sink) -> None:
        """Attach the client."""
        self._sink = sink
        held, self._held = self._held, []
        for chunk in held:
            if chunk:
                sink.data(chunk)
        if not self._open:
            sink.end(self._cut)

    def pause(self) -> None:
        """The client has enough for now."""
        self._source.pause()

    def resume(self) -> None:
        """The client can take more."""
        self._source.resume()

    def cancel(self) -> None:
        """The client is gone."""
        if self._open:
            self._open = False
            self._source.cancel()
            self._over(CLIENT_GONE)
