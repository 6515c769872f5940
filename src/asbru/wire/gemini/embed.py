"""Gemini's embedContent and batchEmbedContents: the codecs."""

import msgspec
from msgspec import Raw, Struct

from asbru.model.embed import EmbedAsk, EmbedReply, Vector
from asbru.model.failure import Broken
from asbru.model.names import Family, Format
from asbru.wire.codec import Codec, Stamp, Written
from asbru.wire.envelope import Envelope
from asbru.wire.gemini.embed_ask import in_groups, joined, read_many, read_one, resource, write_many, write_one
from asbru.wire.gemini.errors import read_failure, write_failure
from asbru.wire.gemini.generate import peek
from asbru.wire.gemini.generate_usage import WireUsage, read_usage, to_usage
from asbru.wire.gemini.media import Json
from asbru.wire.shapes import BAD_JSON, Members, read_members, refused, said, write_json
from asbru.wire.vectors import FLOAT, embedded, floats_of

MOST = 100
"""Requests that batchEmbedContents takes."""

_READ = frozenset({"embedding", "embeddings", "usageMetadata"})


class _Values(Struct):
    values: Raw


class _Reply(Struct, rename="camel"):
    embedding: _Values | None = None
    embeddings: list[_Values] | None = None
    usage_metadata: WireUsage | None = None


_reply = msgspec.json.Decoder(_Reply).decode
_requests = msgspec.json.Decoder(list[Members]).decode


def put_one(envelope: Envelope, model: str, stream: bool) -> dict[str, Raw]:
    """The path names the model; a body that names it too must agree."""
    return {"model": Raw(write_json(resource(model)))} if "model" in envelope.members else {}


def put_many(envelope: Envelope, model: str, stream: bool) -> dict[str, Raw]:
    """Each request names the model, which must be the path's."""
    raw = envelope.members.get("requests")
    if raw is None:
        return {}
    try:
        requests = _requests(raw)
    except BAD_JSON as error:
        raise refused("requests", error) from None
    name = Raw(write_json(resource(model)))
    return {"requests": Raw(write_json([{**request, "model": name} for request in requests]))}


def read_reply(body: bytes) -> EmbedReply:
    """The vectors. Raises Broken for what is no answer with embeddings."""
    try:
        whole = _reply(body)
        extra = {name: raw for name, raw in read_members(body).items() if name not in _READ}
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer holds no embeddings: {error}", code="bad_reply") from None
    one, many = whole.embedding, whole.embeddings
    if one is None and many is None:
        raise Broken(502, "The provider's answer holds no embeddings.", code="bad_reply")
    return EmbedReply(
        model="",
        vectors=tuple(Vector(raw={FLOAT: each.values}) for each in (many if one is None else [one]) or ()),
        usage=to_usage(whole.usage_metadata or WireUsage()),
        extra=extra,
        origin=Format.GEMINI_EMBEDS if one is None else Format.GEMINI_EMBED,
    )


def _write(reply: EmbedReply, told: Json) -> Written:
    home = reply.origin in (Format.GEMINI_EMBED, Format.GEMINI_EMBEDS)
    lost = [name for name, raw in reply.extra.items() if not home and said(raw)]
    if reply.usage.input:
        told["usageMetadata"] = {"promptTokenCount": reply.usage.input, "totalTokenCount": reply.usage.input}
    if home:
        told |= reply.extra
    return Written(write_json(told), tuple(lost))


def _values(vector: Vector) -> Json:
    numbers = floats_of(vector)
    if numbers is None:
        raise Broken(502, "The provider's embeddings are not floats.", code="bad_reply")
    return {"values": numbers}


def write_one_reply(reply: EmbedReply, stamp: Stamp) -> Written:
    """``embedding``. Raises Broken when there is not exactly one."""
    if len(reply.vectors) != 1:
        raise Broken(502, f"The provider sent {len(reply.vectors)} embeddings for one text.", code="bad_reply")
    return _write(reply, {"embedding": _values(reply.vectors[0])})


def write_many_reply(reply: EmbedReply, stamp: Stamp) -> Written:
    """``embeddings``, in order."""
    return _write(reply, {"embeddings": [_values(vector) for vector in reply.vectors]})


def _written(told: tuple[Json, list[str]]) -> Written:
    return Written(write_json(told[0]), tuple(told[1]))


EMBED: Codec[EmbedAsk, EmbedReply] = Codec(
    format=Format.GEMINI_EMBED,
    family=Family.GEMINI,
    request="embedding",
    model_in_path=True,
    peek=peek,
    put=put_one,
    read_ask=read_one,
    write_ask=lambda ask: _written(write_one(ask)),
    read_reply=read_reply,
    write_reply=write_one_reply,
    split=lambda ask: in_groups(ask, 1),
    join=joined,
    asked_usage=embedded,
    read_usage=read_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)

EMBEDS: Codec[EmbedAsk, EmbedReply] = Codec(
    format=Format.GEMINI_EMBEDS,
    family=Family.GEMINI,
    request="embedding",
    model_in_path=True,
    peek=peek,
    put=put_many,
    read_ask=read_many,
    write_ask=lambda ask: _written(write_many(ask)),
    read_reply=read_reply,
    write_reply=write_many_reply,
    split=lambda ask: in_groups(ask, MOST),
    join=joined,
    asked_usage=embedded,
    read_usage=read_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)
