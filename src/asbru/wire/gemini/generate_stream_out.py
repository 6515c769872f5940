"""Events, written as a streamed response: ``data: {…}`` for each piece, no end marker.

A function call is written when it is whole; usage and where a text comes from stand in the last chunk.
"""

from msgspec import Raw

from asbru.model.chat import Ask, Image, Opaque, Part, Refusal, Text, Thinking, ToolCall, raw_arguments
from asbru.model.events import Close, Delta, Done, Ended, Event, Open, Start
from asbru.model.failure import Failure
from asbru.model.names import Finish, Format
from asbru.wire.codec import Stamp
from asbru.wire.gemini.errors import error_body
from asbru.wire.gemini.generate_grounding import Grounding
from asbru.wire.gemini.generate_parts import write_call, write_part
from asbru.wire.gemini.generate_usage import write_usage
from asbru.wire.gemini.generate_words import write_finish
from asbru.wire.gemini.logprobs import write_result
from asbru.wire.gemini.media import Json
from asbru.wire.gemini.signatures import placed, wrapped
from asbru.wire.shapes import write_json

HERE = Format.GEMINI_GENERATE


class _Candidate:
    """What has been written of one candidate."""

    __slots__ = ("calls", "grounding", "images", "index", "signatures", "written")

    def __init__(self, index: int) -> None:
        self.index = index
        self.calls = self.images = self.written = 0
        self.signatures: dict[str, str] = {}
        self.grounding = Grounding()

    def signed(self, place: str) -> Json:
        """The signature of a call or an image, as a member."""
        signature = self.signatures.get(place)
        return {"thoughtSignature": signature} if signature else {}


class _Part:
    """A part under way. ``text``: what was written of it; ``start``: where it begins, in bytes of all text."""

    __slots__ = ("arguments", "candidate", "part", "start", "text")

    def __init__(self, part: Part, candidate: _Candidate) -> None:
        self.part = part
        self.arguments = ""
        self.text = ""
        self.candidate = candidate
        self.start = candidate.written


class GenerateWriter:
    """Writes one stream."""

    __slots__ = ("_candidates", "_parts", "_stamp", "_tail")

    def __init__(self, stamp: Stamp, ask: Ask) -> None:
        self._stamp = stamp
        self._parts: dict[int, _Part] = {}
        self._candidates: dict[int, _Candidate] = {}
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
            case Ended():
                return self._end(self._candidate(event.choice), event.finish) + self._tail
            case Done():
                end = self._end(self._candidate(0), event.finish)
                return end + b',"usageMetadata":' + write_json(write_usage(event.usage)) + self._tail

    def fail(self, failure: Failure) -> bytes:
        """An error in the middle of a stream."""
        return b"data: " + write_json(error_body(failure, f"req_{self._stamp.id}")) + b"\n\n"

    def _candidate(self, n: int) -> _Candidate:
        found = self._candidates.get(n)
        if found is None:
            found = self._candidates[n] = _Candidate(n)
        return found

    def _chunk(self, candidate: _Candidate, part: Json | Raw, more: Json | None = None) -> bytes:
        told = {"content": {"parts": [part], "role": "model"}, "index": candidate.index, **(more or {})}
        return b'data: {"candidates":[' + write_json(told) + b"]" + self._tail

    def _open(self, event: Open) -> bytes:
        part = event.part
        candidate = self._candidate(event.choice)
        self._parts[event.index] = _Part(part, candidate)
        match part:
            case Thinking() if part.redacted:
                return self._chunk(candidate, {"thought": True, "thoughtSignature": wrapped(part)})
            case Text() | Refusal() | Thinking() | ToolCall():
                return b""
            case Opaque() if part.format is not HERE:
                return b""
        written = write_part(part, "", [])
        if isinstance(part, Image) and isinstance(written, dict):
            written |= candidate.signed(f"image{candidate.images}")
            candidate.images += 1
        return b"" if written is None else self._chunk(candidate, written)

    def _delta(self, event: Delta) -> bytes:
        state = self._parts[event.index]
        candidate = state.candidate
        if event.arguments:
            state.arguments += event.arguments
            return b""
        if event.signature:
            return self._sign(candidate, event.signature)
        if isinstance(event.part, Text):
            for citation in event.part.citations:
                candidate.grounding.add(citation, state.start, state.text)
            return b""
        if not event.text and not event.logprobs:
            return b""
        if isinstance(state.part, Thinking):
            return self._chunk(candidate, {"text": event.text, "thought": True})
        state.text += event.text
        candidate.written += len(event.text.encode())
        likely: Json | None = {"logprobsResult": write_result(list(event.logprobs))} if event.logprobs else None
        return self._chunk(candidate, {"text": event.text}, likely)

    def _sign(self, candidate: _Candidate, signature: str) -> bytes:
        """Those of calls and images wait for them; others are told on a part without text."""
        place, own = placed(signature)
        if not place:
            thought = Thinking(signature=signature)
            return self._chunk(candidate, {"thought": True, "thoughtSignature": wrapped(thought)})
        if place == "text":
            return self._chunk(candidate, {"text": "", "thoughtSignature": own})
        if place == "thought":
            return self._chunk(candidate, {"thought": True, "thoughtSignature": own})
        candidate.signatures[place] = own
        return b""

    def _close(self, event: Close) -> bytes:
        state = self._parts[event.index]
        part, candidate = state.part, state.candidate
        if not isinstance(part, ToolCall):
            return b""
        text = bytes(part.arguments).decode() + state.arguments
        written = write_call(ToolCall(id=part.id, name=part.name, arguments=raw_arguments(text)), "", [])
        written |= candidate.signed(f"call{candidate.calls}")
        candidate.calls += 1
        return self._chunk(candidate, written)

    def _end(self, candidate: _Candidate, finish: Finish | None) -> bytes:
        """The last chunk of a candidate, without what all chunks end with."""
        told: Json = {
            "content": {"parts": [{"text": ""}], "role": "model"},
            "finishReason": write_finish(finish),
            "index": candidate.index,
        }
        if (written := candidate.grounding.written()) is not None:
            told["groundingMetadata"] = written
        return b'data: {"candidates":[' + write_json(told) + b"]"
