"""The configuration: ``config.json`` in Bifrost's shape and the environment, read once, refused whole when wrong."""

from asbru.config.describe import describe
from asbru.config.findings import ConfigError, Offence
from asbru.config.load import find, load, settings_of
from asbru.config.settings import BatchSettings, Client, ProviderSettings, Settings, placed, table_of

__all__ = [
    "BatchSettings",
    "Client",
    "ConfigError",
    "Offence",
    "ProviderSettings",
    "Settings",
    "describe",
    "find",
    "load",
    "placed",
    "settings_of",
    "table_of",
]
