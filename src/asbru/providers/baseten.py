"""Baseten's model APIs: open models behind OpenAI's chat format."""

from asbru.providers._compatible import MAX_TOKENS, chat
from asbru.providers._kinds import Provider, Quirks

PROVIDER = Provider(
    name="baseten",
    base_url="https://inference.baseten.co/v1",
    serves=(chat(quirks=Quirks(rename=MAX_TOKENS)),),
    env=("BASETEN_API_KEY",),
    docs="https://docs.baseten.co/reference/inference-api",
)
