"""A streamed response, read into events (``openai.types.responses.ResponseStreamEvent``).

Rule 1. A part opens with its first piece, so that what stays empty is nothing, as in a whole reply.
Rule 2. What no delta brought is taken from the item when it is done: compatible servers leave out deltas, annotations
or the items' own events.
Rule 3. Events of built-in tools are passed over; their items are told whole: pictures, and Opaque parts.
"""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Likely, Part, Refusal, Text, Thinking, ToolCall
from asbru.model.events import Close, Delta, Done, Event, Open, Start, unfold_part
from asbru.model.failure import Broken
from asbru.model.names import Format
from asbru.wire.openai.custom_tools import BEGIN, END, piece
from asbru.wire.openai.errors import read_stream_error
from asbru.wire.openai.logprobs import read_tokens
from asbru.wire.openai.responses_citations import read_citations
from asbru.wire.openai.responses_reply import (
    Content,
    Item,
    Told,
    extra_of,
    item_shape,
    read_content,
    read_finish,
    read_item,
    read_reasoning,
    read_told,
)
from asbru.wire.openai.responses_usage import WireUsage, to_usage
from asbru.wire.shapes import BAD_JSON, NOTHING, given
from asbru.wire.sse import Frame

HERE = Format.OPENAI_RESPONSES

_ITSELF = -1
"""The content index of an item that is one part: a call, reasoning."""


class _Event(Struct):
    type: str = ""
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    delta: Any = None
    item: Raw = NOTHING
    part: Content | None = None
    annotation: Raw = NOTHING
    logprobs: Raw = NOTHING
    response: Raw = NOTHING


_event = msgspec.json.Decoder(_Event).decode


class _Open:
    """A part under way. ``piece``: which part of a summary came last; ``cited``: how many annotations have come;
    ``likely``: whether probabilities have.
    """

    __slots__ = ("cited", "index", "kind", "likely", "piece", "text")

    def __init__(self, index: int, kind: type[Part]) -> None:
        self.index = index
        self.kind = kind
        self.text = ""
        self.cited = 0
        self.likely = False
        self.piece = ""

    def must_be(self, kind: type[Part]) -> None:
        """Raises Broken when something of another kind goes on here."""
        if self.kind is not kind:
            raise Broken(502, "The provider's stream goes on with a part as if it were another.", code="bad_stream")


