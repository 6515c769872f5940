"""Reads usage out of a passing Converse stream; its bytes are never changed.

The stream is cut to find the ends of messages, which checks it too: a broken one fails instead of passing.
"""

from asbru.model.failure import Failure
from asbru.model.usage import Usage
from asbru.wire.aws import EventCutter
from asbru.wire.bedrock.converse_usage import read_usage


class ConverseTap:
    """One stream's tap."""

    __slots__ = ("_cutter", "done", "failed", "usage")

    def __init__(self, include_usage: bool) -> None:
        self.usage = Usage()
        self.done = False
        self.failed = False
        self._cutter = EventCutter()

    def feed(self, chunk: bytes) -> bytes:
        """``chunk`` itself."""
        if self.failed:
            return chunk
        try:
            for frame in self._cutter.feed(chunk):
                if frame.event == "messageStop":
                    self.done = True
                elif frame.event == "metadata":
                    self.usage = read_usage(frame.data) or self.usage
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
