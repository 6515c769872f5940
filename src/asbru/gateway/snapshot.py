"""All that the hot path reads, immutable: swapped whole when the configuration changes."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from asbru.gateway.door import Door, Opening, account_of
from asbru.model.keys import Key, Network
from asbru.model.names import Format
from asbru.model.usage import Price
from asbru.providers import Provider
from asbru.routing import Table
from asbru.upstream.signing import SignerOf, no_signer

PriceOf = Callable[[str, str], tuple[Price, ...]]
"""(provider, model) -> its prices; empty when unknown."""

_DOORS_KEPT = 4096


class Snapshot(Struct, frozen=True, kw_only=True):
    """``providers`` and ``networks`` by name; ``doors`` is filled as targets are first used."""

    providers: Mapping[str, Provider]
    networks: Mapping[str, Network]
    table: Table
    price: PriceOf
    signer: SignerOf = no_signer
    doors: dict[tuple[str, str, Format, str], Door] = {}

    def door(self, name: str, key: Key | None, inbound: Format, model: str) -> Door:
        """The way out to provider ``name`` with ``key`` for a client that speaks ``inbound``.

        Raises Refused(400) when the provider does nothing of the kind, or the key lacks a setting.
        """
        at = (name, key.id if key else "", inbound, model)
        door = self.doors.get(at)
        if door is None:
            if len(self.doors) >= _DOORS_KEPT:
                self.doors.clear()
            provider, network = self.providers[name], self.networks[name]
            endpoint = provider.endpoint_for(inbound, model, key)
            signer = self.signer(account_of(provider, endpoint.auth or provider.auth, key, network))
            opening = Opening(provider, endpoint, key, network, signer)
            door = self.doors[at] = Door(opening, model)
        return door
