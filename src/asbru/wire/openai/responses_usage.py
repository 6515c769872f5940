"""Tokens as Responses count them (``openai.types.responses.ResponseUsage``): the cached ones are part of the input.

``cache_write_tokens`` (2026) says how long in its details only; without them it is read as a five-minute entry.
"""

import msgspec
from msgspec import Struct

from asbru.model.usage import Usage
from asbru.wire.shapes import BAD_JSON


class InputDetails(Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputDetails(Struct):
    reasoning_tokens: int | None = None


class WireUsage(Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


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
    given = usage.input_tokens_details or InputDetails()
    made = usage.output_tokens_details or OutputDetails()
    return Usage(
        input=usage.input_tokens or 0,
        output=usage.output_tokens or 0,
        cache_read=given.cached_tokens or 0,
        cache_write_5m=given.cache_write_tokens or 0,
        reasoning=made.reasoning_tokens or 0,
    )


def write_usage(usage: Usage) -> dict[str, object]:
    """Model to wire."""
    given = {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h}
    return {
        "input_tokens": usage.input,
        "input_tokens_details": given,
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }
