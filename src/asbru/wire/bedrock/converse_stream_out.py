"""Events, written as a streamed Converse reply in Amazon's event stream."""

from asbru.model.chat import Ask, Image, Opaque, Part, Refusal, Text, Thinking, ToolCall
from asbru.model.events import Close, Delta, Done, Event, Open, Start
from asbru.model.failure import Failure
from asbru.model.names import Format
from asbru.wire.aws import write_event, write_exception
from asbru.wire.bedrock.converse_citations import write_citation
from asbru.wire.bedrock.converse_parts import Json, tool_id
from asbru.wire.bedrock.converse_usage import write_usage
from asbru.wire.bedrock.converse_words import FORMATS_OF_IMAGES, write_stop
from asbru.wire.bedrock.errors import stream_exception
from asbru.wire.codec import Stamp
from asbru.wire.one_by_one import OneByOne, Ordered
from asbru.wire.shapes import write_json
from asbru.wire.sse import Frame

HERE = Format.BEDROCK_CONVERSE


class ConverseFrames:
    """The frames of one stream, whatever carries them."""

    __slots__ = ("_block", "_kind", "_order")

    def __init__(self) -> None:
        self._order = OneByOne()
        self._block = 0
        self._kind: type[Part] | None = None

    def send(self, event: Event) -> list[Frame]:
        """The frames for one event."""
        return [frame for each in self._order.feed(event) for frame in self._write(each)]

    def _write(self, event: Ordered) -> list[Frame]:
        match event:
            case Start():
                return [_frame("messageStart", {"role": "assistant"})]
            case Open():
                return self._open(event)
            case Delta():
                return [] if self._kind is None else [self._more(delta) for delta in self._deltas(event)]
            case Close():
                return self._close()
            case Done():
                return self._done(event)

    def _open(self, event: Open) -> list[Frame]:
        """Begins a block. A part that this format lacks is passed over, with its deltas."""
        part = event.part
        self._kind = None if isinstance(part, Opaque) or event.choice else type(part)
        if event.choice:
            return []
        if isinstance(part, ToolCall):
            frames = [self._start({"toolUse": {"toolUseId": tool_id(part.id), "name": part.name}})]
            if part.arguments:
                frames.append(self._more({"toolUse": {"input": bytes(part.arguments).decode()}}))
            return frames
        if isinstance(part, Image) and part.media_type in FORMATS_OF_IMAGES:
            start = self._start({"image": {"format": FORMATS_OF_IMAGES[part.media_type]}})
            return [start, self._more({"image": {"source": {"bytes": part.data}}})]
        if isinstance(part, Thinking) and part.redacted:
            return [self._more({"reasoningContent": {"redactedContent": part.redacted}})]
        if isinstance(part, Text | Refusal | Thinking):
            return [self._more(delta) for delta in self._deltas(Delta(index=0, text=part.text))]
        self._kind = None
        return []

    def _deltas(self, delta: Delta) -> list[Json]:
        if delta.arguments:
            return [{"toolUse": {"input": delta.arguments}}]
        if delta.signature:
            return [{"reasoningContent": {"signature": delta.signature}}]
        if isinstance(delta.part, Text):
            return [{"citation": write_citation(one)} for one in delta.part.citations]
        if not delta.text:
            return []
        return [{"reasoningContent": {"text": delta.text}} if self._kind is Thinking else {"text": delta.text}]

    def _start(self, start: Json) -> Frame:
        return _frame("contentBlockStart", {"start": start, "contentBlockIndex": self._block})

    def _more(self, delta: Json) -> Frame:
        return _frame("contentBlockDelta", {"delta": delta, "contentBlockIndex": self._block})

    def _close(self) -> list[Frame]:
        if self._kind is None:
            return []
        frame = _frame("contentBlockStop", {"contentBlockIndex": self._block})
        self._kind = None
        self._block += 1
        return [frame]

    def _done(self, event: Done) -> list[Frame]:
        stop = _frame("messageStop", {"stopReason": write_stop(event.finish)})
        return [stop, _frame("metadata", {"usage": write_usage(event.usage), "metrics": {"latencyMs": 0}})]


def _frame(event: str, members: Json) -> Frame:
    return Frame(event, write_json(members))


class ConverseWriter:
    """Writes one stream."""

    __slots__ = ("_frames",)

    def __init__(self, stamp: Stamp, ask: Ask) -> None:
        self._frames = ConverseFrames()

    def send(self, event: Event) -> bytes:
        """The bytes for one event; may be empty."""
        return b"".join(write_event(frame) for frame in self._frames.send(event))

    def fail(self, failure: Failure) -> bytes:
        """An exception in the middle of a stream."""
        return write_exception(*stream_exception(failure))
