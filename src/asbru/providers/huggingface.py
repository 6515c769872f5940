"""Hugging Face's router: many providers behind OpenAI's chat format (``model:provider`` chooses one)."""

from asbru.providers._compatible import chat
from asbru.providers._kinds import Provider

PROVIDER = Provider(
    name="huggingface",
    base_url="https://router.huggingface.co/v1",
    serves=(chat(),),
    env=("HF_TOKEN", "HUGGINGFACE_API_KEY"),
    docs="https://huggingface.co/docs/inference-providers",
    key_config="huggingface_key_config",
)
