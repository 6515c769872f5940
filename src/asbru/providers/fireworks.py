"""Fireworks: open models behind OpenAI's API and Anthropic's Messages.

Source: fireworks-ai 1.2 (``/inference/v1/messages``, ``chat.completion_create_params``).
"""

from asbru.providers._compatible import chat, completions, embeddings, messages, responses
from asbru.providers._kinds import Provider, Quirks
from asbru.providers._rewrites import NO_DEVELOPER

PROVIDER = Provider(
    name="fireworks",
    base_url="https://api.fireworks.ai/inference/v1",
    serves=(chat(quirks=Quirks(rewrite=NO_DEVELOPER)), responses(), messages(), completions(), embeddings()),
    env=("FIREWORKS_API_KEY",),
    docs="https://docs.fireworks.ai/api-reference",
)
