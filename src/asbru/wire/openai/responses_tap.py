"""Reads usage out of a passing response stream; its bytes are never changed.

The hot path only searches: the first and the last events and errors are decoded, deltas are not.
"""

import msgspec
from msgspec import Struct

from asbru.model.usage import Usage
from asbru.wire.openai.responses_usage import WireUsage, to_usage
from asbru.wire.passing import Passing, data_of, frames_of
from asbru.wire.shapes import BAD_JSON
from asbru.wire.sse import LIMIT

_ENDS = frozenset({"response.completed", "response.incomplete"})
_FAILS = frozenset({"error", "response.failed"})


class _Response(Struct):
    usage: WireUsage | None = None


class _Seen(Struct):
    type: str = ""
    response: _Response | None = None


_seen = msgspec.json.Decoder(_Seen).decode


class ResponseTap:
    """One stream's tap. The last event holds the whole reply, images and all: so frames are kept up to the limit of
    readers.
    """

    __slots__ = ("_passing", "done", "failed", "usage")

    def __init__(self, include_usage: bool) -> None:
        self.usage = Usage()
        self.done = False
        self.failed = False
        self._passing = Passing(LIMIT)

    def feed(self, chunk: bytes) -> bytes:
        """``chunk`` itself."""
        passing = self._passing
        if passing.feed(chunk):
            self._look(passing.whole)
            self._give_up(passing.give_up())
            return chunk
        self._look(passing.whole)
        return chunk

    def finish(self) -> bytes:
        """Nothing is held back; a last frame that lacks its end is read."""
        self._look(self._passing.give_up())
        return b""

    def _look(self, whole: bytes) -> None:
        if b'"usage"' in whole or b'"error"' in whole:
            for frame in frames_of(whole):
                if b'"usage"' in frame or b'"error"' in frame:
                    self._read(data_of(frame))

    def _give_up(self, begun: bytes) -> None:
        """A last event that is too long still ends the stream."""
        self.done |= any(begun.startswith(f"event: {name}\n".encode()) for name in _ENDS)

    def _read(self, data: bytes) -> None:
        try:
            seen = _seen(data)
        except BAD_JSON:
            return
        if seen.type in _FAILS:
            self.failed = True
        elif seen.type in _ENDS:
            self.done = True
        if seen.response is not None and seen.response.usage is not None:
            self.usage = to_usage(seen.response.usage)
