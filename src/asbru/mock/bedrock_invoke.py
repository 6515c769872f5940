"""InvokeModel in the makers' own formats: Claude, Nova, Titan, Llama, Mistral, Cohere; embeddings and reranking.

A model's name tells its maker, as its id does at Bedrock.
"""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, structs

from asbru.mock import anthropic, bedrock
from asbru.mock.bedrock_shapes import Message, Share, Strict, System, ToolConfig, Words
from asbru.mock.dialect import Dialect, Stamp, Task
from asbru.mock.openai_images import PIXEL
from asbru.mock.said import Asked, Said, count, pieces
from asbru.mock.strict import Mistake, read
from asbru.mock.vectors import vector
from asbru.model.failure import Refused
from asbru.model.names import Framing
from asbru.wire.aws import write_chunk
from asbru.wire.framing import CUTTERS
from asbru.wire.sse import Frame

_encode = msgspec.json.encode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_SIZE = 16

Limit = Annotated[int, Meta(ge=1)]


class NovaInference(Strict):
    max_tokens: Limit | None = None
    temperature: Share | None = None
    top_p: Share | None = None
    top_k: int | None = None
    stop_sequences: list[Words] | None = None


class Nova(Strict, kw_only=True):
    schema_version: Literal["messages-v1"] | None = None
    messages: list[Message]
    system: list[System] | None = None
    inference_config: NovaInference | None = None
    tool_config: ToolConfig | None = None
    additional_model_request_fields: dict[str, Any] | None = None


class TitanConfig(Strict):
    max_token_count: Limit | None = None
    temperature: Share | None = None
    top_p: Share | None = None
    stop_sequences: list[str] | None = None


class Titan(Strict):
    input_text: Words
    text_generation_config: TitanConfig | None = None


class Llama(Struct, forbid_unknown_fields=True):
    prompt: Words
    max_gen_len: Annotated[int, Meta(ge=1, le=8192)] | None = None
    temperature: Share | None = None
    top_p: Share | None = None


class Mistral(Struct, forbid_unknown_fields=True):
    prompt: Words
    max_tokens: Limit | None = None
    temperature: Share | None = None
    top_p: Share | None = None
    top_k: int | None = None
    stop: list[str] | None = None


class CommandR(Struct, forbid_unknown_fields=True):
    message: Words
    chat_history: list[Any] | None = None
    preamble: str | None = None
    max_tokens: Limit | None = None
    temperature: Share | None = None
    p: Share | None = None
    k: int | None = None
    stop_sequences: list[str] | None = None


class TitanEmbed(Strict):
    input_text: Words | None = None
    input_image: Words | None = None
    dimensions: Literal[256, 384, 512, 1024] | None = None
    normalize: bool | None = None
    embedding_types: list[Literal["float", "binary"]] | None = None
    embedding_config: dict[str, int] | None = None


class CohereEmbed(Struct, forbid_unknown_fields=True):
    input_type: Literal["search_document", "search_query", "classification", "clustering", "image"]
    texts: Annotated[list[Words], Meta(min_length=1, max_length=96)] | None = None
    images: Annotated[list[str], Meta(min_length=1, max_length=1)] | None = None
    truncate: Literal["NONE", "START", "END"] | None = None
    embedding_types: list[Literal["float", "int8", "uint8", "binary", "ubinary"]] | None = None
    output_dimension: int | None = None


class Rerank(Struct, forbid_unknown_fields=True):
    query: Words
    documents: Annotated[list[Any], Meta(min_length=1, max_length=1000)]
    top_n: Limit | None = None
    api_version: int | None = None
    max_tokens_per_doc: int | None = None
    return_documents: bool | None = None


def _read(kind: type[Any], body: bytes) -> Any:
    try:
        return read(msgspec.json.Decoder(kind), body)
    except Mistake as mistake:
        raise bedrock.refusal(mistake) from None


