"""Reads usage out of a passing v2 chat stream; its bytes are never changed.

The hot path only searches: what is decoded is ``message-end`` and what may be an error in place of an event.
"""

import msgspec
from msgspec import Struct

from asbru.model.usage import Usage
from asbru.wire.cohere.chat_words import FAILED
from asbru.wire.cohere.usage import WireUsage, to_usage
from asbru.wire.passing import Passing, data_of, frames_of
from asbru.wire.shapes import BAD_JSON


class _Delta(Struct):
    finish_reason: str | None = None
    usage: WireUsage | None = None
    error: str | None = None


class _Seen(Struct):
    type: str = ""
    delta: _Delta | None = None
    message: str | None = None


_seen = msgspec.json.Decoder(_Seen).decode


class ChatTap:
    """One stream's tap."""

    __slots__ = ("_passing", "done", "failed", "usage")

    def __init__(self, include_usage: bool) -> None:
        self.usage = Usage()
        self.done = False
        self.failed = False
        self._passing = Passing()

    def feed(self, chunk: bytes) -> bytes:
        """``chunk`` itself."""
        passing = self._passing
        if passing.feed(chunk):
            passing.give_up()
        if passing.whole:
            self._look(passing.whole)
        return chunk

    def finish(self) -> bytes:
        """Nothing is held back; a last frame that lacks its end is read."""
        begun = self._passing.give_up()
        if begun:
            self._look(begun)
        return b""

    def _look(self, whole: bytes) -> None:
        if b"message-end" not in whole and b'"type"' in whole:
            return
        for frame in frames_of(whole):
            if b"message-end" in frame or b'"type"' not in frame:
                self._read(data_of(frame))

    def _read(self, data: bytes) -> None:
        try:
            seen = _seen(data)
        except BAD_JSON:
            return
        told = seen.delta or _Delta()
        if seen.type == "message-end":
            self.failed = bool(told.error) or told.finish_reason in FAILED
            self.done = not self.failed
            self.usage = to_usage(told.usage or WireUsage())
        elif not seen.type and seen.message:
            self.failed = True
