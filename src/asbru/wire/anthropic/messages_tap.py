"""Reads usage out of a passing messages stream; its bytes are never changed.

The hot path only searches: ``message_start``, ``message_delta``, ``message_stop`` and errors are decoded, deltas of
content are not.
"""

import msgspec
from msgspec import Struct

from asbru.model.usage import Usage
from asbru.wire.anthropic.messages_usage import WireUsage, later, to_usage
from asbru.wire.passing import Passing, data_of, frames_of
from asbru.wire.shapes import BAD_JSON


class _Message(Struct):
    usage: WireUsage | None = None


class _Seen(Struct):
    type: str = ""
    message: _Message | None = None
    usage: WireUsage | None = None


_seen = msgspec.json.Decoder(_Seen).decode


class MessageTap:
    """One stream's tap."""

    __slots__ = ("_passing", "_usage", "done", "failed", "usage")

    def __init__(self, include_usage: bool) -> None:
        self.usage = Usage()
        self.done = False
        self.failed = False
        self._usage = WireUsage()
        self._passing = Passing()

    def feed(self, chunk: bytes) -> bytes:
        """``chunk`` itself."""
        passing = self._passing
        if passing.feed(chunk):
            passing.give_up()
        whole = passing.whole
        # To ask ``in`` takes twice as long: it tries its argument as a number first, and fails by an exception.
        if whole and (whole.find(b"message_") >= 0 or whole.find(b'"error"') >= 0):
            self._look(whole)
        return chunk

    def finish(self) -> bytes:
        """Nothing is held back; a last frame that lacks its end is read."""
        begun = self._passing.give_up()
        if begun:
            self._look(begun)
        return b""

    def _look(self, whole: bytes) -> None:
        for frame in frames_of(whole):
            if b"message_" in frame or b'"error"' in frame:
                self._read(data_of(frame))

    def _read(self, data: bytes) -> None:
        try:
            seen = _seen(data)
        except BAD_JSON:
            return
        match seen.type:
            case "message_start" if seen.message is not None:
                self._note(seen.message.usage)
            case "message_delta":
                self._note(seen.usage)
            case "message_stop":
                self.done = True
            case "error":
                self.failed = True

    def _note(self, usage: WireUsage | None) -> None:
        if usage is not None:
            self._usage = later(self._usage, usage)
            self.usage = to_usage(self._usage)
