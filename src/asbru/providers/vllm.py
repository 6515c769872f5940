"""vLLM, each server at an address of the operator's: OpenAI's API and, since 0.11, Anthropic's Messages."""

from asbru.providers._compatible import chat, completions, embeddings, messages, rerank, transcriptions, translations
from asbru.providers._kinds import Provider, Quirks
from asbru.providers._rewrites import TextDocuments

PROVIDER = Provider(
    name="vllm",
    base_url="{url}/v1",
    serves=(
        chat(),
        messages(),
        completions(),
        embeddings(),
        rerank(quirks=Quirks(rewrite=TextDocuments())),
        transcriptions(),
        translations(),
    ),
    env=("VLLM_API_KEY",),
    base_url_env=("VLLM_BASE_URL",),
    docs="https://docs.vllm.ai/en/latest/serving/openai_compatible_server",
    keyless=True,
    key_config="vllm_key_config",
)
