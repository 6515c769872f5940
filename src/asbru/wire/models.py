"""Lists of models, read from any shape and written in each.

Sources: openai SDK ``types/model.py`` (id, created, object, owned_by); anthropic SDK ``types/model_info.py``
(id, created_at, display_name, type) in a page with has_more, first_id, last_id; google-genai ``types.Model``
(name, displayName, supportedGenerationMethods) in a page with nextPageToken; cohere SDK
``types/list_models_response.py`` (models by name, next_page_token).
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct, field

from asbru.model.failure import Broken
from asbru.model.models import Model


class _Entry(Struct):
    """OpenAI's and Anthropic's; ``model_id`` and ``name`` are ElevenLabs' (SDK ``elevenlabs``, ``types/model.py``)."""

    id: str = ""
    model_id: str = ""
    created: float | None = None
    created_at: str | float | None = None
    display_name: str | None = None
    owned_by: str | None = None
    name: object = None


class _Summary(Struct, rename="camel"):
    """One of Bedrock's ``modelSummaries``."""

    model_id: str
    model_name: str = ""
    provider_name: str = ""


class _Profile(Struct):
    """One of Bedrock's ``inferenceProfileSummaries``: a model in several regions, asked like any other."""

    id: str = field(name="inferenceProfileId")
    name: str = field(name="inferenceProfileName", default="")


class _Google(Struct, rename="camel"):
    """One of Google's, whose names begin with ``models/`` (Vertex AI: ``publishers/X/models/``), or of Cohere's."""

    name: str
    display_name: str | None = None
    input_token_limit: int | None = None
    output_token_limit: int | None = None
    supported_generation_methods: list[str] | None = None


class _List(Struct):
    data: list[_Entry] | None = None
    has_more: bool = False
    last_id: str | None = None
    models: list[Raw] | None = None
    publisher_models: list[Raw] | None = field(name="publisherModels", default=None)
    next_page: str | None = field(name="nextPageToken", default=None)
    page_token: str | None = field(name="next_page_token", default=None)
    summaries: list[_Summary] | None = field(name="modelSummaries", default=None)
    profiles: list[_Profile] | None = field(name="inferenceProfileSummaries", default=None)
    token: str | None = field(name="nextToken", default=None)


_decode = msgspec.json.Decoder(_List).decode
_bare = msgspec.json.Decoder(list[_Entry]).decode
_google = msgspec.json.Decoder(_Google).decode
_encode = msgspec.json.Encoder().encode
_MODELS = re.compile(r"^(publishers/[^/]+/)?models/")


class Page(Struct, frozen=True):
    """Models of one page; ``after`` is what asks for the next one, as a query, "" at the end."""

    models: tuple[Model, ...]
    after: str = ""


def read_models(body: bytes, provider: str) -> Page:
    """One page of a provider's list. Raises Broken when it cannot be read."""
    try:
        page = _List(data=_bare(body)) if body.lstrip().startswith(b"[") else _decode(body)
        if page.data is None and (page.models is not None or page.publisher_models is not None):
            return _google_page(page, provider)
    except msgspec.DecodeError as error:
        raise Broken(502, f"{provider}'s list of models cannot be read: {error}", provider=provider) from None
    if page.summaries is not None:
        return Page(tuple(_summed_up(summary, provider) for summary in page.summaries))
    if page.profiles is not None:
        after = f"nextToken={quote(page.token, safe='')}" if page.token else ""
        found = [
            Model(id=one.id, provider=provider, name=one.name or one.id, owned_by=provider) for one in page.profiles
        ]
        return Page(tuple(found), after)
    if page.data is None:
        raise Broken(502, f"{provider}'s list of models has no models.", provider=provider)
    models = tuple(
        Model(
            id=entry.id or entry.model_id,
            provider=provider,
            name=entry.display_name or entry.id or (entry.name if isinstance(entry.name, str) else entry.model_id),
            created=_unix(entry),
            owned_by=entry.owned_by or provider,
        )
        for entry in page.data
        if entry.id or entry.model_id
    )
    more = page.has_more and page.last_id
    return Page(models, f"limit=1000&after_id={quote(page.last_id or '')}" if more else "")


