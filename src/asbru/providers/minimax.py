"""MiniMax: OpenAI's chat format, and Anthropic's below ``/anthropic``.

Source: platform.minimax.io, "Compatible OpenAI API" and "Compatible Anthropic API".
"""

from asbru.providers._compatible import chat, messages
from asbru.providers._kinds import Provider, Quirks
from asbru.providers._rewrites import NO_DEVELOPER

PROVIDER = Provider(
    name="minimax",
    base_url="https://api.minimax.io",
    serves=(chat("/v1/chat/completions", Quirks(rewrite=NO_DEVELOPER)), messages("/anthropic/v1/messages")),
    env=("MINIMAX_API_KEY",),
    docs="https://platform.minimax.io/docs/api-reference",
    models_path="/v1/models",
)
