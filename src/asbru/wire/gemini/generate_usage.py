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
        input_audio=_counted(usage.prompt_tokens_details, "AUDIO"),
        output_audio=_counted(usage.candidates_tokens_details, "AUDIO"),
        input_image=_counted(usage.prompt_tokens_details, "IMAGE"),
        output_image=_counted(usage.candidates_tokens_details, "IMAGE"),
    )


def _counted(details: list[ModalityCount] | None, modality: str) -> int:
    return sum([each.token_count or 0 for each in details or () if each.modality == modality])


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
    if usage.input_audio or usage.input_image:
        written["promptTokensDetails"] = _details(usage.input, usage.input_audio, usage.input_image)
    if usage.output_audio or usage.output_image:
        given = usage.output - usage.reasoning
        written["candidatesTokensDetails"] = _details(given, usage.output_audio, usage.output_image)
    return written


def _details(total: int, audio: int, image: int) -> list[dict[str, object]]:
    kinds = (("TEXT", total - audio - image), ("AUDIO", audio), ("IMAGE", image))
    return [{"modality": modality, "tokenCount": count} for modality, count in kinds if count > 0]
