"""One of the candidates of a streamed response: its pieces, read into events.

Rule 1. Function calls come whole. A signature may come on an empty text after the text that it belongs to.
Rule 2. Where a text comes from is told at the end, often more than once; the last counts.
"""

from collections.abc import Callable

from msgspec import Raw

from asbru.model.chat import Likely, Opaque, Part, Text, Thinking, ToolCall
from asbru.model.events import Close, Delta, Event, Open
from asbru.model.names import Finish, Format
from asbru.wire.gemini.generate_grounding import read_citations
from asbru.wire.gemini.generate_reply import (
    Candidate,
    Content,
    PartShape,
    kind_of_part,
    part_shape,
    read_call,
    read_data,
)
from asbru.wire.gemini.generate_words import read_finish
from asbru.wire.gemini.logprobs import read_result
from asbru.wire.gemini.signatures import read_signature
from asbru.wire.shapes import NOTHING, given

HERE = Format.GEMINI_GENERATE


class CandidateReader:
    """Reads candidate ``choice`` of the reply ``id``. ``number``: gives each part of all candidates its index."""

    __slots__ = (
        "_calls", "_choice", "_cited", "_current", "_grounding", "_id", "_images", "_kind", "_number", "finish",
    )  # fmt: skip

    def __init__(self, choice: int, id: str, number: Callable[[], int]) -> None:
        self._choice = choice
        self._id = id if not choice else f"{id}_{choice}"
        self._number = number
        self._calls = self._images = 0
        self._current = -1
        self._kind: type[Part] | None = None
        self.finish: Finish | None = None
        self._grounding: Raw = NOTHING
        self._cited: Raw = NOTHING

    def take(self, candidate: Candidate, events: list[Event]) -> None:
        """The events of one piece."""
        for raw in (candidate.content or Content()).parts or ():
            self._part(part_shape(raw), raw, events)
        if (likely := given(candidate.logprobs_result)) is not None and (tokens := read_result(likely)):
            self._weigh(tokens, events)
        if candidate.grounding_metadata:
            self._grounding = candidate.grounding_metadata
        if candidate.citation_metadata:
            self._cited = candidate.citation_metadata
        finish = read_finish(candidate.finish_reason, called=self._calls > 0)
        self.finish = self.finish if finish is None else finish

    def _part(self, part: PartShape, raw: Raw, events: list[Event]) -> None:
        signature = part.thought_signature
        if part.text is not None:
            self._grow(Thinking() if part.thought else Text(""), part.text, events)
            if signature:
                self._sign(signature, "thought" if part.thought else "text", events)
        elif part.function_call is not None:
            if signature:
                self._sign(signature, f"call{self._calls}", events)
            self._call(read_call(part.function_call, self._calls, self._id), events)
        elif (read := read_data(part)) is not None and not part.thought:
            if signature:
                self._sign(signature, f"image{self._images}", events)
            self._whole(read, events)
            self._images += 1
        elif signature and kind_of_part(raw) == "part":
            self._sign(signature, "thought" if part.thought else "text", events)
        else:
            self._whole(Opaque(format=HERE, kind=kind_of_part(raw), raw=raw), events)

    def _grow(self, empty: Part, text: str, events: list[Event]) -> None:
        if text:
            self._switch(empty, events)
            events.append(Delta(index=self._current, text=text))

    def _weigh(self, tokens: tuple[Likely, ...], events: list[Event]) -> None:
        last = events[-1] if events else None
        if self._kind is Text and isinstance(last, Delta) and last.index == self._current and last.text:
            events[-1] = Delta(index=last.index, text=last.text, logprobs=tokens)
        else:
            self._switch(Text(""), events)
            events.append(Delta(index=self._current, logprobs=tokens))

    def _switch(self, empty: Part, events: list[Event]) -> None:
        if self._kind is not type(empty):
            self._close(events)
            self._kind = type(empty)
            self._current = self._open(empty, events)

    def _open(self, part: Part, events: list[Event]) -> int:
        index = self._number()
        events.append(Open(index, part, self._choice))
        return index

    def _close(self, events: list[Event]) -> None:
        if self._kind is not None:
            events.append(Close(self._current))
            self._kind = None

    def _sign(self, signature: str, place: str, events: list[Event]) -> None:
        """A signature belongs to the thinking under way, or to one of its own: after a text, before anything else."""
        signed = read_signature(signature, place)
        if signed.redacted:
            self._whole(signed, events)
        elif signed.signature:
            self._switch(Thinking(), events)
            events.append(Delta(index=self._current, signature=signed.signature))
            self._close(events)

    def _call(self, call: ToolCall, events: list[Event]) -> None:
        self._close(events)
        index = self._open(ToolCall(id=call.id, name=call.name, arguments=Raw(b"")), events)
        events += [Delta(index=index, arguments=bytes(call.arguments).decode()), Close(index)]
        self._calls += 1

    def _whole(self, part: Part, events: list[Event]) -> None:
        self._close(events)
        events.append(Close(self._open(part, events)))

    def end(self, events: list[Event]) -> Finish | None:
        """Closes what is open. Returns why it ended."""
        for citation in read_citations(self._grounding, self._cited):
            self._switch(Text(""), events)
            events.append(Delta(index=self._current, part=Text("", citations=(citation,))))
        self._close(events)
        return Finish.TOOL_CALLS if self.finish is Finish.STOP and self._calls else self.finish
