"""What models cost: the prices in ``prices.json``, found by provider and model.

The file is written by ``scripts/prices.py`` from the package genai-prices (docs/decisions/0002-prices.md). It is opened
when the first price is asked for, and of each provider only when one of its models is.
"""

import re
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import asdict, replace

from asbru.model.usage import Price
from asbru.providers._kinds import Provider

Prices = tuple[Price, ...]

_KEPT = 4096
"""Most answers that a book remembers: clients may ask for names without end."""

_COMPACT_DATE = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


class Match(Struct, frozen=True, omit_defaults=True, rename={"every": "and"}):
    """Which names are meant: any of these. Texts are in lower case; ``every``: all of them must hold."""

    equals: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    regex: tuple[str, ...] = ()
    every: tuple["Match", ...] = ()

    def holds(self, name: str) -> bool:
        """Whether ``name``, in lower case, is meant."""
        return (
            name in self.equals
            or name.startswith(self.starts)
            or name.endswith(self.ends)
            or any(part in name for part in self.contains)
            or any(re.search(pattern, name) for pattern in self.regex)
            or (bool(self.every) and all(each.holds(name) for each in self.every))
        )


class PricedModel(Struct, frozen=True, omit_defaults=True):
    """One model's prices by rising ``above``. ``batch``: on the provider's batch API; None: the list does not say."""

    match: Match
    prices: Prices = ()
    batch: Prices | None = None


class PricedProvider(Struct, frozen=True, omit_defaults=True):
    """One provider's models; the first that matches counts. ``fallback``: whose models it resells at their prices."""

    match: Match = Match()
    fallback: tuple[str, ...] = ()
    models: tuple[PricedModel, ...] = ()


class PriceFile(Struct, frozen=True):
    """``prices.json``. ``as_of``: the day (ISO) whose prices it holds. Provider ids are those of genai-prices."""

    source: str
    as_of: str
    matches: Mapping[str, Match]
    providers: Mapping[str, Raw]


class PriceBook:
    """Prices by provider and model. ``read``: gives the file's bytes; called at most once, when they are needed."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read
        self._found = lru_cache(maxsize=_KEPT)(self._find)
        self._provider = lru_cache(maxsize=_KEPT)(self._open)

    def price(self, provider: str, model: str) -> Prices:
        """The prices of ``model`` at ``provider``, empty when they are not known."""
        found = self._found(provider, model)
        return () if found is None else found.prices

    def batch_price(self, provider: str, model: str) -> Prices:
        """The same on the provider's own batch API; where the list does not say, half of them, as all vendors ask."""
        found = self._found(provider, model)
        if found is None:
            return ()
        return tuple(_half(price) for price in found.prices) if found.batch is None else found.batch

    def as_of(self) -> str:
        """The day (ISO) whose prices these are."""
        return self._file.as_of

    @cached_property
    def _file(self) -> PriceFile:
        return msgspec.json.decode(self._read(), type=PriceFile)

    def _open(self, name: str) -> PricedProvider | None:
        """The provider with this id, else the first that answers to ``name``."""
        file = self._file
        at = (
            name
            if name in file.providers
            else next((id for id, match in file.matches.items() if match.holds(name)), "")
        )
        return msgspec.json.decode(file.providers[at], type=PricedProvider) if at else None

    def _find(self, provider: str, model: str) -> PricedModel | None:
        priced = self._provider(provider.lower())
        if priced is None:
            return None
        name = model.lower()
        dashed = _COMPACT_DATE.sub(r"-\1-\2-\3", name)
        return self._match(priced, name) or (self._match(priced, dashed) if dashed != name else None)

    def _match(self, priced: PricedProvider, name: str) -> PricedModel | None:
        for resold in (priced, *map(self._provider, priced.fallback)):
            for model in resold.models if resold else ():
                if model.match.holds(name):
                    return model if resold is priced else replace(model, batch=None)
        return None


def _half(price: Price) -> Price:
    members = {name: value for name, value in asdict(price).items() if name != "above" and value is not None}
    return replace(price, **{name: (value + 1) // 2 for name, value in members.items()})


def bundled() -> PriceBook:
    """The prices that come with this version."""
    return PriceBook(_bundled)


def _bundled() -> bytes:
    from importlib.resources import files  # Importing it takes longer than reading the file.

    return files("asbru.providers").joinpath("prices.json").read_bytes()


def price_of(book: PriceBook, rows: Mapping[str, Provider]) -> Callable[[str, str], Prices]:
    """``(provider, model) -> prices`` for these rows; a custom provider's are those of its base type."""
    names = {name: row.priced_as or name for name, row in rows.items()}
    return lambda provider, model: book.price(names.get(provider, provider), model)


def batch_price_of(book: PriceBook, rows: Mapping[str, Provider]) -> Callable[[str, str], Prices]:
    """The same for the providers' own batch APIs."""
    names = {name: row.priced_as or name for name, row in rows.items()}
    return lambda provider, model: book.batch_price(names.get(provider, provider), model)
