"""Which table of routes is found below which prefix.

Rule 1. ``/v1`` is the unified API: models are named ``provider/model``. Below a dialect's prefix its own provider is
the default.
Rule 2. OpenAI's SDK is pointed at ``…/openai/v1`` or ``…/openai``: both spellings are served. Azure's variant of it
adds another ``/openai``.
Rule 3. Frameworks' prefixes serve every dialect, with and without the dialect's own prefix (api-inventory.md, "Where
the spec and the code disagree"), its batches and files too; files as S3 has them are below ``/bedrock`` alone.
"""

from collections.abc import Iterable

from asbru.edge.anthropic_rows import anthropic_batch_rows, anthropic_rows
from asbru.edge.azure_rows import azure_rows
from asbru.edge.bedrock_rows import bedrock_batch_rows, bedrock_rows, s3_rows
from asbru.edge.by_caller import by_caller
from asbru.edge.cohere_rows import cohere_model_rows, cohere_rows
from asbru.edge.failures import fail_anthropic, fail_bedrock, fail_cohere, fail_gemini, fail_openai, fail_s3
from asbru.edge.gemini import OWN
from asbru.edge.gemini_rows import VERSIONS, gemini_batch_rows, gemini_byte_rows, gemini_rows
from asbru.edge.guard import Identify, guarded
from asbru.edge.models import ModelRoutes
from asbru.edge.openai_rows import openai_batch_rows, openai_rows, unified_rows
from asbru.edge.openapi import openapi_route
from asbru.edge.parts import Parts, below
from asbru.edge.request import Fail, Route
from asbru.edge.routes import Mount, Router

FRAMEWORKS = ("/litellm", "/langchain", "/pydanticai")

RAW: tuple[tuple[str, str, Fail], ...] = (
    ("openai", "openai", fail_openai),
    ("anthropic", "anthropic", fail_anthropic),
    ("genai", "gemini", fail_gemini),
)
"""Whole APIs that are passed on as they are: dialect, provider."""


def make_router(parts: Parts, health: Route, identify: Identify, more: Iterable[Mount] = ()) -> Router:
    """All routes. ``identify``: who sends a request. ``more``: routes with a gate of their own."""
    openai = openai_rows(parts, "openai") + openai_batch_rows(parts, "openai")
    anthropic = anthropic_rows(parts) + anthropic_batch_rows(parts)
    bedrock = bedrock_rows(parts) + bedrock_batch_rows(parts)
    cohere = cohere_rows(parts)
    mounts = [
        *below("/v1", openai_rows(parts, "") + unified_rows(parts) + openai_batch_rows(parts, "")),
        *(row for prefix in ("/openai/v1", "/openai") for row in below(prefix, openai)),
        *azure_rows(parts),
        *below("/anthropic", anthropic),
        *below("/bedrock", bedrock + s3_rows(parts)),
        *below("/cohere", cohere + cohere_model_rows(parts)),
    ]
    gemini = gemini_rows(parts) + gemini_batch_rows(parts)
    for prefix in ("/genai", *FRAMEWORKS, *(f"{framework}/genai" for framework in FRAMEWORKS)):
        for version in VERSIONS:
            mounts += below(prefix + version, gemini) + below(prefix, gemini_byte_rows(parts, version))
    for framework in FRAMEWORKS:
        for prefix in ("/v1", "", "/openai/v1", "/openai"):
            mounts += below(framework + prefix, openai)
        for prefix in ("", "/anthropic"):
            mounts += below(framework + prefix, anthropic)
        for prefix in ("", "/bedrock"):
            mounts += below(framework + prefix, bedrock)
        for prefix in ("", "/cohere"):
            mounts += below(framework + prefix, cohere)
        mounts += below(framework, _lists(parts) + _kept(parts))
    for dialect, provider, fail in RAW:
        mounts += parts.passed.raw(f"/{dialect}_passthrough", provider, fail)
    mounts = [Mount("GET", "/health", health), *guarded(mounts, identify), *more]
    mounts.append(Mount("GET", "/openapi.json", openapi_route(tuple(mounts), fail_openai)))
    return Router(mounts, _fails())


def _lists(parts: Parts) -> list[Mount]:
    """Models, where every dialect has them at the same path."""
    many, one = zip(
        ModelRoutes(parts.lists, "openai", fail_openai).openai(),
        ModelRoutes(parts.lists, "anthropic", fail_anthropic).anthropic(),
        ModelRoutes(parts.lists, OWN, fail_gemini).gemini(),
        strict=True,
    )
    return [Mount("GET", "/v1/models", by_caller(*many)), Mount("GET", "/v1/models/{id}", by_caller(*one))]


def _kept(parts: Parts) -> list[Mount]:
    """Batches and files, where several dialects have them at the same path."""
    openai, *others = (
        {(each.method, each.path): each.route for each in table}
        for table in (
            below("/v1", openai_batch_rows(parts, "openai")),
            anthropic_batch_rows(parts),
            below("/v1", gemini_batch_rows(parts)),
        )
    )
    return [
        Mount(*place, by_caller(route, *(other.get(place, route) for other in others)))
        for place, route in openai.items()
        if any(place in other for other in others)
    ]


def _fails() -> dict[str, Fail]:
    """How failures are written below a prefix, where no route is found."""
    fails: dict[str, Fail] = {
        "": fail_openai,
        "/anthropic/": fail_anthropic,
        "/bedrock/": fail_bedrock,
        "/bedrock/files/": fail_s3,
        "/cohere/": fail_cohere,
        "/genai/": fail_gemini,
    }
    fails |= {f"/{dialect}_passthrough/": fail for dialect, _, fail in RAW}
    for framework in FRAMEWORKS:
        fails |= {f"{framework}/genai/": fail_gemini, f"{framework}/v1beta/": fail_gemini}
        fails[f"{framework}/anthropic/"] = fails[f"{framework}/v1/messages/"] = fail_anthropic
        fails[f"{framework}/cohere/"] = fails[f"{framework}/v2/"] = fail_cohere
        fails[f"{framework}/bedrock/"] = fails[f"{framework}/model/"] = fail_bedrock
        fails[f"{framework}/model-invocation-job"] = fail_bedrock
    return fails
