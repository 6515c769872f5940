"""Vertex AI's embeddings: ``:predict`` with texts as instances (``text-embedding-005`` and the like): the codec.

Source: google-genai 3.4 ``models.py`` (``embedding_api_type`` PREDICT); texts are counted in each prediction.
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.embed import EmbedAsk, EmbedReply, Input, Vector
from asbru.model.failure import Broken, Refused
from asbru.model.names import Family, Format
from asbru.model.usage import Usage
from asbru.wire.codec import Codec, Stamp, Written
from asbru.wire.envelope import Envelope
from asbru.wire.gemini.embed_ask import TASKS, in_groups, joined, task_word, truncate_of
from asbru.wire.gemini.errors import read_failure, write_failure
from asbru.wire.gemini.generate import peek, put
from asbru.wire.gemini.media import Json
from asbru.wire.gemini.proto import ProtoShape, camel
from asbru.wire.shapes import BAD_JSON, NOTHING, Members, given, join, read_members, refused, said, write_json
from asbru.wire.vectors import FLOAT, embedded, floats_of

HERE = Format.VERTEX_EMBED


MOST = 5
"""Texts that Vertex AI takes at once in every region; Gemini's embeddings there are made one by one."""


class _Instance(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Its members are written in snake case, as Vertex AI has them in what it passes to a model."""

    content: str | None = None
    task_type: str | None = None
    title: str | None = None


class _Parameters(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    output_dimensionality: int | None = None
    auto_truncate: bool | None = None


class _Body(Struct, forbid_unknown_fields=True, kw_only=True):
    instances: list[Raw] | None = None
    parameters: Raw = NOTHING


class _Statistics(Struct):
    token_count: float | None = None
    truncated: bool | None = None


class _Embedding(Struct):
    values: Raw
    statistics: _Statistics | None = None


class _Prediction(Struct):
    embeddings: _Embedding


class _Reply(Struct):
    predictions: list[_Prediction]


_BODY, _INSTANCE, _PARAMETERS = ProtoShape(_Body), ProtoShape(_Instance), ProtoShape(_Parameters)
_reply = msgspec.json.Decoder(_Reply).decode


def read_ask(envelope: Envelope) -> EmbedAsk:
    """The request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    body = _BODY.pick(envelope.members, spare)
    if not body.instances:
        raise refused("instances", "Field required")
    instances = [_INSTANCE.read(raw, join("instances", n), spare) for n, raw in enumerate(body.instances)]
    texts = [_text(each, join("instances", n)) for n, each in enumerate(instances)]
    raw = given(body.parameters)
    told = _Parameters() if raw is None else _PARAMETERS.read(raw, "parameters", spare)
    first = instances[0]
    for n, each in enumerate(instances[1:], 1):
        for name in ("task_type", "title"):
            if getattr(each, name) != getattr(first, name):
                spare[join("instances", n, camel(name))] = Raw(write_json(getattr(each, name)))
    task = (first.task_type or "").upper()
    return EmbedAsk(
        model="",
        inputs=tuple(texts),
        dimensions=told.output_dimensionality,
        task=TASKS.get(task, task.lower()),
        truncate=truncate_of(told.auto_truncate),
        title=first.title or "",
        extra=spare,
        origin=HERE,
    )


def _text(instance: _Instance, path: str) -> Input:
    if instance.content is None:
        raise refused(join(path, "content"), "Field required")
    return instance.content


def split_ask(ask: EmbedAsk) -> tuple[EmbedAsk, ...]:
    """As many requests as it takes. Raises Refused(400) for what is no text."""
    for n, each in enumerate(ask.inputs):
        _only_text(each, n)
    return in_groups(ask, 1 if "gemini" in ask.model else MOST)


def write_ask(ask: EmbedAsk) -> Written:
    """The body, and what it cannot carry. Raises Refused(400) for what is no text."""
    home = ask.origin is HERE
    lost = [name for name, raw in ask.extra.items() if (not home or "." in name) and said(raw)]
    told = {"task_type": task_word(ask.task), "title": ask.title}
    beside = {name: value for name, value in told.items() if value}
    body: Json = {"instances": [{"content": _only_text(each, n), **beside} for n, each in enumerate(ask.inputs)]}
    parameters: Json = {}
    if ask.dimensions is not None:
        parameters["outputDimensionality"] = ask.dimensions
    if ask.truncate in ("end", "none"):
        parameters["autoTruncate"] = ask.truncate == "end"
    elif ask.truncate:
        lost.append("truncate")
    if parameters:
        body["parameters"] = parameters
    if ask.user:
        lost.append("user")
    if ask.task and not told["task_type"]:
        lost.append("input_type")
    lost += [f"encoding: {each}" for each in ask.encodings if each not in ("float", "base64")]
    if home:
        body |= {name: raw for name, raw in ask.extra.items() if "." not in name}
    return Written(write_json(body), tuple(lost))


def _only_text(each: Input, n: int) -> str:
    if isinstance(each, str):
        return each
    path = join("input", n)
    raise Refused(400, f"{path}: this model embeds text only", code="invalid_request_error", param=path)


def read_reply(body: bytes) -> EmbedReply:
    """The vectors. Raises Broken for what is no answer with embeddings."""
    try:
        told = _reply(body).predictions
        extra = {name: raw for name, raw in read_members(body).items() if name not in ("predictions", "metadata")}
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer holds no embeddings: {error}", code="bad_reply") from None
    vectors = tuple(Vector(raw={FLOAT: each.embeddings.values}) for each in told)
    return EmbedReply(model="", vectors=vectors, usage=_usage(told), extra=extra, origin=HERE)


def _usage(told: list[_Prediction]) -> Usage:
    counts = [each.embeddings.statistics.token_count or 0 for each in told if each.embeddings.statistics]
    return Usage(input=int(sum(counts)))


def read_usage(body: bytes) -> Usage | None:
    """What the predictions count together; None when there is nothing to read."""
    try:
        usage = _usage(_reply(body).predictions)
    except BAD_JSON:
        return None
    return usage if usage.input else None


def write_reply(reply: EmbedReply, stamp: Stamp) -> Written:
    """One prediction for each vector. Usage is told of all inputs together: it stands in the first."""
    lost = [name for name, raw in reply.extra.items() if reply.origin is not HERE and said(raw)]
    predictions: list[Json] = []
    for n, vector in enumerate(reply.vectors):
        numbers = floats_of(vector)
        if numbers is None:
            raise Broken(502, "The provider's embeddings are not floats.", code="bad_reply")
        counted = {"token_count": 0 if n else reply.usage.input, "truncated": False}
        predictions.append({"embeddings": {"values": numbers, "statistics": counted}})
    body: Json = {"predictions": predictions}
    if reply.origin is HERE:
        body |= reply.extra
    return Written(write_json(body), tuple(lost))


CODEC: Codec[EmbedAsk, EmbedReply] = Codec(
    format=HERE,
    family=Family.GEMINI,
    request="embedding",
    model_in_path=True,
    peek=peek,
    put=put,
    read_ask=read_ask,
    write_ask=write_ask,
    read_reply=read_reply,
    write_reply=write_reply,
    split=split_ask,
    join=joined,
    asked_usage=embedded,
    read_usage=read_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)
