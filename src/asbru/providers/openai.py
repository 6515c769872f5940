"""OpenAI: the format most others copy."""

from asbru.model.names import Format, Framing
from asbru.providers._kinds import BatchApi, Endpoint, Provider

RESPONSES_ONLY = (
    *("codex-*", "*-codex", "*-codex-*", "o1-pro*", "o3-pro*", "gpt-5-pro*", "gpt-5.?-pro*"),
    *("*-deep-research*", "computer-use-preview*"),
)
"""Models that Responses alone has; a client of another format is translated to it."""

CHAT_ONLY = ("gpt-3.5-*", "*-audio*", "*-search-preview*", "*-search-api*")
"""Models that Responses does not have."""

COMPLETING = ("*-instruct*", "davinci-002", "babbage-002", "ft:davinci-002*", "ft:babbage-002*")
"""Models that complete texts; others are asked to chat."""

FLEX = {"service_tier": "flex"}

PROVIDER = Provider(
    name="openai",
    base_url="https://api.openai.com/v1",
    serves=(
        Endpoint(
            Format.OPENAI_CHAT, "/chat/completions", models=("*", *(f"!{each}" for each in RESPONSES_ONLY)), flex=FLEX
        ),
        Endpoint(Format.OPENAI_RESPONSES, "/responses", models=("*", *(f"!{each}" for each in CHAT_ONLY)), flex=FLEX),
        Endpoint(Format.OPENAI_COMPLETIONS, "/completions", models=COMPLETING),
        Endpoint(Format.OPENAI_INPUT_TOKENS, "/responses/input_tokens"),
        Endpoint(Format.OPENAI_EMBEDDINGS, "/embeddings"),
        Endpoint(Format.OPENAI_IMAGES, "/images/generations"),
        Endpoint(Format.OPENAI_IMAGE_EDITS, "/images/edits"),
        Endpoint(Format.OPENAI_IMAGE_VARIATIONS, "/images/variations"),
        Endpoint(Format.OPENAI_SPEECH, "/audio/speech", framing=Framing.BYTES),
        Endpoint(Format.OPENAI_SPEECH_EVENTS, "/audio/speech"),
        Endpoint(Format.OPENAI_TRANSCRIPTIONS, "/audio/transcriptions"),
        Endpoint(Format.OPENAI_TRANSLATIONS, "/audio/translations"),
    ),
    env=("OPENAI_API_KEY", "OPENAI_KEY"),
    base_url_env=("OPENAI_BASE_URL",),
    docs="https://platform.openai.com/docs/api-reference",
    # platform.openai.com/docs/pricing, "Flex": at the prices of the Batch API.
    flex=(
        "o3",
        "o3-20*",
        "o4-mini*",
        "gpt-5*",
        *(f"!*{each}*" for each in ("chat", "codex", "-pro", "search", "image")),
    ),
    batch=BatchApi(
        kind="openai",
        formats=(
            *(Format.OPENAI_CHAT, Format.OPENAI_RESPONSES, Format.OPENAI_COMPLETIONS),
            Format.OPENAI_EMBEDDINGS,
        ),
        max_items=50_000,
        max_bytes=200 << 20,
        one_model=True,
    ),
)
