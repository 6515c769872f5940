"""Streams of images, sound and transcripts: what their taps and readers have in common.

Rule 1. An event tells its kind in ``type``; the last one also holds the usage. A frame may be a whole image: of a long
one only the ends are kept, which is where everything but base64 stands.
Rule 2. These streams are not read into the model, as no other format's client meets them; but their errors are.
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.events import Event
from asbru.model.failure import Failure
from asbru.model.usage import Usage
from asbru.wire.openai.errors import error_body, read_stream_error
from asbru.wire.openai.media_usage import MediaUsage, to_usage
from asbru.wire.passing import data_of, frames_of, last_end
from asbru.wire.shapes import BAD_JSON, NOTHING, given, write_json
from asbru.wire.sse import Frame, write_frame

END = 32 << 10
"""Bytes that are kept of either end of a long frame."""


class _Seen(Struct):
    type: str = ""
    usage: MediaUsage | None = None
    error: Raw = NOTHING


_seen = msgspec.json.Decoder(_Seen).decode


class MediaTap:
    """One stream's tap. ``last``: types of the event that ends it; with several images there are several of them."""

    __slots__ = ("_begun", "_images", "_last", "_words", "done", "failed", "usage")

    def __init__(self, last: tuple[str, ...], *, images: bool = False) -> None:
        self.usage = Usage()
        self.done = False
        self.failed = False
        self._last = last
        self._words = tuple(word.encode() for word in last)
        self._images = images
        self._begun = bytearray()

    def feed(self, chunk: bytes) -> bytes:
        """``chunk``."""
        begun = self._begun
        seam = max(len(begun) - 3, 0)
        begun += chunk
        cut = last_end(begun, seam)
        if cut:
            for frame in frames_of(bytes(begun[:cut])):
                self._read(frame)
            del begun[:cut]
        if len(begun) > 2 * END:
            del begun[END:-END]
        return chunk

    def finish(self) -> bytes:
        """Reads the frame that lacks its end."""
        if self._begun:
            self._read(bytes(self._begun))
        return b""

    def _read(self, frame: bytes) -> None:
        if b'"usage"' not in frame and b'"error"' not in frame and not any(word in frame for word in self._words):
            return
        try:
            seen = _seen(data_of(frame))
        except BAD_JSON:
            return
        self.done |= seen.type in self._last
        self.failed |= seen.type == "error" or given(seen.error) is not None
        if seen.usage is not None:
            self.usage = _sum(self.usage, to_usage(seen.usage, images=self._images))


def _sum(one: Usage, other: Usage) -> Usage:
    """Each image of a stream has its own usage."""
    if one == Usage():
        return other
    names = [name for name in Usage.__struct_fields__ if name != "estimated"]
    return Usage(**{name: getattr(one, name) + getattr(other, name) for name in names})


def write_stream_error(failure: Failure) -> bytes:
    """The event that tells, in the middle of a stream, that it has failed."""
    return write_frame("error", write_json({**error_body(failure), "type": "error"}))


class ErrorReader:
    """Reads nothing but errors."""

    __slots__ = ("done",)

    def __init__(self) -> None:
        self.done = False

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """Raises Upstream for an error frame."""
        if frame.event == "error" or b'"error"' in frame.data:
            raise read_stream_error(frame.data)
        return ()
