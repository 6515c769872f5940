"""Events, written as a streamed response.

Sequence (``openai.types.responses.ResponseStreamEvent``): response.created, response.in_progress; for each item
output_item.added, its parts and deltas, output_item.done; response.completed or response.incomplete. Every event is
numbered; there is no ``[DONE]``.

Rule 1. A message stays open until another item begins, so that texts that follow each other are its content, as in a
whole reply.
Rule 2. Items may overlap: their ``output_index`` tells them apart.
"""

from collections.abc import Mapping

from msgspec import Raw

from asbru.model.chat import Ask, Image, Likely, Opaque, Part, Refusal, Text, Thinking, ToolCall, raw_arguments
from asbru.model.events import Close, Delta, Done, Ended, Event, Open, Start
from asbru.model.failure import Failure
from asbru.model.names import Format
from asbru.wire.codec import Stamp
from asbru.wire.openai.custom_tools import customs, input_of, is_custom
from asbru.wire.openai.errors import error_body
from asbru.wire.openai.logprobs import write_tokens
from asbru.wire.openai.responses_object import (
    begin,
    call_item,
    custom_item,
    end,
    incomplete_reason,
    is_said,
    item_id,
    message,
)
from asbru.wire.openai.responses_parts import Growing, Place
from asbru.wire.openai.responses_pictures import KIND, begun_item, picture_item
from asbru.wire.shapes import write_json

HERE = Format.OPENAI_RESPONSES

Json = dict[str, object]


class _Message:
    """A message that may get more parts. ``open``: how many of them are not whole yet."""

    __slots__ = ("content", "id", "n", "open")

    def __init__(self, id: str, n: int) -> None:
        self.id = id
        self.n = n
        self.content: list[object] = []
        self.open = 0


