"""Cerebras: OpenAI's chat format, very fast; members that it does not know are refused.

Source: cerebras-cloud-sdk 1.91, ``chat.completion_create_params``.
"""

from asbru.providers._compatible import OPENAI_HINTS, chat
from asbru.providers._kinds import Provider, Quirks
from asbru.providers._rewrites import ONLY_OPENAIS, Messages

_UNKNOWN = frozenset({"metadata", "store"})
_KNOWN = frozenset({"prediction", "prompt_cache_key"})

PROVIDER = Provider(
    name="cerebras",
    base_url="https://api.cerebras.ai/v1",
    serves=(
        chat(
            quirks=Quirks(
                drop=(OPENAI_HINTS - _KNOWN) | _UNKNOWN,
                rewrite=Messages(rename={"reasoning_content": "reasoning"}, drop=ONLY_OPENAIS),
            )
        ),
    ),
    env=("CEREBRAS_API_KEY",),
    base_url_env=("CEREBRAS_BASE_URL",),
    docs="https://inference-docs.cerebras.ai/api-reference",
)
