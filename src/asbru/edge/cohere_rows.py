"""The routes of Cohere's dialect: v2, and what of v1 its SDKs still ask for."""

from asbru.edge.failures import fail_cohere
from asbru.edge.models import ModelRoutes
from asbru.edge.parts import Parts
from asbru.edge.passthrough import COHERES
from asbru.edge.routes import Mount
from asbru.model.names import Format

_PATHS = (
    ("/v2/chat", Format.COHERE_CHAT),
    ("/v2/embed", Format.COHERE_EMBED),
    ("/v2/rerank", Format.COHERE_RERANK),
    ("/v1/embed", Format.COHERE_EMBED_V1),
    ("/v1/rerank", Format.COHERE_RERANK_V1),
    ("/v1/tokenize", Format.COHERE_TOKENIZE),
    ("/v1/detokenize", Format.COHERE_DETOKENIZE),
)


def cohere_rows(parts: Parts) -> list[Mount]:
    """Inference. A model without prefix is Cohere's."""
    return [Mount("POST", path, parts.inference.route(format, "cohere", fail_cohere)) for path, format in _PATHS]


def cohere_model_rows(parts: Parts) -> list[Mount]:
    """Models and jobs, where no other dialect has them at the same path."""
    many, one = ModelRoutes(parts.lists, "cohere", fail_cohere).cohere()
    return [
        Mount("GET", "/v1/models", many),
        Mount("GET", "/v1/models/{id}", one),
        *parts.passed.operations(COHERES, "cohere", fail_cohere),
    ]
