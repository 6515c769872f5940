"""OpenAI: the format most others copy."""

from asbru.model.names import Format, Framing
from asbru.providers._kinds import BatchApi, Endpoint, Provider

PROVIDER = Provider(
    name="openai",
    base_url="https://api.openai.com/v1",
    serves=(
        Endpoint(Format.OPENAI_CHAT, "/chat/completions"),
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
    batch=BatchApi(kind="openai", path="/batches", max_items=50_000, max_bytes=200 << 20, one_model=True),
)
