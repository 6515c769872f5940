"""Hyperbolic: open models behind OpenAI's API."""

from asbru.providers._compatible import MAX_TOKENS, chat
from asbru.providers._kinds import Provider, Quirks

PROVIDER = Provider(
    name="hyperbolic",
    base_url="https://api.hyperbolic.xyz/v1",
    serves=(chat(quirks=Quirks(rename=MAX_TOKENS)),),
    env=("HYPERBOLIC_API_KEY",),
    docs="https://docs.hyperbolic.xyz/docs/rest-api",
)
