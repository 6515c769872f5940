"""Parasail: open models behind OpenAI's API."""

from asbru.providers._compatible import chat
from asbru.providers._kinds import Provider

PROVIDER = Provider(
    name="parasail",
    base_url="https://api.parasail.io/v1",
    serves=(chat(),),
    env=("PARASAIL_API_KEY",),
    docs="https://docs.parasail.io",
)
