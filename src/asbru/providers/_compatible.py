"""Endpoints as compatible servers have them: OpenAI's paths below the base URL, and Anthropic's messages."""

from asbru.model.names import Format, Framing
from asbru.providers._kinds import Auth, Endpoint, Quirks

ANTHROPIC_VERSION = {"anthropic-version": "2023-06-01"}
"""The one version of Anthropic's API that there is; clients of other dialects do not send it."""

MAX_TOKENS = {"max_completion_tokens": "max_tokens"}
"""For servers that know OpenAI's older name only."""

CACHING = frozenset({"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"})
"""OpenAI's members that steer its prompt cache."""

OPENAI_HINTS = CACHING | {"moderation", "prediction", "safety_identifier", "verbosity"}
"""Hints that OpenAI alone takes (``openai.types.chat`` 3.54). An answer without them is an answer; what asks for
another kind of answer (``modalities``, ``functions``) is left for the provider to refuse.
"""


_NONE = Quirks()


def chat(path: str = "/chat/completions", quirks: Quirks = _NONE, models: tuple[str, ...] = ("*",)) -> Endpoint:
    """OpenAI's chat completions at ``path``."""
    return Endpoint(Format.OPENAI_CHAT, path, quirks=quirks, models=models)


def responses(path: str = "/responses", models: tuple[str, ...] = ("*",)) -> Endpoint:
    """OpenAI's Responses at ``path``, of providers that keep answers; those that do not are asked by chat."""
    return Endpoint(Format.OPENAI_RESPONSES, path, models=models)


def completions(path: str = "/completions") -> Endpoint:
    """OpenAI's text completions at ``path``."""
    return Endpoint(Format.OPENAI_COMPLETIONS, path)


def embeddings(path: str = "/embeddings", quirks: Quirks = _NONE) -> Endpoint:
    """OpenAI's embeddings at ``path``."""
    return Endpoint(Format.OPENAI_EMBEDDINGS, path, quirks=quirks)


def images(path: str = "/images/generations", quirks: Quirks = _NONE) -> Endpoint:
    """OpenAI's images at ``path``."""
    return Endpoint(Format.OPENAI_IMAGES, path, quirks=quirks)


def speech(path: str = "/audio/speech") -> Endpoint:
    """OpenAI's speech at ``path``, streamed as bare bytes."""
    return Endpoint(Format.OPENAI_SPEECH, path, framing=Framing.BYTES)


def transcriptions(path: str = "/audio/transcriptions") -> Endpoint:
    """OpenAI's transcriptions at ``path``."""
    return Endpoint(Format.OPENAI_TRANSCRIPTIONS, path)


def translations(path: str = "/audio/translations") -> Endpoint:
    """OpenAI's translations of speech at ``path``."""
    return Endpoint(Format.OPENAI_TRANSLATIONS, path)


def rerank(path: str = "/rerank", quirks: Quirks = _NONE) -> Endpoint:
    """Reranking as Jina has it, at ``path``."""
    return Endpoint(Format.OPENAI_RERANK, path, quirks=quirks)


def messages(path: str = "/messages", auth: Auth | None = None) -> Endpoint:
    """Anthropic's Messages at ``path``."""
    return Endpoint(Format.ANTHROPIC_MESSAGES, path, headers=ANTHROPIC_VERSION, auth=auth)
