"""Tokens as chat completions count them (``openai.types.CompletionUsage``).

``cache_write_tokens`` (2026) says nothing about how long; it is read as a five-minute entry. Unknown members are
ignored.
"""

import msgspec
from msgspec import Struct

from asbru.model.usage import Usage
from asbru.wire.shapes import BAD_JSON


class PromptDetails(Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class CompletionDetails(Struct):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class WireUsage(Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None


class _Body(Struct):
    usage: WireUsage | None = None


_decode = msgspec.json.Decoder(_Body).decode


def read_usage(body: bytes) -> Usage | None:
    """The usage of a whole reply by one partial decode; None when there is none to read."""
    try:
        usage = _decode(body).usage
    except BAD_JSON:
        return None
    return None if usage is None else to_usage(usage)


def to_usage(usage: WireUsage) -> Usage:
    """Wire to model."""
    prompt = usage.prompt_tokens_details
    completion = usage.completion_tokens_details
    if prompt is None and completion is None:
        return Usage(input=usage.prompt_tokens or 0, output=usage.completion_tokens or 0)
    prompt = prompt or PromptDetails()
    completion = completion or CompletionDetails()
    return Usage(
        input=usage.prompt_tokens or 0,
        output=usage.completion_tokens or 0,
        cache_read=prompt.cached_tokens or 0,
        cache_write_5m=prompt.cache_write_tokens or 0,
        reasoning=completion.reasoning_tokens or 0,
        input_audio=prompt.audio_tokens or 0,
        output_audio=completion.audio_tokens or 0,
    )


def write_usage(usage: Usage) -> dict[str, object]:
    """Model to wire."""
    prompt = {"cached_tokens": usage.cache_read, "audio_tokens": usage.input_audio}
    written = usage.cache_write_5m + usage.cache_write_1h
    if written:
        prompt["cache_write_tokens"] = written
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "audio_tokens": usage.output_audio},
    }
