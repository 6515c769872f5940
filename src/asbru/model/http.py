"""What passes between the rooms that carry bytes: an answer, and a body that arrives in pieces.

Rule 1. Header names are lower case; repeated headers are joined with ``, `` into one value.
Rule 2. A stream is pushed, not pulled: no coroutine runs per chunk. The sink says pause() when it has enough.
Rule 3. After end() or cancel() a stream is over; nothing more is sent and cancel() does nothing.
"""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

Headers = Mapping[bytes, bytes]

NO_HEADERS: Headers = {}


class Sink(Protocol):
    """Who takes the pieces of a stream."""

    def data(self, chunk: bytes) -> None:
        """Take one piece; called in order, never concurrently."""

    def end(self, error: Exception | None) -> None:
        """Take the end: None when the body is whole. Called exactly once."""


class Stream(Protocol):
    """A body that arrives in pieces."""

    def start(self, sink: Sink) -> None:
        """Begin to push into ``sink``. Called once; pieces that already arrived are pushed before it returns."""

    def pause(self) -> None:
        """Stop reading from the source as soon as possible (some pieces may still come)."""

    def resume(self) -> None:
        """Go on after pause()."""

    def cancel(self) -> None:
        """The reader is gone: stop the source and free what it holds; end() is not called."""


class Answer(Struct, kw_only=True):
    """A status, headers and a body: whole (``body``) or in pieces (``stream``; then ``body`` is empty).

    ``length``: bytes of the pieces, where it is known and the client is to know it; None: it finds out.
    """

    status: int
    headers: Headers = NO_HEADERS
    body: bytes = b""
    stream: Stream | None = None
    length: int | None = None
