"""Google's operations at their paths: which model, which body, streamed how."""

from collections.abc import Callable, Iterator
from typing import TypeVar
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct, structs

from asbru.edge.request import Handler, Request
from asbru.mock import gemini
from asbru.mock import gemini_shapes as shape
from asbru.mock.dialect import Dialect, Stamp, Task
from asbru.mock.gemini_checks import check_contents, check_parts, plain, refused
from asbru.mock.gemini_videos import Videos
from asbru.mock.openai_images import PIXEL
from asbru.mock.said import count
from asbru.mock.strict import Mistake, read
from asbru.mock.talk import Talker
from asbru.mock.vectors import vector
from asbru.model.http import Answer

SIZE = 16
"""Numbers of a vector when nobody says."""
MODELS = ("gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-pro-preview", "gemini-embedding-001")

Row = tuple[str, str, Dialect, Handler]
"""Method, path, dialect, handler."""
T = TypeVar("T", bound=Struct)

_ARRAY = structs.replace(
    gemini.DIALECT,
    frames=gemini.items,
    media=b"application/json; charset=UTF-8",
    garbage=b",{not json",
    error_frame=lambda failure: b",\r\n" + msgspec.json.encode(gemini.error_body(failure)) + b"]",
)
_count = msgspec.json.Decoder(shape.CountRequest, strict=False)
_images = msgspec.json.Decoder(shape.PredictRequest, strict=False)
_embed = msgspec.json.Decoder(shape.EmbedRequest, strict=False)
_embeds = msgspec.json.Decoder(shape.EmbedsRequest, strict=False)


class Gemini:
    """What lies below ``/v1beta``."""

    def __init__(self, talker: Talker) -> None:
        self._talker = talker

    def rows(self) -> Iterator[Row]:
        """What is served."""
        verbs = {
            "generateContent": self._talk(False),
            "streamGenerateContent": self._talk(True),
            "embedContent": self._perform(embed_one),
            "batchEmbedContents": self._perform(_embed_many),
            "countTokens": self._perform(_count_words),
            "predict": self._perform(_predict),
        }
        for verb, handler in verbs.items():
            yield "POST", f"/v1beta/models/{{model}}:{verb}", gemini.DIALECT, handler
        for method, path, handler in Videos(self._talker).operations():
            yield method, f"/v1beta{path}", gemini.DIALECT, handler
        yield "GET", "/v1beta/models", gemini.DIALECT, self._models
        yield "GET", "/v1beta/models/{model}", gemini.DIALECT, self._model

    def _talk(self, stream: bool) -> Handler:
        async def handle(request: Request) -> Answer:
            model = request.params[0]
            sse = not stream or parse_qs(request.query).get("alt") == ["sse"]
            dialect = structs.replace(
                gemini.DIALECT if sse else _ARRAY, read=lambda body, headers: gemini.ask(body, model, stream)
            )
            return await self._talker.converse(dialect, request)

        return handle

    def _perform(self, task: Callable[[bytes, str], Task]) -> Handler:
        async def handle(request: Request) -> Answer:
            model = request.params[0]
            return await self._talker.perform(gemini.DIALECT, request, lambda body: task(body, model))

        return handle

    async def _models(self, request: Request) -> Answer:
        """Pages of at most two, so that clients must turn them."""
        self._talker.admit(gemini.DIALECT, request)
        query = parse_qs(request.query)
        start = int(query.get("pageToken", ["0"])[0])
        size = min(int(query.get("pageSize", ["50"])[0]), 2)
        told: dict[str, object] = {"models": [_entry(name) for name in MODELS[start : start + size]]}
        if start + size < len(MODELS):
            told["nextPageToken"] = str(start + size)
        return Answer(status=200, headers=gemini.DIALECT.headers, body=msgspec.json.encode(told))

    async def _model(self, request: Request) -> Answer:
        self._talker.admit(gemini.DIALECT, request)
        if request.params[0] not in MODELS:
            raise gemini.no_such_model(request.params[0])
        body = msgspec.json.encode(_entry(request.params[0]))
        return Answer(status=200, headers=gemini.DIALECT.headers, body=body)


def _entry(name: str) -> dict[str, object]:
    methods = ["embedContent", "countTokens"] if "embedding" in name else ["generateContent", "countTokens"]
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name.replace("-", " ").title(),
        "inputTokenLimit": 1048576,
        "outputTokenLimit": 65536,
        "supportedGenerationMethods": methods,
    }


def _read(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    try:
        return read(decoder, plain(body))
    except Mistake as mistake:
        raise gemini.refusal(mistake) from None


def _count_words(body: bytes, model: str) -> Task:
    request = _read(_count, body)
    inner = request.generate_content_request
    if (request.contents is None) == (inner is None):
        raise refused("Exactly one of contents and generate_content_request must be set.", "contents")
    if inner is not None and inner.model != f"models/{model}":
        raise refused("* CountTokensRequest.generate_content_request.model: must be that of the path", "model")
    whole = inner or shape.GenerateRequest(contents=request.contents)
    check_contents(whole.contents or [], "contents")
    asked = gemini.asked(whole, model, False)
    tools = sum(count(str(offer.schema)) + 1 for offer in asked.offers)
    told = {"totalTokens": asked.words + tools}
    return Task(model, asked.text, lambda stamp: msgspec.json.encode(told))


def _predict(body: bytes, model: str) -> Task:
    request = _read(_images, body)
    told = request.parameters or shape.Parameters()
    kind = (told.output_options.mime_type if told.output_options else None) or "image/png"
    picture = {"bytesBase64Encoded": PIXEL, "mimeType": kind}
    answer = {"predictions": [picture] * (told.sample_count or 1)}
    return Task(model, request.instances[0].prompt, lambda stamp: msgspec.json.encode(answer))


def embed_one(body: bytes, model: str) -> Task:
    """An embedContent request."""
    request = _read(_embed, body)
    _check_embed(request, model, required=False)

    def write(stamp: Stamp) -> bytes:
        return msgspec.json.encode({"embedding": _values(request)})

    return Task(model, gemini.text_of(request.content), write)


def _embed_many(body: bytes, model: str) -> Task:
    requests = _read(_embeds, body).requests
    if not 1 <= len(requests) <= 100:
        raise refused("* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch", "requests")
    for request in requests:
        _check_embed(request, model, required=True)

    def write(stamp: Stamp) -> bytes:
        return msgspec.json.encode({"embeddings": [_values(request) for request in requests]})

    return Task(model, gemini.text_of(requests[-1].content), write)


def _check_embed(request: shape.EmbedRequest, model: str, *, required: bool) -> None:
    if request.model != f"models/{model}" and (required or request.model is not None):
        raise refused("* EmbedContentRequest.model: must be that of the path", "model")
    check_parts(request.content, "content")
    if request.title and request.task_type != "RETRIEVAL_DOCUMENT":
        raise refused("The title is only for the task type RETRIEVAL_DOCUMENT.", "title")


def _values(request: shape.EmbedRequest) -> dict[str, object]:
    return {"values": vector(gemini.text_of(request.content), request.output_dimensionality or SIZE)}
