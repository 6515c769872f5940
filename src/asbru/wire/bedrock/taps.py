"""Reads usage out of passing event streams; their bytes are never changed.

The stream is cut to find the ends of messages, which checks it too: a broken one fails instead of passing.
"""

from collections.abc import Callable

from asbru.model.failure import Failure
from asbru.model.usage import Usage
from asbru.wire.aws import EventCutter
from asbru.wire.sse import Frame

Look = Callable[[Frame], tuple[Usage | None, bool]]
"""What a frame tells: usage, and whether it is the end marker."""


class FrameTap:
    """One stream's tap."""

    __slots__ = ("_cutter", "_look", "done", "failed", "usage")

    def __init__(self, cutter: EventCutter, look: Look) -> None:
        self._cutter = cutter
        self._look = look
        self.usage = Usage()
        self.done = False
        self.failed = False

    def feed(self, chunk: bytes) -> bytes:
        """``chunk`` itself."""
        if not self.failed:
            try:
                for frame in self._cutter.feed(chunk):
                    usage, ended = self._look(frame)
                    self.usage = usage or self.usage
                    self.done = self.done or ended
            except Failure:
                self.failed = True
        return chunk

    def finish(self) -> bytes:
        """Nothing is held back."""
        try:
            self._cutter.flush()
        except Failure:
            self.failed = True
        return b""