def dialect_for(model: str, stream: bool) -> Dialect:
    """The dialect of a model that talks."""
    if "claude" in model or "anthropic." in model:
        return structs.replace(
            bedrock.DIALECT,
            read=lambda body, headers: _claude(body, model, stream),
            write=anthropic.write,
            frames=_claude_chunks,
        )
    if "nova" in model:
        return structs.replace(
            bedrock.DIALECT, read=lambda body, headers: _nova(body, model, stream), frames=_nova_chunks
        )
    kind, prompt, limit, write = _prompted(model)

    def ask(body: bytes, headers: object) -> Asked:
        told = _read(kind, body)
        text = getattr(told, prompt)
        config = getattr(told, "text_generation_config", None) or told
        most = getattr(config, limit, None) or 0
        stops = next((found for name in _STOPS if (found := getattr(config, name, None))), ())
        return Asked(model=model, text=text, words=count(text), stream=stream, limit=most, stop=tuple(stops))

    def chunks(asked: Asked, said: Said, stamp: Stamp) -> Iterator[bytes]:
        for piece in pieces(said.text):
            yield _chunk(write(said, piece, False))
        metrics = {"inputTokenCount": said.input, "outputTokenCount": said.output}
        yield _chunk({**write(said, "", True), "amazon-bedrock-invocationMetrics": metrics})

    return structs.replace(
        bedrock.DIALECT,
        read=ask,
        write=lambda asked, said, stamp: _encode(_whole(write(said, said.text, True), said)),
        frames=chunks,
    )


_STOPS = ("stop_sequences", "stop")
_REASONS = {"length": ("LENGTH", "length", "MAX_TOKENS")}

Write = Callable[[Said, str, bool], dict[str, Any]]


def _prompted(model: str) -> tuple[type[Any], str, str, Write]:
    """Shape, member with the prompt, member with the limit, and how an answer or a piece of one is written."""
    if "titan" in model:
        return Titan, "input_text", "max_token_count", _write_titan
    if "llama" in model:
        return Llama, "prompt", "max_gen_len", _write_llama
    if "mistral" in model:
        return Mistral, "prompt", "max_tokens", _write_mistral
    if "command-r" in model:
        return CommandR, "message", "max_tokens", _write_command_r
    raise bedrock.no_such_model(model)


def _reason(said: Said, place: int, usual: str) -> str:
    return _REASONS.get(said.finish, (usual,) * 3)[place]


def _write_titan(said: Said, text: str, last: bool) -> dict[str, Any]:
    return {
        "outputText": text,
        "index": 0,
        "totalOutputTextTokenCount": said.output if last else None,
        "completionReason": _reason(said, 0, "FINISH") if last else None,
        "inputTextTokenCount": said.input if last else None,
    }


def _whole(written: dict[str, Any], said: Said) -> dict[str, Any]:
    """A whole answer of a model whose pieces look otherwise."""
    if "outputText" not in written:
        return written
    result = {name: written[name] for name in ("outputText", "completionReason")}
    return {"inputTextTokenCount": said.input, "results": [{"tokenCount": said.output, **result}]}


def _write_llama(said: Said, text: str, last: bool) -> dict[str, Any]:
    return {
        "generation": text,
        "prompt_token_count": said.input if last else None,
        "generation_token_count": said.output if last else None,
        "stop_reason": _reason(said, 1, "stop") if last else None,
    }


def _write_mistral(said: Said, text: str, last: bool) -> dict[str, Any]:
    return {"outputs": [{"text": text, "stop_reason": _reason(said, 1, "stop") if last else None}]}


def _write_command_r(said: Said, text: str, last: bool) -> dict[str, Any]:
    if not last:
        return {"event_type": "text-generation", "text": text, "is_finished": False}
    return {"text": text, "finish_reason": _reason(said, 2, "COMPLETE"), "is_finished": True}


def _chunk(members: dict[str, Any]) -> bytes:
    return write_chunk(Frame("", _encode(members)))


def _nova(body: bytes, model: str, stream: bool) -> Asked:
    """Nova's body is read as Converse's, which it is but for ``topK``."""
    told = _read(Nova, body)
    members = _members(body)
    members.pop("schemaVersion", None)
    if told.inference_config and told.inference_config.top_k is not None:
        config = {**_members(members["inferenceConfig"])}
        config.pop("topK")
        members["inferenceConfig"] = msgspec.Raw(_encode(config))
    return bedrock.ask(_encode(members), model, stream)


def _nova_chunks(asked: Asked, said: Said, stamp: Stamp) -> Iterator[bytes]:
    return (_chunk({name: payload}) for name, payload in bedrock.events(said, stamp))


def _claude(body: bytes, model: str, stream: bool) -> Asked:
    """Anthropic's body as InvokeModel takes it: with a version, without what the path says."""
    try:
        members = _members(body)
    except msgspec.DecodeError:
        raise bedrock.refused("Malformed input request, please reformat your input and try again.") from None
    for name in ("model", "stream"):
        if name in members:
            raise bedrock.refused(f"Malformed input request: #: extraneous key [{name}] is not permitted")
    version = members.pop("anthropic_version", msgspec.Raw(b"null"))
    if bytes(version) != b'"bedrock-2023-05-31"':
        raise bedrock.refused("anthropic_version: must be bedrock-2023-05-31")
    betas = members.pop("anthropic_beta", None)
    told = _encode({"model": model, **members, "stream": stream})
    try:
        return anthropic.ask_params(told, beta=betas is not None)
    except Refused as refusal:
        raise bedrock.refused(refusal.message) from None


