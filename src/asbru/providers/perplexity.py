"""Perplexity: OpenAI's chat format on a search engine, and by Responses other makers' models, named with their maker.

Streams of chat end without ``[DONE]``. Its vectors are bytes or bits, which no other API has, and are left out.
Source: perplexityai 0.46, ``chat.completion_create_params``; api-discussion issue 209 (streams).
"""

from asbru.providers._compatible import MAX_TOKENS, OPENAI_HINTS, chat, responses
from asbru.providers._kinds import Provider, Quirks

_UNKNOWN = frozenset({"logit_bias", "metadata", "seed", "service_tier", "store", "user"})

PROVIDER = Provider(
    name="perplexity",
    base_url="https://api.perplexity.ai",
    serves=(
        # Usage comes with every chunk of a stream.
        chat(
            models=("*", "!*/*"),
            quirks=Quirks(
                rename=MAX_TOKENS,
                drop=OPENAI_HINTS | _UNKNOWN | {"stream_options"},
                ending="data: [DONE]\n\n",
            ),
        ),
        responses("/v1/responses", models=("*/*",)),
    ),
    env=("PERPLEXITY_API_KEY", "PPLX_API_KEY"),
    base_url_env=("PERPLEXITY_BASE_URL",),
    docs="https://docs.perplexity.ai/api-reference",
    models_path="/v1/models",
)
