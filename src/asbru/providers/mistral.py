"""Mistral: OpenAI's chat format with some names of its own; members that it does not know are refused.

Source: mistralai 3.7, ``ChatCompletionRequest``, ``EmbeddingRequest`` and the messages' roles.
"""

from asbru.model.names import Format
from asbru.providers._compatible import MAX_TOKENS, OPENAI_HINTS, chat, embeddings, transcriptions
from asbru.providers._kinds import BatchApi, Provider, Quirks
from asbru.providers._rewrites import ONLY_OPENAIS, Messages

_UNKNOWN = frozenset({"logit_bias", "store", "user"})
_KNOWN = frozenset({"prediction", "prompt_cache_key"})
_MESSAGES = Messages(
    roles={"developer": "system"},
    drop=ONLY_OPENAIS | {"name", "reasoning", "reasoning_content"},
    # It says: "Tool call id was X but must be a-z, A-Z, 0-9, with a length of 9".
    call_ids=9,
)

PROVIDER = Provider(
    name="mistral",
    base_url="https://api.mistral.ai/v1",
    serves=(
        chat(
            quirks=Quirks(
                rename={**MAX_TOKENS, "seed": "random_seed"},
                # Usage comes with the last chunk of every stream.
                drop=(OPENAI_HINTS - _KNOWN) | _UNKNOWN | {"stream_options"},
                rewrite=_MESSAGES,
            )
        ),
        embeddings(quirks=Quirks(rename={"dimensions": "output_dimension"}, drop=frozenset({"user"}))),
        transcriptions(),
    ),
    env=("MISTRAL_API_KEY", "MISTRAL_KEY"),
    # docs.mistral.ai, "Batch Processing": a million requests; files of 512 MB.
    batch=BatchApi(
        kind="mistral",
        path="/batch/jobs",
        formats=(Format.OPENAI_CHAT, Format.OPENAI_EMBEDDINGS),
        max_items=1_000_000,
        max_bytes=512_000_000,
        one_model=True,
    ),
    docs="https://docs.mistral.ai/api",
)
