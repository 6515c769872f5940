"""All that the hot path reads, immutable: swapped whole when the configuration changes."""

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from asbru.gateway.direct import Direct
from asbru.gateway.door import Door, Opening, account_of
from asbru.model.keys import Key, Network
from asbru.model.names import OPERATIONS, Format, Operation
from asbru.model.people import VirtualKey
from asbru.model.shown import Shown
from asbru.model.usage import Price
from asbru.providers import Provider
from asbru.routing import Dice, Pin, Plan, Table, make_plan, pinned, split_model, with_keys
from asbru.upstream.signing import SignerOf, no_signer

PriceOf = Callable[[str, str], tuple[Price, ...]]
"""(provider, model) -> its prices; empty when unknown."""

Wanted = tuple[str, tuple[str, ...], str, str]
"""Model, fallbacks, default provider, operation: what a plan is made of."""

_DOORS_KEPT = 4096
_PLANS_KEPT = 4096
_FALLBACKS_KEPT = 1024
"""Most characters of the fallbacks of a plan that is kept: clients may name as many as they like."""


def _never() -> float:
    return 0.0


class Snapshot(Struct, frozen=True, kw_only=True):
    """``flex_price``: of the tier of that name. ``providers`` and ``networks`` by name; ``doors`` and ``plans`` are
    filled as they are first used.

    ``shown``: whose bodies are shown unless the caller says otherwise. ``direct_keys``: whether callers may bring
    their own.
    """

    providers: Mapping[str, Provider]
    networks: Mapping[str, Network]
    table: Table
    price: PriceOf
    flex_price: PriceOf = lambda provider, model: ()
    signer: SignerOf = no_signer
    shown: Mapping[str, Shown] = {}
    direct_keys: bool = False
    doors: dict[tuple[str, str, Format, str], Door] = {}
    plans: dict[Wanted, Plan] = {}

    def plan(self, wanted: Wanted, dice: Dice) -> Plan:
        """Whom to ask, in which order; made once where the dice have no say. Raises Refused(400)."""
        plan = self.plans.get(wanted)
        if plan is None:
            model, fallbacks, default, operation = wanted
            plan = make_plan((model, *fallbacks), default, self.table, dice, operation)
            if plan.fixed and sum(map(len, fallbacks)) <= _FALLBACKS_KEPT:
                if len(self.plans) >= _PLANS_KEPT:
                    self.plans.clear()
                self.plans[wanted] = plan
        return plan

    def pinned(self, wanted: Wanted, pin: Pin) -> Plan:
        """The same with a key of the wanted provider that the caller names. Raises Refused(400) for an unknown one."""
        model, fallbacks, default, operation = wanted
        provider, _ = split_model(model, default, self.table)
        return make_plan((model, *fallbacks), default, pinned(self.table, provider, pin), _never, operation)

    def narrowed(self, wanted: Wanted, key: VirtualKey, dice: Dice) -> Plan:
        """The same with those keys of the providers that a virtual key may use. Raises Refused(400)."""
        model, fallbacks, default, operation = wanted
        return make_plan((model, *fallbacks), default, self.table_for(key), dice, operation)

    def table_for(self, key: VirtualKey | None) -> Table:
        """The table with those keys of the providers that a virtual key may use."""
        if key is None or not any(config.key_ids for config in key.provider_configs):
            return self.table
        providers = dict(self.table.providers)
        for config in key.provider_configs:
            route = providers.get(config.provider)
            if route is not None and config.key_ids:
                keys = tuple(each for each in route.keys if each.id in config.key_ids)
                providers[config.provider] = replace(route, keys=keys, keyless=False)
        return Table(providers, self.table.known)

    def direct(self, wanted: Wanted, direct: Direct, dice: Dice) -> Plan | None:
        """The same with the caller's own credentials; None when there are none for the wanted provider."""
        model, fallbacks, default, operation = wanted
        name, _ = split_model(model, default, self.table)
        row = self.providers.get(name)
        key = direct.key_for(row) if row else None
        if key is None:
            return None
        return make_plan((model, *fallbacks), default, with_keys(self.table, name, (key,)), dice, operation)

    def door(self, name: str, key: Key | None, inbound: Format, model: str) -> Door:
        """The way out to provider ``name`` with ``key`` for a client that speaks ``inbound``.

        Raises Refused(400) when the provider does nothing of the kind, or the key lacks a setting.
        """
        if key is not None and key.passing:
            return self._door(name, key, inbound, model)
        at = (name, key.id if key else "", inbound, model)
        door = self.doors.get(at)
        if door is None:
            if len(self.doors) >= _DOORS_KEPT:
                self.doors.clear()
            door = self.doors[at] = self._door(name, key, inbound, model)
        return door

    def _door(self, name: str, key: Key | None, inbound: Format, model: str) -> Door:
        provider, network = self.providers[name], self.networks[name]
        endpoint = provider.endpoint_for(inbound, model, key)
        signer = self.signer(account_of(provider, endpoint.auth or provider.auth, key, network))
        prices = self.price(name, model), self.flex_price(name, model) if provider.flex else ()
        return Door(Opening(provider, endpoint, key, network, signer, *prices), model)

    def estimates(self, name: str, key: Key | None, inbound: Format, model: str) -> bool:
        """Whether a request's tokens are estimated here: provider ``name`` does not count, but can be talked to."""
        if OPERATIONS[inbound] is not Operation.COUNT_TOKENS:
            return False
        settings = self.providers[name].settings_with(key)
        able = {OPERATIONS[each.format] for each in self.providers[name].serves if each.covers(model, settings)}
        return Operation.CHAT in able and Operation.COUNT_TOKENS not in able
