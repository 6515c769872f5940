"""Tokens as Cohere counts them (``cohere.types.Usage``, ``ApiMeta``): what is billed, else what the model has seen.

``billed_units`` leave out the tokens that Cohere adds to a prompt; they are what money follows, so they are the usage.
"""

import msgspec
from msgspec import Struct

from asbru.model.usage import Usage
from asbru.wire.shapes import BAD_JSON


class Units(Struct):
    input_tokens: float | None = None
    output_tokens: float | None = None
    search_units: float | None = None
    images: float | None = None
    image_tokens: float | None = None
    text_tokens: float | None = None


class Tokens(Struct):
    input_tokens: float | None = None
    output_tokens: float | None = None


class WireUsage(Struct):
    """A reply's ``usage``, and an embed or rerank reply's ``meta``."""

    billed_units: Units | None = None
    tokens: Tokens | None = None
    cached_tokens: float | None = None


class _Body(Struct):
    usage: WireUsage | None = None
    meta: WireUsage | None = None


_decode = msgspec.json.Decoder(_Body).decode


def read_usage(body: bytes) -> Usage | None:
    """The usage of a whole reply by one partial decode; None when there is none to read."""
    try:
        told = _decode(body)
    except BAD_JSON:
        return None
    found = told.usage or told.meta
    return None if found is None else to_usage(found)


def to_usage(usage: WireUsage) -> Usage:
    """Wire to model."""
    units, tokens = usage.billed_units or Units(), usage.tokens or Tokens()
    several = (units.text_tokens or 0) + (units.image_tokens or 0)
    taken = int(units.input_tokens or several or tokens.input_tokens or 0)
    return Usage(
        input=taken,
        output=int(units.output_tokens or tokens.output_tokens or 0),
        cache_read=min(int(usage.cached_tokens or 0), taken),
        searches=int(units.search_units or 0),
    )


def write_usage(usage: Usage) -> dict[str, object]:
    """Model to wire."""
    counted = {"input_tokens": usage.input, "output_tokens": usage.output}
    written: dict[str, object] = {"billed_units": counted, "tokens": counted}
    if usage.cache_read:
        written["cached_tokens"] = usage.cache_read
    return written
