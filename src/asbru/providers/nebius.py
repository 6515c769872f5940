"""Nebius Token Factory: open models behind OpenAI's API."""

from asbru.providers._compatible import chat, embeddings, images
from asbru.providers._kinds import Provider

PROVIDER = Provider(
    name="nebius",
    base_url="https://api.tokenfactory.nebius.com/v1",
    serves=(chat(), embeddings(), images()),
    env=("NEBIUS_API_KEY",),
    docs="https://docs.tokenfactory.nebius.com/api-reference",
)
