"""Cohere's embed, v2 and v1 (``cohere`` SDK 7.3, ``v2/raw_client.py``, ``embed_by_type_response.py``): the codecs.

Rule 1. ``input_type`` is required by Cohere's models: documents are meant when nobody says what for.
Rule 2. Inputs are texts, or texts and images together; the ids of tokens are another model's, and refused.
Rule 3. v1 answers with bare lists of floats when no ``embedding_types`` were asked for.
"""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Image, Part, Text
from asbru.model.embed import EmbedAsk, EmbedReply, Input, Vector
from asbru.model.failure import Broken, Refused
from asbru.model.names import Family, Format
from asbru.wire.codec import Codec, Stamp, Written
from asbru.wire.cohere.chat_ask_in import read_part
from asbru.wire.cohere.errors import read_failure, write_failure
from asbru.wire.cohere.usage import WireUsage, read_usage, to_usage
from asbru.wire.envelope import Envelope
from asbru.wire.openai.chat_ask_in import split_data_url
from asbru.wire.peeking import peek_whole, put_model
from asbru.wire.shapes import BAD_JSON, Members, Shape, join, read_members, refused, said, write_json
from asbru.wire.vectors import BASE64, FLOAT, base64_of, floats_of

HERE = Format.COHERE_EMBED
OLDER = Format.COHERE_EMBED_V1
HOME = frozenset({HERE, OLDER})
ENCODINGS = frozenset({FLOAT, "int8", "uint8", "binary", "ubinary", BASE64})
TASKS = frozenset({"search_document", "search_query", "classification", "clustering", "image"})
USUAL_TASK = "search_document"
IMAGE_TASK = "image"
TRUNCATE = frozenset({"NONE", "START", "END"})


class _Input(Struct, forbid_unknown_fields=True):
    content: list[Raw]


