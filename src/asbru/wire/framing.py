"""Framings by name: how a streamed body is cut into frames, and what media type tells so."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

from asbru.model.names import Framing
from asbru.wire.sse import Frame, Framer


class Cutter(Protocol):
    """Cuts one stream into frames, however its bytes arrive."""

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that ``chunk`` completes. Raises Broken for what cannot be one."""

    def flush(self) -> list[Frame]:
        """What is left when the stream is over."""


CUTTERS: Mapping[Framing, Callable[[], Cutter]] = MappingProxyType({Framing.SSE: Framer})

MEDIA_TYPES: Mapping[Framing, bytes] = MappingProxyType({Framing.SSE: b"text/event-stream; charset=utf-8"})
