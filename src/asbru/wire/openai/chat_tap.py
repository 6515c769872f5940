"""Reads usage out of a passing chat completion stream.

Rule 1. The hot path only searches: a frame is decoded when it may hold usage or an error, once or twice in a stream.
Rule 2. When the client had not asked for usage, the frame with empty ``choices`` that we had asked for is withheld;
so only whole frames pass then, and what has begun waits for its end.
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.usage import Usage
from asbru.wire.openai.chat_usage import WireUsage, to_usage
from asbru.wire.passing import Passing, data_of, frames_of
from asbru.wire.shapes import BAD_JSON, NOTHING, given


class _Seen(Struct):
    choices: list[Raw] | None = None
    usage: WireUsage | None = None
    error: Raw = NOTHING


_seen = msgspec.json.Decoder(_Seen).decode


class ChatTap:
    """One stream's tap."""

    __slots__ = ("_passing", "_withhold", "done", "failed", "usage")

    def __init__(self, include_usage: bool) -> None:
        self.usage = Usage()
        self.done = False
        self.failed = False
        self._withhold = not include_usage
        self._passing = Passing()

    def feed(self, chunk: bytes) -> bytes:
        """``chunk``, or its whole frames and those it completes, without the usage frame."""
        passing = self._passing
        if not passing.begun and chunk.endswith(b"\n\n") and not _may_tell(chunk):
            # Nearly all chunks.
            return chunk
        too_long = passing.feed(chunk)
        whole = passing.whole
        if whole and _may_tell(whole):
            whole = self._look(whole)
        if too_long:
            begun = passing.give_up()
            return whole + begun if self._withhold else chunk
        return whole if self._withhold else chunk

    def finish(self) -> bytes:
        """The frame that lacks its end, unless it is the one to withhold."""
        begun = self._passing.give_up()
        kept = self._look(begun) if begun else b""
        return kept if self._withhold else b""

    def _look(self, whole: bytes) -> bytes:
        return b"".join([_line_ends(frame) if self._read(frame) else frame for frame in frames_of(whole)])

    def _read(self, frame: bytes) -> bool:
        """Whether ``frame`` is the usage frame."""
        data = data_of(frame)
        if data.strip() == b"[DONE]":
            self.done = True
            return False
        if b'"usage"' not in data and b'"error"' not in data:
            return False
        try:
            seen = _seen(data)
        except BAD_JSON:
            return False
        if given(seen.error) is not None:
            self.failed = True
        if seen.usage is None:
            return False
        self.usage = to_usage(seen.usage)
        return seen.choices == []


def _line_ends(frame: bytes) -> bytes:
    """Empty lines before a frame: they pass even when it does not, so that cuts make no difference."""
    return frame[: len(frame) - len(frame.lstrip(b"\r\n"))]


def _may_tell(whole: bytes) -> bool:
    """Whether frames hold the end, an error, or usage that is not null (OpenAI writes ``"usage":null`` into each
    chunk).
    """
    # To ask ``in`` takes twice as long: it tries its argument as a number first, and fails by an exception.
    if whole.find(b"[DONE]") >= 0 or whole.find(b'"error"') >= 0:
        return True
    at = whole.rfind(b'"usage"')
    while at >= 0 and whole.startswith(b":null", at + 7):
        at = whole.rfind(b'"usage"', 0, at)
    return at >= 0
