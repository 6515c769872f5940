"""SGLang, each server at an address of the operator's: OpenAI's API."""

from asbru.providers._compatible import chat, completions, embeddings
from asbru.providers._kinds import Provider

PROVIDER = Provider(
    name="sgl",
    base_url="{url}/v1",
    serves=(chat(), completions(), embeddings()),
    env=("SGLANG_API_KEY",),
    base_url_env=("SGLANG_BASE_URL",),
    docs="https://docs.sglang.ai/basic_usage/openai_api.html",
    keyless=True,
    key_config="sgl_key_config",
)
