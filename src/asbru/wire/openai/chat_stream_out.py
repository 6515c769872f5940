"""Events, written as a streamed chat completion.

Sequence (``openai.types.chat.ChatCompletionChunk``): a chunk with the role, deltas, a chunk with ``finish_reason``, a
chunk with empty ``choices`` and the usage when the client asked for it, ``[DONE]``.
"""

from asbru.model.chat import Ask, Image, Refusal, Text, Thinking, ToolCall, raw_arguments
from asbru.model.events import Close, Delta, Done, Ended, Event, Open, Start
from asbru.model.failure import Failure
from asbru.model.names import Format
from asbru.wire.codec import Stamp
from asbru.wire.openai.chat_ask_out import Json, image_part
from asbru.wire.openai.chat_reasoning import write_annotations, write_detail
from asbru.wire.openai.chat_usage import write_usage
from asbru.wire.openai.chat_words import write_finish
from asbru.wire.openai.custom_tools import customs, input_of, is_custom
from asbru.wire.openai.errors import error_body
from asbru.wire.openai.logprobs import write_choice
from asbru.wire.shapes import read_members, write_json

HERE = Format.OPENAI_CHAT


class _Choice:
    """What has been written of one answer."""

    __slots__ = ("calls", "cited", "images", "index", "refused", "thoughts", "written")

    def __init__(self, index: int) -> None:
        self.index = index
        self.calls = self.cited = self.images = self.thoughts = self.written = 0
        self.refused = False


class _Part:
    """What is known of a part under way.

    ``n``: the number of a tool call or of a thinking part; ``start``: of a text.
    """

    __slots__ = ("choice", "custom", "grown", "kind", "n", "start")

    def __init__(self, kind: type, choice: _Choice) -> None:
        self.custom: list[str] | None = None
        """The arguments of a call of a custom tool, which is written when it is whole."""
        self.kind = kind
        self.n = 0
        self.choice = choice
        self.start = choice.written
        self.grown = False


class ChatWriter:
    """Writes one stream."""

    __slots__ = ("_first", "_head", "_offered", "_others", "_parts", "_stamp", "_tail", "_usage")

    def __init__(self, stamp: Stamp, ask: Ask) -> None:
        self._stamp = stamp
        self._usage = ask.include_usage
        self._tail = b',"usage":null}\n\n' if ask.include_usage else b"}\n\n"
        self._head = b""
        self._parts: dict[int, _Part] = {}
        self._first = _Choice(0)
        self._offered = customs(ask)
        self._others: dict[int, _Choice] = {}

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
            case Ended():
                out, choice = self._choice(event.choice)
                return out + self._chunk(choice, {}, finish=write_finish(event.finish, refusal=choice.refused))
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
        return self._begin(self._first)

    def _begin(self, choice: _Choice) -> bytes:
        return self._chunk(choice, {"role": "assistant", "content": "", "refusal": None})

    def _choice(self, n: int) -> tuple[bytes, _Choice]:
        """Answer ``n``, and the chunk that begins it."""
        if not n:
            return b"", self._first
        found = self._others.get(n)
        if found is not None:
            return b"", found
        choice = self._others[n] = _Choice(n)
        return self._begin(choice), choice

    def _chunk(self, choice: _Choice, delta: Json, *, logprobs: Json | None = None, finish: str | None = None) -> bytes:
        told = {"index": choice.index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return self._head + write_json(told) + b"]" + self._tail

    def _open(self, event: Open) -> bytes:
        part = event.part
        call: Json
        out, choice = self._choice(event.choice)
        state = self._parts[event.index] = _Part(type(part), choice)
        match part:
            case ToolCall():
                state.n = choice.calls
                choice.calls += 1
                if is_custom(part, self._offered):
                    state.custom = [bytes(part.arguments).decode()]
                    call = {
                        "index": state.n,
                        "id": part.id,
                        "type": "custom",
                        "custom": {"name": part.name, "input": ""},
                    }
                    return out + self._chunk(choice, {"tool_calls": [call]})
                function = {"name": part.name, "arguments": bytes(part.arguments).decode()}
                call = {"index": state.n, "id": part.id, "type": "function", "function": function}
                return out + self._chunk(choice, {"tool_calls": [call]})
            case Thinking():
                state.n = choice.thoughts
                choice.thoughts += 1
                if part.redacted:
                    return out + self._chunk(choice, {"reasoning_details": [write_detail(state.n, part)]})
            case Refusal():
                choice.refused = True
            case Image():
                return out + self._picture(choice, part)
        return out

    def _picture(self, choice: _Choice, part: Image) -> bytes:
        image = image_part(part, "", [])
        if image is None:
            return b""
        choice.images += 1
        return self._chunk(choice, {"images": [{"index": choice.images - 1, **image}]})

    def _delta(self, event: Delta) -> bytes:
        state = self._parts[event.index]
        state.grown = True
        choice = state.choice
        if state.custom is not None:
            state.custom.append(event.arguments)
            return b""
        if event.arguments:
            call = {"index": state.n, "function": {"arguments": event.arguments}}
            return self._chunk(choice, {"tool_calls": [call]})
        if event.signature:
            detail = write_detail(state.n, Thinking(signature=event.signature))
            return self._chunk(choice, {"reasoning_details": [detail]})
        if isinstance(event.part, Text):
            return self._cite(event.part, state)
        if event.logprobs:
            choice.written += len(event.text)
            return self._chunk(choice, {"content": event.text}, logprobs=write_choice(event.logprobs))
        if not event.text:
            return b""
        if state.kind is Thinking:
            return self._chunk(choice, {"reasoning_content": event.text})
        if state.kind is Refusal:
            return self._chunk(choice, {"refusal": event.text})
        choice.written += len(event.text)
        return self._chunk(choice, {"content": event.text})

    def _cite(self, holder: Text, state: _Part) -> bytes:
        """Annotations point at the text written so far of their part.

        OpenAI's SDK adds chunks up, and wants an ``index`` in what comes in more than one.
        """
        choice = state.choice
        so_far = Text(" " * (choice.written - state.start), citations=holder.citations)
        told = [read_members(raw) for raw in write_annotations(so_far, state.start)[0]]
        annotations = [{"index": choice.cited + n, **members} for n, members in enumerate(told)]
        choice.cited += len(annotations)
        return self._chunk(choice, {"annotations": annotations}) if annotations else b""

    def _close(self, event: Close) -> bytes:
        state = self._parts.pop(event.index)
        if state.custom is not None:
            told = {"input": input_of(raw_arguments("".join(state.custom)))}
            return self._chunk(state.choice, {"tool_calls": [{"index": state.n, "custom": told}]})
        if state.kind is ToolCall and not state.grown:
            return self._chunk(state.choice, {"tool_calls": [{"index": state.n, "function": {"arguments": "{}"}}]})
        return b""

    def _done(self, event: Done) -> bytes:
        first = self._first
        out = self._chunk(first, {}, finish=write_finish(event.finish, refusal=first.refused))
        if self._usage:
            out += self._head + b'],"usage":' + write_json(write_usage(event.usage)) + b"}\n\n"
        return out + b"data: [DONE]\n\n"
