"""What one request will cost, told before it runs: tokens out of its bytes, money out of the price list.

Rule 1. Two figures: what is likely, for whoever asks beforehand; and what it costs at most, which is reserved until the
real cost is known.
Rule 2. Likely: a token for four bytes, images and documents at what such things cost, as ``count_tokens`` estimates;
all of the output that the request allows, or UNSAID tokens where it says nothing.
Rule 3. At most: a token for every byte, the dearest kind of input that is asked for, the dearest of its fallbacks; all
of the output that it allows, or UNSAID_MOST tokens.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import Raw, Struct, structs

from asbru.gateway.counting import tokens_of
from asbru.gateway.lanes import BYTES_PER_TOKEN
from asbru.model.chat import Ask
from asbru.model.failure import Failure
from asbru.model.names import OPERATIONS, Format, Operation
from asbru.model.usage import Price, Usage, cost
from asbru.providers.prices import PriceBook, bundled
from asbru.wire import CODECS
from asbru.wire.envelope import Envelope
from asbru.wire.shapes import BAD_JSON

UNSAID = 1_024
"""Tokens of output that a request is likely to have when it says no limit."""
UNSAID_MOST = 16_384
"""Tokens of output that are reserved for a request that says no limit."""
WORDS = 600
"""Tokens at most that a provider adds by itself: for a system prompt of its own, for having tools (Anthropic: 346)."""
MEDIA = 4
"""How much more than usual an image or a document may cost."""

_TALK = frozenset({Operation.CHAT})
_HINTS = (b"base64", b'"image', b'"input_', b'"document"', b'"file', b'"inline', b"_data")
"""What stands in a request that is not all text."""
_CACHED = (b"cache_control", b"cachePoint")


class Tariff(Struct, frozen=True, kw_only=True):
    """What prices are found by. ``priced_as``: provider -> whose prices hold. ``free``: providers of the operator's
    own, which need no price.
    """

    priced_as: Mapping[str, str] = {}
    free: frozenset[str] = frozenset()


class Weight(Struct, frozen=True, kw_only=True):
    """One request. Tokens and nano-dollars that are likely; ``most_…``: at most. ``known``: its model has a price."""

    input: int
    output: int
    live: int
    native: int
    most_live: int
    most_native: int
    known: bool


class _Limits(Struct):
    """Where dialects say how much output they allow, and how many answers."""

    max_tokens: Any = None
    max_completion_tokens: Any = None
    max_output_tokens: Any = None
    max_tokens_to_sample: Any = None
    n: Any = None
    generation: Any = msgspec.field(name="generationConfig", default=None)
    inference: Any = msgspec.field(name="inferenceConfig", default=None)
    fallbacks: Any = None


_read_limits = msgspec.json.Decoder(_Limits).decode


@cache
def _book() -> PriceBook:
    return bundled()


class Weigher:
    """Weighs the requests of one batch, all in ``format``. ``providers``: names that a model's prefix can be."""

    def __init__(self, format: Format, tariff: Tariff, providers: Collection[str]) -> None:
        self._format = format
        self._talks = OPERATIONS[format] in _TALK
        self._tariff = tariff
        self._providers = providers

    def weigh(self, provider: str, model: str, raw: Raw) -> Weight:
        """What ``raw``, one request's params, will cost."""
        body = bytes(raw)
        likely_in, most_in = self._input(body)
        limits = _limits(body)
        said, times = (_said(limits), _times(limits)) if self._talks else (0, 1)
        likely_out, most_out = (
            times * (UNSAID if said is None else said),
            times * (UNSAID_MOST if said is None else said),
        )
        usage, most = Usage(input=likely_in, output=likely_out), Usage(input=most_in, output=most_out)
        cached = any(word in body for word in _CACHED)
        live, native = self._prices(provider, model)
        dearest = max((_bound(most, self._prices(*each)[0], cached) for each in self._others(limits)), default=0)
        return Weight(
            input=likely_in,
            output=likely_out,
            live=cost(usage, live),
            native=cost(usage, native),
            most_live=max(_bound(most, live, cached), dearest),
            most_native=_bound(most, native, cached),
            known=bool(live) or provider in self._tariff.free,
        )

    def _prices(self, provider: str, model: str) -> tuple[tuple[Price, ...], tuple[Price, ...]]:
        """Live, and on the provider's batch API."""
        name = self._tariff.priced_as.get(provider, provider)
        return _book().price(name, model), _book().batch_price(name, model)

    def _input(self, body: bytes) -> tuple[int, int]:
        """Tokens of input: likely, and at most."""
        if any(hint in body for hint in _HINTS):
            try:
                ask = CODECS[self._format].read_ask(Envelope(body))
            except Failure:
                ask = None
            if isinstance(ask, Ask):
                likely = tokens_of(ask)
                return likely, likely * MEDIA + WORDS
        return -(-len(body) // BYTES_PER_TOKEN), len(body) + WORDS * self._talks

    def _others(self, limits: _Limits) -> Iterator[tuple[str, str]]:
        """Provider and model of each of its fallbacks."""
        named = limits.fallbacks if isinstance(limits.fallbacks, list) else ()
        for each in named:
            provider, slash, model = each.partition("/") if isinstance(each, str) else ("", "", "")
            if slash and provider in self._providers:
                yield provider, model


def _limits(body: bytes) -> _Limits:
    try:
        return _read_limits(body)
    except BAD_JSON:
        return _Limits()


def _said(limits: _Limits) -> int | None:
    """The output that the request allows, None when it does not say."""
    said: list[object] = [limits.max_completion_tokens, limits.max_tokens, limits.max_output_tokens]
    said.append(limits.max_tokens_to_sample)
    for nested in (limits.generation, limits.inference):
        if isinstance(nested, dict):
            said += [nested.get(name) for name in ("maxOutputTokens", "maxTokens", "max_new_tokens")]
    return _first(said)


def _times(limits: _Limits) -> int:
    nested = limits.generation.get("candidateCount") if isinstance(limits.generation, dict) else None
    return _first((limits.n, nested)) or 1


def _first(values: Iterable[object]) -> int | None:
    """The first that is a number of tokens or answers."""
    for value in values:
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 31:
            return value
    return None


def _bound(usage: Usage, tiers: tuple[Price, ...], cached: bool) -> int:
    """What ``usage`` costs when all of it is of the dearest kind."""
    return cost(usage, tuple(_dearest(tier, cached) for tier in tiers))


def _dearest(price: Price, cached: bool) -> Price:
    writes = (price.cache_write_5m, price.cache_write_1h) if cached else ()
    inputs = (price.input, price.input_audio, price.input_image, *writes)
    outputs = (price.output, price.reasoning, price.output_audio)
    return structs.replace(price, input=max(each or 0 for each in inputs), output=max(each or 0 for each in outputs))
