"""A reply in pieces, the same in every format.

Order: one Start; for each part one Open, any Deltas, one Close (parts may overlap in OpenAI's tool calls: ``index`` tells them
apart); one Done. A stream that lacks Done was cut.
"""

from msgspec import Struct

from asbru.model.chat import Part
from asbru.model.names import Finish
from asbru.model.usage import Usage


class Start(Struct, frozen=True, kw_only=True):
    """The reply begins. ``usage`` holds what is known already (Anthropic tells the input here)."""

    id: str
    model: str
    usage: Usage = Usage()
    created: int = 0


class Open(Struct, frozen=True):
    """Part ``index`` begins as ``part``, usually empty (a ToolCall with its id and name and arguments ``Raw(b"")``)."""

    index: int
    part: Part


class Delta(Struct, frozen=True, kw_only=True):
    """More of part ``index``; exactly one member is set. ``arguments`` is a fragment of JSON text. ``part``: a citation holder."""

    index: int
    text: str = ""
    arguments: str = ""
    signature: str = ""
    part: Part | None = None


class Close(Struct, frozen=True):
    """Part ``index`` is whole."""

    index: int


class Done(Struct, frozen=True, kw_only=True):
    """The reply is whole. ``usage`` is the final one."""

    finish: Finish | None = Finish.STOP
    stop_sequence: str = ""
    usage: Usage = Usage()


Event = Start | Open | Delta | Close | Done
