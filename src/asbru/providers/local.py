"""The small model that ships with the extra ``asbru[local]``, served on this machine by llama.cpp."""

from asbru.model.names import Format
from asbru.providers._kinds import Endpoint, NoAuth, Provider

PROVIDER = Provider(
    name="local",
    base_url="",
    serves=(Endpoint(Format.OPENAI_CHAT, "/chat/completions"), Endpoint(Format.ANTHROPIC_MESSAGES, "/messages")),
    auth=NoAuth(),
    docs="docs/local-model.md",
    keyless=True,
)
