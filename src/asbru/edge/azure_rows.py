"""The paths of Azure's OpenAI clients (``AzureOpenAI(azure_endpoint=".../openai")``, openai 3.54 ``lib/azure.py``).

Rule 1. Below ``/openai/openai/deployments/{id}`` the deployment is the model: a name that the gateway knows, with or
without a provider's prefix. What the body says of a model does not count.
Rule 2. Every other OpenAI route is found below ``/openai/openai`` and ``/openai/openai/v1``.
Rule 3. The default provider is azure. ``api-version`` is accepted and goes no further: the key's own holds upstream.
"""

from asbru.edge.failures import fail_openai
from asbru.edge.models import ModelRoutes
from asbru.edge.openai_media import openai_media_rows
from asbru.edge.openai_rows import openai_batch_rows, openai_rows
from asbru.edge.parts import Parts, below
from asbru.edge.routes import Mount
from asbru.model.names import Format

_AZURE = "azure"
_BODIES = {
    "/chat/completions": Format.OPENAI_CHAT,
    "/completions": Format.OPENAI_COMPLETIONS,
    "/embeddings": Format.OPENAI_EMBEDDINGS,
}


def azure_rows(parts: Parts) -> list[Mount]:
    """All of them."""
    plain = openai_rows(parts, _AZURE) + openai_batch_rows(parts, _AZURE)
    inference = parts.inference
    many, _ = ModelRoutes(parts.lists, _AZURE, fail_openai).openai()
    deployed = [
        *(Mount("POST", path, inference.named_route(each, _AZURE, fail_openai)) for path, each in _BODIES.items()),
        Mount("POST", "/responses", parts.responses.create(_AZURE)),
        *openai_media_rows(inference, _AZURE),
        Mount("GET", "/models", many),
    ]
    return [
        *below("/openai/openai/deployments/{deployment*}", deployed),
        *(row for prefix in ("/openai/openai/v1", "/openai/openai") for row in below(prefix, plain)),
    ]
