"""Z.ai's GLM: OpenAI's chat format below ``/paas/v4``, and Anthropic's below ``/anthropic``.

Source: docs.z.ai, "Chat Completion", and the guide to GLM in Claude Code (``ANTHROPIC_AUTH_TOKEN``: a bearer token).
"""

from asbru.providers._compatible import MAX_TOKENS, chat, embeddings, messages
from asbru.providers._kinds import Provider, Quirks
from asbru.providers._rewrites import NO_DEVELOPER

PROVIDER = Provider(
    name="zai",
    base_url="https://api.z.ai/api",
    serves=(
        chat("/paas/v4/chat/completions", Quirks(rename=MAX_TOKENS, rewrite=NO_DEVELOPER)),
        messages("/anthropic/v1/messages"),
        embeddings("/paas/v4/embeddings"),
    ),
    env=("ZAI_API_KEY", "Z_AI_API_KEY"),
    docs="https://docs.z.ai/api-reference",
    models_path="/paas/v4/models",
)
