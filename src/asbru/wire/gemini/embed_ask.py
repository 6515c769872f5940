"""Requests for embeddings, one content or many, read into the model and written from it.

Source: google-genai 3.4 ``models.py`` (``_EmbedContentConfig_to_*``), ai.google.dev/api/embeddings.

Rule 1. What a vector is for (``taskType``) is said of each content; requests that differ in it, or in size or title,
cannot be said in other formats, and what differs is named.
Rule 2. A content of one text is a text; others are parts.
"""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Document, Image, Part, Text
from asbru.model.embed import EmbedAsk, EmbedReply, Input
from asbru.model.failure import Refused
from asbru.model.names import Format, Role
from asbru.model.usage import Usage
from asbru.wire.envelope import Envelope
from asbru.wire.gemini.generate_contents_in import Contents
from asbru.wire.gemini.generate_parts import write_part
from asbru.wire.gemini.media import Json
from asbru.wire.gemini.proto import ProtoShape, camel
from asbru.wire.shapes import NOTHING, Members, given, join, refused, said, write_json

TASKS: Mapping[str, str] = MappingProxyType(
    {
        "RETRIEVAL_QUERY": "search_query",
        "RETRIEVAL_DOCUMENT": "search_document",
        "CLASSIFICATION": "classification",
        "CLUSTERING": "clustering",
    }
)
"""Google's words in the house's; others are the same in lower case."""

_TASKS_OUT = {word: task for task, word in TASKS.items()}


