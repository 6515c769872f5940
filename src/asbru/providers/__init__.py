"""Who can be called, where, how to sign, which formats they speak. Declarations only.

A provider is one module of this folder with one ``PROVIDER``; nothing else is edited to add it (house.md section 9).
Modules whose name begins with ``_`` are not providers.
"""

import pkgutil
from collections.abc import Iterable, Mapping
from importlib import import_module
from types import MappingProxyType

from asbru.providers._kinds import (
    Auth,
    AzureToken,
    BatchApi,
    Bearer,
    Endpoint,
    GoogleToken,
    InHeader,
    InQuery,
    NoAuth,
    Provider,
    Quirks,
    SigV4,
    named,
)
from asbru.providers.prices import PriceBook, batch_price_of, bundled, price_of

__all__ = [
    "CATALOG",
    "Auth",
    "AzureToken",
    "BatchApi",
    "Bearer",
    "Endpoint",
    "GoogleToken",
    "InHeader",
    "InQuery",
    "NoAuth",
    "PriceBook",
    "Provider",
    "Quirks",
    "SigV4",
    "batch_price_of",
    "bundled",
    "named",
    "price_of",
]


def _rows(folders: Iterable[str]) -> Mapping[str, Provider]:
    names = sorted(module.name for module in pkgutil.iter_modules(folders) if not module.name.startswith("_"))
    modules = (import_module(f"{__name__}.{name}") for name in names)
    rows = [module.PROVIDER for module in modules if hasattr(module, "PROVIDER")]
    return MappingProxyType({row.name: row for row in rows})


CATALOG: Mapping[str, Provider] = _rows(__path__)
"""Every built-in provider by name."""
