"""Ollama, on the operator's own machines: OpenAI's API and, since 0.14, Anthropic's Messages."""

from asbru.providers._compatible import MAX_TOKENS, chat, completions, embeddings, messages
from asbru.providers._kinds import Provider, Quirks
from asbru.providers._rewrites import NO_DEVELOPER

PROVIDER = Provider(
    name="ollama",
    base_url="{url}/v1",
    settings={"url": "http://localhost:11434"},
    serves=(chat(quirks=Quirks(rename=MAX_TOKENS, rewrite=NO_DEVELOPER)), messages(), completions(), embeddings()),
    env=("OLLAMA_API_KEY",),
    base_url_env=("OLLAMA_BASE_URL",),
    docs="https://docs.ollama.com/api/openai-compatibility",
    keyless=True,
    key_config="ollama_key_config",
)
