"""Groq: OpenAI's API, fast; members that it does not know are refused.

Source: groq 1.7, ``chat.completion_create_params``, ``ChatCompletionAssistantMessageParam`` (``reasoning``) and the
paths in ``resources``.
"""

from asbru.model.names import Format
from asbru.providers._compatible import OPENAI_HINTS, chat, embeddings, speech, transcriptions, translations
from asbru.providers._kinds import BatchApi, Provider, Quirks
from asbru.providers._rewrites import ONLY_OPENAIS, Messages

_NOT_YET = frozenset({"logit_bias", "logprobs", "top_logprobs"})
"""Named in Groq's types, and refused by all of its models."""

PROVIDER = Provider(
    name="groq",
    base_url="https://api.groq.com/openai/v1",
    serves=(
        chat(
            quirks=Quirks(
                drop=OPENAI_HINTS | _NOT_YET,
                rewrite=Messages(rename={"reasoning_content": "reasoning"}, drop=ONLY_OPENAIS | {"name"}),
            )
        ),
        embeddings(),
        speech(),
        transcriptions(),
        translations(),
    ),
    env=("GROQ_API_KEY",),
    base_url_env=("GROQ_BASE_URL",),
    # Its SDK says 100 MB and chat alone; its guide, 50,000 lines.
    batch=BatchApi(
        kind="openai", formats=(Format.OPENAI_CHAT,), max_items=50_000, max_bytes=100_000_000, one_model=True
    ),
    docs="https://console.groq.com/docs/api-reference",
)
