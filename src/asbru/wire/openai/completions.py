"""OpenAI's text completions (``openai.types.CompletionCreateParams``, ``Completion`` 3.54): the codec.

Rule 1. For a model that chats, the prompt is what the user says, and the answer is the completion.
Rule 2. One prompt of text can be asked so: several prompts, and ids of tokens, need an endpoint of this format.
Rule 3. What is not text in an answer has no place here and is named in ``lost``.
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Ask, Refusal, Reply, Sampling, Text, Turn
from asbru.model.events import Close, Delta, Done, Event, Open, Start
from asbru.model.failure import Broken, Failure, Refused
from asbru.model.names import Family, Format, Role
from asbru.model.usage import Usage
from asbru.wire.codec import Codec, Stamp, Written
from asbru.wire.envelope import Envelope
from asbru.wire.openai.chat import peek, put
from asbru.wire.openai.chat_shapes import StreamOptions
from asbru.wire.openai.chat_tap import ChatTap
from asbru.wire.openai.chat_usage import WireUsage, read_usage, to_usage, write_usage
from asbru.wire.openai.chat_words import read_finish, write_finish
from asbru.wire.openai.errors import error_body, read_failure, read_stream_error, write_failure
from asbru.wire.shapes import BAD_JSON, NOTHING, Members, Shape, given, read_members, refused, said, write_json
from asbru.wire.sse import Frame

HERE = Format.OPENAI_COMPLETIONS
Json = dict[str, object]

_USUAL = {"n": b"1", "best_of": b"1", "logprobs": b"0"}
"""Members whose value asks for what happens anyway."""


class Body(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    prompt: Raw
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop: str | list[str] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: str | None = None


class _Choice(Struct):
    text: str | None = None
    index: int | None = None
    finish_reason: str | None = None
    logprobs: Raw = NOTHING


class _Reply(Struct, kw_only=True):
    """A whole reply, or a piece of a streamed one."""

    id: str | None = None
    model: str | None = None
    created: int | float | None = None
    choices: list[_Choice] | None = None
    usage: WireUsage | None = None
    error: Raw = NOTHING


_BODY = Shape(Body)
_prompt = msgspec.json.Decoder(str | tuple[str]).decode
_reply = msgspec.json.Decoder(_Reply).decode
_READ = frozenset({"id", "object", "created", "model", "choices", "usage"})


def read_ask(envelope: Envelope) -> Ask:
    """The request. Raises Refused(400) naming the member that is wrong, and for prompts that cannot be chatted."""
    spare: Members = {}
    body = _BODY.pick(envelope.members, spare)
    stop = body.stop or ()
    return Ask(
        model=body.model,
        turns=(Turn(Role.USER, (Text(_one_text(body.prompt)),)),),
        sampling=Sampling(
            temperature=body.temperature,
            top_p=body.top_p,
            seed=body.seed,
            frequency_penalty=body.frequency_penalty,
            presence_penalty=body.presence_penalty,
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
            max_tokens=body.max_tokens,
        ),
        stream=bool(body.stream),
        include_usage=bool(body.stream_options and body.stream_options.include_usage),
        user=body.user or "",
        extra={name: raw for name, raw in spare.items() if bytes(raw) != _USUAL.get(name)},
        origin=HERE,
    )


def _one_text(prompt: Raw) -> str:
    try:
        told = _prompt(prompt)
    except BAD_JSON:
        raise refused("prompt", "this model chats: it takes one prompt of text") from None
    return told if isinstance(told, str) else told[0]


def write_ask(ask: Ask) -> Written:
    """The body, and what it cannot carry. Raises Refused(400) for a conversation."""
    lost = [name for name, raw in ask.extra.items() if ask.origin is not HERE and said(raw)]
    parts = ask.turns[0].parts if len(ask.turns) == 1 and ask.turns[0].role is Role.USER else ()
    texts = [part.text for part in parts if isinstance(part, Text)]
    if not texts or len(texts) < len(parts) or ask.tools:
        message = "messages: this model completes a text; it takes no conversation"
        raise Refused(400, message, code="invalid_request_error", param="messages")
    body: Json = {"model": ask.model, "prompt": "".join(texts)}
    sampling = ask.sampling
    for name in ("max_tokens", "temperature", "top_p", "seed", "frequency_penalty", "presence_penalty"):
        if (value := getattr(sampling, name)) is not None:
            body[name] = value
    if sampling.stop:
        body["stop"] = sampling.stop
    if ask.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if ask.user:
        body["user"] = ask.user
    told = (("top_k", sampling.top_k), ("response_format", ask.output), ("reasoning_effort", ask.thinking))
    lost += [name for name, value in (*told, ("service_tier", ask.service_tier or None)) if value is not None]
    if ask.origin is HERE:
        body |= ask.extra
    return Written(write_json(body), tuple(lost))


def read_reply(body: bytes) -> Reply:
    """The first choice; further ones are named in ``extra``. Raises Broken for what is not a completion."""
    try:
        whole = _reply(body)
        extra: Members = {name: raw for name, raw in read_members(body).items() if name not in _READ}
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a completion: {error}", code="bad_reply") from None
    if not whole.choices:
        raise Broken(502, "The provider's answer has no choices.", code="bad_reply")
    choice, *others = whole.choices
    extra |= {f"choices.{n}": Raw(b"true") for n, _ in enumerate(others, 1)}
    if (logprobs := given(choice.logprobs)) is not None:
        extra["choices.0.logprobs"] = logprobs
    return Reply(
        id=whole.id or "",
        model=whole.model or "",
        parts=(Text(choice.text),) if choice.text else (),
        finish=read_finish(choice.finish_reason, called=False),
        usage=to_usage(whole.usage or WireUsage()),
        created=int(whole.created or 0),
        extra=extra,
        origin=HERE,
    )


def write_reply(reply: Reply, stamp: Stamp) -> Written:
    """A completion with one choice."""
    home = reply.origin is HERE
    lost = [name for name, raw in reply.extra.items() if (not home or "." in name) and said(raw)]
    texts = [part.text for part in reply.parts if isinstance(part, Text | Refusal)]
    lost += [
        f"content.{n}: {type(part).__name__.lower()}"
        for n, part in enumerate(reply.parts)
        if not isinstance(part, Text | Refusal)
    ]
    if reply.stop_sequence:
        lost.append("stop_sequence")
    choice = {"text": "".join(texts), "index": 0, "logprobs": None, "finish_reason": _finish(reply)}
    body = {**_head(reply.created, reply.model, stamp), "choices": [choice], "usage": write_usage(reply.usage)}
    if home:
        body |= {name: raw for name, raw in reply.extra.items() if "." not in name}
    return Written(write_json(body), tuple(lost))


def _finish(told: Reply | Done) -> str:
    word = write_finish(told.finish)
    return "stop" if word == "tool_calls" else word


def _head(created: int, model: str, stamp: Stamp) -> Json:
    return {
        "id": f"cmpl-{stamp.id}",
        "object": "text_completion",
        "created": created or stamp.at,
        "model": model or stamp.model,
    }


class CompletionReader:
    """Reads one stream: one text. The reply is whole at ``[DONE]``."""

    __slots__ = ("_finish", "_open", "_started", "_usage", "done")

    def __init__(self) -> None:
        self.done = False
        self._started = False
        self._open = False
        self._finish: str | None = None
        self._usage = Usage()

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """The events of one frame. Raises Upstream for an error frame, Broken for one that cannot be read."""
        if self.done or not frame.data:
            return ()
        if frame.data.strip() == b"[DONE]":
            return self._end()
        try:
            chunk = _reply(frame.data)
        except BAD_JSON as error:
            raise Broken(502, f"The provider's stream cannot be read: {error}", code="bad_stream") from None
        if given(chunk.error) is not None:
            raise read_stream_error(frame.data)
        return self._read(chunk)

    def _read(self, chunk: _Reply) -> tuple[Event, ...]:
        events = self._start(chunk)
        if chunk.usage is not None:
            self._usage = to_usage(chunk.usage)
        for choice in chunk.choices or ():
            if choice.index:
                continue
            self._finish = choice.finish_reason or self._finish
            if choice.text and not self._open:
                self._open = True
                events.append(Open(0, Text("")))
            if choice.text:
                events.append(Delta(index=0, text=choice.text))
        return tuple(events)

    def _start(self, chunk: _Reply) -> list[Event]:
        if self._started:
            return []
        self._started = True
        created = int(chunk.created or 0)
        return [Start(id=chunk.id or "", model=chunk.model or "", created=created, origin=HERE)]

    def _end(self) -> tuple[Event, ...]:
        self.done = True
        events = self._start(_Reply())
        if self._open:
            events.append(Close(0))
        events.append(Done(finish=read_finish(self._finish, called=False), usage=self._usage))
        return tuple(events)


class CompletionWriter:
    """Writes one stream."""

    __slots__ = ("_head", "_stamp", "_texts", "_usage")

    def __init__(self, stamp: Stamp, ask: Ask) -> None:
        self._stamp = stamp
        self._usage = ask.include_usage
        self._head: Json = {}
        self._texts: set[int] = set()

    def send(self, event: Event) -> bytes:
        """The bytes for one event; may be empty."""
        match event:
            case Start():
                self._head = _head(event.created, event.model, self._stamp)
            case Open() if isinstance(event.part, Text | Refusal):
                self._texts.add(event.index)
            case Delta() if event.text and event.index in self._texts:
                return self._chunk(event.text, None)
            case Done():
                out = self._chunk("", _finish(event))
                if self._usage:
                    out += self._frame({"choices": [], "usage": write_usage(event.usage)})
                return out + b"data: [DONE]\n\n"
        return b""

    def fail(self, failure: Failure) -> bytes:
        """An error in the middle of a stream; no ``[DONE]`` follows."""
        return b"data: " + write_json(error_body(failure)) + b"\n\n"

    def _chunk(self, text: str, finish: str | None) -> bytes:
        choice = {"text": text, "index": 0, "logprobs": None, "finish_reason": finish}
        return self._frame({"choices": [choice], **({"usage": None} if self._usage else {})})

    def _frame(self, members: Json) -> bytes:
        return b"data: " + write_json({**self._head, **members}) + b"\n\n"


CODEC: Codec[Ask, Reply] = Codec(
    format=HERE,
    family=Family.OPENAI,
    request="text_completion",
    body=Body,
    peek=peek,
    put=put,
    read_ask=read_ask,
    write_ask=write_ask,
    read_reply=read_reply,
    write_reply=write_reply,
    reader=CompletionReader,
    writer=CompletionWriter,
    read_usage=read_usage,
    tap=ChatTap,
    read_failure=read_failure,
    write_failure=write_failure,
)
