"""Codecs of the prompt formats of InvokeModel: read as one question, answered as one text.

Rule 1. A prompt is what the user says, templates and all: other models read them as text.
Rule 2. An answer has no place for anything but text: calls of tools and reasoning are named as lost, and passed over in
a stream.
Rule 3. Nobody is asked in these formats but by who speaks them: Converse is the way to their models. So their requests
and streams pass, and are never written or read for others.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Ask, Opaque, Refusal, Reply, Sampling, Text, Turn
from asbru.model.events import Delta, Done, Event, Open
from asbru.model.failure import Failure
from asbru.model.names import Family, Framing, Role
from asbru.model.usage import Usage
from asbru.wire.aws import ChunkCutter, write_chunk, write_exception
from asbru.wire.bedrock.errors import read_failure, stream_exception, write_failure
from asbru.wire.bedrock.prompt_shapes import Answered, Json, PromptShape
from asbru.wire.bedrock.taps import FrameTap
from asbru.wire.codec import Codec, Peek, Reader, Stamp, Tap, Writer, Written
from asbru.wire.envelope import Envelope
from asbru.wire.peeking import peek_fallbacks
from asbru.wire.shapes import BAD_JSON, Members, join, read_members, refused, said, write_json
from asbru.wire.sse import Frame

T = TypeVar("T")

METRICS = "amazon-bedrock-invocationMetrics"
"""What Bedrock adds to the last chunk of every stream."""


class _Past(Struct):
    """A turn of Command R's ``chat_history``."""

    role: str
    message: str


_text = msgspec.json.Decoder(str).decode
_int = msgspec.json.Decoder(int).decode
_float = msgspec.json.Decoder(float).decode
_strings = msgspec.json.Decoder(tuple[str, ...]).decode
_past = msgspec.json.Decoder(list[_Past]).decode
_ROLES = {"USER": Role.USER, "CHATBOT": Role.ASSISTANT, "SYSTEM": Role.SYSTEM}


def prompt_codec(shape: PromptShape) -> Codec[Ask, Reply]:
    """The codec of one prompt format."""

    def write_reply(reply: Reply, stamp: Stamp) -> Written:
        lost = [name for name, raw in reply.extra.items() if said(raw)]
        answered = Answered(
            text="".join(part.text for part in reply.parts if isinstance(part, Text | Refusal)),
            finish=reply.finish,
            input=reply.usage.input,
            output=reply.usage.output,
            id=stamp.id,
        )
        for n, part in enumerate(reply.parts):
            if not isinstance(part, Text | Refusal):
                lost.append(f"content.{n}: {part.kind if isinstance(part, Opaque) else type(part).__name__.lower()}")
        return Written(write_json(shape.whole(answered)), tuple(lost))

    def writer(stamp: Stamp, ask: Ask) -> Writer:
        return PromptWriter(shape, stamp)

    return Codec(
        format=shape.format,
        family=Family.BEDROCK,
        request="text_completion",
        framing=Framing.AWS_CHUNKS,
        model_in_path=True,
        unread=True,
        peek=_peek,
        put=_put,
        read_ask=lambda envelope: read_prompt(envelope, shape),
        write_reply=write_reply,
        reader=_Nothing,
        writer=writer,
        read_usage=lambda body: read_counts(body, shape),
        tap=_tap,
        read_failure=read_failure,
        write_failure=write_failure,
    )


def _peek(envelope: Envelope) -> Peek:
    return Peek("", False, peek_fallbacks(envelope.members), True)


def _put(envelope: Envelope, model: str, stream: bool) -> dict[str, Raw]:
    return {}


class _Nothing(Reader):
    """A reader of streams that are not read: their framing tells of failures."""

    def __init__(self) -> None:
        self.done = False

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        return ()


def read_prompt(envelope: Envelope, shape: PromptShape) -> Ask:
    """The request. Raises Refused(400) naming the member that is wrong."""
    spare = {name: raw for name, raw in envelope.members.items() if bytes(raw) != b"null"}
    turns = _turns(spare, shape)
    names, at = shape.parameters, shape.parameters.config
    config = spare
    if at:
        config = _take(spare, at, read_members) or {}
    sampling = Sampling(
        max_tokens=_take(config, names.max_tokens, _int, at),
        temperature=_take(config, "temperature", _float, at),
        top_p=_take(config, names.top_p, _float, at),
        top_k=_take(config, names.top_k, _int, at),
        stop=_take(config, names.stop, _strings, at) or (),
    )
    if at:
        spare |= {join(at, name): raw for name, raw in config.items()}
    return Ask(model="", turns=turns, sampling=sampling, extra=spare, origin=shape.format)


