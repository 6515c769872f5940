"""``extra_fields``: what the unified API says beside an answer (features.md 2.7), added without reading the rest.

Rule 1. It is the last member of the answer's object, and of the object in each frame of a stream; all other bytes stay.
Rule 2. What is no object (text, sound, ``[DONE]``) stays as it is.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from asbru.gateway.pipe import Passage
from asbru.gateway.raw import RawFrames
from asbru.model.failure import Failure
from asbru.wire.passing import frames_of, last_end
from asbru.wire.shapes import write_json
from asbru.wire.sse import LIMIT

_ENDED = re.compile(rb".*?\n\r?\n|.+", re.DOTALL)
"""Events, and the rest."""
_SPACE = b" \t\r\n"
_OPEN = b"{" + _SPACE
"""After any of these, or nothing, the last brace may belong to an empty object."""


@lru_cache(maxsize=4096)
def fields(request: str, provider: str, asked: str, deployment: str) -> bytes:
    """The member, up to the number of milliseconds. ``deployment``: what the key's account calls the model, or ""."""
    told = {"request_type": request, "provider": provider, "model_requested": asked}
    if deployment:
        told["model_deployment"] = deployment
    return b'"extra_fields":' + write_json(told)[:-1] + b',"latency":'


def with_extra(body: bytes, begun: bytes, seconds: float, more: bytes = b"") -> bytes:
    """``body`` with the member. ``seconds``: how long it took. ``more``: further members of it, each after a comma."""
    return _added(body, b"%b%d%b}" % (begun, seconds * 1000, more))


def _added(body: bytes, member: bytes) -> bytes:
    if body.endswith(b"}") and len(body) > 1 and body[-2] not in _OPEN:
        return b"%b,%b}" % (body[:-1], member)
    end = len(body.rstrip(_SPACE)) - 1
    if end < 1 or body[end : end + 1] != b"}":
        return body
    comma = b"" if body[:end].rstrip(_SPACE).endswith(b"{") else b","
    return body[:end] + comma + member + body[end:]


class Numbered:
    """A stream's frames, each with the member and its number. ``took``: seconds so far."""

    __slots__ = ("_begun", "_count", "_inner", "_kept", "_raw", "_took")

    def __init__(self, inner: Passage, begun: bytes, took: Callable[[], float], raw: RawFrames | None = None) -> None:
        self._inner = inner
        self._begun = begun
        self._took = took
        self._raw = raw
        self._kept = bytearray()
        self._count = 0

    @property
    def failure(self) -> Failure | None:
        """What the provider itself told the client."""
        return self._inner.failure

    def feed(self, chunk: bytes) -> bytes:
        """The frames that are whole."""
        if self._raw is None:
            return self._whole(self._inner.feed(chunk))
        return b"".join(self._shown(piece, self._raw) for piece in _ENDED.findall(chunk))

    def _shown(self, piece: bytes, raw: RawFrames) -> bytes:
        """At most one of the provider's events, so that each of ours tells what it was made of."""
        out = self._inner.feed(piece)
        raw.feed(piece)
        return self._whole(out)

    def finish(self) -> bytes:
        """The rest."""
        rest = self._whole(self._inner.finish())
        kept = bytes(self._kept)
        self._kept.clear()
        return rest + (self._frame(kept) if kept else b"")

    def fail(self, failure: Failure) -> bytes:
        """As it is; a frame that had begun is not finished."""
        return self._inner.fail(failure)

    def _whole(self, chunk: bytes) -> bytes:
        if not chunk:
            return b""
        kept = self._kept
        if not kept and chunk.endswith(b"}\n\n") and chunk.find(b"\n") == len(chunk) - 2 and chunk.startswith(b"data:"):
            # One frame of one line, as most chunks are.
            return _added(chunk[:-2], self._member()) + b"\n\n"
        if kept or not chunk.endswith(b"\n\n"):
            seam = max(len(kept) - 3, 0)
            kept += chunk
            cut = last_end(kept, seam)
            chunk = bytes(kept[:cut])
            del kept[:cut]
            if len(kept) > LIMIT:
                # No frame of a model's; it passes as it is.
                chunk += bytes(kept)
                kept.clear()
        return b"".join(map(self._frame, frames_of(chunk))) if chunk else b""

    def _frame(self, frame: bytes) -> bytes:
        if b"data:" not in frame or not frame.rstrip(_SPACE).endswith(b"}"):
            return frame
        return _added(frame, self._member())

    def _member(self) -> bytes:
        raw = b"" if self._raw is None else self._raw.member()
        member = b'%b%d,"chunk_index":%d%b}' % (self._begun, self._took() * 1000, self._count, raw)
        self._count += 1
        return member
