"""Embeddings of Amazon Titan through InvokeModel: one text, or an image with or without one.

Sources: the user guide's "Amazon Titan Text Embeddings" and "Amazon Titan Multimodal Embeddings".
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Image, Text
from asbru.model.embed import EmbedAsk, EmbedReply, Input, Vector
from asbru.model.failure import Broken, Refused
from asbru.model.names import Family, Format
from asbru.model.usage import Usage
from asbru.wire.bedrock.errors import read_failure, write_failure
from asbru.wire.codec import Codec, Peek, Stamp, Written
from asbru.wire.envelope import Envelope
from asbru.wire.peeking import peek_fallbacks
from asbru.wire.shapes import BAD_JSON, NOTHING, Members, Shape, given, join, read_members, refused, said, write_json
from asbru.wire.vectors import BASE64, FLOAT, floats_of

HERE = Format.BEDROCK_TITAN_EMBED

Json = dict[str, object]


def peek(envelope: Envelope) -> Peek:
    """Fallbacks; the path says the rest."""
    return Peek("", False, peek_fallbacks(envelope.members))


def put(envelope: Envelope, model: str, stream: bool) -> dict[str, Raw]:
    """Nothing: the path names the model."""
    return {}


def lost_of(ask: EmbedAsk, home: Format) -> list[str]:
    """What only the asker's own format has."""
    return [name for name, raw in ask.extra.items() if (ask.origin is not home or "." in name) and said(raw)]


def plain(vector: Vector) -> Raw:
    """A vector's floats. Raises Broken when it has none."""
    floats = floats_of(vector)
    if floats is None:
        raise Broken(502, "The provider's embeddings are not floats.", code="bad_reply")
    return floats


def broken(error: Exception) -> Broken:
    """What an answer is that cannot be read."""
    return Broken(502, f"The provider's answer is not an embedding: {error}", code="bad_reply")


