"""NVIDIA's NIM endpoints: open models behind OpenAI's API.

Source: docs.api.nvidia.com, "LLM APIs" (``max_tokens``; no role ``developer``).
"""

from asbru.providers._compatible import MAX_TOKENS, chat, embeddings
from asbru.providers._kinds import Provider, Quirks
from asbru.providers._rewrites import NO_DEVELOPER

PROVIDER = Provider(
    name="nvidia",
    base_url="https://integrate.api.nvidia.com/v1",
    serves=(chat(quirks=Quirks(rename=MAX_TOKENS, rewrite=NO_DEVELOPER)), embeddings()),
    env=("NVIDIA_API_KEY", "NVIDIA_NIM_API_KEY"),
    base_url_env=("NVIDIA_BASE_URL",),
    docs="https://docs.api.nvidia.com/nim/reference",
)
