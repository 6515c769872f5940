"""Events, written as a streamed message.

Sequence (``anthropic.types.RawMessageStreamEvent``): message_start; for each block content_block_start, deltas,
content_block_stop; message_delta with the stop reason and the cumulative usage; message_stop. Blocks do not overlap:
events of a part that begins while another is open wait until that one closes.
"""

from msgspec import Raw

from asbru.model.chat import Ask, Opaque, Part, Refusal, Text, Thinking, ToolCall
from asbru.model.events import Close, Delta, Done, Ended, Event, Open, Start
from asbru.model.failure import Failure
from asbru.model.names import Format
from asbru.wire.anthropic.errors import write_failure
from asbru.wire.anthropic.messages_citations import write_citation
from asbru.wire.anthropic.messages_parts import Json, tool_id
from asbru.wire.anthropic.messages_reply import open_block
from asbru.wire.anthropic.messages_usage import write_delta_usage, write_usage
from asbru.wire.anthropic.messages_words import write_stop
from asbru.wire.codec import Stamp
from asbru.wire.shapes import write_json
from asbru.wire.sse import write_frame

HERE = Format.ANTHROPIC_MESSAGES
_TEXT_DELTA = (
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":%b}}\n\n'
)
"""Nearly all events of a stream are this one."""


class MessageWriter:
    """Writes one stream."""

    __slots__ = ("_blocks", "_current", "_kind", "_stamp", "_waiting")

    def __init__(self, stamp: Stamp, ask: Ask) -> None:
        self._stamp = stamp
        self._blocks = 0
        self._current = -1
        self._kind: type[Part] | None = None
        self._waiting: dict[int, list[Event]] = {}

    def send(self, event: Event) -> bytes:
        """The bytes for one event; may be empty."""
        match event:
            case Start():
                return self._start(event)
            case Done():
                return self._done(event)
            case Ended():
                return b""
        if event.index == self._current:
            return self._current_event(event)
        if self._current >= 0 or event.index in self._waiting:
            self._waiting.setdefault(event.index, []).append(event)
            return b""
        return self._open(event) if isinstance(event, Open) else b""

    def fail(self, failure: Failure) -> bytes:
        """An error in the middle of a stream."""
        return write_frame("error", write_failure(failure, f"req_{self._stamp.id}"))

    def _start(self, event: Start) -> bytes:
        message: Json = {
            "id": f"msg_{self._stamp.id}",
            "type": "message",
            "role": "assistant",
            "model": event.model or self._stamp.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": write_usage(event.usage),
        }
        return _frame("message_start", {"message": message})

    def _open(self, event: Open) -> bytes:
        """Begins a block. A part that this format lacks, or of a further answer,
        is passed over: its further events find no current block."""
        part = event.part
        block: Json | Raw | None
        if event.choice:
            return b""
        if isinstance(part, ToolCall):
            block = {"type": "tool_use", "id": tool_id(part.id), "name": part.name, "input": {}}
        elif isinstance(part, Opaque):
            block = part.raw if part.format is HERE else None
        else:
            block = open_block(part)
        if block is None:
            return b""
        self._current = event.index
        self._kind = type(part)
        out = _frame("content_block_start", {"index": self._blocks, "content_block": block})
        if isinstance(part, ToolCall) and part.arguments:
            out += self._write_delta({"type": "input_json_delta", "partial_json": bytes(part.arguments).decode()})
        return out

    def _current_event(self, event: Event) -> bytes:
        if isinstance(event, Delta):
            return self._delta(event)
        return self._close() if isinstance(event, Close) else b""

    def _delta(self, event: Delta) -> bytes:
        if event.arguments:
            return self._write_delta({"type": "input_json_delta", "partial_json": event.arguments})
        if event.signature:
            return self._write_delta({"type": "signature_delta", "signature": event.signature})
        if isinstance(event.part, Text):
            citations = [write_citation(one) for one in event.part.citations]
            return b"".join(self._write_delta({"type": "citations_delta", "citation": one}) for one in citations)
        if not event.text:
            return b""
        if self._kind is Thinking:
            return self._write_delta({"type": "thinking_delta", "thinking": event.text})
        assert self._kind in (Text, Refusal)
        return _TEXT_DELTA % (self._blocks, write_json(event.text))

    def _write_delta(self, delta: Json) -> bytes:
        return _frame("content_block_delta", {"index": self._blocks, "delta": delta})

    def _stop(self) -> bytes:
        out = _frame("content_block_stop", {"index": self._blocks})
        self._blocks += 1
        self._current = -1
        return out

    def _close(self) -> bytes:
        return self._stop() + self._next()

    def _next(self) -> bytes:
        """Writes what has waited, until a part is still open or nothing waits."""
        out: list[bytes] = []
        while self._waiting and self._current < 0:
            index = next(iter(self._waiting))
            for event in self._waiting.pop(index):
                out.append(self._replay(event))
        return b"".join(out)

    def _replay(self, event: Event) -> bytes:
        if isinstance(event, Open):
            return self._open(event)
        if isinstance(event, Close) and event.index == self._current:
            return self._stop()
        return self._delta(event) if isinstance(event, Delta) and event.index == self._current else b""

    def _done(self, event: Done) -> bytes:
        out = b""
        while self._current >= 0:
            out += self._close()
        delta: Json = {"stop_reason": write_stop(event.finish), "stop_sequence": event.stop_sequence or None}
        out += _frame("message_delta", {"delta": delta, "usage": write_delta_usage(event.usage)})
        return out + _frame("message_stop", {})


def _frame(event: str, members: Json) -> bytes:
    return write_frame(event, write_json({"type": event, **members}))
