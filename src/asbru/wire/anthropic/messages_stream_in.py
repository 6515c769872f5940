"""A streamed message, read into events.

Events are told by ``type`` in their data; ``ping`` and types to come are ignored, as Anthropic asks of clients.
"""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Opaque, Text, ToolCall
from asbru.model.events import Close, Delta, Done, Event, Open, Start
from asbru.model.failure import Broken
from asbru.model.names import Finish, Format
from asbru.model.usage import Usage
from asbru.wire.anthropic.errors import read_stream_error
from asbru.wire.anthropic.messages_citations import read_citation
from asbru.wire.anthropic.messages_reply import block_shape, read_block
from asbru.wire.anthropic.messages_usage import WireUsage, later, to_usage
from asbru.wire.anthropic.messages_words import read_stop
from asbru.wire.shapes import BAD_JSON, NOTHING, given, read_members, write_json
from asbru.wire.sse import Frame

HERE = Format.ANTHROPIC_MESSAGES


class _Message(Struct):
    id: str = ""
    model: str = ""
    usage: WireUsage | None = None


class _Delta(Struct):
    type: str = ""
    text: str = ""
    partial_json: str = ""
    thinking: str = ""
    signature: str = ""
    citation: Raw = NOTHING
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _Event(Struct):
    type: str = ""
    index: int = 0
    message: _Message | None = None
    content_block: Raw = NOTHING
    delta: _Delta | None = None
    usage: WireUsage | None = None


_event = msgspec.json.Decoder(_Event).decode
_GROWING = frozenset({"text", "thinking", "tool_use"})
_GROWN_BY = {
    "text_delta": "text",
    "citations_delta": "text",
    "input_json_delta": "tool_use",
    "thinking_delta": "thinking",
    "signature_delta": "thinking",
}


class _Strange:
    """A block that the model has no word for: kept until it is whole, then told as one Opaque part."""

    __slots__ = ("json", "raw")

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        self.json = ""

    def whole(self) -> Raw:
        if not self.json:
            return self.raw
        return Raw(write_json(read_members(self.raw) | {"input": msgspec.json.decode(self.json, type=Raw)}))


class MessageReader:
    """Reads one stream."""

    __slots__ = ("_finish", "_open", "_sequence", "_started", "_strange", "_usage", "done")

    def __init__(self) -> None:
        self.done = False
        self._started = False
        self._usage = WireUsage()
        self._finish: Finish | None = None
        self._sequence = ""
        self._open: dict[int, str] = {}
        self._strange: dict[int, _Strange] = {}

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """The events of one frame. Raises Upstream for an error frame, Broken for one that cannot be read."""
        if self.done or not frame.data:
            return ()
        try:
            return self._read(_event(frame.data), frame.data)
        except BAD_JSON as error:
            raise Broken(502, f"The provider's stream cannot be read: {error}", code="bad_stream") from None

    def _read(self, event: _Event, data: bytes) -> tuple[Event, ...]:
        match event.type:
            case "content_block_delta":
                return self._delta(event)
            case "content_block_start":
                return self._begin(event)
            case "content_block_stop":
                return self._stop(event)
            case "message_start":
                return self._start(event)
            case "message_delta":
                self._end(event)
            case "message_stop":
                return self._done()
            case "error":
                raise read_stream_error(data)
        return ()

    def _start(self, event: _Event) -> tuple[Event, ...]:
        if self._started:
            return ()
        self._started = True
        message = event.message or _Message()
        self._usage = message.usage or WireUsage()
        usage = to_usage(self._usage)
        return (Start(id=message.id, model=message.model, usage=usage, origin=HERE),)

    def _begin(self, event: _Event) -> tuple[Event, ...]:
        raw = given(event.content_block)
        if raw is None or event.index in self._open or event.index in self._strange or not self._started:
            raise Broken(502, "The provider's stream begins a block out of order.", code="bad_stream")
        block = block_shape(raw)
        if block.type not in _GROWING and block.type != "redacted_thinking":
            self._strange[event.index] = _Strange(raw)
            return ()
        self._open[event.index] = block.type
        part = read_block(raw)
        if not isinstance(part, ToolCall):
            return (Open(event.index, part),)
        opened = Open(event.index, ToolCall(id=part.id, name=part.name, arguments=Raw(b"")))
        if bytes(part.arguments) == b"{}":
            return (opened,)
        return opened, Delta(index=event.index, arguments=bytes(part.arguments).decode())

    def _delta(self, event: _Event) -> tuple[Event, ...]:
        delta, index = event.delta or _Delta(), event.index
        if index in self._strange:
            self._strange[index].json += delta.partial_json
            return ()
        if (kind := self._open.get(index)) is None or _GROWN_BY.get(delta.type, kind) != kind:
            raise Broken(502, "The provider's stream goes on with a block that it has not begun.", code="bad_stream")
        match delta.type:
            case "text_delta" if delta.text:
                return (Delta(index=index, text=delta.text),)
            case "input_json_delta" if delta.partial_json:
                return (Delta(index=index, arguments=delta.partial_json),)
            case "thinking_delta" if delta.thinking:
                return (Delta(index=index, text=delta.thinking),)
            case "signature_delta" if delta.signature:
                return (Delta(index=index, signature=delta.signature),)
            case "citations_delta" if delta.citation:
                return (Delta(index=index, part=Text("", citations=(read_citation(delta.citation),))),)
        return ()

    def _stop(self, event: _Event) -> tuple[Event, ...]:
        strange = self._strange.pop(event.index, None)
        if strange is not None:
            raw = strange.whole()
            return Open(event.index, Opaque(format=HERE, kind=block_shape(raw).type, raw=raw)), Close(event.index)
        return () if self._open.pop(event.index, None) is None else (Close(event.index),)

    def _end(self, event: _Event) -> None:
        delta = event.delta or _Delta()
        if delta.stop_reason:
            self._finish = read_stop(delta.stop_reason)
        self._sequence = delta.stop_sequence or self._sequence
        if event.usage is not None:
            self._usage = later(self._usage, event.usage)

    def _done(self) -> tuple[Event, ...]:
        self.done = True
        events: list[Any] = [] if self._started else [Start(id="", model="", origin=HERE)]
        events += [Close(index) for index in sorted(self._open)]
        usage = to_usage(self._usage) if self._usage != WireUsage() else Usage()
        events.append(Done(finish=self._finish, stop_sequence=self._sequence, usage=usage))
        return tuple(events)
