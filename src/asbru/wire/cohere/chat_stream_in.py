"""A streamed v2 chat reply, read into events (``cohere`` SDK 7.3, ``v2/types/v2chat_stream_response.py``).

Rule 1. Pieces of the tool plan come without a beginning and an end: they are a text that closes when anything else
begins.
Rule 2. The reply is whole at ``message-end``. One that ends with ERROR or TIMEOUT has failed.
Rule 3. A citation that comes after its text has closed is told with the end.
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Part, Text, ToolCall
from asbru.model.events import Close, Delta, Done, Event, Open, Start
from asbru.model.failure import Broken
from asbru.model.http import NO_HEADERS
from asbru.model.names import Format
from asbru.wire.cohere.chat_citations import PLAN, cited_shape, read_citation
from asbru.wire.cohere.chat_reply import Call, CallFunction, Item, empty_part
from asbru.wire.cohere.chat_words import FAILED, read_finish
from asbru.wire.cohere.errors import ended_badly
from asbru.wire.cohere.logprobs import read_piece
from asbru.wire.cohere.usage import WireUsage, to_usage
from asbru.wire.faults import judge, read_fault
from asbru.wire.openai.chat_reply import missing_id
from asbru.wire.shapes import BAD_JSON, NOTHING, Members, given
from asbru.wire.sse import Frame

HERE = Format.COHERE_CHAT


class _Message(Struct):
    """What an event tells of the message: one thing. (At the start its members are empty lists, which are not read.)"""

    content: Raw = NOTHING
    tool_plan: str | None = None
    tool_calls: Raw = NOTHING
    citations: Raw = NOTHING


class _Delta(Struct):
    """(``logprobs`` stand beside it.)"""

    message: _Message | None = None
    finish_reason: str | None = None
    usage: WireUsage | None = None
    error: str | None = None


class _Event(Struct):
    type: str = ""
    id: str | None = None
    index: int | None = None
    delta: _Delta | None = None
    message: str | None = None
    logprobs: Raw = NOTHING


_event = msgspec.json.Decoder(_Event).decode
_item = msgspec.json.Decoder(Item).decode
_call = msgspec.json.Decoder(Call).decode


class ChatReader:
    """Reads one stream."""

    __slots__ = ("_calls", "_content", "_extra", "_id", "_open", "_parts", "_plan", "_started", "done")

    def __init__(self) -> None:
        self.done = False
        self._started = False
        self._id = ""
        self._parts = 0
        self._plan = -1
        """The part that holds the plan; -1 before it begins."""
        self._content: dict[int, int] = {}
        self._calls: dict[int, int] = {}
        self._open: set[int] = set()
        self._extra: Members = {}

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """The events of one frame. Raises Upstream for an error frame, Broken for one that cannot be read."""
        if self.done or not frame.data or frame.data.strip() == b"[DONE]":
            return ()
        try:
            return self._read(_event(frame.data), frame.data)
        except BAD_JSON as error:
            raise Broken(502, f"The provider's stream cannot be read: {error}", code="bad_stream") from None

    def _read(self, event: _Event, data: bytes) -> tuple[Event, ...]:
        told = event.delta or _Delta()
        message = told.message or _Message()
        events: list[Event] = []
        match event.type:
            case "content-delta":
                self._grow(event, _item(message.content), events)
            case "content-start":
                self._begin(event, _item(message.content), events)
            case "content-end":
                self._close(self._content.get(event.index or 0), events)
            case "tool-plan-delta":
                self._say_plan(message.tool_plan or "", events)
            case "tool-call-start" | "tool-call-delta":
                self._call(event, _call(message.tool_calls), events)
            case "tool-call-end":
                self._close(self._calls.get(event.index or 0), events)
            case "citation-start":
                self._cite(event, given(message.citations), events)
            case "message-start":
                self._start(event, events)
            case "message-end":
                self._end(told, events)
            case "" if event.message:
                raise judge(502, NO_HEADERS, read_fault(data))
        return tuple(events)

    def _start(self, event: _Event, events: list[Event]) -> None:
        if not self._started:
            self._started = True
            self._id = event.id or ""
            events.append(Start(id=self._id, model="", origin=HERE))

    def _new(self, part: Part, events: list[Event]) -> int:
        self._start(_Event(), events)
        index = self._parts
        self._parts += 1
        self._open.add(index)
        events.append(Open(index, part))
        return index

    def _close(self, index: int | None, events: list[Event]) -> None:
        if index in self._open:
            self._open.discard(index)
            events.append(Close(index))

    def _begin(self, event: _Event, item: Item, events: list[Event]) -> None:
        self._close(self._plan, events)
        part = empty_part(Item(type=item.type))
        if part is None:
            return
        index = self._content[event.index or 0] = self._new(part, events)
        if text := item.text or item.thinking:
            events.append(Delta(index=index, text=text))

    def _grow(self, event: _Event, item: Item, events: list[Event]) -> None:
        index = self._content.get(event.index or 0, -1)
        if index not in self._open:
            raise Broken(502, "The provider's stream goes on with a content that is not open.", code="bad_stream")
        raw = given(event.logprobs)
        tokens = () if raw is None or item.thinking else read_piece(raw)
        if (text := item.text or item.thinking or "") or tokens:
            events.append(Delta(index=index, text=text, logprobs=tokens))

    def _say_plan(self, text: str, events: list[Event]) -> None:
        if self._plan not in self._open:
            self._plan = self._new(Text(""), events)
        events.append(Delta(index=self._plan, text=text))

    def _call(self, event: _Event, call: Call, events: list[Event]) -> None:
        function = call.function or CallFunction()
        at = event.index or 0
        if event.type == "tool-call-start":
            self._close(self._plan, events)
            call_id = call.id or missing_id(self._id, at)
            self._calls[at] = self._new(ToolCall(id=call_id, name=function.name or "", arguments=Raw(b"")), events)
        index = self._calls.get(at, -1)
        if index not in self._open:
            raise Broken(502, "The provider's stream goes on with a tool call that is not open.", code="bad_stream")
        if function.arguments:
            events.append(Delta(index=index, arguments=function.arguments))

    def _cite(self, event: _Event, raw: Raw | None, events: list[Event]) -> None:
        if raw is None:
            return
        told = cited_shape(raw)
        index = self._plan if told.type == PLAN else self._content.get(told.content_index or 0, -1)
        if index in self._open:
            events.append(Delta(index=index, part=Text("", citations=(read_citation(raw),))))
        else:
            self._extra[f"message.citations.{event.index or 0}"] = raw

    def _end(self, told: _Delta, events: list[Event]) -> None:
        reason = told.finish_reason or ""
        if reason in FAILED or told.error:
            raise ended_badly(reason or "ERROR", told.error or "")
        self.done = True
        self._start(_Event(), events)
        events += [Close(index) for index in sorted(self._open)]
        usage = to_usage(told.usage or WireUsage())
        events.append(Done(finish=read_finish(reason), usage=usage, extra=self._extra))
