"""Writes src/asbru/providers/prices.json from genai-prices: ``uv run python scripts/prices.py [YYYY-MM-DD]``.

The day (default: today) picks among dated prices. Where a price depends on the time of day, the dearest is taken.
"""

import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from genai_prices import types
from genai_prices.data import providers

from asbru.model.usage import Price
from asbru.providers import CATALOG
from asbru.providers.prices import Match, PricedModel, PricedProvider

TARGET = Path(__file__).parent.parent / "src/asbru/providers/prices.json"
NANO_PER_USD = 1_000_000_000
BATCH = {"processing": "batch"}

MEMBERS = {
    "input": ("input_mtok",),
    "output": ("output_mtok",),
    "cache_read": ("cache_read_mtok",),
    "cache_write_5m": ("cache_write_5m_mtok", "cache_write_mtok"),
    "cache_write_1h": ("cache_write_1h_mtok",),
    "input_audio": ("input_audio_mtok",),
    "output_audio": ("output_audio_mtok",),
    "input_image": ("input_image_mtok",),
    "output_image": ("output_image_mtok",),
    "reasoning": ("output_reasoning_mtok",),
    "sound_hour": ("input_audio_hours", "audio_hours"),
    "characters": ("input_mchars",),
}
"""Members of ``Price``, and the price keys of genai-prices that fill them, the first that is there."""


_RANKERS = {
    "cohere": {"rerank-v4.0-pro": "2.5", "rerank-": "2"},
    "aws": {"cohere.rerank-": "2", "amazon.rerank-": "1"},
}
"""Dollars of a thousand searches, by what a model's name holds (the first that does counts): genai-prices has none for
reranking. Sources: cohere.com/pricing, aws.amazon.com/bedrock/pricing.
"""


def render(day: date) -> str:
    """The file for ``day``: one line per model, so that a change of prices is a change of lines."""
    priced = {provider.id: _provider(provider, day) for provider in providers}
    priced |= {name: FREE for name, row in CATALOG.items() if row.keyless}
    matches = {provider.id: _match(provider.provider_match) for provider in providers if provider.provider_match}
    head = {"source": f"genai-prices {version('genai-prices')}", "as_of": day.isoformat(), "matches": matches}
    blocks = ",\n".join(f"{_json(name)}:{_block(priced[name])}" for name in sorted(priced))
    return f'{_json(head)[:-1]},"providers":{{\n{blocks}\n}}}}\n'


FREE = PricedProvider(models=(PricedModel(Match(starts=("",)), (Price(),)),))
"""What runs on the operator's own machine."""


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _block(priced: PricedProvider) -> str:
    head = _json(msgspec.structs.replace(priced, models=()))[1:-1]
    lines = ",\n".join(_json(model) for model in priced.models)
    return f'{{{head}{"," if head else ""}"models":[\n{lines}\n]}}'


def _provider(provider: types.Provider, day: date) -> PricedProvider:
    return PricedProvider(
        fallback=tuple(provider.fallback_model_providers or ()),
        models=(*_rankers(provider.id), *(_model(model, day) for model in provider.models)),
    )


def _rankers(provider: str) -> Iterable[PricedModel]:
    for name, dollars in _RANKERS.get(provider, {}).items():
        yield PricedModel(Match(contains=(name,)), (Price(searches=_nano(Decimal(dollars) * 1000)),))


def _model(model: types.ModelInfo, day: date) -> PricedModel:
    hours = [datetime.combine(day, time(hour, 30), UTC) for hour in range(24)]
    dearest = max((_tiers(model.get_prices(hour)) for hour in hours), key=_dearness)
    stated = any(variant.when == BATCH for variant in model.price_variants or ())
    batch = max((_tiers(model.get_prices(hour, BATCH)) for hour in hours), key=_dearness) if stated else None
    return PricedModel(_match(model.match), dearest, batch)


def _dearness(tiers: tuple[Price, ...]) -> int:
    return sum(price.input + price.output for price in tiers)


def _tiers(prices: types.ModelPrice) -> tuple[Price, ...]:
    """One Price per threshold of any member; each holds what every member costs from there on."""
    members = {name: _member(prices, keys) for name, keys in MEMBERS.items()}
    if all(value is None for value in members.values()):
        return ()
    tiered = [value for value in members.values() if isinstance(value, types.TieredPrices)]
    starts = sorted({0, *(tier.start for value in tiered for tier in value.tiers)})
    return tuple(_price(members, start) for start in starts)


def _member(prices: types.ModelPrice, keys: Iterable[str]) -> Any:
    return next((prices.__dict__[key] for key in keys if prices.__dict__.get(key) is not None), None)


def _price(members: dict[str, Any], start: int) -> Price:
    values = {name: _nano(_at(value, start)) for name, value in members.items() if value is not None}
    return Price(**values, above=start)


def _at(value: "Decimal | types.TieredPrices", start: int) -> Decimal:
    if not isinstance(value, types.TieredPrices):
        return value
    reached = [tier.price for tier in value.tiers if start and tier.start <= start]
    return reached[-1] if reached else value.base


def _nano(usd: Decimal) -> int:
    return int((usd * NANO_PER_USD).to_integral_value())


def _match(clause: Any) -> Match:
    """The clause with its alternatives side by side."""
    match clause:
        case types.ClauseEquals(text):
            return Match(equals=(text.lower(),))
        case types.ClauseStartsWith(text):
            return Match(starts=(text.lower(),))
        case types.ClauseEndsWith(text):
            return Match(ends=(text.lower(),))
        case types.ClauseContains(text):
            return Match(contains=(text.lower(),))
        case types.ClauseRegex(pattern):
            return Match(regex=(pattern,))
        case types.ClauseAnd(clauses):
            return Match(every=tuple(_match(each) for each in clauses))
        case types.ClauseOr(clauses):
            return _either([_match(each) for each in clauses])
    raise TypeError(f"unknown clause {clause!r}")


def _either(matches: list[Match]) -> Match:
    groups = [each.every for each in matches if each.every]
    if len(groups) > 1:
        raise TypeError("two 'and' clauses side by side cannot be written")
    names = [name for name in Match.__struct_fields__ if name != "every"]
    joined = {name: tuple(text for each in matches for text in getattr(each, name)) for name in names}
    return Match(**joined, every=groups[0] if groups else ())


if __name__ == "__main__":
    day = date.fromisoformat(sys.argv[1]) if len(sys.argv) > 1 else datetime.now(UTC).date()
    TARGET.write_text(render(day), encoding="utf-8")
    print(f"{TARGET}: prices of {day} from genai-prices {version('genai-prices')}")