class ResponseReader:
    """Reads one stream."""

    __slots__ = ("_called", "_closed", "_open", "_parts", "_refused", "_started", "done")

    def __init__(self) -> None:
        self.done = False
        self._started = False
        self._parts = 0
        self._open: dict[tuple[int, int], _Open] = {}
        self._closed: set[tuple[int, int]] = set()
        self._called = False
        self._refused = False

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """The events of one frame. Raises Upstream for an error frame, Broken for one that cannot be read."""
        if self.done or not frame.data or frame.data == b"[DONE]":
            return ()
        try:
            events: list[Event] = []
            self._read(_event(frame.data), frame.data, events)
            return tuple(events)
        except BAD_JSON as error:
            raise Broken(502, f"The provider's stream cannot be read: {error}", code="bad_stream") from None

    def _read(self, event: _Event, data: bytes, events: list[Event]) -> None:
        match event.type:
            case "response.output_text.delta":
                self._grow(event, Text(""), events)
            case "response.function_call_arguments.delta":
                self._argue(event, events)
            case "response.custom_tool_call_input.delta":
                self._argue(event, events, custom=True)
            case "response.refusal.delta":
                self._grow(event, Refusal(""), events)
            case "response.reasoning_summary_text.delta":
                self._think(event, f"s{event.summary_index}", events)
            case "response.reasoning_text.delta":
                self._think(event, f"c{event.content_index}", events)
            case "response.output_text.annotation.added":
                self._cite(event, events)
            case "response.content_part.done":
                self._end_content(event, events)
            case "response.output_item.added":
                self._begin_item(event, events)
            case "response.output_item.done":
                self._end_item(event, events)
            case "response.created" | "response.queued" | "response.in_progress":
                self._start(read_told(event.response or b"{}"), events)
            case "response.completed" | "response.incomplete":
                self._end(event.response or Raw(b"{}"), events)
            case "response.failed":
                raise read_stream_error(bytes(event.response))
            case "error":
                raise read_stream_error(data)

    def _start(self, told: Told, events: list[Event]) -> None:
        if not self._started:
            self._started = True
            created = int(told.created_at or 0)
            events.append(Start(id=told.id, model=told.model, created=created, origin=HERE))

    def _at(self, key: tuple[int, int], empty: Part, events: list[Event]) -> _Open:
        """The part at ``key``, opened when it is not yet."""
        state = self._open.get(key)
        if state is None:
            if key in self._closed:
                raise Broken(502, "The provider's stream goes on with a part that it has ended.", code="bad_stream")
            self._start(Told(), events)
            state = self._open[key] = _Open(self._parts, type(empty))
            self._parts += 1
            self._called |= isinstance(empty, ToolCall)
            self._refused |= isinstance(empty, Refusal)
            events.append(Open(state.index, empty))
        state.must_be(type(empty))
        return state

    def _grow(self, event: _Event, empty: Part, events: list[Event]) -> None:
        text, tokens = _text(event.delta), _tokens(event.logprobs)
        if text or tokens:
            state = self._at((event.output_index, event.content_index), empty, events)
            state.text += text
            state.likely |= bool(tokens)
            events.append(Delta(index=state.index, text=text, logprobs=tokens))

    def _argue(self, event: _Event, events: list[Event], custom: bool = False) -> None:
        key, text = (event.output_index, _ITSELF), _text(event.delta)
        if key not in self._open:
            raise Broken(502, "The provider's stream goes on with a call that it has not begun.", code="bad_stream")
        state = self._open[key]
        state.must_be(ToolCall)
        if text:
            state.text += text
            events.append(Delta(index=state.index, arguments=piece(text) if custom else text))

    def _think(self, event: _Event, piece: str, events: list[Event]) -> None:
        text = _text(event.delta)
        if not text:
            return
        state = self._at((event.output_index, _ITSELF), Thinking(), events)
        if state.piece not in ("", piece):
            events.append(Delta(index=state.index, text="\n\n"))
        state.piece = piece
        state.text += text
        events.append(Delta(index=state.index, text=text))

    def _cite(self, event: _Event, events: list[Event]) -> None:
        if (raw := given(event.annotation)) is not None:
            state = self._at((event.output_index, event.content_index), Text(""), events)
            self._add_citations(state, [raw], events)

    def _add_citations(self, state: _Open, annotations: list[Raw], events: list[Event]) -> None:
        state.cited += len(annotations)
        for citation in read_citations(annotations, state.text):
            events.append(Delta(index=state.index, part=Text("", citations=(citation,))))

    def _end_content(self, event: _Event, events: list[Event]) -> None:
        if event.part is not None and event.part.type in ("output_text", "refusal"):
            self._content((event.output_index, event.content_index), event.part, events)

    def _content(self, key: tuple[int, int], content: Content, events: list[Event]) -> None:
        """A part of a message is whole."""
        if key in self._closed:
            return
        state = self._open.get(key)
        if state is None:
            if (part := read_content(content)) is not None:
                self._whole(part, events)
        else:
            self._add_citations(state, (content.annotations or [])[state.cited :], events)
            if not state.likely and (tokens := _tokens(content.logprobs)):
                events.append(Delta(index=state.index, logprobs=tokens))
            events.append(Close(state.index))
            del self._open[key]
        self._closed.add(key)

    def _whole(self, part: Part, events: list[Event]) -> None:
        """A part that no delta has brought."""
        self._start(Told(), events)
        self._called |= isinstance(part, ToolCall)
        self._refused |= isinstance(part, Refusal)
        events += unfold_part(self._parts, part)
        self._parts += 1

    def _begin_item(self, event: _Event, events: list[Event]) -> None:
        item = item_shape(event.item or b"{}")
        if item.type == "custom_tool_call":
            call = ToolCall(id=item.call_id or item.id or "", name=item.name or "", arguments=Raw(b""), custom=True)
            state = self._at((event.output_index, _ITSELF), call, events)
            events.append(Delta(index=state.index, arguments=BEGIN))
        elif item.type == "function_call":
            call = ToolCall(id=item.call_id or item.id or "", name=item.name or "", arguments=Raw(b""))
            state = self._at((event.output_index, _ITSELF), call, events)
            if item.arguments:
                state.text = item.arguments
                events.append(Delta(index=state.index, arguments=item.arguments))

    def _end_item(self, event: _Event, events: list[Event]) -> None:
        raw = event.item or Raw(b"{}")
        item = item_shape(raw)
        key = (event.output_index, _ITSELF)
        match item.type:
            case "message":
                for n, content in enumerate(item.content or ()):
                    self._content((event.output_index, n), content, events)
            case "function_call" | "custom_tool_call" | "reasoning" if key in self._open:
                self._end_part(self._open.pop(key), item, events)
            case _:
                for part in read_item(raw):
                    self._whole(part, events)
        self._closed.add(key)

    def _end_part(self, state: _Open, item: Item, events: list[Event]) -> None:
        state.must_be(Thinking if item.type == "reasoning" else ToolCall)
        if item.type == "function_call":
            if item.arguments and not state.text:
                events.append(Delta(index=state.index, arguments=item.arguments))
        elif item.type == "custom_tool_call":
            rest = "" if state.text else piece(item.input or "")
            events.append(Delta(index=state.index, arguments=rest + END))
        elif (thinking := read_reasoning(item)) is not None and thinking.signature:
            events.append(Delta(index=state.index, signature=thinking.signature))
        events.append(Close(state.index))

    def _end(self, raw: Raw, events: list[Event]) -> None:
        self.done = True
        told = read_told(raw)
        self._start(told, events)
        if not self._parts:
            for item in told.output or ():
                for part in read_item(item):
                    self._whole(part, events)
        events += [Close(state.index) for state in self._open.values()]
        finish = read_finish(told, self._called, self._refused)
        usage = to_usage(told.usage or WireUsage())
        events.append(Done(finish=finish, usage=usage, extra=extra_of(bytes(raw), told)))


def _tokens(raw: Raw) -> tuple[Likely, ...]:
    """Nearly all events have an empty list."""
    return () if len(raw) < 3 or given(raw) is None else read_tokens(raw) or ()


def _text(delta: Any) -> str:
    return delta if isinstance(delta, str) else ""
