"""Credentials that came with a request, for the provider that it names (``client.allow_direct_keys``).

Rule 1. They go to the wanted provider only: fallbacks to other providers use the stored keys.
Rule 2. Nothing is kept of them: no door, no log line but their name.
"""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from asbru.model.keys import Key, Secret
from asbru.providers import AzureToken, Provider, SigV4

NAME = "direct"
"""What such a key is called in the log."""


class Direct(Struct, frozen=True, kw_only=True):
    """``value``: a key. ``aws``: credentials of AWS's. ``endpoint``: the address of an Azure resource."""

    value: Secret = Secret("")
    aws: Key | None = None
    endpoint: str = ""

    def key_for(self, provider: Provider) -> Key | None:
        """The key with which ``provider`` is asked; None: a stored one."""
        settings = {}
        match provider.auth:
            case SigV4() if self.aws is not None:
                return self.aws
            case AzureToken() if self.endpoint:
                settings["endpoint"] = self.endpoint
        return passing_key(self.value, settings) if self.value else None


def passing_key(
    value: Secret, settings: Mapping[str, str], secrets: Mapping[str, Secret] = MappingProxyType({})
) -> Key:
    """A key of which nothing is kept."""
    return Key(id=NAME, name=NAME, value=value, settings=settings, secrets=secrets, ambient=bool(secrets), passing=True)