def _claude_chunks(asked: Asked, said: Said, stamp: Stamp) -> Iterator[bytes]:
    """Server-sent events in chunks; pings are not sent here."""
    cutter = CUTTERS[Framing.SSE]()
    for piece in anthropic.frames(asked, said, stamp):
        yield b"".join(write_chunk(Frame("", f.data)) for f in cutter.feed(piece) if f.event != "ping")


class Canvas(Strict):
    task_type: Literal["TEXT_IMAGE", "IMAGE_VARIATION"]
    text_to_image_params: dict[str, Any] | None = None
    image_variation_params: dict[str, Any] | None = None
    image_generation_config: dict[str, Any] | None = None


class Stability(Struct, forbid_unknown_fields=True):
    prompt: Words
    mode: Literal["text-to-image", "image-to-image"] | None = None
    negative_prompt: str | None = None
    aspect_ratio: Literal["16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21"] | None = None
    output_format: Literal["png", "jpeg", "webp"] | None = None
    seed: int | None = None
    image: str | None = None
    strength: float | None = None


def _canvas(body: bytes, model: str) -> Task:
    told = _read(Canvas, body)
    params = told.text_to_image_params or told.image_variation_params or {}
    if told.task_type == "TEXT_IMAGE" and not params.get("text"):
        raise bedrock.refused("Malformed input request: #/textToImageParams: required key [text] not found")
    n = (told.image_generation_config or {}).get("numberOfImages", 1)
    reply = {"images": [PIXEL] * n, "error": None}
    return Task(model, params.get("text", ""), lambda stamp: _encode(reply))


def _stability(body: bytes, model: str) -> Task:
    told = _read(Stability, body)
    reply = {"images": [PIXEL], "seeds": [told.seed or 0], "finish_reasons": [None]}
    return Task(model, told.prompt, lambda stamp: _encode(reply))


def task_for(model: str) -> Callable[[bytes], Task] | None:
    """How a model that does not talk reads its body; None for one that does."""
    if "stability." in model:
        return lambda body: _stability(body, model)
    if "canvas" in model or "image-generator" in model:
        return lambda body: _canvas(body, model)
    if "rerank" in model:
        return lambda body: _rerank(body, model)
    if "embed" in model:
        return lambda body: _cohere_embed(body, model) if "cohere" in model else _titan_embed(body, model)
    return None


def _titan_embed(body: bytes, model: str) -> Task:
    told = _read(TitanEmbed, body)
    if told.input_text is None and told.input_image is None:
        raise bedrock.refused("Malformed input request: #: required key [inputText] not found")
    numbers = vector(told.input_text or told.input_image, _SIZE)
    by_type: dict[str, Any] = dict.fromkeys(told.embedding_types or ["float"], numbers)
    words = count(told.input_text or "")

    def write(stamp: Stamp) -> bytes:
        reply = {"embedding": numbers, "embeddingsByType": by_type, "inputTextTokenCount": words}
        return _encode(reply)

    return Task(model, told.input_text or "", write)


def _cohere_embed(body: bytes, model: str) -> Task:
    told = _read(CohereEmbed, body)
    if (told.texts is None) == (told.images is None):
        raise bedrock.refused("Malformed input request: exactly one of texts and images is required")
    vectors = [vector(one, _SIZE) for one in told.texts or told.images]
    embeddings: Any = dict.fromkeys(told.embedding_types, vectors) if told.embedding_types else vectors
    kind = "embeddings_by_type" if told.embedding_types else "embeddings_floats"

    def write(stamp: Stamp) -> bytes:
        return _encode({"id": stamp.id, "response_type": kind, "embeddings": embeddings, "texts": told.texts})

    return Task(model, (told.texts or [""])[-1], write)


def _rerank(body: bytes, model: str) -> Task:
    """The more words of the query a document has, the better."""
    told = _read(Rerank, body)
    if "cohere" in model and told.api_version != 2:
        raise bedrock.refused("Malformed input request: #/api_version: 2 is required")
    words = set(told.query.lower().split())
    scored = [
        {"index": n, "relevance_score": len(words & set(str(document).lower().split())) / len(words)}
        for n, document in enumerate(told.documents)
    ]
    best = sorted(scored, key=lambda one: -one["relevance_score"])[: told.top_n or len(scored)]
    return Task(model, told.query, lambda stamp: _encode({"results": best}))
