"""Google's dialect: the path tells model, operation, and whether to stream.

Rule 1. A model is named bare or as ``provider/model``, after ``models/`` or as ``tunedModels/…``.
Rule 2. Vertex AI's paths (``projects/…/locations/…/publishers/…``) and Google Cloud's own tokens (``ya29.…``) mean
the provider vertex (api-inventory.md, "Model naming").
Rule 3. A stream is one of events with ``alt=sse``, else a JSON array that grows.
"""

from collections.abc import Callable
from urllib.parse import parse_qs

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from asbru.edge.inference import Asked, Inference
from asbru.edge.json_arrays import ArrayStream
from asbru.edge.request import Fail, Request, Route
from asbru.model.http import Answer
from asbru.model.names import Format, Framing
from asbru.wire import CODECS
from asbru.wire.codec import Peek
from asbru.wire.envelope import Envelope
from asbru.wire.framing import CUTTERS
from asbru.wire.shapes import BAD_JSON

OWN, VERTEX = "gemini", "vertex"

_instances = msgspec.json.Decoder(list[dict[str, Raw]]).decode

Place = tuple[str, str]
"""The provider of a model without prefix, and the model."""


def named(request: Request) -> Place:
    """``models/{model}``."""
    return _whose(request), request.params[0].removeprefix("models/")


def tuned(request: Request) -> Place:
    """``tunedModels/{model}``."""
    return _whose(request), f"tunedModels/{request.params[0]}"


def published(request: Request) -> Place:
    """``projects/{project}/locations/{location}/publishers/{publisher}/models/{model}``: Google's own models are bare;
    google-genai makes ``publishers/openai/models/gpt-4o`` of ``openai/gpt-4o``.
    """
    publisher, model = request.params[2:]
    return VERTEX, model if publisher == "google" else f"{publisher}/{model}"


def _whose(request: Request) -> str:
    return VERTEX if request.headers.get(b"authorization", b"").startswith(b"Bearer ya29.") else OWN


def _embeds(envelope: Envelope) -> bool:
    try:
        instances = _instances(envelope.members.get("instances", Raw(b"")))
    except BAD_JSON:
        return False
    return bool(instances) and "content" in instances[0]


class GeminiRoutes:
    """Makes the routes."""

    def __init__(self, inference: Inference, fail: Fail) -> None:
        self._inference = inference
        self._fail = fail

    def predict(self) -> Route:
        """Vertex AI's ``:predict`` makes pictures of prompts and embeddings of texts: the body tells which."""
        images, texts = self.route(Format.VERTEX_PREDICT, published), self.route(Format.VERTEX_EMBED, published)

        async def infer(request: Request) -> Answer:
            return await (texts if _embeds(Envelope(request.body)) else images).handler(request)

        return replace(images, handler=infer)

    def route(self, format: Format, place: Callable[[Request], Place], stream: bool = False) -> Route:
        """A route whose bodies have ``format``, and whose path says what ``place`` reads out of it."""
        codec = CODECS[format]

        async def infer(request: Request) -> Answer:
            envelope = Envelope(request.body)
            default, model = place(request)
            peek = Peek(model, stream, codec.peek(envelope).fallbacks, True)
            answer = await self._inference.carry(request, Asked(codec, envelope, peek, default))
            if answer.stream is None or parse_qs(request.query).get("alt") == ["sse"]:
                return answer
            headers = {**answer.headers, b"content-type": b"application/json; charset=UTF-8"}
            array = ArrayStream(answer.stream, CUTTERS[Framing.SSE])
            return Answer(status=answer.status, headers=headers, stream=array)

        limit = self._inference.limit
        return Route(handler=infer, fail=self._fail, limit=limit, summary=f"Body: {format}", body=codec.body)
