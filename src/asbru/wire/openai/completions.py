"""OpenAI's text completions (``openai.types.CompletionCreateParams``, ``Completion`` 3.54): the codec.

Rule 1. For a model that chats, the prompt is what the user says, and the answer is the completion.
Rule 2. One prompt of text can be asked so: several prompts, and ids of tokens, need an endpoint of this format.
Rule 3. What is not text in an answer has no place here and is named in ``lost``.
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Ask, Choice, Likely, Refusal, Reply, Sampling, Text, Turn
from asbru.model.failure import Broken, Refused
from asbru.model.names import Family, Format, Role
from asbru.wire.codec import Codec, Stamp, Written
from asbru.wire.envelope import Envelope
from asbru.wire.likely import all_of
from asbru.wire.openai.chat import peek, put
from asbru.wire.openai.chat_ask_in import read_n
from asbru.wire.openai.chat_shapes import StreamOptions
from asbru.wire.openai.chat_tap import ChatTap
from asbru.wire.openai.chat_usage import WireUsage, read_usage, to_usage, write_usage
from asbru.wire.openai.chat_words import read_finish
from asbru.wire.openai.completions_logprobs import read_logprobs, write_logprobs
from asbru.wire.openai.completions_stream import (
    CompletionReader,
    CompletionWriter,
    WireChoice,
    finish_word,
    head,
    reply_shape,
)
from asbru.wire.openai.errors import read_failure, write_failure
from asbru.wire.shapes import BAD_JSON, Members, Shape, given, read_members, refused, said, write_json

HERE = Format.OPENAI_COMPLETIONS
Json = dict[str, object]

_USUAL = {"best_of": b"1"}
"""Members whose value asks for what happens anyway."""
_WRITTEN = ("max_tokens", "temperature", "top_p", "seed", "frequency_penalty", "presence_penalty", "logprobs", "n")


class Body(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    prompt: Raw
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logprobs: int | None = None
    n: int | None = None
    stop: str | list[str] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: str | None = None


_BODY = Shape(Body)
_prompt = msgspec.json.Decoder(str | tuple[str]).decode
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
            logprobs=body.logprobs,
            n=read_n(body.n, "n"),
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
    for name in _WRITTEN:
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
    """The choices. Raises Broken for what is not a completion."""
    try:
        whole = reply_shape(body)
        extra: Members = {name: raw for name, raw in read_members(body).items() if name not in _READ}
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a completion: {error}", code="bad_reply") from None
    if not whole.choices:
        raise Broken(502, "The provider's answer has no choices.", code="bad_reply")
    first, *others = [_choice_of(choice, n, extra) for n, choice in enumerate(whole.choices)]
    return Reply(
        id=whole.id or "",
        model=whole.model or "",
        parts=first.parts,
        finish=first.finish,
        others=tuple(others),
        usage=to_usage(whole.usage or WireUsage()),
        created=int(whole.created or 0),
        extra=extra,
        origin=HERE,
    )


def _choice_of(told: WireChoice, n: int, extra: Members) -> Choice:
    tokens: tuple[Likely, ...] = ()
    if (raw := given(told.logprobs)) is not None:
        tokens = read_logprobs(raw) or ()
        if not tokens or not told.text:
            extra[f"choices.{n}.logprobs"] = raw
    parts = (Text(told.text, logprobs=tokens),) if told.text else ()
    return Choice(parts=parts, finish=read_finish(told.finish_reason, called=False))


def write_reply(reply: Reply, stamp: Stamp) -> Written:
    """A completion with all choices."""
    home = reply.origin is HERE
    lost = [name for name, raw in reply.extra.items() if (not home or "." in name) and said(raw)]
    choices = [_write_choice(0, Choice(parts=reply.parts, finish=reply.finish), lost)]
    choices += [_write_choice(n, other, lost) for n, other in enumerate(reply.others, 1)]
    if reply.stop_sequence:
        lost.append("stop_sequence")
    body = {**head(reply.created, reply.model, stamp), "choices": choices, "usage": write_usage(reply.usage)}
    if home:
        body |= {name: raw for name, raw in reply.extra.items() if "." not in name}
    return Written(write_json(body), tuple(lost))


def _write_choice(index: int, told: Choice, lost: list[str]) -> Json:
    path = f"choices.{index}.content" if index else "content"
    texts = [part.text for part in told.parts if isinstance(part, Text | Refusal)]
    lost += [
        f"{path}.{n}: {type(part).__name__.lower()}"
        for n, part in enumerate(told.parts)
        if not isinstance(part, Text | Refusal)
    ]
    logprobs = write_logprobs(all_of(told.parts), 0)
    return {"text": "".join(texts), "index": index, "logprobs": logprobs, "finish_reason": finish_word(told.finish)}


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
