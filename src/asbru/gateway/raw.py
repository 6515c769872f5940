"""Beside an answer of the unified API: what went to the provider and what came from it, as they were.

``extra_fields.raw_request`` and ``raw_response`` (api-inventory.md, "Request headers"). What is no JSON is a text.
Each frame of a stream has the data of the provider's frames that came since the one before, as a text; the first one
has the request.
"""

import msgspec
from msgspec import Raw

from asbru.model.failure import Failure
from asbru.model.shown import Shown
from asbru.wire.framing import Cutter
from asbru.wire.shapes import write_json


def bodies(shown: Shown, sent: bytes, got: bytes) -> dict[str, Raw]:
    """The members. ``sent``: empty when it was a form, which is not shown."""
    out = {}
    if shown.request and sent:
        out["raw_request"] = _value(sent)
    if shown.response:
        out["raw_response"] = _value(got)
    return out


def written(members: dict[str, Raw]) -> bytes:
    """The members as they follow others."""
    return b"," + write_json(members)[1:-1] if members else b""


def _value(body: bytes) -> Raw:
    """On one line, as lines end the data of events."""
    try:
        return Raw(msgspec.json.format(body.decode(), indent=-1).encode())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Raw(write_json(body.decode("utf-8", "replace")))


class RawFrames:
    """What a stream's frames tell. ``cutter``: of the provider's framing."""

    __slots__ = ("_cutter", "_pending", "_sent", "_shown")

    def __init__(self, shown: Shown, sent: bytes, cutter: Cutter) -> None:
        self._shown = shown
        self._sent = sent
        self._cutter = cutter
        self._pending: list[str] = []

    def feed(self, chunk: bytes) -> None:
        """Bytes of the provider's, that have been read without fault."""
        if self._shown.response:
            try:
                frames = self._cutter.feed(chunk)
            except Failure:
                return
            self._pending += [frame.data.decode("utf-8", "replace") for frame in frames]

    def member(self) -> bytes:
        """What the next frame tells, as it follows other members."""
        out = bodies(Shown(self._shown.request, False), self._sent, b"")
        self._sent = b""
        if self._pending:
            out["raw_response"] = Raw(write_json("\n".join(self._pending)))
            self._pending.clear()
        return written(out)
