"""The body of an answer that is still arriving, as a ``model.http.Stream``."""

from typing import Protocol

from asbru.model.http import Sink


class Source(Protocol):
    """The connection a body arrives on."""

    def pause(self) -> None:
        """Stop reading from the socket."""

    def resume(self) -> None:
        """Read again."""

    def drop(self) -> None:
        """Close the socket; the body is not wanted any more."""


class Incoming:
    """A body in pieces. What comes before ``start`` is kept; the source is paused above ``KEEP`` bytes."""

    __slots__ = ("_early", "_ended", "_error", "_kept", "_sink", "_source", "paused")

    KEEP = 256 << 10

    def __init__(self, source: Source | None) -> None:
        self._source = source
        self._sink: Sink | None = None
        self._early: list[bytes] = []
        self._kept = 0
        self._ended = False
        self._error: Exception | None = None
        self.paused = False

    def start(self, sink: Sink) -> None:
        """Push what is here, then whatever comes."""
        early, self._early, self._kept = self._early, [], 0
        self._sink = sink
        self.resume()
        if early:
            sink.data(b"".join(early))
        if self._ended and self._sink is sink:
            self._finish(sink)

    def pause(self) -> None:
        """Let the socket's buffers fill: the provider slows down."""
        if self._source is not None and not self.paused:
            self.paused = True
            self._source.pause()

    def resume(self) -> None:
        """Read again."""
        if self._source is not None and self.paused:
            self.paused = False
            self._source.resume()

    def cancel(self) -> None:
        """Close the connection to the provider at once."""
        source, self._source = self._source, None
        self._sink = None
        self._early = []
        if source is not None:
            source.drop()

    def push(self, chunk: bytes) -> None:
        """From the connection: a piece."""
        if self._sink is not None:
            self._sink.data(chunk)
            return
        self._early.append(chunk)
        self._kept += len(chunk)
        if self._kept > self.KEEP:
            self.pause()

    def finish(self, error: Exception | None) -> None:
        """From the connection: the end."""
        self._source = None
        self._ended = True
        self._error = error
        if self._sink is not None:
            self._finish(self._sink)

    def _finish(self, sink: Sink) -> None:
        self._sink = None
        sink.end(self._error)
