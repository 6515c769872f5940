"""OpenRouter: many vendors' models behind OpenAI's API, and behind Anthropic's Messages."""

from asbru.providers._compatible import chat, embeddings, messages
from asbru.providers._kinds import Provider

PROVIDER = Provider(
    name="openrouter",
    base_url="https://openrouter.ai/api/v1",
    serves=(chat(), messages(), embeddings()),
    env=("OPENROUTER_API_KEY",),
    base_url_env=("OPENROUTER_BASE_URL",),
    docs="https://openrouter.ai/docs/api-reference",
)