class Body(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    texts: list[str] | None = None
    images: list[str] | None = None
    inputs: list[Raw] | None = None
    input_type: str | None = None
    output_dimension: int | None = None
    embedding_types: list[str] | None = None
    truncate: str | None = None


class OlderBody(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    texts: list[str] | None = None
    images: list[str] | None = None
    inputs: None = None
    output_dimension: None = None
    input_type: str | None = None
    embedding_types: list[str] | None = None
    truncate: str | None = None


class _Reply(Struct, kw_only=True):
    id: str | None = None
    embeddings: dict[str, list[Raw] | None] | list[Raw]
    meta: WireUsage | None = None


_BODY = Shape(Body)
_OLDER = Shape(OlderBody)
_INPUT = Shape(_Input)
_reply = msgspec.json.Decoder(_Reply).decode
_READ = frozenset({"id", "embeddings", "meta", "texts", "response_type"})


def read_ask(envelope: Envelope) -> EmbedAsk:
    """A v2 request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    return _ask(_BODY.pick(envelope.members, spare), spare, HERE)


def read_older_ask(envelope: Envelope) -> EmbedAsk:
    """A v1 request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    return _ask(_OLDER.pick(envelope.members, spare), spare, OLDER)


def _ask(body: Body | OlderBody, spare: Members, origin: Format) -> EmbedAsk:
    inputs: list[Input] = list(body.texts or ())
    inputs += [(_image(url),) for url in body.images or ()]
    for n, raw in enumerate(body.inputs or ()):
        inputs.append(_mixed(raw, join("inputs", n), spare))
    if not inputs:
        raise refused("texts", "at least one of texts, images or inputs is required")
    for n, word in enumerate(body.embedding_types or ()):
        if word not in ENCODINGS:
            raise refused(join("embedding_types", n), f"must be one of {', '.join(sorted(ENCODINGS))}")
    if body.truncate is not None and body.truncate not in TRUNCATE:
        raise refused("truncate", "must be NONE, START or END")
    return EmbedAsk(
        model=body.model,
        inputs=tuple(inputs),
        dimensions=body.output_dimension,
        task=body.input_type or "",
        encodings=tuple(body.embedding_types or ()),
        truncate=(body.truncate or "").lower(),
        extra=spare,
        origin=origin,
    )


def _image(url: str) -> Image:
    media_type, data = split_data_url(url)
    return Image(media_type=media_type, data=data) if data else Image(url=url)


def _mixed(raw: Raw, path: str, spare: Members) -> tuple[Part, ...]:
    told = _INPUT.read(raw, path, spare)
    parts = tuple(read_part(item, join(path, "content", n), spare) for n, item in enumerate(told.content))
    if not parts:
        raise refused(join(path, "content"), "must not be empty")
    return parts


def write_ask(ask: EmbedAsk) -> Written:
    """A v2 request, and what it cannot carry. Raises Refused(400) for the ids of tokens."""
    return _write(ask, HERE)


def write_older_ask(ask: EmbedAsk) -> Written:
    """A v1 request, and what it cannot carry. Raises Refused(400) for what v1 does not embed."""
    return _write(ask, OLDER)


def _write(ask: EmbedAsk, here: Format) -> Written:
    home = ask.origin in HOME
    lost = [name for name, raw in ask.extra.items() if (not home or "." in name) and said(raw)]
    body: dict[str, object] = {"model": ask.model}
    _write_inputs(ask, body, here)
    if task := _task(ask, home, "images" in body, lost):
        body["input_type"] = task
    if ask.encodings:
        known = [each for each in ask.encodings if each in ENCODINGS]
        body["embedding_types"] = known or [FLOAT]
        lost += [f"encoding: {each}" for each in ask.encodings if each not in ENCODINGS]
    if ask.dimensions is not None and here is HERE:
        body["output_dimension"] = ask.dimensions
    elif ask.dimensions is not None:
        lost.append("output_dimension")
    if ask.truncate:
        body["truncate"] = ask.truncate.upper()
    lost += [name for name in ("user", "title") if getattr(ask, name)]
    if home:
        body |= {name: raw for name, raw in ask.extra.items() if "." not in name}
    return Written(write_json(body), tuple(lost))


def _task(ask: EmbedAsk, home: bool, images: bool, lost: list[str]) -> str:
    if home or ask.task in TASKS:
        return ask.task
    if ask.task:
        lost.append(f"input_type: {ask.task}")
    return IMAGE_TASK if images else USUAL_TASK


def _write_inputs(ask: EmbedAsk, body: dict[str, object], here: Format) -> None:
    texts = [each for each in ask.inputs if isinstance(each, str)]
    if len(texts) == len(ask.inputs):
        body["texts"] = texts
        return
    first = ask.inputs[0]
    if len(ask.inputs) == 1 and len(first) == 1 and isinstance(first[0], Image):
        body["images"] = [_url(first[0], "input")]
        return
    if here is OLDER:
        raise Refused(400, "input: v1 embeds texts, or one image", code="invalid_request_error", param="input")
    body["inputs"] = [{"content": _content(each, join("input", n))} for n, each in enumerate(ask.inputs)]


def _content(each: Input, path: str) -> list[dict[str, object]]:
    if isinstance(each, str):
        return [{"type": "text", "text": each}]
    return [_item(part, path) for part in each]


def _item(part: Part | int, path: str) -> dict[str, object]:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Image():
            return {"type": "image_url", "image_url": {"url": _url(part, path)}}
        case int():
            what = "token ids cannot be embedded by this provider; send the text"
        case _:
            what = f"{type(part).__name__.lower()} cannot be embedded by this provider"
    raise Refused(400, f"{path}: {what}", code="invalid_request_error", param=path)


def _url(image: Image, path: str) -> str:
    if image.file_id:
        raise Refused(400, f"{path}: an image by file_id cannot be embedded", code="invalid_request_error", param=path)
    return image.url or f"data:{image.media_type};base64,{image.data}"


def read_reply(body: bytes) -> EmbedReply:
    """The vectors, in each encoding that is there. Raises Broken for what is not a reply of v2 or v1."""
    try:
        whole = _reply(body)
        extra = {name: raw for name, raw in read_members(body).items() if name not in _READ}
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer holds no embeddings: {error}", code="bad_reply") from None
    told = whole.embeddings
    return EmbedReply(
        id=whole.id or "",
        model="",
        vectors=_vectors(told if isinstance(told, dict) else {FLOAT: told}),
        usage=to_usage(whole.meta or WireUsage()),
        extra=extra,
        origin=HERE,
    )


def _vectors(told: Mapping[str, Sequence[Raw] | None]) -> tuple[Vector, ...]:
    kinds = {kind: list(column) for kind, column in told.items() if column is not None}
    sizes = {len(column) for column in kinds.values()}
    if len(sizes) != 1:
        raise Broken(502, "The provider's embeddings differ in number.", code="bad_reply")
    return tuple(Vector(raw={kind: column[n] for kind, column in kinds.items()}) for n in range(sizes.pop()))


def write_reply(reply: EmbedReply, stamp: Stamp) -> Written:
    """A v2 reply, by type."""
    return _written_reply(reply, stamp, older=False)


def write_older_reply(reply: EmbedReply, stamp: Stamp) -> Written:
    """A v1 reply: bare floats, or by type when types were asked for."""
    return _written_reply(reply, stamp, older=True)


def _written_reply(reply: EmbedReply, stamp: Stamp, older: bool) -> Written:
    home = reply.origin is HERE
    lost = [name for name, raw in reply.extra.items() if not home and said(raw)]
    ask = stamp.ask if isinstance(stamp.ask, EmbedAsk) else None
    wanted = ask.encodings if ask else ()
    columns = {kind: _column(reply, kind) for kind in wanted or (FLOAT,)}
    told = {kind: column for kind, column in columns.items() if column is not None}
    lost += [f"embedding_types: {kind}" for kind in columns if kind not in told]
    bare = older and not wanted
    units = {"input_tokens": reply.usage.input}
    body: dict[str, object] = {
        "id": stamp.id,
        "embeddings": told.get(FLOAT, []) if bare else told,
        "texts": [each for each in ask.inputs if isinstance(each, str)] if ask else [],
        "meta": {"api_version": {"version": "1" if older else "2"}, "billed_units": units},
        "response_type": "embeddings_floats" if bare else "embeddings_by_type",
    }
    if home:
        body |= reply.extra
    return Written(write_json(body), tuple(lost))


def _column(reply: EmbedReply, kind: str) -> list[Raw] | None:
    """Every vector in one encoding; None when one of them cannot be had in it."""
    column: list[Raw] = []
    for vector in reply.vectors:
        raw = floats_of(vector) if kind == FLOAT else base64_of(vector) if kind == BASE64 else vector.raw.get(kind)
        if raw is None:
            return None
        column.append(raw)
    return column


CODEC: Codec[EmbedAsk, EmbedReply] = Codec(
    format=HERE,
    family=Family.COHERE,
    request="embedding",
    body=Body,
    peek=peek_whole,
    put=put_model,
    read_ask=read_ask,
    write_ask=write_ask,
    read_reply=read_reply,
    write_reply=write_reply,
    read_usage=read_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)

V1: Codec[EmbedAsk, EmbedReply] = Codec(
    format=OLDER,
    family=Family.COHERE,
    request="embedding",
    body=OlderBody,
    peek=peek_whole,
    put=put_model,
    read_ask=read_older_ask,
    write_ask=write_older_ask,
    read_reply=read_reply,
    write_reply=write_older_reply,
    read_usage=read_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)
