"""Tokens as the messages API counts them (``anthropic.types.Usage``): ``input_tokens`` excludes what the cache
read or wrote.
"""

import msgspec
from msgspec import Struct

from asbru.model.usage import Usage
from asbru.wire.shapes import BAD_JSON


class CacheCreation(Struct):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class OutputDetails(Struct):
    thinking_tokens: int | None = None


class WireUsage(Struct):
    """A message's usage, and a ``message_delta``'s, whose members are cumulative and may be absent."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None
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
    """Wire to model.

    What was written to the cache without a word on how long counts as five minutes, the API's default.
    """
    read = usage.cache_read_input_tokens or 0
    written = usage.cache_creation_input_tokens or 0
    split = usage.cache_creation or CacheCreation()
    long = split.ephemeral_1h_input_tokens or 0
    short = max(written - long, split.ephemeral_5m_input_tokens or 0)
    details = usage.output_tokens_details
    return Usage(
        input=(usage.input_tokens or 0) + read + short + long,
        output=usage.output_tokens or 0,
        cache_read=read,
        cache_write_5m=short,
        cache_write_1h=long,
        reasoning=(details.thinking_tokens or 0) if details else 0,
    )


def later(first: WireUsage, last: WireUsage) -> WireUsage:
    """``message_start``'s usage with what ``message_delta`` says newer."""
    newer = {name: value for name in WireUsage.__struct_fields__ if (value := getattr(last, name)) is not None}
    return msgspec.structs.replace(first, **newer)


def write_usage(usage: Usage) -> dict[str, object]:
    """Model to wire, for a whole message and for ``message_start``."""
    written = write_delta_usage(usage)
    long, short = usage.cache_write_1h, usage.cache_write_5m
    written["cache_creation"] = {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long}
    return written


def write_delta_usage(usage: Usage) -> dict[str, object]:
    """Model to wire, for ``message_delta``.

    A provider may count more cached than input tokens; never write less than 0.
    """
    cached = usage.cache_read + usage.cache_write_5m + usage.cache_write_1h
    written: dict[str, object] = {
        "input_tokens": max(usage.input - cached, 0),
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output,
    }
    if usage.reasoning:
        written["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return written
