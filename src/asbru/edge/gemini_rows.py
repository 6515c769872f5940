"""The routes of Google's dialect, below its version."""

from asbru.edge.failures import fail_gemini
from asbru.edge.gemini import OWN, GeminiRoutes, named, published, tuned
from asbru.edge.gemini_batches import GeminiBatches
from asbru.edge.gemini_files import GeminiFiles
from asbru.edge.gemini_videos import gemini_video_rows
from asbru.edge.models import ModelRoutes
from asbru.edge.parts import Parts
from asbru.edge.routes import Mount
from asbru.model.names import Format

VERSIONS = ("/v1beta", "/v1", "/v1alpha", "/v1beta1")
"""Those of Google's Gemini API and, ``v1beta1``, of Vertex AI's."""

_VERTEX = "/projects/{project}/locations/{location}/publishers/{publisher}/models/{model*}"
_PLACES = (("/models/{model*}", named), ("/tunedModels/{model*}", tuned), (_VERTEX, published))
_VERBS = (
    (":generateContent", Format.GEMINI_GENERATE, False),
    (":streamGenerateContent", Format.GEMINI_GENERATE, True),
    (":embedContent", Format.GEMINI_EMBED, False),
    (":batchEmbedContents", Format.GEMINI_EMBEDS, False),
)


def gemini_rows(parts: Parts) -> list[Mount]:
    """Inference and models."""
    routes = GeminiRoutes(parts.inference, fail_gemini)
    many, one = ModelRoutes(parts.lists, OWN, fail_gemini).gemini()
    verbs = [
        Mount("POST", path + verb, routes.route(format, place, stream))
        for path, place in _PLACES
        for verb, format, stream in _VERBS
    ]
    counts = [
        Mount("POST", f"{path}:countTokens", routes.route(format, place))
        for path, place, format in (
            ("/models/{model*}", named, Format.GEMINI_COUNT_TOKENS),
            (_VERTEX, published, Format.VERTEX_COUNT_TOKENS),
        )
    ]
    predict = [
        Mount("POST", "/models/{model*}:predict", routes.route(Format.GEMINI_PREDICT, named)),
        Mount("POST", f"{_VERTEX}:predict", routes.predict()),
    ]
    videos = gemini_video_rows(parts.passed, _VERTEX)
    return [*videos, Mount("GET", "/models", many), Mount("GET", "/models/{model*}", one), *verbs, *counts, *predict]


def gemini_batch_rows(parts: Parts) -> list[Mount]:
    """Batches, and what is known of files."""
    batches, files = GeminiBatches(parts.batches, parts.files), _files(parts)
    return [
        Mount("POST", "/models/{model*}:batchGenerateContent", batches.create(Format.GEMINI_GENERATE, named)),
        Mount("POST", "/models/{model*}:asyncBatchEmbedContent", batches.create(Format.GEMINI_EMBED, named)),
        Mount("GET", "/batches", batches.list),
        Mount("GET", "/batches/{id}", batches.retrieve),
        Mount("DELETE", "/batches/{id}", batches.delete),
        Mount("POST", "/batches/{id}:cancel", batches.cancel),
        Mount("GET", "/files", files.list),
        Mount("GET", "/files/{id}", files.retrieve),
        Mount("DELETE", "/files/{id}", files.delete),
        Mount("GET", "/files/{id}:download", files.download),
    ]


def gemini_byte_rows(parts: Parts, version: str) -> list[Mount]:
    """The bytes of files, whose paths begin before the version."""
    files = _files(parts)
    return [
        Mount("POST", f"/upload{version}/files", files.upload),
        Mount("GET", f"/download{version}/files/{{id}}:download", files.download),
    ]


def _files(parts: Parts) -> GeminiFiles:
    return GeminiFiles(parts.files, parts.batches, parts.public_url)
