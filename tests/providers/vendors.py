"""What vendors accept and answer, as their SDKs and documents say; written without looking at our rows.

Sources: mistralai 3.7, groq 1.7, cerebras-cloud-sdk 1.91, together 3.1, fireworks-ai 1.2, perplexityai 0.46,
sambanova 1.13, openai 3.54 (Azure), anthropic 2.12 (Foundry, Vertex), and the vendors' own pages.
"""

from typing import Any

from msgspec import Struct, field

BEARER = ("authorization", "Bearer ")
X_API_KEY = ("x-api-key", "")
OPENAIS = {"error": {"message": "{}", "type": "invalid_request_error", "param": None, "code": None}}
CACHING = {"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"}
SPOKEN_ONLY_BY_OPENAI = CACHING | {"moderation", "prediction", "safety_identifier", "verbosity"}


class Vendor(Struct, frozen=True, kw_only=True):
    """One vendor's API. Paths are those from the host on, queries included; "": it has nothing of the kind.

    ``members``, ``roles``: what it refuses of OpenAI's, by ``refusal`` and ``status``. ``told``: what it must be told
    of ``WIDE``; ``lost``: what is lost of it. ``config``: its object in ``providers``, and ``key``: its key beside the
    value, ``{at}`` standing for the stand-in's address. ``asked``: the model that clients name; ``named``: what the
    vendor is told. ``call_ids``: what ids of tool calls must look like. ``completing``: a model that completes texts.
    ``done``: whether its streams end with ``[DONE]``; ``usage``: whether they tell usage unasked. ``bare_list``:
    whether its list of models is nothing but a list.
    """

    name: str
    host: str
    chat: str = "/v1/chat/completions"
    credential: tuple[str, str] = BEARER
    members: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    told: dict[str, Any] = {}
    responses: str = ""
    messages: str = ""
    messages_credential: tuple[str, str] = BEARER
    completions: str = ""
    completing: str = "m-1"
    embeddings: str = ""
    rerank: str = ""
    images: str = ""
    speech: str = ""
    transcriptions: str = ""
    translations: str = ""
    models: str = "/v1/models"
    bare_list: bool = False
    refusal: Any = field(default_factory=lambda: OPENAIS)
    status: int = 400
    config: dict[str, Any] = {}
    key: dict[str, Any] = {}
    asked: str = "m-1"
    named: str = "m-1"
    lost: tuple[str, ...] = ()
    call_ids: str = ""
    done: bool = True
    usage: bool = False


def refusing(*names: str) -> frozenset[str]:
    """Members that a vendor refuses."""
    return frozenset(names)


MAX_TOKENS = {"max_tokens": 9}
NEW_MAX = {"max_completion_tokens": 9}
DEVELOPER = frozenset({"developer"})
FLAT = {"object": "error", "message": "{}", "type": "BadRequestError", "param": None, "code": 400}
DEPLOYED = {"m-1": "prod", "e-1": "vectors"}
ANY_HOST: dict[str, Any] = {"network_config": {"base_url": "{at}"}}

WIDE: dict[str, Any] = {
    "messages": [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "Hello.", "name": "Ann"},
        {"role": "assistant", "content": "Hi.", "reasoning_content": "A greeting.", "refusal": None},
        {"role": "user", "content": "Weather?"},
    ],
    "max_completion_tokens": 9,
    "seed": 7,
    "temperature": 0.5,
    "frequency_penalty": 0.5,
    "stop": ["."],
    "user": "me",
    "store": False,
    "metadata": {"team": "search"},
    "parallel_tool_calls": True,
    "logit_bias": {"1": 2},
    "prompt_cache_key": "k",
    "safety_identifier": "s",
    "verbosity": "low",
}
"""What a client of OpenAI may say."""

