"""Which codec, and which operation, at which path.

Rule 1. ``/v1`` is the unified API: models are named ``provider/model``. Below a dialect's prefix its own provider is
the default.
Rule 2. OpenAI's SDK is pointed at ``…/openai/v1`` or ``…/openai``: both spellings are served.
"""

from collections.abc import Callable

from asbru.edge.batches import AnthropicBatches
from asbru.edge.chat import ChatRoutes
from asbru.edge.failures import fail_anthropic, fail_openai
from asbru.edge.models import ModelRoutes
from asbru.edge.openai_batches import OpenAIBatches
from asbru.edge.request import Handler, Route
from asbru.edge.routes import Mount, Router
from asbru.gateway import Gateway
from asbru.gateway.models import ModelLists
from asbru.model.names import Format
from asbru.wire import CODECS


def make_router(
    gateway: Gateway,
    lists: ModelLists,
    batches: tuple[AnthropicBatches, OpenAIBatches],
    health: Handler,
    settings: tuple[Callable[[], float], int],
) -> Router:
    """All routes. ``settings``: the clock (Unix seconds), and most bytes of a request body."""
    clock, limit = settings
    chat, messages = CODECS[Format.OPENAI_CHAT], CODECS[Format.ANTHROPIC_MESSAGES]
    routes = ChatRoutes(gateway, clock, limit)
    openai_chat = routes.route(chat, "openai", fail_openai)
    mounts = [
        Mount("GET", "/health", Route(handler=health, fail=fail_openai, limit=0)),
        Mount("POST", "/v1/chat/completions", routes.route(chat, "", fail_openai)),
        Mount("POST", "/openai/v1/chat/completions", openai_chat),
        Mount("POST", "/openai/chat/completions", openai_chat),
        Mount("POST", "/anthropic/v1/messages", routes.route(messages, "anthropic", fail_anthropic)),
        *_models(lists),
        *_batches(*batches),
    ]
    return Router(mounts, {"": fail_openai, "/anthropic/": fail_anthropic})


def _models(lists: ModelLists) -> list[Mount]:
    unified = ModelRoutes(lists, "", fail_openai).openai()
    openai = ModelRoutes(lists, "openai", fail_openai).openai()
    anthropic = ModelRoutes(lists, "anthropic", fail_anthropic).anthropic()
    mounts: list[Mount] = []
    for prefix, (many, one) in (
        ("/v1", unified),
        ("/openai/v1", openai),
        ("/openai", openai),
        ("/anthropic/v1", anthropic),
    ):
        mounts += [Mount("GET", f"{prefix}/models", many), Mount("GET", f"{prefix}/models/{{id}}", one)]
    return mounts


def _batches(anthropic: AnthropicBatches, openai: OpenAIBatches) -> list[Mount]:
    base = "/anthropic/v1/messages/batches"
    mounts = [
        Mount("POST", base, anthropic.create),
        Mount("GET", base, anthropic.list),
        Mount("GET", f"{base}/{{id}}", anthropic.retrieve),
        Mount("DELETE", f"{base}/{{id}}", anthropic.delete),
        Mount("POST", f"{base}/{{id}}/cancel", anthropic.cancel),
        Mount("GET", f"{base}/{{id}}/results", anthropic.results),
    ]
    for prefix in ("/openai/v1", "/openai"):
        mounts += [
            Mount("GET", f"{prefix}/batches", openai.list),
            Mount("GET", f"{prefix}/batches/{{id}}", openai.retrieve),
            Mount("POST", f"{prefix}/batches/{{id}}/cancel", openai.cancel),
            Mount("GET", f"{prefix}/files/{{id}}/content", openai.content),
        ]
    return mounts