class Body(Struct, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    input_text: str | None = None
    input_image: str | None = None
    dimensions: int | None = None
    embedding_types: tuple[str, ...] = ()
    embedding_config: Raw = NOTHING


class _Config(Struct, forbid_unknown_fields=True, rename="camel"):
    output_embedding_length: int | None = None


class _Reply(Struct, rename="camel"):
    embedding: Raw = NOTHING
    embeddings_by_type: dict[str, Raw] | None = None
    input_text_token_count: int | None = None


_BODY = Shape(Body)
_CONFIG = Shape(_Config)
_reply = msgspec.json.Decoder(_Reply).decode
_READ = frozenset({"embedding", "embeddingsByType", "inputTextTokenCount", "message"})


def read_ask(envelope: Envelope) -> EmbedAsk:
    """The request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    body = _BODY.pick(envelope.members, spare)
    dimensions = body.dimensions
    if (config := given(body.embedding_config)) is not None:
        dimensions = _CONFIG.read(config, "embeddingConfig", spare).output_embedding_length
    if body.input_image is not None:
        image = Image(media_type=_kind_of(body.input_image), data=body.input_image)
        one: Input = (Text(body.input_text), image) if body.input_text else (image,)
    elif body.input_text is not None:
        one = body.input_text
    else:
        raise refused("inputText", "Field required")
    return EmbedAsk(
        model="",
        inputs=(one,),
        dimensions=dimensions,
        encodings=body.embedding_types,
        extra=spare,
        origin=HERE,
    )


_BEGINNINGS = {"iVBOR": "image/png", "/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp"}
"""How base64 of each kind of image begins: Titan is not told which it is."""


def _kind_of(data: str) -> str:
    return next((kind for start, kind in _BEGINNINGS.items() if data.startswith(start)), "image/png")


def split_ask(ask: EmbedAsk) -> tuple[EmbedAsk, ...]:
    """One input at a time. Raises Refused(400) when there is none, or one that no vector can be made of."""
    if not ask.inputs:
        raise refused("input", "must not be empty")
    for n, one in enumerate(ask.inputs):
        split(one, join("input", n))
    return tuple(msgspec.structs.replace(ask, inputs=(one,)) for one in ask.inputs)


def join_replies(replies: list[EmbedReply]) -> EmbedReply:
    """All vectors in order, and all that was used."""
    vectors = tuple(vector for reply in replies for vector in reply.vectors)
    tokens = sum(reply.usage.input for reply in replies)
    return msgspec.structs.replace(replies[0], vectors=vectors, usage=Usage(input=tokens))


def write_ask(ask: EmbedAsk) -> Written:
    """The body, and what it cannot carry. Raises Refused(400) for token ids."""
    lost = lost_of(ask, HERE)
    body: Json = {}
    text, image = split(ask.inputs[0], "input.0")
    if text:
        body["inputText"] = text
    if image is not None:
        body["inputImage"] = image
    if ask.dimensions is not None and image is None:
        body["dimensions"] = ask.dimensions
    elif ask.dimensions is not None:
        body["embeddingConfig"] = {"outputEmbeddingLength": ask.dimensions}
    known = [each for each in ask.encodings if each in ("float", "binary")]
    if known and (ask.origin is HERE or known != ["float"]):
        body["embeddingTypes"] = known
    lost += [f"encoding: {each}" for each in ask.encodings if each not in ("float", "binary", BASE64)]
    lost += ["input_type"] if ask.task else []
    lost += [name for name in ("truncate", "title", "user") if getattr(ask, name)]
    if ask.origin is HERE:
        body |= {name: raw for name, raw in ask.extra.items() if "." not in name}
    return Written(write_json(body), tuple(lost))


def split(one: Input, path: str) -> tuple[str, str | None]:
    """Text and image of one input. Raises Refused(400) for anything else."""
    if isinstance(one, str):
        return one, None
    texts = [part.text for part in one if isinstance(part, Text)]
    images = [part.data for part in one if isinstance(part, Image) and part.data]
    if len(texts) + len(images) < len(one) or len(images) > 1:
        words = f"{path}: this model embeds texts, and images by their data"
        raise Refused(400, words, code="invalid_request_error", param=path)
    return "".join(texts), images[0] if images else None


def read_reply(body: bytes) -> EmbedReply:
    """One vector. Raises Broken for what is none."""
    try:
        whole = _reply(body)
        extra = {name: raw for name, raw in read_members(body).items() if name not in _READ}
    except BAD_JSON as error:
        raise broken(error) from None
    raw = dict(whole.embeddings_by_type or {})
    if (plain := given(whole.embedding)) is not None:
        raw[FLOAT] = plain
    if not raw:
        raise Broken(502, "The provider's answer has no embedding.", code="bad_reply")
    usage = Usage(input=whole.input_text_token_count or 0)
    return EmbedReply(model="", vectors=(Vector(raw=raw),), usage=usage, extra=extra, origin=HERE)


def write_reply(reply: EmbedReply, stamp: Stamp) -> Written:
    """One vector. Raises Broken when the provider gave another number of them."""
    if len(reply.vectors) != 1:
        raise Broken(502, f"The provider gave {len(reply.vectors)} embeddings for one input.", code="bad_reply")
    vector = reply.vectors[0]
    lost = [name for name, raw in reply.extra.items() if reply.origin is not HERE and said(raw)]
    floats = plain(vector)
    by_type = {name: raw for name, raw in vector.raw.items() if name != BASE64} | {FLOAT: floats}
    body: Json = {
        "embedding": floats,
        "embeddingsByType": by_type,
        "inputTextTokenCount": reply.usage.input,
    }
    if reply.origin is HERE:
        body |= reply.extra
    return Written(write_json(body), tuple(lost))


def read_usage(body: bytes) -> Usage | None:
    """The usage of a whole reply by one partial decode."""
    try:
        tokens = _reply(body).input_text_token_count
    except BAD_JSON:
        return None
    return None if tokens is None else Usage(input=tokens)


CODEC: Codec[EmbedAsk, EmbedReply] = Codec(
    format=HERE,
    family=Family.BEDROCK,
    request="embedding",
    model_in_path=True,
    peek=peek,
    put=put,
    split=split_ask,
    join=join_replies,
    read_ask=read_ask,
    write_ask=write_ask,
    read_reply=read_reply,
    write_reply=write_reply,
    read_usage=read_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)