VENDORS = (
    Vendor(
        name="mistral",
        host="https://api.mistral.ai",
        members=refusing("max_completion_tokens", "seed", "dimensions", "logit_bias", "store", "user", "stream_options")
        | (SPOKEN_ONLY_BY_OPENAI - {"prediction", "prompt_cache_key"})
        | {"name", "reasoning_content", "refusal"},
        roles=DEVELOPER,
        told={**MAX_TOKENS, "random_seed": 7, "metadata": {"team": "search"}, "parallel_tool_calls": True},
        embeddings="/v1/embeddings",
        refusal={
            "object": "error",
            "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "x"], "msg": "{}", "input": 1}]},
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        },
        status=422,
        lost=(
            "user",
            "logit_bias",
            "safety_identifier",
            "verbosity",
            "messages.1.name",
            "messages.2.reasoning_content",
        ),
        call_ids="[a-zA-Z0-9]{9}",
        usage=True,
        transcriptions="/v1/audio/transcriptions",
    ),
    Vendor(
        name="groq",
        host="https://api.groq.com",
        chat="/openai/v1/chat/completions",
        members=frozenset(SPOKEN_ONLY_BY_OPENAI)
        | {"logit_bias", "logprobs", "top_logprobs", "reasoning_content", "refusal", "name"},
        told={**NEW_MAX, "seed": 7, "user": "me"},
        models="/openai/v1/models",
        refusal={"error": {"message": "{}", "type": "invalid_request_error"}},
        lost=("logit_bias", "prompt_cache_key", "safety_identifier", "verbosity", "messages.1.name"),
        embeddings="/openai/v1/embeddings",
        speech="/openai/v1/audio/speech",
        transcriptions="/openai/v1/audio/transcriptions",
        translations="/openai/v1/audio/translations",
    ),
    Vendor(
        name="cerebras",
        host="https://api.cerebras.ai",
        members=refusing("metadata", "store", "reasoning_content", "refusal")
        | (SPOKEN_ONLY_BY_OPENAI - {"prediction", "prompt_cache_key"}),
        told={**NEW_MAX, "seed": 7, "user": "me", "logit_bias": {"1": 2}},
        refusal={"message": "{}", "type": "invalid_request_error", "param": "x", "code": "wrong_api_format"},
        lost=("metadata", "safety_identifier", "verbosity"),
    ),
    Vendor(
        name="deepseek",
        host="https://api.deepseek.com",
        chat="/chat/completions",
        members=refusing("max_completion_tokens"),
        roles=DEVELOPER,
        told=MAX_TOKENS,
        messages="/anthropic/v1/messages",
        messages_credential=X_API_KEY,
        models="/models",
        refusal={"error": {"message": "{}", "type": "invalid_request_error", "param": None, "code": "invalid_request"}},
    ),
    Vendor(
        name="xai",
        host="https://api.x.ai",
        members=refusing("stop", "frequency_penalty", "presence_penalty"),
        told={**NEW_MAX, "seed": 7},
        refusal={"code": "Client specified an invalid argument", "error": "{}"},
        asked="grok-4.1-fast-reasoning",
        named="grok-4.1-fast-reasoning",
        lost=("frequency_penalty", "stop"),
        images="/v1/images/generations",
        responses="/v1/responses",
    ),
    Vendor(
        name="openrouter",
        host="https://openrouter.ai",
        chat="/api/v1/chat/completions",
        told=NEW_MAX,
        messages="/api/v1/messages",
        embeddings="/api/v1/embeddings",
        models="/api/v1/models",
        refusal={"error": {"message": "{}", "code": 400, "metadata": {"provider_name": "x"}}},
        asked="openai/gpt-5",
        named="openai/gpt-5",
    ),
    Vendor(
        name="perplexity",
        host="https://api.perplexity.ai",
        chat="/chat/completions",
        responses="/v1/responses",
        members=refusing("max_completion_tokens", "logit_bias", "metadata", "seed", "service_tier", "store", "user")
        | frozenset(SPOKEN_ONLY_BY_OPENAI)
        | {"stream_options"},
        told=MAX_TOKENS,
        refusal={"error": {"message": "{}", "type": "bad_request", "code": 400}},
        lost=(
            "seed",
            "user",
            "metadata",
            "logit_bias",
            "prompt_cache_key",
            "safety_identifier",
            "verbosity",
        ),
        done=False,
        usage=True,
    ),
    Vendor(
        name="together",
        host="https://api.together.ai",
        members=refusing("max_completion_tokens"),
        roles=DEVELOPER,
        completions="/v1/completions",
        told=MAX_TOKENS,
        embeddings="/v1/embeddings",
        refusal={"id": "o1", "error": {"message": "{}", "type": "invalid_request_error", "param": None, "code": None}},
        images="/v1/images/generations",
        speech="/v1/audio/speech",
        transcriptions="/v1/audio/transcriptions",
        translations="/v1/audio/translations",
        rerank="/v1/rerank",
        bare_list=True,
    ),
    Vendor(
        name="fireworks",
        host="https://api.fireworks.ai",
        chat="/inference/v1/chat/completions",
        roles=DEVELOPER,
        completions="/inference/v1/completions",
        completing="accounts/fireworks/models/m",
        told=NEW_MAX,
        messages="/inference/v1/messages",
        embeddings="/inference/v1/embeddings",
        models="/inference/v1/models",
        refusal={"error": {"object": "error", "type": "invalid_request_error", "code": "x", "message": "{}"}},
        asked="accounts/fireworks/models/m",
        named="accounts/fireworks/models/m",
        responses="/inference/v1/responses",
    ),
    Vendor(
        name="nebius",
        host="https://api.tokenfactory.nebius.com",
        told=NEW_MAX,
        embeddings="/v1/embeddings",
        refusal={"detail": "{}"},
        images="/v1/images/generations",
    ),
    Vendor(
        name="huggingface",
        host="https://router.huggingface.co",
        told=NEW_MAX,
        refusal={"error": "{}"},
        key={"huggingface_key_config": {"deployments": {"llama": "meta-llama/Llama-3.3-70B-Instruct:groq"}}},
        asked="llama",
        named="meta-llama/Llama-3.3-70B-Instruct:groq",
    ),
    Vendor(name="parasail", host="https://api.parasail.io", told=NEW_MAX, refusal=FLAT),
    Vendor(
        name="sambanova",
        host="https://api.sambanova.ai",
        roles=DEVELOPER,
        told=NEW_MAX,
        messages="/v1/messages",
        embeddings="/v1/embeddings",
        transcriptions="/v1/audio/transcriptions",
        translations="/v1/audio/translations",
    ),
    Vendor(
        name="nvidia",
        host="https://integrate.api.nvidia.com",
        members=refusing("max_completion_tokens"),
        roles=DEVELOPER,
        told=MAX_TOKENS,
        embeddings="/v1/embeddings",
        refusal={"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "{}"},
        asked="meta/llama-3.3-70b-instruct",
        named="meta/llama-3.3-70b-instruct",
    ),
    Vendor(
        name="moonshot",
        host="https://api.moonshot.ai",
        members=refusing("max_completion_tokens"),
        roles=DEVELOPER,
        told=MAX_TOKENS,
        messages="/anthropic/v1/messages",
        refusal={"error": {"message": "{}", "type": "invalid_request_error"}},
    ),
    Vendor(
        name="zai",
        host="https://api.z.ai",
        chat="/api/paas/v4/chat/completions",
        members=refusing("max_completion_tokens"),
        roles=DEVELOPER,
        told=MAX_TOKENS,
        messages="/api/anthropic/v1/messages",
        embeddings="/api/paas/v4/embeddings",
        models="/api/paas/v4/models",
        refusal={"error": {"code": "1210", "message": "{}"}},
    ),
    Vendor(
        name="minimax",
        host="https://api.minimax.io",
        roles=DEVELOPER,
        told=NEW_MAX,
        messages="/anthropic/v1/messages",
        refusal={"type": "error", "error": {"type": "bad_request_error", "message": "{}", "http_code": "400"}},
    ),
    Vendor(
        name="hyperbolic",
        host="https://api.hyperbolic.xyz",
        members=refusing("max_completion_tokens"),
        told=MAX_TOKENS,
        refusal=FLAT,
    ),
    Vendor(
        name="novita",
        host="https://api.novita.ai",
        chat="/openai/v1/chat/completions",
        members=refusing("max_completion_tokens"),
        told=MAX_TOKENS,
        messages="/anthropic/v1/messages",
        embeddings="/openai/v1/embeddings",
        models="/openai/v1/models",
        refusal={"code": 400, "reason": "INVALID_REQUEST_BODY", "message": "{}", "metadata": {}},
    ),
    Vendor(
        name="baseten",
        host="https://inference.baseten.co",
        members=refusing("max_completion_tokens"),
        told=MAX_TOKENS,
        refusal={"error": "{}"},
    ),
    Vendor(
        name="deepinfra",
        host="https://api.deepinfra.com",
        chat="/v1/openai/chat/completions",
        told=NEW_MAX,
        embeddings="/v1/openai/embeddings",
        models="/v1/openai/models",
        refusal={"detail": {"error": "{}"}},
        images="/v1/openai/images/generations",
        speech="/v1/openai/audio/speech",
        transcriptions="/v1/openai/audio/transcriptions",
        translations="/v1/openai/audio/translations",
    ),
    Vendor(
        name="ollama",
        host="http://localhost:11434",
        members=refusing("max_completion_tokens"),
        roles=DEVELOPER,
        completions="/v1/completions",
        told=MAX_TOKENS,
        messages="/v1/messages",
        embeddings="/v1/embeddings",
        refusal={"error": {"message": "{}", "type": "api_error", "param": None, "code": None}},
        config={},
        key={"ollama_key_config": {"url": "{at}"}},
    ),
    Vendor(
        name="vllm",
        host="",
        completions="/v1/completions",
        told=NEW_MAX,
        messages="/v1/messages",
        embeddings="/v1/embeddings",
        refusal={"error": {"message": "{}", "type": "BadRequestError", "param": None, "code": 400}},
        key={"vllm_key_config": {"url": "{at}/v1", "model_name": "m-1"}},
        transcriptions="/v1/audio/transcriptions",
        translations="/v1/audio/translations",
        rerank="/v1/rerank",
    ),
    Vendor(
        name="sgl",
        host="",
        told=NEW_MAX,
        completions="/v1/completions",
        embeddings="/v1/embeddings",
        refusal=FLAT,
        config=ANY_HOST,
    ),
    Vendor(
        name="azure",
        host="",
        chat="/openai/deployments/prod/chat/completions?api-version=2024-10-21",
        credential=("api-key", ""),
        completions="/openai/deployments/gpt-35-turbo-instruct/completions?api-version=2024-10-21",
        completing="gpt-35-turbo-instruct",
        told=NEW_MAX,
        messages="/anthropic/v1/messages",
        messages_credential=X_API_KEY,
        embeddings="/openai/deployments/vectors/embeddings?api-version=2024-10-21",
        models="/openai/v1/models",
        refusal={"error": {"code": "BadRequest", "message": "{}", "innererror": {"code": "x"}}},
        key={
            "azure_key_config": {"endpoint": "{at}", "deployments": {"m-1": "prod", "e-1": "vectors"}},
            "models": ["*"],
        },
        named="prod",
        images="/openai/deployments/prod/images/generations?api-version=2024-10-21",
        speech="/openai/deployments/prod/audio/speech?api-version=2024-10-21",
        transcriptions="/openai/deployments/prod/audio/transcriptions?api-version=2024-10-21",
        translations="/openai/deployments/prod/audio/translations?api-version=2024-10-21",
        responses="/openai/v1/responses",
    ),
    Vendor(
        name="azure-v1",
        host="",
        chat="/openai/v1/chat/completions",
        credential=("api-key", ""),
        told=NEW_MAX,
        models="/openai/v1/models",
        refusal={"error": {"code": "BadRequest", "message": "{}"}},
        config={**ANY_HOST, "custom_provider_config": {"base_provider_type": "azure"}},
        key={"azure_key_config": {"api_version": "v1", "deployments": {"m-1": "prod"}}, "models": ["*"]},
        named="prod",
    ),
    Vendor(
        name="own-header",
        host="",
        chat="/ask",
        credential=("x-key", "Key "),
        members=refusing("seed", "store"),
        told={"random_seed": 7, "safe": True},
        models="/list",
        config={
            "network_config": {"base_url": "{at}/v1", "extra_headers": {"x-team": "search"}},
            "custom_provider_config": {
                "base_provider_type": "openai",
                "request_path_overrides": {"chat_completion": "{at}/ask", "list_models": "{at}/list"},
                "auth": {"type": "header", "name": "x-key", "prefix": "Key "},
                "quirks": {"rename": {"seed": "random_seed"}, "drop": ["store"], "put": {"safe": True}},
            },
        },
    ),
    Vendor(
        name="own-query",
        host="",
        chat="/api/v2/talk?v=1&key=sk-own-query",
        credential=("?key", ""),
        told=NEW_MAX,
        messages="/api/v2/m/m-1?key=sk-own-query",
        messages_credential=("?key", ""),
        models="/api/v2/models?key=sk-own-query",
        config={
            "network_config": {"base_url": "{at}/api/v2"},
            "custom_provider_config": {
                "base_provider_type": "openai",
                "serves": [
                    {"format": "openai.chat", "path": "/talk?v=1"},
                    {
                        "format": "anthropic.messages",
                        "path": "/m/{model}",
                        "headers": {"anthropic-version": "2023-06-01"},
                    },
                ],
                "auth": {"type": "query", "name": "key"},
            },
        },
    ),
)
