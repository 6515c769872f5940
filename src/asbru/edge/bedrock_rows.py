"""The routes of Bedrock's dialect. A model's id, percent-encoded or not, may hold slashes and colons."""

from asbru.edge.bedrock import DEFAULT, BedrockRoutes
from asbru.edge.failures import fail_bedrock
from asbru.edge.models import ModelRoutes
from asbru.edge.parts import Parts
from asbru.edge.routes import Mount


def bedrock_rows(parts: Parts) -> list[Mount]:
    """Inference. A model without prefix is Bedrock's."""
    routes = BedrockRoutes(parts.inference, fail_bedrock)
    many, one = ModelRoutes(parts.lists, DEFAULT, fail_bedrock).bedrock()
    return [
        Mount("GET", "/foundation-models", many),
        Mount("GET", "/foundation-models/{model*}", one),
        Mount("POST", "/model/{model*}/converse", routes.converse(stream=False)),
        Mount("POST", "/model/{model*}/converse-stream", routes.converse(stream=True)),
        Mount("POST", "/model/{model*}/invoke", routes.invoke(stream=False)),
        Mount("POST", "/model/{model*}/invoke-with-response-stream", routes.invoke(stream=True)),
        Mount("POST", "/model/{model*}/count-tokens", routes.count_tokens()),
        Mount("POST", "/rerank", routes.rerank()),
    ]
