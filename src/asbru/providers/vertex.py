"""Vertex AI: Gemini, Claude by ``rawPredict``, and other makers' models behind OpenAI's chat format.

Sources: google-genai 3.4 (paths); anthropic 2.12 ``lib/vertex`` (``anthropic_version``, paths); cloud.google.com, "Call
open models with the Chat Completions API" (``endpoints/openapi``; models are named with their maker).
"""

from asbru.model.names import Format
from asbru.providers._kinds import BatchApi, Endpoint, GoogleToken, Provider, Quirks

_PROJECT = "/projects/{project_id}/locations/{region}"
_GOOGLE = f"{_PROJECT}/publishers/google/models/{{model}}"
_CLAUDE = f"{_PROJECT}/publishers/anthropic/models/{{model}}"

PROVIDER = Provider(
    name="vertex",
    base_url="https://{host}/v1",
    serves=(
        Endpoint(
            Format.ANTHROPIC_MESSAGES,
            f"{_CLAUDE}:rawPredict",
            f"{_CLAUDE}:streamRawPredict",
            models=("*claude*",),
            quirks=Quirks(put={"anthropic_version": "vertex-2023-10-16"}, drop=frozenset({"model"})),
        ),
        Endpoint(Format.OPENAI_CHAT, f"{_PROJECT}/endpoints/openapi/chat/completions", models=("*/*",)),
        Endpoint(
            Format.GEMINI_GENERATE,
            f"{_GOOGLE}:generateContent",
            f"{_GOOGLE}:streamGenerateContent?alt=sse",
            models=("*", "!*/*", "!*claude*"),
        ),
        Endpoint(Format.GEMINI_EMBED, f"{_GOOGLE}:embedContent", models=("gemini-embedding-2*",)),
        Endpoint(Format.VERTEX_EMBED, f"{_GOOGLE}:predict", models=("*", "!gemini-embedding-2*", "!imagen*")),
        Endpoint(Format.VERTEX_PREDICT, f"{_GOOGLE}:predict", models=("imagen*",)),
        Endpoint(Format.GEMINI_IMAGES, f"{_GOOGLE}:generateContent", models=("gemini-*",)),
        Endpoint(Format.GEMINI_SPEECH, f"{_GOOGLE}:generateContent", models=("gemini-*tts*",)),
        Endpoint(Format.GEMINI_TRANSCRIPTS, f"{_GOOGLE}:generateContent", models=("gemini-*", "!*tts*")),
        Endpoint(Format.VERTEX_COUNT_TOKENS, f"{_GOOGLE}:countTokens", models=("*", "!*/*", "!*claude*")),
    ),
    auth=GoogleToken(),
    env=("VERTEX_API_KEY",),
    settings_env={
        "project_id": ("GOOGLE_CLOUD_PROJECT", "VERTEXAI_PROJECT"),
        "region": ("GOOGLE_CLOUD_LOCATION", "VERTEXAI_LOCATION", "CLOUD_ML_REGION"),
    },
    docs="https://cloud.google.com/vertex-ai/generative-ai/docs",
    models_path="/publishers/google/models",
    models_base_url="https://{host}/v1beta1",
    key_config="vertex_key_config",
    batch=BatchApi(
        kind="vertex",
        path=f"{_PROJECT}/batchPredictionJobs",
        formats=(Format.GEMINI_GENERATE, Format.ANTHROPIC_MESSAGES),
        max_items=100_000,
        max_bytes=1_000_000_000,
        one_model=True,
        needs=("batch_gcs_bucket",),
    ),
)
