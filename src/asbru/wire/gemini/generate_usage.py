"""Tokens as Google counts them (``google.genai.types.GenerateContentResponseUsageMetadata``).

The prompt includes what is cached and excludes what tools read; candidates exclude thoughts.
"""

import msgspec
from msgspec import Struct

from asbru.model.usage import Usage
from asbru.wire.shapes import BAD_JSON


class ModalityCount(Struct, rename="camel"):
    modality: str = ""
    token_count: int | None = None


class WireUsage(Struct, rename="camel"):
    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    prompt_tokens_details: list[ModalityCount] | None = None
    candidates_tokens_details: list[ModalityCount] | None = None


class _Body(Struct, rename="camel"):
    usage_metadata: WireUsage | None = None


_decode = msgspec.json.Decoder(_Body, strict=False).decode


def read_usage(body: bytes) -> Usage | None:
    """The usage of a whole reply, or of a chunk, by one partial decode; None when there is none to read."""
    try:
        usage = _decode(body).usage_metadata
    except BAD_JSON:
        return None
    return None if usage is None else to_usage(usage)


def to_usage(usage: WireUsage) -> Usage:
    """Wire to model."""
    thoughts = usage.thoughts_token_count or 0
    return Usage(
        input=(usage.prompt_token_count or 0) + (usage.tool_use_prompt_token_count or 0),
        output=(usage.candidates_token_count or 0) + thoughts,
        cache_read=usage.cached_content_token_count or 0,
        reasoning=thoughts,
        input_audio=_audio(usage.prompt_tokens_details),
        output_audio=_audio(usage.candidates_tokens_details),
    )


def _audio(details: list[ModalityCount] | None) -> int:
    return sum(each.token_count or 0 for each in details or () if each.modality == "AUDIO")


def write_usage(usage: Usage) -> dict[str, object]:
    """Model to wire; what is zero is left out, as Google does."""
    written: dict[str, object] = {
        "promptTokenCount": usage.input,
        "candidatesTokenCount": max(usage.output - usage.reasoning, 0),
        "totalTokenCount": usage.input + usage.output,
    }
    if usage.reasoning:
        written["thoughtsTokenCount"] = usage.reasoning
    if usage.cache_read:
        written["cachedContentTokenCount"] = usage.cache_read
    if usage.input_audio:
        written["promptTokensDetails"] = _details(usage.input, usage.input_audio)
    if usage.output_audio:
        written["candidatesTokensDetails"] = _details(usage.output - usage.reasoning, usage.output_audio)
    return written


def _details(total: int, audio: int) -> list[dict[str, object]]:
    rest = [{"modality": "TEXT", "tokenCount": total - audio}] if total > audio else []
    return [*rest, {"modality": "AUDIO", "tokenCount": audio}]
