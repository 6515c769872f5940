"""Together: open models behind OpenAI's API.

Source: together 3.1, ``chat.completion_create_params`` (``max_tokens``; no role ``developer``).
"""

from asbru.model.names import Format
from asbru.providers._compatible import (
    MAX_TOKENS,
    chat,
    completions,
    embeddings,
    images,
    rerank,
    speech,
    transcriptions,
    translations,
)
from asbru.providers._kinds import BatchApi, Provider, Quirks
from asbru.providers._rewrites import NO_DEVELOPER

PROVIDER = Provider(
    name="together",
    base_url="https://api.together.ai/v1",
    serves=(
        chat(quirks=Quirks(rename=MAX_TOKENS, rewrite=NO_DEVELOPER)),
        completions(),
        embeddings(),
        rerank(),
        images(),
        speech(),
        transcriptions(),
        translations(),
    ),
    env=("TOGETHER_API_KEY",),
    base_url_env=("TOGETHER_BASE_URL",),
    # docs.together.ai, "Batch processing": 50,000 requests and 100 MB; of our formats chat alone.
    batch=BatchApi(
        kind="together", formats=(Format.OPENAI_CHAT,), max_items=50_000, max_bytes=100_000_000, one_model=True
    ),
    docs="https://docs.together.ai/reference",
)