class ResponseWriter:
    """Writes one stream."""

    __slots__ = ("_body", "_items", "_message", "_messages", "_offered", "_parts", "_refused", "_sequence", "_stamp")

    def __init__(self, stamp: Stamp, ask: Ask) -> None:
        self._stamp = stamp
        self._sequence = 0
        self._body: Json = {}
        self._items: list[object] = []
        self._parts: dict[int, Growing] = {}
        self._messages: dict[int, _Message] = {}
        self._message: _Message | None = None
        self._refused = False
        self._offered = customs(ask)

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
                return b""
            case Done():
                return self._done(event)

    def fail(self, failure: Failure) -> bytes:
        """An error in the middle of a stream; the response that has begun, if any, has failed."""
        error = error_body(failure)["error"]
        assert isinstance(error, dict)
        flat = {name: error[name] for name in ("code", "message", "param")}
        out = self._event("error", {**flat, "error": error})
        if self._body:
            told = {"code": error["code"] or "server_error", "message": error["message"]}
            body = self._body | {"status": "failed", "error": told, "output": self._items}
            out += self._event("response.failed", {"response": body})
        return out

    def _event(self, kind: str, members: Mapping[str, object]) -> bytes:
        data = write_json({"type": kind, "sequence_number": self._sequence, **members})
        self._sequence += 1
        return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"

    def _start(self, event: Start) -> bytes:
        self._body = begin(self._stamp, event.created, event.model)
        told = {"response": self._body}
        return self._event("response.created", told) + self._event("response.in_progress", told)

    def _open(self, event: Open) -> bytes:
        part = event.part
        if event.choice:
            return b""
        if is_said(part):
            return self._open_content(event.index, part)
        out = self._end_message("completed") if self._message and not self._message.open else b""
        self._message = None
        match part:
            case ToolCall():
                return out + self._open_call(event.index, part)
            case Thinking():
                return out + self._open_reasoning(event.index, part)
            case Image():
                return out + self._picture(part)
            case Opaque() if part.format is HERE:
                return out + self._pass(part.raw)
        return out

    def _added(self, item: object) -> bytes:
        """A new item at the end of the output."""
        self._items.append(item)
        return self._event("response.output_item.added", {"output_index": len(self._items) - 1, "item": item})

    def _ended(self, n: int, item: object) -> bytes:
        self._items[n] = item
        return self._event("response.output_item.done", {"output_index": n, "item": item})

    def _pass(self, raw: Raw) -> bytes:
        out = self._added(raw)
        return out + self._ended(len(self._items) - 1, raw)

    def _picture(self, part: Image) -> bytes:
        n = len(self._items)
        id = item_id("ig", self._stamp, n)
        item = picture_item(part, id)
        if item is None:
            return b""
        told = {"item_id": id, "output_index": n}
        out = self._added(begun_item(id))
        out += b"".join([self._event(f"response.{KIND}.{step}", told) for step in ("in_progress", "completed")])
        return out + self._ended(n, item)

    def _open_content(self, index: int, part: Part) -> bytes:
        self._refused |= isinstance(part, Refusal)
        out = b""
        if self._message is None:
            n = len(self._items)
            self._message = _Message(item_id("msg", self._stamp, n), n)
            out = self._added(message(self._message.id, [], "in_progress"))
        holder = self._message
        self._messages[index] = holder
        kind = "response.refusal" if isinstance(part, Refusal) else "response.output_text"
        place = Place(holder.id, holder.n, "content_index", len(holder.content))
        growing = self._parts[index] = Growing(part, kind, place)
        holder.content.append(None)
        holder.open += 1
        return out + self._event("response.content_part.added", {**growing.told, "part": growing.content()})

    def _open_call(self, index: int, part: ToolCall) -> bytes:
        n = len(self._items)
        if is_custom(part, self._offered):
            id = item_id("ctc", self._stamp, n)
            growing = self._parts[index] = Growing(part, "response.custom_tool_call_input", Place(id, n))
            growing.custom = [bytes(part.arguments).decode()]
            return self._added(custom_item(part, id, "", "in_progress"))
        id = item_id("fc", self._stamp, n)
        self._parts[index] = Growing(part, "response.function_call_arguments", Place(id, n))
        out = self._added(call_item(part, id, "in_progress"))
        arguments = bytes(part.arguments).decode()
        return out + (self._grow(self._parts[index], arguments) if arguments else b"")

    def _open_reasoning(self, index: int, part: Thinking) -> bytes:
        """Its summary begins with the first words: redacted thinking has none."""
        n = len(self._items)
        id = item_id("rs", self._stamp, n)
        self._parts[index] = Growing(part, "response.reasoning_summary_text", Place(id, n, "summary_index"))
        return self._added({"id": id, "type": "reasoning", "summary": []})

    def _delta(self, event: Delta) -> bytes:
        growing = self._parts.get(event.index)
        if growing is None:
            return b""
        if event.signature:
            growing.signature += event.signature
            return b""
        if isinstance(event.part, Text):
            return self._cite(growing, event.part)
        if growing.custom is not None:
            growing.custom.append(event.arguments)
            return b""
        text = event.text or event.arguments
        if event.logprobs:
            return self._grow_likely(growing, text, event.logprobs)
        if not text:
            return b""
        if isinstance(growing.part, Thinking) and not growing.pieces:
            added: Json = {**growing.told, "part": {"type": "summary_text", "text": ""}}
            return self._event("response.reasoning_summary_part.added", added) + self._grow(growing, text)
        return self._grow(growing, text)

    def _grow(self, growing: Growing, text: str) -> bytes:
        """The most frequent event by far: all of it but two values is made once for each part."""
        growing.pieces.append(text)
        out = b"%b%b%b%d}\n\n" % (growing.head, write_json(text), growing.tail, self._sequence)
        self._sequence += 1
        return out

    def _grow_likely(self, growing: Growing, text: str, tokens: tuple[Likely, ...]) -> bytes:
        growing.pieces.append(text)
        written = write_tokens(tokens)
        growing.logprobs += written
        return self._event(f"{growing.kind}.delta", {**growing.told, "delta": text, "logprobs": written})

    def _cite(self, growing: Growing, holder: Text) -> bytes:
        out = b""
        for n, annotation in growing.cite(holder.citations):
            told = {**growing.told, "annotation_index": n, "annotation": annotation}
            out += self._event("response.output_text.annotation.added", told)
        return out

    def _close(self, event: Close) -> bytes:
        growing = self._parts.pop(event.index, None)
        if growing is None:
            return b""
        match growing.part:
            case ToolCall() as part:
                return self._close_call(growing, part)
            case Thinking():
                return self._close_reasoning(growing)
        return self._close_content(self._messages.pop(event.index), growing)

    def _close_content(self, holder: _Message, growing: Growing) -> bytes:
        content = growing.content()
        holder.content[growing.place.at] = content
        holder.open -= 1
        name = "refusal" if isinstance(growing.part, Refusal) else "text"
        told: Json = {**growing.told, name: growing.text()}
        if name == "text":
            told["logprobs"] = growing.logprobs
        out = self._event(f"{growing.kind}.done", told)
        out += self._event("response.content_part.done", {**growing.told, "part": content})
        if holder is not self._message and not holder.open:
            out += self._ended(holder.n, message(holder.id, holder.content, "completed"))
        return out

    def _end_message(self, status: str) -> bytes:
        holder, self._message = self._message, None
        return self._ended(holder.n, message(holder.id, holder.content, status)) if holder else b""

    def _close_call(self, growing: Growing, part: ToolCall) -> bytes:
        place = growing.place
        if growing.custom is not None:
            text = input_of(raw_arguments("".join(growing.custom)))
            out = self._grow(growing, text) if text else b""
            out += self._event(f"{growing.kind}.done", {**growing.told, "input": text})
            return out + self._ended(place.n, custom_item(part, place.id, text, "completed"))
        item = call_item(part, place.id, "completed") | {"arguments": growing.text() or "{}"}
        told = {**growing.told, "name": part.name, "arguments": item["arguments"]}
        return self._event(f"{growing.kind}.done", told) + self._ended(place.n, item)

    def _close_reasoning(self, growing: Growing) -> bytes:
        text = growing.text()
        out = b""
        if text:
            out = self._event(f"{growing.kind}.done", {**growing.told, "text": text})
            part = {"type": "summary_text", "text": text}
            out += self._event("response.reasoning_summary_part.done", {**growing.told, "part": part})
        return out + self._ended(growing.place.n, growing.thinking())

    def _done(self, event: Done) -> bytes:
        out = b"".join([self._close(Close(index)) for index in list(self._parts)])
        reason = incomplete_reason(event.finish, refusal=self._refused)
        out += self._end_message("incomplete" if reason else "completed")
        kind = "response.incomplete" if reason else "response.completed"
        return out + self._event(kind, {"response": end(self._body, self._items, event.usage, reason)})
