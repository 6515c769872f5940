"""Anthropic's legacy text completions (``anthropic.types.CompletionCreateParams``, ``Completion`` 0.115): the codec.

Rule 1. ``Human:`` and ``Assistant:`` after an empty line begin turns; what stands before the first is the system's.
Rule 2. A prompt without them is the user's. What stands after the last ``Assistant:`` is the beginning of the answer.
Rule 3. This format tells no usage.
"""

import re

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Ask, Part, Refusal, Reply, Sampling, Text, Turn
from asbru.model.events import Close, Delta, Done, Event, Open, Start
from asbru.model.failure import Broken, Failure
from asbru.model.names import Family, Finish, Format, Role
from asbru.model.usage import Usage
from asbru.wire.anthropic.errors import read_failure, read_stream_error, write_failure
from asbru.wire.anthropic.messages import peek, put
from asbru.wire.codec import Codec, Stamp, Written
from asbru.wire.envelope import Envelope
from asbru.wire.passing import Passing, data_of, frames_of
from asbru.wire.several import as_one, one_each, unsaid, untold
from asbru.wire.shapes import BAD_JSON, NOTHING, Members, Shape, given, read_members, refused, said, write_json
from asbru.wire.sse import Frame, write_frame

HERE = Format.ANTHROPIC_COMPLETE
Json = dict[str, object]

_TURN = re.compile(r"\n\n(Human|Assistant):")
_ROLES = {"Human": Role.USER, "Assistant": Role.ASSISTANT}
_NAMES = {Role.USER: "Human", Role.ASSISTANT: "Assistant"}


class _Metadata(Struct):
    user_id: str | None = None


