"""A stream of server-sent events as one JSON array, which is how Google streams to clients that ask for no SSE."""

from collections.abc import Callable

from asbru.model.http import Sink, Stream
from asbru.wire.framing import Cutter


class ArrayStream:
    """Stream for the client's sink, sink of the stream of events. Each event's data becomes an item."""

    __slots__ = ("_cutter", "_next", "_sink", "_source")

    def __init__(self, source: Stream, cutter: Callable[[], Cutter]) -> None:
        self._source = source
        self._cutter = cutter()
        self._sink: Sink | None = None
        self._next = b"["

    def start(self, sink: Sink) -> None:
        """Attach the client."""
        self._sink = sink
        self._source.start(self)

    def data(self, chunk: bytes) -> None:
        """A piece of the stream of events."""
        assert self._sink is not None
        out = self._items([frame.data for frame in self._cutter.feed(chunk)])
        if out:
            self._sink.data(out)

    def end(self, error: Exception | None) -> None:
        """The stream of events is over."""
        assert self._sink is not None
        if error is None:
            rest = self._items([frame.data for frame in self._cutter.flush()])
            self._sink.data(rest + (b"[]" if self._next == b"[" else b"]"))
        self._sink.end(error)

    def pause(self) -> None:
        """The client has enough for now."""
        self._source.pause()

    def resume(self) -> None:
        """The client can take more."""
        self._source.resume()

    def cancel(self) -> None:
        """The client is gone."""
        self._source.cancel()

    def _items(self, items: list[bytes]) -> bytes:
        if not items:
            return b""
        out = self._next + b",\r\n".join(items)
        self._next = b",\r\n"
        return out
