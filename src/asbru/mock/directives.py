"""What the mock is told to do with one request: the words of rules, of ``x-mock`` headers and of ``[[mock:…]]`` marks.

A mark stands in the last user message, so it travels through gateways and inside batches:
``[[mock:status=429;times=2;id=a]]``.
"""

import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

from asbru.model.failure import Refused

MARK = re.compile(r"\[\[mock:([^\]]*)\]\]")


class Tool(Struct, frozen=True, forbid_unknown_fields=True):
    """A tool call to answer with. ``arguments`` is a JSON object."""

    name: str
    arguments: Raw = Raw(b"{}")


class Directive(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Durations in seconds, counts of frames for ``cut``, ``stallafter``, ``errorafter`` (-1: not at all).

    How it fails. ``status``: answer this error (``error`` is its text, ``code`` its code, ``retry_after`` its header).
    ``stall``: never answer. ``reset``: close before the first byte, nothing done. ``drop``: do the work, then close
    without an answer. ``garbage``: 200 with a body, or a frame, that is no JSON. ``cut``: close a stream after so many
    frames. ``stallafter``: fall silent after so many. ``errorafter``: send an error frame after so many and end.
    ``times``: fail only the first so many times (0: always), counted by ``id`` or, without one, by the text.

    What it says. ``delay``: before anything. ``first``: before the first frame. ``pace``: between frames. ``text``,
    ``words`` (so many words), ``big`` (so many bytes), ``thinking``, ``tools`` (so many calls of the offered tools),
    ``tool_calls`` (these calls), ``finish`` (stop, length, tool, refusal, content_filter), ``cached`` and
    ``cachewrite`` (tokens).

    For a batch at its creation. ``took``: seconds of work. ``expireafter``: items done before the rest expires.
    """

    status: int = 0
    error: str = ""
    code: str = ""
    retry_after: float = -1.0
    stall: bool = False
    reset: bool = False
    drop: bool = False
    garbage: bool = False
    cut: int = -1
    stallafter: int = -1
    errorafter: int = -1
    times: int = 0
    id: str = ""
    delay: float = 0.0
    first: float = -1.0
    pace: float = -1.0
    text: str = ""
    words: int = 0
    big: int = 0
    thinking: str = ""
    tools: int = 0
    tool_calls: tuple[Tool, ...] = ()
    finish: str = ""
    cached: int = 0
    cachewrite: int = 0
    took: float = -1.0
    expireafter: int = -1

    @property
    def fails(self) -> bool:
        """Whether this is a fault, to which ``times`` applies."""
        return bool(
            self.status
            or self.stall
            or self.reset
            or self.drop
            or self.garbage
            or max(self.cut, self.stallafter, self.errorafter) >= 0
        )


PLAIN = Directive()
_FLAGS = frozenset({"stall", "reset", "drop", "garbage"})


def parse(words: str) -> Directive:
    """``status=429;retry_after=1;stall`` as a Directive. Raises Refused(400) for a word it does not know."""
    members: dict[str, Any] = {}
    for word in filter(None, (part.strip() for part in words.split(";"))):
        name, equals, value = word.partition("=")
        members[name] = value if equals else name in _FLAGS or "yes"
    try:
        return msgspec.convert(members, Directive, strict=False)
    except msgspec.ValidationError as error:
        raise Refused(400, f"mock directive {words!r}: {error}", code="mock_directive") from None


def marked(text: str) -> Directive | None:
    """The directive that stands in ``text``, or None."""
    if "[[mock:" not in text:
        return None
    found = MARK.search(text)
    return parse(found[1]) if found else None
