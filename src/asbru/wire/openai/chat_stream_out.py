"""Events, written as a streamed chat completion.

Sequence (``openai.types.chat.ChatCompletionChunk``): a chunk with the role, deltas, a chunk with ``finish_reason``, a
chunk with empty ``choices`` and the usage when the client asked for it, ``[DONE]``.
"""

from asbru.model.chat import Ask, Refusal, Text, Thinking, ToolCall
from asbru.model.events import Close, Delta, Done, Event, Open, Start
from asbru.model.failure import Failure
from asbru.model.names import Format
from asbru.wire.codec import Stamp
from asbru.wire.openai.chat_ask_out import Json
from asbru.wire.openai.chat_reasoning import write_annotations, write_detail
from asbru.wire.openai.chat_usage import write_usage
from asbru.wire.openai.chat_words import write_finish
from asbru.wire.openai.errors import error_body
from asbru.wire.shapes import read_members, write_json

HERE = Format.OPENAI_CHAT


class _Part:
    """What is known of a part under way.

    ``n``: the number of a tool call or of a thinking part; ``start``: of a text.
    """

    __slots__ = ("grown", "kind", "n", "start")

    def __init__(self, kind: type, n: int, start: int) -> None:
        self.kind = kind
        self.n = n
        self.start = start
        self.grown = False


class ChatWriter:
    """Writes one stream."""

    __slots__ = (
        "_calls",
        "_cited",
        "_head",
        "_parts",
        "_refused",
        "_stamp",
        "_tail",
        "_thoughts",
        "_usage",
        "_written",
    )

    def __init__(self, stamp: Stamp, ask: Ask) -> None:
        self._stamp = stamp
        self._usage = ask.include_usage
        self._tail = b',"usage":null}\n\n' if ask.include_usage else b"}\n\n"
        self._head = b""
        self._parts: dict[int, _Part] = {}
        self._calls = 0
        self._cited = 0
        self._thoughts = 0
        self._written = 0
        self._refused = False

    def send(self, event: Event) -> bytes:
        """The bytes for one event; may be empty."""
        match event:
            case Delta():
                return self._delta(event)
            case Open():
                return self._open(event)
            case Close():
                return self._close(event)
            case Start():
                return self._start(event)
            case Done():
                return self._done(event)

    def fail(self, failure: Failure) -> bytes:
        """An error in the middle of a stream; no ``[DONE]`` follows."""
        return b"data: " + write_json(error_body(failure)) + b"\n\n"

    def _start(self, event: Start) -> bytes:
        head: Json = {
            "id": f"chatcmpl-{self._stamp.id}",
            "object": "chat.completion.chunk",
            "created": event.created or self._stamp.at,
            "model": event.model or self._stamp.model,
        }
        self._head = b"data: " + write_json(head)[:-1] + b',"choices":['
        return self._chunk({"role": "assistant", "content": "", "refusal": None})

    def _chunk(self, delta: Json, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return self._head + write_json(choice) + b"]" + self._tail

    def _open(self, event: Open) -> bytes:
        part = event.part
        state = _Part(type(part), 0, self._written)
        self._parts[event.index] = state
        match part:
            case ToolCall():
                state.n = self._calls
                self._calls += 1
                function = {"name": part.name, "arguments": bytes(part.arguments).decode()}
                call: Json = {"index": state.n, "id": part.id, "type": "function", "function": function}
                return self._chunk({"tool_calls": [call]})
            case Thinking():
                state.n = self._thoughts
                self._thoughts += 1
                return self._chunk({"reasoning_details": [write_detail(state.n, part)]}) if part.redacted else b""
            case Refusal():
                self._refused = True
        return b""

    def _delta(self, event: Delta) -> bytes:
        state = self._parts[event.index]
        state.grown = True
        if event.arguments:
            return self._chunk({"tool_calls": [{"index": state.n, "function": {"arguments": event.arguments}}]})
        if event.signature:
            detail = write_detail(state.n, Thinking(signature=event.signature))
            return self._chunk({"reasoning_details": [detail]})
        if isinstance(event.part, Text):
            return self._cite(event.part, state)
        if not event.text:
            return b""
        if state.kind is Thinking:
            return self._chunk({"reasoning_content": event.text})
        if state.kind is Refusal:
            return self._chunk({"refusal": event.text})
        self._written += len(event.text)
        return self._chunk({"content": event.text})

    def _cite(self, holder: Text, state: _Part) -> bytes:
        """Annotations point at the text written so far of their part.

        OpenAI's SDK adds chunks up, and wants an ``index`` in what comes in more than one.
        """
        so_far = Text(" " * (self._written - state.start), citations=holder.citations)
        told = [read_members(raw) for raw in write_annotations(so_far, state.start)[0]]
        annotations = [{"index": self._cited + n, **members} for n, members in enumerate(told)]
        self._cited += len(annotations)
        return self._chunk({"annotations": annotations}) if annotations else b""

    def _close(self, event: Close) -> bytes:
        state = self._parts.pop(event.index)
        if state.kind is ToolCall and not state.grown:
            return self._chunk({"tool_calls": [{"index": state.n, "function": {"arguments": "{}"}}]})
        return b""

    def _done(self, event: Done) -> bytes:
        out = self._chunk({}, write_finish(event.finish, refusal=self._refused))
        if self._usage:
            out += self._head + b'],"usage":' + write_json(write_usage(event.usage)) + b"}\n\n"
        return out + b"data: [DONE]\n\n"
