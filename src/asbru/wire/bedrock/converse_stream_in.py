"""A streamed Converse reply, read into events (``ConverseStreamOutput``).

A block of text or of reasoning begins with its first delta; ``contentBlockStart`` tells tools and media only. The usage
comes after the end of the message, in ``metadata``, which is the end marker.
"""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Image, Opaque, Part, Text, Thinking, ToolCall
from asbru.model.events import Close, Delta, Done, Event, Open, Start
from asbru.model.failure import Broken
from asbru.model.names import Finish, Format
from asbru.model.usage import Usage
from asbru.wire.bedrock.converse_citations import read_citation
from asbru.wire.bedrock.converse_output import OUTPUT_TOOL, finished
from asbru.wire.bedrock.converse_usage import WireUsage, to_usage
from asbru.wire.bedrock.converse_words import IMAGES, read_stop
from asbru.wire.shapes import BAD_JSON, NOTHING, Members, given, read_members, write_json
from asbru.wire.sse import Frame

HERE = Format.BEDROCK_CONVERSE


class _ToolStart(Struct, rename="camel"):
    tool_use_id: str = ""
    name: str = ""
    type: str | None = None


class _Begin(Struct, rename="camel"):
    content_block_index: int = 0
    start: Members | None = None


class _ToolDelta(Struct):
    input: str = ""


class _ReasoningDelta(Struct, rename="camel"):
    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class _Bytes(Struct, frozen=True):
    bytes: str = ""


class _ImageDelta(Struct, frozen=True):
    source: _Bytes = _Bytes()


class _Deltas(Struct, frozen=True, rename="camel"):
    text: str | None = None
    tool_use: _ToolDelta | None = None
    reasoning_content: _ReasoningDelta | None = None
    citation: Raw = NOTHING
    image: _ImageDelta | None = None
    tool_result: list[Raw] | None = None


class _More(Struct, rename="camel"):
    content_block_index: int = 0
    delta: _Deltas = _Deltas()


class _Index(Struct, rename="camel"):
    content_block_index: int = 0


class _Stop(Struct, rename="camel"):
    stop_reason: str | None = None


class _Metadata(Struct):
    usage: WireUsage | None = None


_begin = msgspec.json.Decoder(_Begin).decode
_more = msgspec.json.Decoder(_More).decode
_index = msgspec.json.Decoder(_Index).decode
_stop = msgspec.json.Decoder(_Stop).decode
_metadata = msgspec.json.Decoder(_Metadata).decode
_object = msgspec.json.Decoder(dict[str, Any]).decode
_tool = msgspec.json.Decoder(_ToolStart).decode


class _Gathered:
    """A block that is told when it is whole: an image, a server tool's call or result, redacted reasoning."""

    __slots__ = ("kind", "pieces", "start", "text")

    def __init__(self, kind: str, start: Raw) -> None:
        self.kind = kind
        self.start = start
        self.pieces: list[Raw] = []
        self.text = ""

    def whole(self) -> Part:
        if self.kind == "reasoningContent":
            return Thinking(redacted=self.text)
        start = _object(self.start)
        if self.kind == "image":
            return Image(media_type=IMAGES.get(str(start.get("format")), "image/png"), data=self.text)
        if self.kind == "toolUse":
            start["input"] = msgspec.json.decode(self.text or "{}", type=Raw)
        elif self.pieces:
            start["content"] = self.pieces
        return Opaque(format=HERE, kind=self.kind, raw=Raw(write_json({self.kind: start})))


def _out_of_order() -> Broken:
    return Broken(502, "The provider's stream begins a block out of order.", code="bad_stream")


