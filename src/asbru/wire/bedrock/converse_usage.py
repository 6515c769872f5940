"""Tokens as Converse counts them (``TokenUsage``): ``inputTokens`` excludes what the cache read or wrote."""

import msgspec
from msgspec import Struct

from asbru.model.usage import Usage
from asbru.wire.shapes import BAD_JSON


class CacheDetail(Struct, rename="camel"):
    ttl: str = ""
    input_tokens: int = 0


class WireUsage(Struct, rename="camel"):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    cache_details: list[CacheDetail] | None = None


class _Body(Struct):
    usage: WireUsage | None = None


_decode = msgspec.json.Decoder(_Body).decode


def read_usage(body: bytes) -> Usage | None:
    """The usage of a whole reply, or of a ``metadata`` event; None when there is none to read."""
    try:
        usage = _decode(body).usage
    except BAD_JSON:
        return None
    return None if usage is None else to_usage(usage)


def to_usage(usage: WireUsage) -> Usage:
    """Wire to model. What was written to the cache without a word on how long counts as five minutes."""
    read = usage.cache_read_input_tokens or 0
    written = usage.cache_write_input_tokens or 0
    long = min(sum(detail.input_tokens for detail in usage.cache_details or () if detail.ttl == "1h"), written)
    return Usage(
        input=(usage.input_tokens or 0) + read + written,
        output=usage.output_tokens or 0,
        cache_read=read,
        cache_write_5m=written - long,
        cache_write_1h=long,
    )


def write_usage(usage: Usage) -> dict[str, object]:
    """Model to wire. A provider may count more cached than input tokens; never write less than 0."""
    cached = usage.cache_read + usage.cache_write_5m + usage.cache_write_1h
    written: dict[str, object] = {
        "inputTokens": max(usage.input - cached, 0),
        "outputTokens": usage.output,
        "totalTokens": max(usage.input, cached) + usage.output,
        "cacheReadInputTokens": usage.cache_read,
        "cacheWriteInputTokens": usage.cache_write_5m + usage.cache_write_1h,
    }
    if usage.cache_write_1h:
        pairs = (("5m", usage.cache_write_5m), ("1h", usage.cache_write_1h))
        written["cacheDetails"] = [{"ttl": ttl, "inputTokens": tokens} for ttl, tokens in pairs if tokens]
    return written
