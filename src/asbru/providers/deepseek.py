"""DeepSeek: OpenAI's chat format, and Anthropic's below ``/anthropic``.

Source: api-docs.deepseek.com, "Create Chat Completion" and "Anthropic API" (the key in ``x-api-key``).
"""

from asbru.providers._compatible import MAX_TOKENS, chat, messages
from asbru.providers._kinds import InHeader, Provider, Quirks
from asbru.providers._rewrites import NO_DEVELOPER

PROVIDER = Provider(
    name="deepseek",
    base_url="https://api.deepseek.com",
    serves=(
        chat(quirks=Quirks(rename=MAX_TOKENS, rewrite=NO_DEVELOPER)),
        messages("/anthropic/v1/messages", InHeader("x-api-key")),
    ),
    env=("DEEPSEEK_API_KEY",),
    docs="https://api-docs.deepseek.com",
)
