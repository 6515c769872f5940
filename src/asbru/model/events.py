"""A reply in pieces, the same in every format.

Order: one Start; for each part one Open, any Deltas, one Close (parts may overlap in OpenAI's tool calls: ``index``
tells apart those that are open, and may be used again for a part that opens later); one Done. A stream that lacks Done
was cut. A Delta fits its part: arguments are of tool calls, a signature of thoughts.

Where several answers were asked for, their parts mix: an Open says which answer its part belongs to, and before Done
each answer but the first has one Ended.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Choice, Likely, Part, Refusal, Reply, Text, Thinking, ToolCall, raw_arguments
from asbru.model.names import Finish, Format
from asbru.model.usage import Usage


class Start(Struct, frozen=True, kw_only=True):
    """The reply begins. ``usage`` holds what is known already (Anthropic tells the input here)."""

    id: str
    model: str
    usage: Usage = Usage()
    created: int = 0
    origin: Format = Format.OPENAI_CHAT


class Open(Struct, frozen=True):
    """Part ``index`` begins as ``part``, usually empty (a ToolCall with its id and name and arguments ``Raw(b"")``).

    ``choice``: which answer it is part of; ``index`` is unique among the parts of all.
    """

    index: int
    part: Part
    choice: int = 0


class Delta(Struct, frozen=True, kw_only=True):
    """More of part ``index``; exactly one member is set, but that ``logprobs`` stand beside the ``text`` they tell of.

    ``arguments`` is a fragment of JSON text. ``part``: a citation holder.
    """

    index: int
    text: str = ""
    arguments: str = ""
    signature: str = ""
    part: Part | None = None
    logprobs: tuple[Likely, ...] = ()


class Close(Struct, frozen=True):
    """Part ``index`` is whole."""

    index: int


class Ended(Struct, frozen=True, kw_only=True):
    """Answer ``choice`` is whole, which is not the first."""

    choice: int
    finish: Finish | None = Finish.STOP
    stop_sequence: str = ""


class Done(Struct, frozen=True, kw_only=True):
    """The reply is whole. ``usage`` is the final one. ``extra``: what the format said beyond the model."""

    finish: Finish | None = Finish.STOP
    stop_sequence: str = ""
    usage: Usage = Usage()
    extra: Mapping[str, Raw] = {}


Event = Start | Open | Delta | Close | Ended | Done


class _Growing:
    """A part and the pieces that came for it."""

    __slots__ = ("arguments", "choice", "citations", "logprobs", "part", "signature", "text")

    def __init__(self, part: Part, choice: int) -> None:
        self.part = part
        self.choice = choice
        self.text: list[str] = []
        self.arguments: list[str] = []
        self.signature: list[str] = []
        self.citations = list(part.citations) if isinstance(part, Text) else []
        self.logprobs = list(part.logprobs) if isinstance(part, Text) else []

    def add(self, delta: Delta) -> None:
        self.text.append(delta.text)
        self.arguments.append(delta.arguments)
        self.signature.append(delta.signature)
        self.logprobs += delta.logprobs
        if isinstance(delta.part, Text):
            self.citations.extend(delta.part.citations)

    def whole(self) -> Part:
        part = self.part
        match part:
            case Text() | Refusal() | Thinking():
                grown = msgspec.structs.replace(part, text=part.text + "".join(self.text))
                if isinstance(grown, Text):
                    found = tuple(self.citations), tuple(self.logprobs)
                    return msgspec.structs.replace(grown, citations=found[0], logprobs=found[1])
                if isinstance(grown, Thinking):
                    return msgspec.structs.replace(grown, signature=grown.signature + "".join(self.signature))
                return grown
            case ToolCall():
                text = bytes(part.arguments).decode() + "".join(self.arguments)
                return msgspec.structs.replace(part, arguments=raw_arguments(text))
            case _:
                return part


def fold(events: Iterable[Event]) -> Reply:
    """The whole reply. Raises ValueError when there is no Start; a missing Done leaves ``finish`` None."""
    start: Start | None = None
    done = Done(finish=None)
    parts: list[_Growing] = []
    growing: dict[int, _Growing] = {}
    ended: list[Ended] = []
    for event in events:
        match event:
            case Start():
                start = event
            case Open():
                parts.append(_Growing(event.part, event.choice))
                growing[event.index] = parts[-1]
            case Delta():
                growing[event.index].add(event)
            case Ended():
                ended.append(event)
            case Done():
                done = event
            case Close():
                pass
    if start is None:
        raise ValueError("a reply without Start")
    return Reply(
        id=start.id,
        model=start.model,
        parts=_parts_of(0, parts),
        finish=done.finish,
        stop_sequence=done.stop_sequence,
        usage=start.usage if done.usage == Usage() else done.usage,
        created=start.created,
        extra=done.extra,
        others=tuple(
            Choice(parts=_parts_of(each.choice, parts), finish=each.finish, stop_sequence=each.stop_sequence)
            for each in sorted(ended, key=lambda each: each.choice)
        ),
        origin=start.origin,
    )


def _parts_of(choice: int, parts: Sequence[_Growing]) -> tuple[Part, ...]:
    return tuple(growing.whole() for growing in parts if growing.choice == choice)


def unfold(reply: Reply) -> tuple[Event, ...]:
    """The events that fold() makes ``reply`` of: one Delta for each member of a part that grows."""
    events: list[Event] = [Start(id=reply.id, model=reply.model, created=reply.created, origin=reply.origin)]
    for index, part in enumerate(reply.parts):
        events += unfold_part(index, part)
    index = len(reply.parts)
    for n, other in enumerate(reply.others, 1):
        for index, part in enumerate(other.parts, index):  # noqa: B020 (one number goes on through all)
            events += unfold_part(index, part, n)
        index += bool(other.parts)
        events.append(Ended(choice=n, finish=other.finish, stop_sequence=other.stop_sequence))
    events.append(Done(finish=reply.finish, stop_sequence=reply.stop_sequence, usage=reply.usage, extra=reply.extra))
    return tuple(events)


def unfold_part(index: int, part: Part, choice: int = 0) -> list[Event]:
    """The events of one part: it opens empty, grows, and closes."""
    events: list[Event] = []
    match part:
        case Text():
            events.append(Open(index, msgspec.structs.replace(part, text="", citations=(), logprobs=()), choice))
            events.append(Delta(index=index, text=part.text, logprobs=part.logprobs))
            events.extend(Delta(index=index, part=Text("", citations=(one,))) for one in part.citations)
        case Refusal():
            events += [Open(index, Refusal(""), choice), Delta(index=index, text=part.text)]
        case Thinking():
            events.append(Open(index, Thinking(redacted=part.redacted), choice))
            if part.text:
                events.append(Delta(index=index, text=part.text))
            if part.signature:
                events.append(Delta(index=index, signature=part.signature))
        case ToolCall():
            events.append(Open(index, msgspec.structs.replace(part, arguments=Raw(b"")), choice))
            events.append(Delta(index=index, arguments=bytes(part.arguments).decode()))
        case _:
            events.append(Open(index, part, choice))
    events.append(Close(index))
    return events
