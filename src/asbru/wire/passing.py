"""Whole frames out of passing bytes, for taps: nothing is parsed, only the ends of frames are found.

A raw line end cannot stand inside a JSON string, so an empty line is always the end of a frame.
"""

import re

from asbru.wire.sse import parse_frame

LIMIT = 1 << 20
"""Most bytes kept of a frame whose end has not come. Frames longer than this are content, never usage."""

_END = re.compile(rb"\n\r\n|\n\n|\r\r")


class Passing:
    """``whole``: the frames that the last chunk completed, as they came.

    ``begun``: the bytes kept of one that has begun, at most ``limit``.
    """

    __slots__ = ("_limit", "begun", "whole")

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self.begun = bytearray()
        self.whole = b""

    def feed(self, chunk: bytes) -> int:
        """Take a chunk. Returns the size of the frame that has begun when it is too long to keep, else 0."""
        if not self.begun and chunk.endswith(b"\n\n"):
            self.whole = chunk
            return 0
        begun = self.begun
        seam = max(len(begun) - 3, 0)
        begun += chunk
        cut = last_end(begun, seam)
        self.whole = bytes(begun[:cut])
        del begun[:cut]
        return len(begun) if len(begun) > self._limit else 0

    def give_up(self) -> bytes:
        """The bytes kept of a frame that has begun; nothing of it is looked at any more."""
        begun = bytes(self.begun)
        self.begun.clear()
        return begun


def frames_of(whole: bytes) -> list[bytes]:
    """Frames one by one, each with the line ends that close it."""
    ends = [found.end() for found in _END.finditer(whole)]
    if not ends or ends[-1] < len(whole):
        ends.append(len(whole))
    return [whole[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def data_of(frame: bytes) -> bytes:
    """The data of one frame as it came; b"" when it has none."""
    told = parse_frame(frame.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    return b"" if told is None else told.data


def last_end(data: bytearray, seam: int) -> int:
    """Where the last whole frame ends, 0 when none does. An end cannot lie wholly before ``seam``."""
    if b"\r" not in data:
        return data.rfind(b"\n\n", seam) + 2 if data.find(b"\n\n", seam) >= 0 else 0
    cut = 0
    for found in _END.finditer(data, seam):
        cut = found.end()
    return cut
