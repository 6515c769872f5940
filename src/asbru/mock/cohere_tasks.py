"""Cohere's embed, rerank and tokenize of either version, and reranking as Jina has it: read strictly, answered whole.

How well a document fits is the share of the query's words that it holds. A token is a word; its id is made of it.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from asbru.mock import cohere_shapes as shape
from asbru.mock import openai
from asbru.mock.cohere import refusal
from asbru.mock.dialect import Dialect, Stamp, Task
from asbru.mock.said import count
from asbru.mock.strict import Mistake, read
from asbru.mock.vectors import packed, vector
from asbru.model.failure import Refused

T = TypeVar("T")
SIZE = 16
"""Numbers of a vector when nobody says."""

_embed = msgspec.json.Decoder(shape.EmbedRequest)
_older_embed = msgspec.json.Decoder(shape.OlderEmbedRequest)
_rerank = msgspec.json.Decoder(shape.RerankRequest)
_older_rerank = msgspec.json.Decoder(shape.OlderRerankRequest)
_tokenize = msgspec.json.Decoder(shape.TokenizeRequest)
_detokenize = msgspec.json.Decoder(shape.DetokenizeRequest)
_jina = msgspec.json.Decoder(shape.JinaRequest)


def _strictly(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    try:
        return read(decoder, body)
    except Mistake as mistake:
        raise refusal(mistake) from None


def embed(body: bytes) -> Task:
    """v2. Raises Refused(400) for what Cohere does not embed."""
    request = _strictly(_embed, body)
    inputs = ["".join(_pieces(each)) for each in request.inputs or ()]
    return _embedding(request, [*(request.texts or ()), *(request.images or ()), *inputs], "2")


def older_embed(body: bytes) -> Task:
    """v1."""
    request = _strictly(_older_embed, body)
    return _embedding(request, [*(request.texts or ()), *(request.images or ())], "1")


def _pieces(told: shape.EmbedInput) -> Iterator[str]:
    for part in told.content:
        yield part.text if isinstance(part, shape.TextPart) else part.image_url.url


def _embedding(request: shape.EmbedRequest | shape.OlderEmbedRequest, inputs: list[str], version: str) -> Task:
    if not inputs:
        raise Refused(400, "invalid request: exactly one of texts, images or inputs must be given")
    if any(url.startswith("data:") is False for url in request.images or ()):
        raise Refused(400, "invalid request: images must be data URIs")
    size = getattr(request, "output_dimension", None) or SIZE
    bare = version == "1" and not request.embedding_types

    def write(stamp: Stamp) -> bytes:
        vectors = [vector(each, size) for each in inputs]
        told = {kind: [_KINDS[kind](each) for each in vectors] for kind in request.embedding_types or ("float",)}
        units = {"input_tokens": sum(map(count, inputs))}
        answer = {
            "id": stamp.id,
            "embeddings": told["float"] if bare else told,
            "texts": request.texts or [],
            "meta": {"api_version": {"version": version}, "billed_units": units},
            "response_type": "embeddings_floats" if bare else "embeddings_by_type",
        }
        return msgspec.json.encode(answer)

    return Task(request.model, inputs[-1], write)


def _bits(numbers: Sequence[float]) -> list[int]:
    bits = [int(number > 0) for number in numbers]
    return [sum(bit << (7 - n) for n, bit in enumerate(bits[at : at + 8])) for at in range(0, len(bits), 8)]


_KINDS: Mapping[str, Callable[[list[float]], Any]] = {
    "float": lambda numbers: numbers,
    "base64": lambda numbers: b64encode(packed(numbers)).decode(),
    "int8": lambda numbers: [round(number * 127) for number in numbers],
    "uint8": lambda numbers: [round(number * 127) + 128 for number in numbers],
    "ubinary": _bits,
    "binary": lambda numbers: [byte - 128 for byte in _bits(numbers)],
}


def rerank(body: bytes) -> Task:
    """v2."""
    request = _strictly(_rerank, body)
    return _ranking(request, request.documents, "2")


def older_rerank(body: bytes) -> Task:
    """v1, which gives documents back when asked to."""
    request = _strictly(_older_rerank, body)
    texts = [each if isinstance(each, str) else each.get("text", "") for each in request.documents]
    return _ranking(request, texts, "1")


def _ranking(request: shape.RerankRequest | shape.OlderRerankRequest, texts: list[str], version: str) -> Task:
    shown = getattr(request, "return_documents", False)

    def write(stamp: Stamp) -> bytes:
        units = {"search_units": (len(texts) + 99) // 100}
        meta = {"api_version": {"version": version}, "billed_units": units}
        results = ranked(request.query, texts, request.top_n, bool(shown))
        return msgspec.json.encode({"id": stamp.id, "results": results, "meta": meta})

    return Task(request.model, request.query, write)


def ranked(query: str, texts: Sequence[str], top: int | None, shown: bool) -> list[dict[str, Any]]:
    """The results, the best first."""
    words = set(query.lower().split())
    found = []
    for index, text in enumerate(texts):
        score = len(words & set(text.lower().split())) / max(len(words), 1)
        document = {"document": {"text": text}} if shown else {}
        found.append({"index": index, "relevance_score": score, **document})
    found.sort(key=lambda each: -float(each["relevance_score"]))  # type: ignore[arg-type]
    return found[:top]


def jina(body: bytes) -> Task:
    """Reranking as Jina, vLLM and Together have it. Raises Refused(400) in OpenAI's words."""
    try:
        request = read(_jina, body)
    except Mistake as mistake:
        raise openai.refusal(mistake) from None
    tokens = sum(map(count, [request.query, *request.documents]))

    def write(stamp: Stamp) -> bytes:
        results = ranked(request.query, request.documents, request.top_n, request.return_documents is not False)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return msgspec.json.encode({"id": stamp.id, "model": stamp.model, "results": results, "usage": usage})

    return Task(request.model, request.query, write)


def tokenize(body: bytes) -> Task:
    """v1."""
    request = _strictly(_tokenize, body)
    words = request.text.split()
    told = {"tokens": [int.from_bytes(word.encode()[:6]) for word in words], "token_strings": words}
    written = msgspec.json.encode({**told, "meta": {"api_version": {"version": "1"}}})
    return Task(request.model, request.text, lambda stamp: written)


def detokenize(body: bytes) -> Task:
    """v1, for words of at most six bytes."""
    request = _strictly(_detokenize, body)
    text = " ".join(token.to_bytes(6).lstrip(b"\0").decode("utf-8", "replace") for token in request.tokens)
    written = msgspec.json.encode({"text": text, "meta": {"api_version": {"version": "1"}}})
    return Task(request.model, text, lambda stamp: written)


def tasks(cohere: Dialect, compatible: Dialect) -> tuple[tuple[str, Dialect, Callable[[bytes], Task]], ...]:
    """Path, dialect and reader of each."""
    return (
        ("/v2/embed", cohere, embed),
        ("/v1/embed", cohere, older_embed),
        ("/v2/rerank", cohere, rerank),
        ("/v1/rerank", cohere, older_rerank),
        ("/v1/tokenize", cohere, tokenize),
        ("/v1/detokenize", cohere, detokenize),
        ("/jina/v1/rerank", compatible, jina),
    )
