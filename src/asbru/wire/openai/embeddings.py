"""OpenAI embeddings (``openai.types.EmbeddingCreateParams``, ``CreateEmbeddingResponse`` 3.54): the codec.

Rule 1. An input is a text or the ids of its tokens; texts that came in pieces are joined, an image is refused: a
vector without it would be another thing's vector.
Rule 2. Numbers are written in the encoding that was asked for, whichever the provider used: official SDKs ask for
base64 of their own accord, and that of Node.js reads nothing else then.
Rule 3. ``input_type`` is not OpenAI's; compatible servers know it, and callers of other providers say it.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Text
from asbru.model.embed import EmbedAsk, EmbedReply, Input, Vector
from asbru.model.failure import Broken, Refused
from asbru.model.names import Family, Format
from asbru.wire.codec import Codec, Stamp, Written
from asbru.wire.envelope import Envelope
from asbru.wire.openai.chat_usage import WireUsage, read_usage, to_usage
from asbru.wire.openai.errors import read_failure, write_failure
from asbru.wire.peeking import peek_whole, put_model
from asbru.wire.shapes import BAD_JSON, Members, Shape, join, read_members, refused, said, write_json
from asbru.wire.vectors import BASE64, FLOAT, base64_of, embedded, floats_of, vector_of

HERE = Format.OPENAI_EMBEDDINGS
ENCODINGS = (FLOAT, BASE64)


class Body(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    input: Raw
    dimensions: int | None = None
    encoding_format: str | None = None
    user: str | None = None
    input_type: str | None = None


class _Entry(Struct):
    embedding: Raw
    index: int | None = None


class _Reply(Struct):
    data: list[_Entry]
    id: str | None = None
    model: str | None = None
    usage: WireUsage | None = None


_BODY = Shape(Body)
_input = msgspec.json.Decoder(str | list[Raw]).decode
_one = msgspec.json.Decoder(str | list[int]).decode
_ids = msgspec.json.Decoder(tuple[int, ...]).decode
_reply = msgspec.json.Decoder(_Reply).decode
_READ = frozenset({"id", "object", "data", "model", "usage"})


def read_ask(envelope: Envelope) -> EmbedAsk:
    """The request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    body = _BODY.pick(envelope.members, spare)
    encoding = body.encoding_format
    if encoding is not None and encoding not in ENCODINGS:
        raise refused("encoding_format", "must be float or base64")
    return EmbedAsk(
        model=body.model,
        inputs=_inputs(body.input),
        dimensions=body.dimensions,
        task=body.input_type or "",
        encodings=(encoding,) if encoding else (),
        user=body.user or "",
        extra=spare,
        origin=HERE,
    )


def _inputs(raw: Raw) -> tuple[Input, ...]:
    try:
        told = _input(raw)
        if isinstance(told, str):
            return (told,)
        if not told:
            raise refused("input", "must not be empty")
        if bytes(told[0])[:1].isdigit():
            return (_ids(raw),)
    except BAD_JSON as error:
        raise refused("input", error) from None
    return tuple(_item(each, join("input", n)) for n, each in enumerate(told))


def _item(raw: Raw, path: str) -> Input:
    try:
        item = _one(raw)
    except BAD_JSON as error:
        raise refused(path, error) from None
    if not item and not isinstance(item, str):
        raise refused(path, "must not be empty")
    return item if isinstance(item, str) else tuple(item)


def write_ask(ask: EmbedAsk) -> Written:
    """The body, and what it cannot carry. Raises Refused(400) for an image."""
    home = ask.origin is HERE
    lost = [name for name, raw in ask.extra.items() if (not home or "." in name) and said(raw)]
    inputs = [_written(each, join("input", n)) for n, each in enumerate(ask.inputs)]
    body: dict[str, object] = {"model": ask.model, "input": inputs[0] if len(inputs) == 1 else inputs}
    if ask.dimensions is not None:
        body["dimensions"] = ask.dimensions
    if ask.encodings:
        body["encoding_format"] = next((each for each in ask.encodings if each in ENCODINGS), FLOAT)
        lost += [f"encoding: {each}" for each in ask.encodings if each not in ENCODINGS]
    if ask.user:
        body["user"] = ask.user
    if home:
        body |= {name: raw for name, raw in ask.extra.items() if "." not in name}
    for name, value in (("input_type", ask.task), ("truncate", ask.truncate), ("title", ask.title)):
        if value and home:
            body[name] = value
        elif value:
            lost.append(name)
    return Written(write_json(body), tuple(lost))


def _written(each: Input, path: str) -> str | Sequence[int]:
    if isinstance(each, str):
        return each
    texts = [part.text for part in each if isinstance(part, Text)]
    if len(texts) == len(each):
        return "".join(texts)
    numbers = [number for number in each if isinstance(number, int)]
    if len(numbers) < len(each):
        raise Refused(400, f"{path}: this model embeds text only", code="invalid_request_error", param=path)
    return numbers


def read_reply(body: bytes) -> EmbedReply:
    """The vectors in the order of the inputs. Raises Broken for what is not a list of embeddings."""
    try:
        whole = _reply(body)
        extra = {name: raw for name, raw in read_members(body).items() if name not in _READ}
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a list of embeddings: {error}", code="bad_reply") from None
    return EmbedReply(
        id=whole.id or "",
        model=whole.model or "",
        vectors=_in_order(whole.data),
        usage=to_usage(whole.usage or WireUsage()),
        extra=extra,
        origin=HERE,
    )


def _in_order(entries: list[_Entry]) -> tuple[Vector, ...]:
    placed = {n if entry.index is None else entry.index: entry for n, entry in enumerate(entries)}
    if sorted(placed) != list(range(len(entries))):
        raise Broken(502, "The provider's embeddings are not numbered from 0.", code="bad_reply")
    return tuple(vector_of(placed[n].embedding) for n in range(len(entries)))


def write_reply(reply: EmbedReply, stamp: Stamp) -> Written:
    """A list of embeddings, in the encoding that was asked for."""
    home = reply.origin is HERE
    lost = [name for name, raw in reply.extra.items() if not home and said(raw)]
    wanted = base64_of if _asked_for(stamp) == BASE64 else floats_of
    body: dict[str, object] = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": n, "embedding": _numbers(wanted(vector))}
            for n, vector in enumerate(reply.vectors)
        ],
        "model": reply.model or stamp.model,
        "usage": {"prompt_tokens": reply.usage.input, "total_tokens": reply.usage.input},
    }
    if home:
        body |= reply.extra
    return Written(write_json(body), tuple(lost))


def _asked_for(stamp: Stamp) -> str:
    ask = stamp.ask
    encodings = ask.encodings if isinstance(ask, EmbedAsk) else ()
    return next((each for each in encodings if each in ENCODINGS), FLOAT)


def _numbers(raw: Raw | None) -> Raw:
    if raw is None:
        raise Broken(502, "The provider's embeddings are not floats.", code="bad_reply")
    return raw


CODEC: Codec[EmbedAsk, EmbedReply] = Codec(
    format=HERE,
    family=Family.OPENAI,
    body=Body,
    request="embedding",
    peek=peek_whole,
    put=put_model,
    read_ask=read_ask,
    write_ask=write_ask,
    read_reply=read_reply,
    write_reply=write_reply,
    asked_usage=embedded,
    read_usage=read_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)
