"""Moonshot's Kimi: OpenAI's chat format, and Anthropic's below ``/anthropic``.

Source: platform.moonshot.ai, "Chat", and the guide to Kimi in Claude Code (``ANTHROPIC_AUTH_TOKEN``: a bearer token).
"""

from asbru.providers._compatible import MAX_TOKENS, chat, messages
from asbru.providers._kinds import Provider, Quirks
from asbru.providers._rewrites import NO_DEVELOPER

PROVIDER = Provider(
    name="moonshot",
    base_url="https://api.moonshot.ai",
    serves=(
        chat("/v1/chat/completions", Quirks(rename=MAX_TOKENS, rewrite=NO_DEVELOPER)),
        messages("/anthropic/v1/messages"),
    ),
    env=("MOONSHOT_API_KEY",),
    docs="https://platform.moonshot.ai/docs/api",
    models_path="/v1/models",
)
