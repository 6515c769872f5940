"""Members that chat completions and Responses share, so that a request of one keeps them in the other."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Raw

from asbru.model.chat import Ask
from asbru.model.names import Format
from asbru.wire.shapes import said

FAMILY = frozenset({Format.OPENAI_CHAT, Format.OPENAI_RESPONSES})

_ALIKE = frozenset(
    {
        *("metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"),
        *("moderation", "store", "verbosity"),
    }
)
_NAMES: Mapping[str, str] = MappingProxyType({"text.verbosity": "verbosity"})

CHAT_ONLY: Mapping[str, bytes] = MappingProxyType({"modalities": b'["text"]'})
"""Members of chat completions whose value asks for what Responses do anyway."""


def chat_name(name: str) -> str:
    """A member's name in chat completions: ``text.verbosity`` is ``verbosity`` there."""
    return _NAMES.get(name, name)


def carried(ask: Ask) -> dict[str, Raw]:
    """Members of the request that the other of the two takes too, by their names in chat completions."""
    if ask.origin not in FAMILY:
        return {}
    named = ((chat_name(name), raw) for name, raw in ask.extra.items())
    return {name: raw for name, raw in named if name in _ALIKE and said(raw)}