class ConverseReader:
    """Reads one stream."""

    __slots__ = ("_called", "_extra", "_finish", "_gathered", "_open", "_outputs", "_started", "_stopped", "done")

    def __init__(self) -> None:
        self.done = False
        self._started = False
        self._stopped = False
        self._finish: Finish | None = None
        self._called = False
        self._outputs: set[int] = set()
        self._extra: Members = {}
        self._open: dict[int, type[Part]] = {}
        self._gathered: dict[int, _Gathered] = {}

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """The events of one frame. Raises Broken for one that cannot be read."""
        if self.done:
            return ()
        try:
            return self._read(frame)
        except BAD_JSON as error:
            raise Broken(502, f"The provider's stream cannot be read: {error}", code="bad_stream") from None

    def _read(self, frame: Frame) -> tuple[Event, ...]:
        match frame.event:
            case "contentBlockDelta":
                return self._delta(_more(frame.data))
            case "contentBlockStart":
                return self._begin(_begin(frame.data))
            case "contentBlockStop":
                return self._close(_index(frame.data).content_block_index)
            case "messageStart":
                return self._start()
            case "messageStop":
                self._stopped = True
                self._finish = read_stop(_stop(frame.data).stop_reason)
                self._keep(frame.data, "stopReason", "p")
            case "metadata":
                return self._done(frame.data)
        return ()

    def _keep(self, data: bytes, *known: str) -> None:
        self._extra |= {name: raw for name, raw in read_members(data).items() if name not in known}

    def _start(self) -> tuple[Event, ...]:
        if self._started:
            return ()
        self._started = True
        return (Start(id="", model="", origin=HERE),)

    def _begin(self, event: _Begin) -> tuple[Event, ...]:
        index = event.content_block_index
        if index in self._open or index in self._gathered:
            raise _out_of_order()
        for kind, raw in (event.start or {}).items():
            if kind == "toolUse":
                told = _tool(raw)
                if told.type is None and told.name == OUTPUT_TOOL:
                    self._outputs.add(index)
                    return self._opening(index, Text(""))
                if told.type is None:
                    self._called = True
                    call = ToolCall(id=told.tool_use_id, name=told.name, arguments=Raw(b""))
                    return self._opening(index, call)
            if given(raw) is not None:
                self._gathered[index] = _Gathered(kind, raw)
        return ()

    def _opening(self, index: int, part: Part) -> tuple[Event, ...]:
        self._open[index] = type(part)
        return (*self._start(), Open(index, part))

    def _delta(self, event: _More) -> tuple[Event, ...]:
        index, delta = event.content_block_index, event.delta
        if index in self._gathered:
            return self._gather(self._gathered[index], delta)
        if delta.text is not None:
            return self._grow(index, Text(""), Delta(index=index, text=delta.text))
        if delta.tool_use is not None:
            if self._open.get(index) is not (Text if index in self._outputs else ToolCall):
                words = "The provider's stream goes on with a block that it has not begun."
                raise Broken(502, words, code="bad_stream")
            told = delta.tool_use.input
            more = Delta(index=index, text=told) if index in self._outputs else Delta(index=index, arguments=told)
            return (more,) if told else ()
        if delta.reasoning_content is not None:
            return self._think(index, delta.reasoning_content)
        if (citation := given(delta.citation)) is not None:
            cited = Text("", citations=(read_citation(citation),))
            return self._grow(index, Text(""), Delta(index=index, part=cited))
        return ()

    def _gather(self, block: _Gathered, delta: _Deltas) -> tuple[Event, ...]:
        if delta.image is not None:
            block.text += delta.image.source.bytes
        if delta.tool_use is not None:
            block.text += delta.tool_use.input
        if delta.reasoning_content is not None:
            block.text += delta.reasoning_content.redacted_content or ""
        block.pieces += delta.tool_result or ()
        return ()

    def _think(self, index: int, delta: _ReasoningDelta) -> tuple[Event, ...]:
        if delta.redacted_content is not None and index not in self._open:
            self._gathered[index] = block = _Gathered("reasoningContent", Raw(b"{}"))
            block.text = delta.redacted_content
            return ()
        more = Delta(index=index, text=delta.text or "", signature=delta.signature or "")
        return self._grow(index, Thinking(), more)

    def _grow(self, index: int, empty: Part, delta: Delta) -> tuple[Event, ...]:
        opening = () if index in self._open else self._opening(index, empty)
        if self._open[index] is not type(empty):
            raise _out_of_order()
        if not (delta.text or delta.signature or delta.part):
            return opening
        return (*opening, delta)

    def _close(self, index: int) -> tuple[Event, ...]:
        block = self._gathered.pop(index, None)
        if block is None and self._open.pop(index, None) is None:
            return ()
        return (Close(index),) if block is None else (*self._start(), Open(index, block.whole()), Close(index))

    def _done(self, data: bytes) -> tuple[Event, ...]:
        if not self._stopped:
            raise Broken(502, "The provider's stream tells its usage before its end.", code="bad_stream")
        self.done = True
        told = _metadata(data).usage
        self._keep(data, "usage", "metrics", "p")
        events: list[Event] = [*self._start()]
        for index in sorted({*self._open, *self._gathered}):
            events += self._close(index)
        usage = Usage() if told is None else to_usage(told)
        finish = finished(self._finish, bool(self._outputs), self._called)
        return (*events, Done(finish=finish, usage=usage, extra=self._extra))
