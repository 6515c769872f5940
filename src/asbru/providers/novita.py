"""Novita: open models behind OpenAI's API, and Anthropic's below ``/anthropic``."""

from asbru.providers._compatible import MAX_TOKENS, chat, embeddings, messages
from asbru.providers._kinds import Provider, Quirks

PROVIDER = Provider(
    name="novita",
    base_url="https://api.novita.ai",
    serves=(
        chat("/openai/v1/chat/completions", Quirks(rename=MAX_TOKENS)),
        messages("/anthropic/v1/messages"),
        embeddings("/openai/v1/embeddings"),
    ),
    env=("NOVITA_API_KEY",),
    docs="https://novita.ai/docs/api-reference",
    models_path="/openai/v1/models",
)