class _Config(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    task_type: str | None = None
    title: str | None = None
    output_dimensionality: int | None = None
    auto_truncate: bool | None = None


class Request(_Config, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """One content. Newer clients say how to embed it in ``embedContentConfig``."""

    content: Raw = NOTHING
    model: str | None = None
    embed_content_config: Raw = NOTHING


_REQUEST = ProtoShape(Request)
_CONFIG = ProtoShape(_Config)
_requests = msgspec.json.Decoder(list[Raw])


def read_one(envelope: Envelope) -> EmbedAsk:
    """``embedContent``. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    request = _REQUEST.pick(envelope.members, spare)
    return _asked([(request, "")], spare, Format.GEMINI_EMBED)


def read_many(envelope: Envelope) -> EmbedAsk:
    """``batchEmbedContents``. Raises Refused(400) naming the member that is wrong."""
    spare = {name: raw for name, raw in envelope.members.items() if name != "requests"}
    raws = envelope.get("requests", _requests)
    if not raws:
        raise refused("requests", "Field required")
    placed = [(join("requests", n), raw) for n, raw in enumerate(raws)]
    return _asked([(_REQUEST.read(raw, path, spare), path) for path, raw in placed], spare, Format.GEMINI_EMBEDS)


def _asked(requests: list[tuple[Request, str]], spare: Members, format: Format) -> EmbedAsk:
    configs = [_config(request, path, spare) for request, path in requests]
    first = configs[0]
    for (_, path), config in zip(requests[1:], configs[1:], strict=True):
        for name in ("task_type", "title", "output_dimensionality"):
            if getattr(config, name) != getattr(first, name):
                spare[f"{path}.{camel(name)}"] = Raw(write_json(getattr(config, name)))
    task = (first.task_type or "").upper()
    return EmbedAsk(
        model="",
        inputs=tuple(read_input(request.content, join(path, "content"), spare) for request, path in requests),
        dimensions=first.output_dimensionality,
        task="" if task == "TASK_TYPE_UNSPECIFIED" else TASKS.get(task, task.lower()),
        truncate=truncate_of(first.auto_truncate),
        title=first.title or "",
        extra=spare,
        origin=format,
    )


def _config(request: Request, path: str, spare: Members) -> _Config:
    raw = given(request.embed_content_config)
    if raw is None:
        return request
    return _CONFIG.read(raw, join(path, "embedContentConfig"), spare)


def truncate_of(auto: bool | None) -> str:
    """``autoTruncate`` in the house's words."""
    return "" if auto is None else "end" if auto else "none"


def read_input(content: Raw, path: str, spare: Members) -> Input:
    """What is embedded together. Raises Refused(400)."""
    raw = given(content)
    if raw is None:
        raise refused(path, "Field required")
    parts = Contents(spare).alone(raw, path, Role.USER).parts
    if not parts:
        raise refused(join(path, "parts"), "Field required")
    return parts[0].text if len(parts) == 1 and isinstance(parts[0], Text) else parts


def in_groups(ask: EmbedAsk, most: int) -> tuple[EmbedAsk, ...]:
    """The same in requests of at most so many inputs. Raises Refused(400) when there is none, or one of a kind that
    Google does not embed.
    """
    if not ask.inputs:
        raise refused("input", "must not be empty")
    for n, each in enumerate(ask.inputs):
        write_input(each, join("input", n))
    starts = range(0, len(ask.inputs), most)
    return tuple(msgspec.structs.replace(ask, inputs=ask.inputs[start : start + most]) for start in starts)


def joined(replies: list[EmbedReply]) -> EmbedReply:
    """All vectors in order, and all that was used."""
    vectors = tuple(vector for reply in replies for vector in reply.vectors)
    usage = Usage(input=sum(reply.usage.input for reply in replies))
    return msgspec.structs.replace(replies[0], vectors=vectors, usage=usage)


def write_one(ask: EmbedAsk) -> tuple[Json, list[str]]:
    """``embedContent``. Raises Refused(400) for more than one input."""
    if len(ask.inputs) != 1:
        message = f"input: this model embeds one input at a time, not {len(ask.inputs)}"
        raise Refused(400, message, code="invalid_request_error", param="input")
    return written(ask, {"content": write_input(ask.inputs[0], "input")})


def write_many(ask: EmbedAsk) -> tuple[Json, list[str]]:
    """``batchEmbedContents``."""
    requests: list[Json] = []
    lost: list[str] = []
    for n, each in enumerate(ask.inputs):
        request: Json = {"model": resource(ask.model), "content": write_input(each, join("input", n))}
        requests.append(request | _said(ask))
    lost = _lost(ask)
    body: Json = {"requests": requests}
    if ask.origin is Format.GEMINI_EMBEDS:
        body |= {name: raw for name, raw in ask.extra.items() if "." not in name}
    return body, lost


def written(ask: EmbedAsk, body: Json) -> tuple[Json, list[str]]:
    """``body`` with how to embed, and what it cannot carry."""
    body = body | _said(ask)
    if ask.origin is Format.GEMINI_EMBED:
        body |= {name: raw for name, raw in ask.extra.items() if "." not in name}
    return body, _lost(ask)


def resource(model: str) -> str:
    """A model's name as a resource: ``models/…``, ``tunedModels/…``."""
    return model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"


def task_word(task: str) -> str:
    """``taskType``; "" for what is no task of Google's (Cohere's ``image``)."""
    return "" if task in ("", "image") else _TASKS_OUT.get(task, task.upper())


def _said(ask: EmbedAsk) -> Json:
    told = {"taskType": task_word(ask.task), "title": ask.title, "outputDimensionality": ask.dimensions}
    return {name: value for name, value in told.items() if value}


def _lost(ask: EmbedAsk) -> list[str]:
    """``autoTruncate`` is Vertex AI's; the Gemini API cuts what is too long."""
    home = ask.origin in (Format.GEMINI_EMBED, Format.GEMINI_EMBEDS)
    lost = [name for name, raw in ask.extra.items() if (not home or "." in name) and said(raw)]
    if ask.truncate not in ("", "end"):
        lost.append("truncate")
    if ask.user:
        lost.append("user")
    if ask.task and not task_word(ask.task):
        lost.append("input_type")
    return lost + [f"encoding: {each}" for each in ask.encodings if each not in ("float", "base64")]


def write_input(each: Input, path: str) -> Json:
    """A content. Raises Refused(400) for the ids of tokens, which are another model's."""
    if isinstance(each, str):
        return {"parts": [{"text": each}]}
    parts: list[Part] = [part for part in each if isinstance(part, Text | Image | Document)]
    if len(parts) < len(each):
        raise Refused(400, f"{path}: this model embeds text, not tokens", code="invalid_request_error", param=path)
    told = [write_part(part, path, []) for part in parts]
    return {"parts": told}