def _turns(spare: Members, shape: PromptShape) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    if system := _take(spare, shape.system, _text):
        turns.append(Turn(Role.SYSTEM, (Text(system),)))
    for n, past in enumerate(_take(spare, shape.history, _past) or ()):
        if past.role not in _ROLES:
            raise refused(join(shape.history, n, "role"), f"must be one of {', '.join(_ROLES)}")
        turns.append(Turn(_ROLES[past.role], (Text(past.message),)))
    prompt = _take(spare, shape.prompt, _text)
    if not prompt:
        raise refused(shape.prompt, "Field required" if prompt is None else "must not be empty")
    return (*turns, Turn(Role.USER, (Text(prompt),)))


def _take(members: Members, name: str, decode: Callable[[Raw], T], path: str = "") -> T | None:
    """Member ``name`` decoded and taken out, None when it is not there. Raises Refused(400)."""
    raw = members.pop(name, None)
    if raw is None or bytes(raw) == b"null":
        return None
    try:
        return decode(raw)
    except BAD_JSON as error:
        raise refused(join(path, name), error) from None


class PromptWriter:
    """Writes one stream: a chunk for each piece of text, and a last one that tells why it ended."""

    __slots__ = ("_shape", "_spoken", "_stamp", "_told")

    def __init__(self, shape: PromptShape, stamp: Stamp) -> None:
        self._shape = shape
        self._stamp = stamp
        self._spoken: set[int] = set()
        self._told: list[str] = []

    def send(self, event: Event) -> bytes:
        """The bytes for one event; may be empty."""
        match event:
            case Open(index, Text() | Refusal() as part):
                self._spoken.add(index)
                return self._piece(part.text)
            case Delta() if event.index in self._spoken:
                return self._piece(event.text)
            case Done():
                return self._end(event)
        return b""

    def fail(self, failure: Failure) -> bytes:
        """An exception in the middle of a stream."""
        return write_exception(*stream_exception(failure))

    def _piece(self, text: str) -> bytes:
        if not text:
            return b""
        self._told.append(text)
        return _chunk(self._shape.piece(Answered(text, id=self._stamp.id)))

    def _end(self, event: Done) -> bytes:
        usage, finish = event.usage, event.finish
        text = "".join(self._told) if self._shape.history else ""
        last = Answered(text, finish, usage.input, usage.output, self._stamp.id)
        metrics = {"inputTokenCount": usage.input, "outputTokenCount": usage.output}
        return _chunk({**self._shape.piece(last), METRICS: metrics})


def _chunk(members: Json) -> bytes:
    return write_chunk(Frame("", write_json(members)))


class _Metrics(Struct, rename={"input": "inputTokenCount", "output": "outputTokenCount"}):
    input: int = 0
    output: int = 0


class _Last(Struct, rename={"metrics": METRICS}):
    metrics: _Metrics | None = None


_last = msgspec.json.Decoder(_Last).decode


def _tap(include_usage: bool) -> Tap:
    return FrameTap(ChunkCutter(), _look)


def _look(frame: Frame) -> tuple[Usage | None, bool]:
    """Bedrock tells usage with the last chunk, whoever made the model."""
    if METRICS.encode() not in frame.data:
        return None, False
    try:
        metrics = _last(frame.data).metrics
    except BAD_JSON:
        return None, False
    return None if metrics is None else Usage(input=metrics.input, output=metrics.output), metrics is not None


class _Result(Struct, rename={"tokens": "tokenCount"}):
    tokens: int = 0


class _Counts(Struct):
    results: list[_Result] = []


_counts = msgspec.json.Decoder(_Counts).decode


def read_counts(body: bytes, shape: PromptShape) -> Usage | None:
    """The usage of a whole answer; None where the format counts nothing."""
    asked, answered = shape.counts
    try:
        members = read_members(body)
        results = _counts(body).results
        told = _take(members, asked, _int), _take(members, answered, _int)
    except (*BAD_JSON, Failure):
        return None
    output = told[1] if told[1] is not None else sum(result.tokens for result in results) if results else None
    if told[0] is None or output is None:
        return None
    return Usage(input=told[0], output=output)
