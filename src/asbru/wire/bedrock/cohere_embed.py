"""Embeddings of Cohere's models through InvokeModel: many texts, or images.

Source: the user guide's "Cohere Embed" (v3 and v4).
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Image
from asbru.model.embed import EmbedAsk, EmbedReply, Input, Vector
from asbru.model.failure import Refused
from asbru.model.names import Format
from asbru.wire.bedrock import titan_embed
from asbru.wire.bedrock.titan_embed import Json, broken, lost_of, plain, split
from asbru.wire.codec import Codec, Stamp, Written
from asbru.wire.envelope import Envelope
from asbru.wire.shapes import BAD_JSON, Members, Shape, join, read_members, refused, said, write_json
from asbru.wire.vectors import BASE64, FLOAT

HERE = Format.BEDROCK_COHERE_EMBED


class Body(Struct, kw_only=True, forbid_unknown_fields=True):
    texts: tuple[str, ...] | None = None
    images: tuple[str, ...] | None = None
    input_type: str | None = None
    truncate: str | None = None
    embedding_types: tuple[str, ...] = ()
    output_dimension: int | None = None


class _Reply(Struct):
    embeddings: Raw
    id: str | None = None


_BODY = Shape(Body)
_reply = msgspec.json.Decoder(_Reply).decode
_list = msgspec.json.Decoder(list[Raw]).decode
_lists = msgspec.json.Decoder(dict[str, list[Raw]]).decode
_READ = frozenset({"embeddings", "id", "response_type", "texts", "images"})


def read_ask(envelope: Envelope) -> EmbedAsk:
    """The request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    body = _BODY.pick(envelope.members, spare)
    inputs: list[Input] = list(body.texts or ())
    for n, uri in enumerate(body.images or ()):
        inputs.append((_image(uri, join("images", n)),))
    if not inputs:
        raise refused("texts", "Field required")
    return EmbedAsk(
        model="",
        inputs=tuple(inputs),
        dimensions=body.output_dimension,
        task=body.input_type or "",
        encodings=body.embedding_types,
        truncate={"LEFT": "start", "RIGHT": "end"}.get(body.truncate or "", (body.truncate or "").lower()),
        extra=spare,
        origin=HERE,
    )


def _image(uri: str, path: str) -> Image:
    """A data URI as an image."""
    head, comma, data = uri.partition(",")
    if not comma or not head.startswith("data:image/") or not head.endswith(";base64"):
        raise refused(path, "must be a data URI of an image in base64")
    return Image(media_type=head.removeprefix("data:").removesuffix(";base64"), data=data)


MOST_TEXTS = 96
"""Of one request; images go one by one."""


def split_ask(ask: EmbedAsk) -> tuple[EmbedAsk, ...]:
    """As many texts as a request may hold, and images apart. Raises Refused(400) when there is nothing."""
    if not ask.inputs:
        raise refused("input", "must not be empty")
    asks: list[tuple[Input, ...]] = []
    for one in ask.inputs:
        last = asks[-1] if asks else ()
        together = last and _is_text(one) and _is_text(last[0]) and len(last) < MOST_TEXTS
        if together:
            asks[-1] = (*last, one)
        else:
            asks.append((one,))
    return tuple(msgspec.structs.replace(ask, inputs=inputs) for inputs in asks)


def _is_text(one: Input) -> bool:
    return isinstance(one, str) or not any(isinstance(part, Image) for part in one)


def write_ask(ask: EmbedAsk) -> Written:
    """The body, and what it cannot carry. ``input_type`` is demanded: what is not said is a document."""
    lost = lost_of(ask, HERE)
    texts: list[str] = []
    images: list[str] = []
    for n, one in enumerate(ask.inputs):
        path = join("input", n)
        text, image = split(one, path)
        if image is not None and (text or texts):
            words = f"{path}: this model embeds texts or images, not both in one request"
            raise Refused(400, words, code="invalid_request_error", param=path)
        if image is None:
            texts.append(text)
        else:
            part = next(part for part in one if isinstance(part, Image))
            images.append(f"data:{part.media_type};base64,{image}")
    body: Json = {"texts": texts} if texts else {"images": images}
    body["input_type"] = ask.task or ("image" if images else "search_document")
    if ask.truncate:
        body["truncate"] = {"start": "START", "end": "END"}.get(ask.truncate, "NONE")
    known = [each for each in ask.encodings if each != BASE64]
    if known and (ask.origin is HERE or known != ["float"]):
        body["embedding_types"] = known
    if ask.dimensions is not None:
        body["output_dimension"] = ask.dimensions
    lost += [name for name in ("title", "user") if getattr(ask, name)]
    if ask.origin is HERE:
        body |= {name: raw for name, raw in ask.extra.items() if "." not in name}
    return Written(write_json(body), tuple(lost))


def read_reply(body: bytes) -> EmbedReply:
    """The vectors, told as one list of floats or as a list for each type. Raises Broken for what is neither."""
    try:
        whole = _reply(body)
        told = bytes(whole.embeddings).lstrip()
        by_type = {FLOAT: _list(whole.embeddings)} if told.startswith(b"[") else _lists(whole.embeddings)
        extra = {name: raw for name, raw in read_members(body).items() if name not in _READ}
    except BAD_JSON as error:
        raise broken(error) from None
    size = max(map(len, by_type.values()), default=0)
    vectors = tuple(
        Vector(raw={kind: vectors[n] for kind, vectors in by_type.items() if n < len(vectors)}) for n in range(size)
    )
    return EmbedReply(id=whole.id or "", model="", vectors=vectors, extra=extra, origin=HERE)


def write_reply(reply: EmbedReply, stamp: Stamp) -> Written:
    """Lists by type when types were asked for, else one list of floats."""
    lost = [name for name, raw in reply.extra.items() if reply.origin is not HERE and said(raw)]
    ask = stamp.ask
    types = ask.encodings if isinstance(ask, EmbedAsk) else ()
    embeddings: object
    if types:
        embeddings = {
            kind: [plain(v) if kind == FLOAT else v.raw[kind] for v in reply.vectors]
            for kind in types
            if kind == FLOAT or all(kind in v.raw for v in reply.vectors)
        }
        lost += [f"encoding: {kind}" for kind in types if kind not in embeddings]
    else:
        embeddings = [plain(vector) for vector in reply.vectors]
    body: Json = {
        "id": reply.id or stamp.id,
        "response_type": "embeddings_by_type" if types else "embeddings_floats",
        "embeddings": embeddings,
    }
    if isinstance(ask, EmbedAsk) and all(isinstance(one, str) for one in ask.inputs):
        body["texts"] = ask.inputs
    if reply.origin is HERE:
        body |= reply.extra
    return Written(write_json(body), tuple(lost))


CODEC: Codec[EmbedAsk, EmbedReply] = msgspec.structs.replace(
    titan_embed.CODEC,
    format=HERE,
    split=split_ask,
    read_ask=read_ask,
    write_ask=write_ask,
    read_reply=read_reply,
    write_reply=write_reply,
    read_usage=lambda body: None,
)