def _google_page(page: _List, provider: str) -> Page:
    entries = [_google(raw) for raw in page.models or page.publisher_models or ()]
    models = tuple(
        Model(
            id=_MODELS.sub("", entry.name),
            provider=provider,
            name=entry.display_name or entry.name,
            owned_by=provider,
            most_input=entry.input_token_limit or 0,
            most_output=entry.output_token_limit or 0,
            methods=tuple(entry.supported_generation_methods or ()),
        )
        for entry in entries
    )
    if page.page_token:
        return Page(models, f"page_token={quote(page.page_token)}")
    return Page(models, f"pageSize=1000&pageToken={quote(page.next_page)}" if page.next_page else "")


def _summed_up(summary: _Summary, provider: str) -> Model:
    maker = summary.provider_name or provider
    return Model(id=summary.model_id, provider=provider, name=summary.model_name or summary.model_id, owned_by=maker)


def write_bedrock(models: Sequence[tuple[str, Model]]) -> bytes:
    """Bedrock's list (``ListFoundationModels``), which has no pages."""
    return _encode({"modelSummaries": [bedrock_entry(shown, model) for shown, model in models]})


def bedrock_entry(shown: str, model: Model) -> dict[str, object]:
    """One model as Bedrock writes it: ids that are none of Amazon's stand in an ARN all the same."""
    return {
        "modelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{shown}",
        "modelId": shown,
        "modelName": model.name,
        "providerName": model.owned_by,
        "inputModalities": ["TEXT"],
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": True,
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE"},
    }


def _unix(entry: _Entry) -> int:
    if entry.created is not None:
        return int(entry.created)
    if isinstance(entry.created_at, str):
        try:
            return int(datetime.fromisoformat(entry.created_at).timestamp())
        except (ValueError, OverflowError):
            return 0
    return int(entry.created_at or 0)


def write_openai(models: Sequence[tuple[str, Model]]) -> bytes:
    """OpenAI's list; each model comes with the id it is shown under."""
    return _encode({"object": "list", "data": [openai_entry(shown, model) for shown, model in models]})


def openai_entry(shown: str, model: Model) -> dict[str, object]:
    """One model as OpenAI writes it."""
    return {"id": shown, "object": "model", "created": model.created, "owned_by": model.owned_by}


def write_anthropic(models: Sequence[tuple[str, Model]], has_more: bool) -> bytes:
    """Anthropic's page of models."""
    data = [anthropic_entry(shown, model) for shown, model in models]
    ids = [shown for shown, _ in models]
    return _encode(
        {"data": data, "has_more": has_more, "first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}
    )


def anthropic_entry(shown: str, model: Model) -> dict[str, object]:
    """One model as Anthropic writes it."""
    at = datetime.fromtimestamp(model.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "model", "id": shown, "display_name": model.name, "created_at": at}


_EMBEDS = ("embedContent", "batchEmbedContents", "countTokens")
_GENERATES = ("generateContent", "streamGenerateContent", "countTokens")


def write_gemini(models: Sequence[tuple[str, Model]], next_page: str) -> bytes:
    """Google's page of models."""
    data = [gemini_entry(shown, model) for shown, model in models]
    return _encode({"models": data, "nextPageToken": next_page} if next_page else {"models": data})


def gemini_entry(shown: str, model: Model) -> dict[str, object]:
    """One model as Google writes it. What it can be asked is told by its name where its provider does not tell."""
    methods = model.methods or (_EMBEDS if "embed" in model.id else _GENERATES)
    entry: dict[str, object] = {"name": f"models/{shown}", "version": "", "displayName": model.name}
    if model.most_input:
        entry["inputTokenLimit"] = model.most_input
    if model.most_output:
        entry["outputTokenLimit"] = model.most_output
    return {**entry, "supportedGenerationMethods": methods}


def write_cohere(models: Sequence[tuple[str, Model]], after: str) -> bytes:
    """Cohere's page of models. ``after``: the token of the next one, "" at the end."""
    return _encode(
        {"models": [cohere_entry(shown, model) for shown, model in models], "next_page_token": after or None}
    )


def cohere_entry(shown: str, model: Model) -> dict[str, object]:
    """One model as Cohere writes it."""
    return {"name": shown, "is_deprecated": False, "finetuned": False}