class Body(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    prompt: str
    max_tokens_to_sample: int
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stream: bool | None = None
    metadata: Raw = NOTHING


class _Reply(Struct, kw_only=True):
    """A whole reply, or an event of a stream."""

    type: str = "completion"
    id: str = ""
    model: str = ""
    completion: str | None = None
    stop_reason: str | None = None
    stop: str | None = None


_BODY = Shape(Body)
_reply = msgspec.json.Decoder(_Reply).decode
_metadata = msgspec.json.Decoder(_Metadata).decode
_READ = frozenset({"id", "type", "model", "completion", "stop_reason", "stop", "log_id"})


def read_ask(envelope: Envelope) -> Ask:
    """The request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    body = _BODY.pick(envelope.members, spare)
    return Ask(
        model=body.model,
        turns=_turns(body.prompt),
        sampling=Sampling(
            temperature=body.temperature,
            top_p=body.top_p,
            top_k=body.top_k,
            stop=tuple(body.stop_sequences or ()),
            max_tokens=body.max_tokens_to_sample,
        ),
        stream=bool(body.stream),
        include_usage=bool(body.stream),
        user=_user(given(body.metadata)),
        extra=spare,
        origin=HERE,
    )


def _user(metadata: Raw | None) -> str:
    try:
        return "" if metadata is None else _metadata(metadata).user_id or ""
    except BAD_JSON as error:
        raise refused("metadata", error) from None


def _turns(prompt: str) -> tuple[Turn, ...]:
    before, *pieces = _TURN.split("\n\n" + prompt if prompt.startswith(("Human:", "Assistant:")) else prompt)
    if not pieces:
        return (Turn(Role.USER, (Text(prompt),)),)
    turns = [Turn(Role.SYSTEM, (Text(before.strip()),))] if before.strip() else []
    for name, text in zip(pieces[::2], pieces[1::2], strict=True):
        if text.strip():
            turns.append(Turn(_ROLES[name], (Text(text.strip()),)))
    if not turns:
        raise refused("prompt", "must not be empty")
    return tuple(turns)


def write_ask(ask: Ask) -> Written:
    """The body, and what it cannot carry."""
    home = ask.origin is HERE
    lost = [name for name, raw in ask.extra.items() if not home and said(raw)]
    prompt = ""
    for n, turn in enumerate(ask.turns):
        text = _said(turn.parts, f"messages.{n}.content", lost)
        prompt += f"\n\n{_NAMES[turn.role]}: {text}" if turn.role in _NAMES else text
    if not ask.turns or ask.turns[-1].role is not Role.ASSISTANT:
        prompt += "\n\nAssistant:"
    sampling = ask.sampling
    most = 4096 if sampling.max_tokens is None else sampling.max_tokens
    body: Json = {"model": ask.model, "prompt": prompt, "max_tokens_to_sample": most}
    for name in ("temperature", "top_p", "top_k"):
        if (value := getattr(sampling, name)) is not None:
            body[name] = value
    if sampling.stop:
        body["stop_sequences"] = sampling.stop
    if ask.user:
        body["metadata"] = {"user_id": ask.user}
    if ask.stream:
        body["stream"] = True
    told = (("tools", ask.tools), ("response_format", ask.output), ("thinking", ask.thinking), ("seed", sampling.seed))
    lost += [name for name, value in told if value not in (None, ())]
    lost += [name for name in ("frequency_penalty", "presence_penalty") if getattr(sampling, name)]
    lost += untold(sampling)
    if home:
        body |= ask.extra
    return Written(write_json(body), tuple(lost))


def _said(parts: tuple[Part, ...], path: str, lost: list[str]) -> str:
    lost += [f"{path}.{n}: {type(p).__name__.lower()}" for n, p in enumerate(parts) if not isinstance(p, Text)]
    return "".join(part.text for part in parts if isinstance(part, Text))


def read_reply(body: bytes) -> Reply:
    """The completion. Raises Broken for what is none."""
    try:
        whole = _reply(body)
        extra: Members = {name: raw for name, raw in read_members(body).items() if name not in _READ}
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a completion: {error}", code="bad_reply") from None
    if whole.completion is None:
        raise Broken(502, "The provider's answer has no completion.", code="bad_reply")
    return Reply(
        id=whole.id,
        model=whole.model,
        parts=(Text(whole.completion),) if whole.completion else (),
        finish=_read_stop(whole),
        stop_sequence=whole.stop or "",
        extra=extra,
        origin=HERE,
    )


def _read_stop(told: _Reply) -> Finish:
    if told.stop_reason == "max_tokens":
        return Finish.LENGTH
    return Finish.STOP_SEQUENCE if told.stop else Finish.STOP


def _write_stop(finish: Finish | None) -> str:
    """It knows two reasons; an ordinary end is that of Claude's own stop sequence."""
    return "max_tokens" if finish in (Finish.LENGTH, Finish.CONTEXT_EXCEEDED) else "stop_sequence"


def write_reply(reply: Reply, stamp: Stamp) -> Written:
    """A completion."""
    home = reply.origin is HERE
    lost = [name for name, raw in reply.extra.items() if not home and said(raw)]
    texts = [part.text for part in reply.parts if isinstance(part, Text | Refusal)]
    lost += [
        f"content.{n}: {type(part).__name__.lower()}"
        for n, part in enumerate(reply.parts)
        if not isinstance(part, Text | Refusal)
    ]
    lost += unsaid(reply)
    body = _event("".join(texts), reply.model, stamp)
    body |= {"stop_reason": _write_stop(reply.finish), "stop": reply.stop_sequence or None}
    if home:
        body |= reply.extra
    return Written(write_json(body), tuple(lost))


def _event(text: str, model: str, stamp: Stamp) -> Json:
    return {
        "type": "completion",
        "id": f"compl_{stamp.id}",
        "completion": text,
        "stop_reason": None,
        "model": model or stamp.model,
        "stop": None,
    }


class CompleteReader:
    """Reads one stream: one text, whole when an event tells why it stopped."""

    __slots__ = ("_started", "done")

    def __init__(self) -> None:
        self.done = False
        self._started = False

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """The events of one frame. Raises Upstream for an error frame, Broken for one that cannot be read."""
        if self.done or not frame.data:
            return ()
        try:
            told = _reply(frame.data)
        except BAD_JSON as error:
            raise Broken(502, f"The provider's stream cannot be read: {error}", code="bad_stream") from None
        if told.type == "error":
            raise read_stream_error(frame.data)
        if told.type != "completion" or told.completion is None:
            return ()
        events: list[Event] = []
        if not self._started:
            self._started = True
            events += [Start(id=told.id, model=told.model, origin=HERE), Open(0, Text(""))]
        if told.completion:
            events.append(Delta(index=0, text=told.completion))
        if told.stop_reason:
            self.done = True
            events += [Close(0), Done(finish=_read_stop(told), stop_sequence=told.stop or "")]
        return tuple(events)


class CompleteWriter:
    """Writes one stream."""

    __slots__ = ("_model", "_stamp", "_texts")

    def __init__(self, stamp: Stamp, ask: Ask) -> None:
        self._stamp = stamp
        self._model = ""
        self._texts: set[int] = set()

    def send(self, event: Event) -> bytes:
        """The bytes for one event; may be empty."""
        match event:
            case Start():
                self._model = event.model
            case Open() if isinstance(event.part, Text | Refusal) and not event.choice:
                self._texts.add(event.index)
            case Delta() if event.text and event.index in self._texts:
                return self._frame(event.text, {})
            case Done():
                return self._frame("", {"stop_reason": _write_stop(event.finish), "stop": event.stop_sequence or None})
        return b""

    def fail(self, failure: Failure) -> bytes:
        """An error in the middle of a stream."""
        return write_frame("error", write_failure(failure, f"req_{self._stamp.id}"))

    def _frame(self, text: str, members: Json) -> bytes:
        return write_frame("completion", write_json({**_event(text, self._model, self._stamp), **members}))


class CompleteTap:
    """Sees the end of a passing stream; usage is not told."""

    __slots__ = ("_passing", "done", "failed", "usage")

    def __init__(self, include_usage: bool) -> None:
        self.usage = Usage()
        self.done = False
        self.failed = False
        self._passing = Passing()

    def feed(self, chunk: bytes) -> bytes:
        """``chunk`` itself."""
        if self._passing.feed(chunk):
            self._passing.give_up()
        self._look(self._passing.whole)
        return chunk

    def finish(self) -> bytes:
        """Nothing is held back; a last frame that lacks its end is read."""
        self._look(self._passing.give_up())
        return b""

    def _look(self, whole: bytes) -> None:
        for frame in frames_of(whole) if whole else ():
            try:
                told = _reply(data_of(frame))
            except BAD_JSON:
                continue
            self.failed = self.failed or told.type == "error"
            self.done = self.done or bool(told.stop_reason)


CODEC: Codec[Ask, Reply] = Codec(
    format=HERE,
    family=Family.ANTHROPIC,
    request="text_completion",
    body=Body,
    peek=peek,
    put=put,
    read_ask=read_ask,
    write_ask=write_ask,
    read_reply=read_reply,
    split=one_each,
    join=as_one,
    write_reply=write_reply,
    reader=CompleteReader,
    writer=CompleteWriter,
    read_usage=lambda body: None,
    tap=CompleteTap,
    read_failure=read_failure,
    write_failure=write_failure,
)
