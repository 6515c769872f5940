"""Azure: OpenAI's models by deployment, and Claude in Microsoft Foundry, each key at its own resource.

``api_version`` of a key: a date (the path names the deployment), or ``v1`` or ``preview`` (the body does).
Sources: openai 3.54 ``lib/azure.py``; anthropic 2.12 ``lib/foundry.py`` (``x-api-key``); learn.microsoft.com, "Azure
OpenAI in Microsoft Foundry Models v1 API".
"""

from collections.abc import Iterator

from asbru.model.names import Format, Framing
from asbru.providers._compatible import ANTHROPIC_VERSION
from asbru.providers._kinds import AzureToken, BatchApi, Endpoint, Provider
from asbru.providers.openai import COMPLETING, RESPONSES_ONLY

_CLAUDE = "*claude*"


def _at(
    format: Format, path: str, framing: Framing = Framing.SSE, models: tuple[str, ...] = ("*", f"!{_CLAUDE}")
) -> Iterator[Endpoint]:
    """Where ``format`` is spoken, by the version that a key says."""
    dated = f"/openai/deployments/{{model}}{path}?api-version={{api_version}}"
    ways = (("20*", dated), ("v1", f"/openai/v1{path}"), ("preview", f"/openai/v1{path}?api-version=preview"))
    for version, whole in ways:
        yield Endpoint(format, whole, framing=framing, models=models, when={"api_version": version})


PROVIDER = Provider(
    name="azure",
    base_url="{endpoint}",
    settings={"api_version": "2024-10-21"},
    serves=(
        *_at(
            Format.OPENAI_CHAT,
            "/chat/completions",
            models=("*", f"!{_CLAUDE}", *(f"!{each}" for each in RESPONSES_ONLY)),
        ),
        Endpoint(Format.OPENAI_RESPONSES, "/openai/v1/responses", models=("*", f"!{_CLAUDE}")),
        *_at(Format.OPENAI_COMPLETIONS, "/completions", models=COMPLETING),
        *_at(Format.OPENAI_EMBEDDINGS, "/embeddings"),
        *_at(Format.OPENAI_IMAGES, "/images/generations"),
        *_at(Format.OPENAI_IMAGE_EDITS, "/images/edits"),
        *_at(Format.OPENAI_SPEECH, "/audio/speech", Framing.BYTES),
        *_at(Format.OPENAI_SPEECH_EVENTS, "/audio/speech"),
        *_at(Format.OPENAI_TRANSCRIPTIONS, "/audio/transcriptions"),
        *_at(Format.OPENAI_TRANSLATIONS, "/audio/translations"),
        Endpoint(
            Format.ANTHROPIC_MESSAGES,
            "/anthropic/v1/messages",
            models=(_CLAUDE,),
            headers=ANTHROPIC_VERSION,
            auth=AzureToken(header="x-api-key"),
        ),
    ),
    auth=AzureToken(),
    env=("AZURE_OPENAI_API_KEY", "AZURE_API_KEY"),
    settings_env={
        "endpoint": ("AZURE_OPENAI_ENDPOINT", "AZURE_API_BASE"),
        "api_version": ("OPENAI_API_VERSION", "AZURE_API_VERSION"),
        "client_id": ("AZURE_CLIENT_ID",),
        "client_secret": ("AZURE_CLIENT_SECRET",),
        "tenant_id": ("AZURE_TENANT_ID",),
    },
    docs="https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference",
    models_path="/openai/v1/models",
    # learn.microsoft.com, "Azure OpenAI batch": 100,000 lines and 200 MB; the model of a line is a deployment.
    batch=BatchApi(
        kind="openai",
        path="/openai/v1/batches",
        files="/openai/v1/files",
        formats=(Format.OPENAI_CHAT, Format.OPENAI_RESPONSES, Format.OPENAI_EMBEDDINGS),
        max_items=100_000,
        max_bytes=200 << 20,
        one_model=True,
    ),
    key_config="azure_key_config",
)
