"""Framings by name: how a streamed body is cut into frames, and what media type tells so."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

from asbru.model.names import Framing
from asbru.wire.aws import ChunkCutter, EventCutter, write_chunk, write_event
from asbru.wire.sse import Frame, Framer, write_frame


class Cutter(Protocol):
    """Cuts one stream into frames, however its bytes arrive."""

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that ``chunk`` completes. Raises Broken for what cannot be one."""

    def flush(self) -> list[Frame]:
        """What is left when the stream is over."""


class Uncut:
    """Every piece is a frame. The last one is told by an empty frame named ``end``."""

    def feed(self, chunk: bytes) -> list[Frame]:
        """The piece."""
        return [Frame("", chunk)]

    def flush(self) -> list[Frame]:
        """The end."""
        return [Frame("end", b"")]


def _write_sse(frame: Frame) -> bytes:
    """Line ends stand between the tokens of JSON only; in this framing they would end the data."""
    data = frame.data
    if b"\n" in data or b"\r" in data:
        data = data.replace(b"\n", b" ").replace(b"\r", b" ")
    return write_frame(frame.event, data)


def _write_bytes(frame: Frame) -> bytes:
    return frame.data


CUTTERS: Mapping[Framing, Callable[[], Cutter]] = MappingProxyType(
    {Framing.SSE: Framer, Framing.AWS: EventCutter, Framing.AWS_CHUNKS: ChunkCutter, Framing.BYTES: Uncut}
)

WRITERS: Mapping[Framing, Callable[[Frame], bytes]] = MappingProxyType(
    {
        Framing.SSE: _write_sse,
        Framing.AWS: write_event,
        Framing.AWS_CHUNKS: write_chunk,
        Framing.BYTES: _write_bytes,
    }
)
"""One frame as bytes."""

_AWS = b"application/vnd.amazon.eventstream"

MEDIA_TYPES: Mapping[Framing, bytes] = MappingProxyType(
    {
        Framing.SSE: b"text/event-stream; charset=utf-8",
        Framing.AWS: _AWS,
        Framing.AWS_CHUNKS: _AWS,
        Framing.BYTES: b"",
    }
)
"""Empty: that of the provider's answer."""

MARKS: Mapping[Framing, bytes] = MappingProxyType(
    {Framing.SSE: b"\n\n", Framing.AWS: b":event-type", Framing.AWS_CHUNKS: b":event-type"}
)
"""What every frame holds once: frames of passing bytes are counted by it."""
