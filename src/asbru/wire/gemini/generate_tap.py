"""Reads usage out of a passing stream; its bytes are never changed.

Usage is cumulative and stands in every chunk: the last one is kept and decoded once, at the end. Only chunks that may
hold the end or an error are looked into.
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.usage import Usage
from asbru.wire.gemini.generate_usage import read_usage
from asbru.wire.passing import Passing, data_of, frames_of
from asbru.wire.shapes import BAD_JSON, NOTHING, given


class _Candidate(Struct, rename="camel"):
    finish_reason: str | None = None
    index: int | None = None


class _Feedback(Struct, rename="camel"):
    block_reason: str | None = None


class _Seen(Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    error: Raw = NOTHING


_seen = msgspec.json.Decoder(_Seen).decode


class GenerateTap:
    """One stream's tap."""

    __slots__ = ("_last", "_passing", "done", "failed", "usage")

    def __init__(self, include_usage: bool) -> None:
        self.usage = Usage()
        self.done = False
        self.failed = False
        self._last = b""
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
        if self._last:
            self.usage = read_usage(self._last) or self.usage
        return b""

    def _look(self, whole: bytes) -> None:
        if not (b'"usageMetadata"' in whole or _may_tell(whole)):
            return
        for frame in frames_of(whole):
            if b'"usageMetadata"' in frame:
                self._last = data_of(frame)
            if _may_tell(frame):
                self._read(data_of(frame))

    def _read(self, data: bytes) -> None:
        try:
            seen = _seen(data)
        except BAD_JSON:
            return
        if given(seen.error) is not None:
            self.failed = True
        if seen.prompt_feedback is not None and seen.prompt_feedback.block_reason:
            self.done = True
        if any(each.finish_reason and not each.index for each in seen.candidates or ()):
            self.done = True


def _may_tell(whole: bytes) -> bool:
    return b'"finishReason"' in whole or b'"error"' in whole or b'"blockReason"' in whole
