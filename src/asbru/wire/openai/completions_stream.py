"""A streamed text completion, read into events and written from them. The reply is whole at ``[DONE]``."""

from itertools import count

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Ask, Likely, Refusal, Text
from asbru.model.events import Close, Delta, Done, Ended, Event, Open, Start
from asbru.model.failure import Broken, Failure
from asbru.model.names import Finish, Format
from asbru.model.usage import Usage
from asbru.wire.codec import Stamp
from asbru.wire.openai.chat_ask_in import MOST_ANSWERS
from asbru.wire.openai.chat_usage import WireUsage, to_usage, write_usage
from asbru.wire.openai.chat_words import read_finish, write_finish
from asbru.wire.openai.completions_logprobs import read_logprobs, write_logprobs
from asbru.wire.openai.errors import error_body, read_stream_error
from asbru.wire.shapes import BAD_JSON, NOTHING, given, write_json
from asbru.wire.sse import Frame

HERE = Format.OPENAI_COMPLETIONS
Json = dict[str, object]


class WireChoice(Struct):
    """One answer, or a piece of it."""

    text: str | None = None
    index: int | None = None
    finish_reason: str | None = None
    logprobs: Raw = NOTHING


class WireReply(Struct, kw_only=True):
    """A whole reply, or a piece of a streamed one."""

    id: str | None = None
    model: str | None = None
    created: int | float | None = None
    choices: list[WireChoice] | None = None
    usage: WireUsage | None = None
    error: Raw = NOTHING


reply_shape = msgspec.json.Decoder(WireReply).decode


def head(created: int, model: str, stamp: Stamp) -> Json:
    """What a reply, and each piece of a streamed one, begins with."""
    return {
        "id": f"cmpl-{stamp.id}",
        "object": "text_completion",
        "created": created or stamp.at,
        "model": model or stamp.model,
    }


def finish_word(told: Finish | None) -> str:
    """``finish_reason``: no tools are called here."""
    word = write_finish(told)
    return "stop" if word == "tool_calls" else word


class _Reading:
    """One answer: the part that is its text, -1 before that begins, and why it ended."""

    __slots__ = ("finish", "part")

    def __init__(self) -> None:
        self.part = -1
        self.finish: str | None = None


class CompletionReader:
    """Reads one stream: each answer is one text."""

    __slots__ = ("_choices", "_number", "_started", "_usage", "done")

    def __init__(self) -> None:
        self.done = False
        self._started = False
        self._number = count().__next__
        self._choices: dict[int, _Reading] = {0: _Reading()}
        self._usage = Usage()

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """The events of one frame. Raises Upstream for an error frame, Broken for one that cannot be read."""
        if self.done or not frame.data:
            return ()
        if frame.data.strip() == b"[DONE]":
            return self._end()
        try:
            chunk = reply_shape(frame.data)
        except BAD_JSON as error:
            raise Broken(502, f"The provider's stream cannot be read: {error}", code="bad_stream") from None
        if given(chunk.error) is not None:
            raise read_stream_error(frame.data)
        return self._read(chunk)

    def _read(self, chunk: WireReply) -> tuple[Event, ...]:
        events = self._start(chunk)
        if chunk.usage is not None:
            self._usage = to_usage(chunk.usage)
        for choice in chunk.choices or ():
            self._take(choice, choice.index or 0, events)
        return tuple(events)

    def _take(self, choice: WireChoice, n: int, events: list[Event]) -> None:
        if not 0 <= n < MOST_ANSWERS:
            raise Broken(502, f"The provider's stream has an answer {n}.", code="bad_stream")
        state = self._choices.setdefault(n, _Reading())
        state.finish = choice.finish_reason or state.finish
        raw = given(choice.logprobs)
        tokens: tuple[Likely, ...] = () if raw is None else read_logprobs(raw) or ()
        if not choice.text and not tokens:
            return
        if state.part < 0:
            state.part = self._number()
            events.append(Open(state.part, Text(""), n))
        events.append(Delta(index=state.part, text=choice.text or "", logprobs=tokens))

    def _start(self, chunk: WireReply) -> list[Event]:
        if self._started:
            return []
        self._started = True
        created = int(chunk.created or 0)
        return [Start(id=chunk.id or "", model=chunk.model or "", created=created, origin=HERE)]

    def _end(self) -> tuple[Event, ...]:
        self.done = True
        events = self._start(WireReply())
        for n, state in sorted(self._choices.items(), key=lambda each: each[0]):
            if state.part >= 0:
                events.append(Close(state.part))
            if n:
                events.append(Ended(choice=n, finish=read_finish(state.finish, called=False)))
        events.append(Done(finish=read_finish(self._choices[0].finish, called=False), usage=self._usage))
        return tuple(events)


class CompletionWriter:
    """Writes one stream."""

    __slots__ = ("_head", "_offsets", "_stamp", "_texts", "_usage")

    def __init__(self, stamp: Stamp, ask: Ask) -> None:
        self._stamp = stamp
        self._usage = ask.include_usage
        self._head: Json = {}
        self._texts: dict[int, int] = {}
        self._offsets: dict[int, int] = {}

    def send(self, event: Event) -> bytes:
        """The bytes for one event; may be empty."""
        match event:
            case Start():
                self._head = head(event.created, event.model, self._stamp)
            case Open() if isinstance(event.part, Text | Refusal):
                self._texts[event.index] = event.choice
            case Delta() if (event.text or event.logprobs) and event.index in self._texts:
                return self._delta(event, self._texts[event.index])
            case Ended():
                return self._chunk(event.choice, "", finish=finish_word(event.finish))
            case Done():
                out = self._chunk(0, "", finish=finish_word(event.finish))
                if self._usage:
                    out += self._frame({"choices": [], "usage": write_usage(event.usage)})
                return out + b"data: [DONE]\n\n"
        return b""

    def fail(self, failure: Failure) -> bytes:
        """An error in the middle of a stream; no ``[DONE]`` follows."""
        return b"data: " + write_json(error_body(failure)) + b"\n\n"

    def _delta(self, event: Delta, choice: int) -> bytes:
        start = self._offsets.get(choice, 0)
        self._offsets[choice] = start + len(event.text)
        return self._chunk(choice, event.text, logprobs=write_logprobs(event.logprobs, start))

    def _chunk(self, index: int, text: str, *, logprobs: Json | None = None, finish: str | None = None) -> bytes:
        choice = {"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish}
        return self._frame({"choices": [choice], **({"usage": None} if self._usage else {})})

    def _frame(self, members: Json) -> bytes:
        return b"data: " + write_json({**self._head, **members}) + b"\n\n"
