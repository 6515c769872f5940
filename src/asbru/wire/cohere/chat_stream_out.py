"""Events, written as a streamed v2 chat reply.

Sequence (``cohere`` SDK 7.3, ``v2/types/v2chat_stream_response.py``): message-start; for each content and each tool
call a start, deltas, an end; citations as they come; message-end with the reason and the usage; ``[DONE]``.
A text before tool calls is told as content: that it was a plan is not known when it begins.
"""

from asbru.model.chat import Ask, Part, Refusal, Text, Thinking, ToolCall
from asbru.model.events import Close, Delta, Done, Ended, Event, Open, Start
from asbru.model.failure import Failure
from asbru.model.names import Format
from asbru.wire.codec import Stamp
from asbru.wire.cohere.chat_ask_out import Json
from asbru.wire.cohere.chat_citations import write_citation
from asbru.wire.cohere.chat_words import write_finish
from asbru.wire.cohere.logprobs import write_piece
from asbru.wire.cohere.usage import write_usage
from asbru.wire.openai.chat_words import arguments_text
from asbru.wire.shapes import write_json
from asbru.wire.sse import write_frame

HERE = Format.COHERE_CHAT


class _Part:
    """A part under way. ``n``: its number among contents, or among tool calls. ``text``: what it says so far."""

    __slots__ = ("kind", "n", "text")

    def __init__(self, kind: type[Part], n: int) -> None:
        self.kind = kind
        self.n = n
        self.text = ""


class ChatWriter:
    """Writes one stream."""

    __slots__ = ("_calls", "_citations", "_contents", "_parts", "_stamp")

    def __init__(self, stamp: Stamp, ask: Ask) -> None:
        self._stamp = stamp
        self._parts: dict[int, _Part] = {}
        self._contents = 0
        self._calls = 0
        self._citations = 0

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
                message = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
                return _frame({"id": self._stamp.id, "type": "message-start", "delta": {"message": message}})
            case Ended():
                return b""
            case Done():
                return self._done(event)

    def fail(self, failure: Failure) -> bytes:
        """Cohere tells an error in the middle of a stream as the end of the message; no ``[DONE]`` follows."""
        return _frame({"type": "message-end", "delta": {"error": failure.message, "finish_reason": "ERROR"}})

    def _open(self, event: Open) -> bytes:
        """Begins a part. One that this format lacks is passed over: it is not kept, and so are its further events."""
        part = None if event.choice else event.part
        match part:
            case ToolCall():
                state = self._parts[event.index] = _Part(ToolCall, self._calls)
                self._calls += 1
                function = {"name": part.name, "arguments": arguments_text(part.arguments) if part.arguments else ""}
                call = {"id": part.id, "type": "function", "function": function}
                return _told("tool-call-start", state.n, {"tool_calls": call})
            case Text() | Refusal():
                state = self._content(event.index, Text)
                return _told("content-start", state.n, {"content": {"type": "text", "text": ""}})
            case Thinking() if not part.redacted:
                state = self._content(event.index, Thinking)
                return _told("content-start", state.n, {"content": {"type": "thinking", "thinking": ""}})
        return b""

    def _content(self, index: int, kind: type[Part]) -> _Part:
        state = self._parts[index] = _Part(kind, self._contents)
        self._contents += 1
        return state

    def _delta(self, event: Delta) -> bytes:
        state = self._parts.get(event.index)
        if state is None:
            return b""
        if event.arguments:
            return _told("tool-call-delta", state.n, {"tool_calls": {"function": {"arguments": event.arguments}}})
        if isinstance(event.part, Text):
            return self._cite(event.part, state)
        if not event.text and not event.logprobs:
            return b""
        state.text += event.text
        message = {"message": {"content": {_member(state): event.text}}}
        frame: Json = {"type": "content-delta", "index": state.n, "delta": message}
        if event.logprobs:
            frame["logprobs"] = write_piece(event.logprobs)
        return _frame(frame)

    def _cite(self, holder: Text, state: _Part) -> bytes:
        out = b""
        for citation in holder.citations:
            told = write_citation(citation, state.text, state.n, "TEXT_CONTENT")
            out += _told("citation-start", self._citations, {"citations": told})
            out += _frame({"type": "citation-end", "index": self._citations})
            self._citations += 1
        return out

    def _close(self, event: Close) -> bytes:
        state = self._parts.pop(event.index, None)
        if state is None:
            return b""
        return _frame({"type": "tool-call-end" if state.kind is ToolCall else "content-end", "index": state.n})

    def _done(self, event: Done) -> bytes:
        delta = {"finish_reason": write_finish(event.finish), "usage": write_usage(event.usage)}
        return _frame({"type": "message-end", "delta": delta}) + b"data: [DONE]\n\n"


def _member(state: _Part) -> str:
    return "thinking" if state.kind is Thinking else "text"


def _told(kind: str, index: int, message: Json) -> bytes:
    return _frame({"type": kind, "index": index, "delta": {"message": message}})


def _frame(data: Json) -> bytes:
    return write_frame(str(data["type"]), write_json(data))
