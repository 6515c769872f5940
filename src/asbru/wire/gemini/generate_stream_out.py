"""Events, written as a streamed response: ``data: {…}`` for each piece, no end marker.

A function call is written when it is whole; usage and where a text comes from stand in the last chunk.
"""

from msgspec import Raw

from asbru.model.chat import Ask, Image, Opaque, Part, Refusal, Text, Thinking, ToolCall, raw_arguments
from asbru.model.events import Close, Delta, Done, Event, Open, Start
from asbru.model.failure import Failure
from asbru.model.names import Format
from asbru.wire.codec import Stamp
from asbru.wire.gemini.errors import error_body
from asbru.wire.gemini.generate_grounding import Grounding
from asbru.wire.gemini.generate_parts import write_call, write_part
from asbru.wire.gemini.generate_usage import write_usage
from asbru.wire.gemini.generate_words import write_finish
from asbru.wire.gemini.media import Json
from asbru.wire.gemini.signatures import placed, wrapped
from asbru.wire.shapes import write_json

HERE = Format.GEMINI_GENERATE


class _Part:
    """A part under way. ``text``: what was written of it; ``start``: where it begins, in bytes of all text."""

    __slots__ = ("arguments", "part", "start", "text")

    def __init__(self, part: Part, start: int) -> None:
        self.part = part
        self.arguments = ""
        self.text = ""
        self.start = start


class GenerateWriter:
    """Writes one stream."""

    __slots__ = ("_calls", "_grounding", "_images", "_parts", "_signatures", "_stamp", "_tail", "_written")

    def __init__(self, stamp: Stamp, ask: Ask) -> None:
        self._stamp = stamp
        self._parts: dict[int, _Part] = {}
        self._calls = self._images = self._written = 0
        self._signatures: dict[str, str] = {}
        self._grounding = Grounding()
        self._tail = b"}\n\n"

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
                told = {"modelVersion": event.model or self._stamp.model, "responseId": self._stamp.id}
                self._tail = b"," + write_json(told)[1:] + b"\n\n"
                return b""
            case Done():
                return self._done(event)

    def fail(self, failure: Failure) -> bytes:
        """An error in the middle of a stream."""
        return b"data: " + write_json(error_body(failure, f"req_{self._stamp.id}")) + b"\n\n"

    def _chunk(self, part: Json | Raw) -> bytes:
        candidate = {"content": {"parts": [part], "role": "model"}, "index": 0}
        return b'data: {"candidates":[' + write_json(candidate) + b"]" + self._tail

    def _open(self, event: Open) -> bytes:
        part = event.part
        self._parts[event.index] = _Part(part, self._written)
        match part:
            case Thinking() if part.redacted:
                return self._chunk({"thought": True, "thoughtSignature": wrapped(part)})
            case Text() | Refusal() | Thinking() | ToolCall():
                return b""
            case Opaque() if part.format is not HERE:
                return b""
        written = write_part(part, "", [])
        if isinstance(part, Image) and isinstance(written, dict):
            written |= self._signed(f"image{self._images}")
            self._images += 1
        return b"" if written is None else self._chunk(written)

    def _signed(self, place: str) -> Json:
        signature = self._signatures.get(place)
        return {"thoughtSignature": signature} if signature else {}

    def _delta(self, event: Delta) -> bytes:
        state = self._parts[event.index]
        if event.arguments:
            state.arguments += event.arguments
            return b""
        if event.signature:
            return self._sign(event.signature)
        if isinstance(event.part, Text):
            for citation in event.part.citations:
                self._grounding.add(citation, state.start, state.text)
            return b""
        if not event.text:
            return b""
        if isinstance(state.part, Thinking):
            return self._chunk({"text": event.text, "thought": True})
        state.text += event.text
        self._written += len(event.text.encode())
        return self._chunk({"text": event.text})

    def _sign(self, signature: str) -> bytes:
        """Those of calls and images wait for them; others are told on a part without text."""
        place, own = placed(signature)
        if not place:
            return self._chunk({"thought": True, "thoughtSignature": wrapped(Thinking(signature=signature))})
        if place == "text":
            return self._chunk({"text": "", "thoughtSignature": own})
        if place == "thought":
            return self._chunk({"thought": True, "thoughtSignature": own})
        self._signatures[place] = own
        return b""

    def _close(self, event: Close) -> bytes:
        state = self._parts[event.index]
        part = state.part
        if not isinstance(part, ToolCall):
            return b""
        text = bytes(part.arguments).decode() + state.arguments
        written = write_call(ToolCall(id=part.id, name=part.name, arguments=raw_arguments(text)), "", [])
        written |= self._signed(f"call{self._calls}")
        self._calls += 1
        return self._chunk(written)

    def _done(self, event: Done) -> bytes:
        candidate: Json = {
            "content": {"parts": [{"text": ""}], "role": "model"},
            "finishReason": write_finish(event.finish),
            "index": 0,
        }
        if (written := self._grounding.written()) is not None:
            candidate["groundingMetadata"] = written
        head = b'data: {"candidates":[' + write_json(candidate) + b'],"usageMetadata":'
        return head + write_json(write_usage(event.usage)) + self._tail
