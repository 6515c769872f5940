"""DeepInfra: open models behind OpenAI's API."""

from asbru.providers._compatible import chat, embeddings, images, speech, transcriptions, translations
from asbru.providers._kinds import Provider

PROVIDER = Provider(
    name="deepinfra",
    base_url="https://api.deepinfra.com/v1/openai",
    serves=(chat(), embeddings(), images(), speech(), transcriptions(), translations()),
    env=("DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"),
    docs="https://deepinfra.com/docs/openai_api",
)
