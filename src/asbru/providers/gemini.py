"""Google's Gemini API. Its OpenAI-compatible endpoint is not used: this one says more."""

from asbru.model.names import Format
from asbru.providers._kinds import BatchApi, Endpoint, InHeader, Provider

PROVIDER = Provider(
    name="gemini",
    base_url="https://generativelanguage.googleapis.com/v1beta",
    serves=(
        Endpoint(
            Format.GEMINI_GENERATE,
            "/models/{model}:generateContent",
            "/models/{model}:streamGenerateContent?alt=sse",
            models=("*", "!tunedModels/*"),
            flex={"serviceTier": "flex"},
        ),
        Endpoint(
            Format.GEMINI_GENERATE,
            "/{path}:generateContent",
            "/{path}:streamGenerateContent?alt=sse",
            models=("tunedModels/*",),
        ),
        Endpoint(Format.GEMINI_PREDICT, "/models/{model}:predict", models=("imagen*",)),
        Endpoint(Format.GEMINI_IMAGES, "/models/{model}:generateContent", models=("*", "!imagen*")),
        Endpoint(Format.GEMINI_SPEECH, "/models/{model}:generateContent", models=("*tts*",)),
        Endpoint(Format.GEMINI_TRANSCRIPTS, "/models/{model}:generateContent", models=("gemini-*", "!*tts*")),
        Endpoint(Format.GEMINI_EMBEDS, "/models/{model}:batchEmbedContents"),
        Endpoint(Format.GEMINI_EMBED, "/models/{model}:embedContent"),
        Endpoint(Format.GEMINI_COUNT_TOKENS, "/models/{model}:countTokens"),
    ),
    auth=InHeader("x-goog-api-key"),
    env=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    base_url_env=("GOOGLE_GEMINI_BASE_URL",),
    docs="https://ai.google.dev/api",
    # ai.google.dev, "Flex inference".
    flex=("gemini-2.5-*", "gemini-3*", *(f"!*{each}*" for each in ("image", "tts", "live", "audio", "computer"))),
    batch=BatchApi(
        kind="gemini",
        formats=(Format.GEMINI_GENERATE, Format.GEMINI_EMBED),
        max_items=100_000,
        max_bytes=2_000_000_000,
        one_model=True,
    ),
)
