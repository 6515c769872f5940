"""Reads usage out of an answer that passes untouched."""

from asbru.model.failure import Failure
from asbru.model.usage import Usage
from asbru.wire.codec import AnyCodec, Tap

KEPT = 8 << 20
"""Most bytes of a whole answer that are kept to be read when it is over; longer ones are files, not answers."""


class Observed:
    """A lane for a Pipe. ``codec``: None when nobody knows what passes. ``streamed``: it is a stream of events."""

    __slots__ = ("_asked", "_codec", "_kept", "_size", "_tap", "failure", "streamed", "usage")

    def __init__(self, codec: AnyCodec | None, asked: bool) -> None:
        self._codec = codec
        self._asked = asked
        self._tap: Tap | None = None
        self._kept: list[bytes] | None = None
        self._size = 0
        self.streamed = False
        self.usage = Usage()
        self.failure: Failure | None = None

    def begin(self, kind: bytes) -> None:
        """The answer begins. ``kind``: its media type."""
        self.streamed = kind.startswith((b"text/event-stream", b"application/vnd.amazon.eventstream"))
        codec = self._codec
        if codec is None:
            return
        if self.streamed and self._asked:
            self._tap = codec.tap(True)
        elif kind.startswith(b"application/json"):
            self._kept = []

    def feed(self, chunk: bytes) -> bytes:
        """``chunk``."""
        if self._tap is not None:
            self._tap.feed(chunk)
        elif self._kept is not None:
            self._size += len(chunk)
            self._kept.append(chunk)
            if self._size > KEPT:
                self._kept = None
        return chunk

    def finish(self) -> bytes:
        """Nothing; the usage is read."""
        if self._tap is not None:
            self._tap.finish()
            self.usage = self._tap.usage
        elif self._kept is not None and self._codec is not None:
            self.usage = self._codec.read_usage(b"".join(self._kept)) or Usage()
        return b""

    def fail(self, failure: Failure) -> bytes:
        """Nothing: such an answer is cut."""
        return b""
