"""OpenRouter: many vendors' models behind OpenAI's API, and behind Anthropic's Messages."""

from asbru.model.names import Format
from asbru.providers._compatible import chat, embeddings, messages
from asbru.providers._kinds import BatchApi, Provider

PROVIDER = Provider(
    name="openrouter",
    base_url="https://openrouter.ai/api/v1",
    serves=(chat(), messages(), embeddings()),
    # It tells no limits; these keep a body within reason.
    batch=BatchApi(
        kind="openrouter",
        formats=(Format.OPENAI_CHAT, Format.ANTHROPIC_MESSAGES, Format.OPENAI_EMBEDDINGS),
        max_items=50_000,
        max_bytes=100_000_000,
        one_model=True,
    ),
    env=("OPENROUTER_API_KEY",),
    base_url_env=("OPENROUTER_BASE_URL",),
    docs="https://openrouter.ai/docs/api-reference",
)
