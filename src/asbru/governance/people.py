"""All who may ask, in memory: found by the key they show, with every limit that holds for them."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from asbru.governance.windows import window_of
from asbru.model.people import (
    Allowance,
    Budget,
    Customer,
    Measure,
    ModelConfig,
    Principal,
    ProviderLimits,
    RateLimit,
    Team,
    VirtualKey,
)

_NONE: tuple[Allowance, ...] = ()


def digest_of(value: str) -> str:
    """What is kept of a virtual key's value: SHA-256, hexadecimal. The values are random: nothing slower is needed."""
    return hashlib.sha256(value.encode()).hexdigest()


class Register(Struct, frozen=True, kw_only=True):
    """The documents that people are made of."""

    virtual_keys: tuple[VirtualKey, ...] = ()
    teams: tuple[Team, ...] = ()
    customers: tuple[Customer, ...] = ()
    models: tuple[ModelConfig, ...] = ()
    providers: tuple[ProviderLimits, ...] = ()


class People:
    """A register, indexed. Immutable: made anew when something changes. Raises ValueError for a wrong duration."""

    def __init__(self, register: Register) -> None:
        self.register = register
        teams = {team.id: team for team in register.teams}
        customers = {customer.id: customer for customer in register.customers}
        self._by_id = {key.id: _principal(key, teams, customers) for key in register.virtual_keys}
        self._by_digest: dict[str, tuple[Principal, float | None]] = {}
        for key in register.virtual_keys:
            who = self._by_id[key.id]
            if key.old_digest:
                self._by_digest[key.old_digest] = (who, key.old_until)
            self._by_digest[key.digest] = (who, None)
        self._providers = {each.id: allowances_of(each, "Provider") for each in register.providers}
        self._models = {(each.provider, each.model_name): allowances_of(each, "Model") for each in register.models}
        self._configs = {
            config.id: allowances_of(config, "Provider config")
            for key in register.virtual_keys
            for config in key.provider_configs
        }
        self.limited = bool(self._by_id or self._providers or self._models)
        """Whether anybody or anything is limited at all."""

    def shown(self, value: str, now: float) -> Principal | None:
        """Who shows this key; None when nobody does."""
        found = self._by_digest.get(digest_of(value))
        if found is None or (found[1] is not None and now >= found[1]):
            return None
        return found[0]

    def owner(self, id: str) -> Principal:
        """Who owns a batch; whoever is gone may do nothing more than its id says."""
        return self._by_id.get(id) or Principal(id)

    def allowances(self, who: Principal, provider: str, model: str) -> tuple[Allowance, ...]:
        """All limits that hold for a call, in the order of checking (features.md 3.2)."""
        placed = self._providers.get(provider, _NONE)
        if self._models:
            placed += self._models.get((provider, model), _NONE) + self._models.get(("", model), _NONE)
        if who.key is not None:
            for config in who.key.provider_configs:
                if config.provider == provider:
                    placed += self._configs[config.id]
        return placed + who.allowances if placed else who.allowances


def _principal(key: VirtualKey, teams: Mapping[str, Team], customers: Mapping[str, Customer]) -> Principal:
    team = teams.get(key.team_id)
    customer = customers.get(team.customer_id if team else key.customer_id)
    allowances = allowances_of(key, "VK")
    if team is not None:
        allowances += allowances_of(team, "Team")
    if customer is not None:
        allowances += allowances_of(customer, "Customer")
    return Principal(key.id, key, team, customer, allowances)


class Limited(Protocol):
    """A document that may have limits."""

    @property
    def budget(self) -> Budget | None: ...

    @property
    def rate_limit(self) -> RateLimit | None: ...


def allowances_of(limited: Limited, level: str) -> tuple[Allowance, ...]:
    """The limits of a document, those on tokens and requests before the budget. Raises ValueError."""
    budget, limit = limited.budget, limited.rate_limit
    found: list[Allowance] = []
    if limit is not None:
        found += _of_rate(limit, level)
    if budget is not None:
        window = window_of(budget.reset_duration, budget.calendar_aligned)
        found.append(Allowance(id=budget.id, level=level, measure=Measure.MONEY, most=budget.max_limit, window=window))
    return tuple(found)


def _of_rate(limit: RateLimit, level: str) -> Sequence[Allowance]:
    rows = (
        (Measure.TOKENS, limit.token_max_limit, limit.token_reset_duration),
        (Measure.REQUESTS, limit.request_max_limit, limit.request_reset_duration),
    )
    return [
        Allowance(id=f"{limit.id}:{measure}", level=level, measure=measure, most=most, window=window_of(duration))
        for measure, most, duration in rows
        if most is not None
    ]


NOBODY_KNOWN = People(Register())
