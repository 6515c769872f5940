"""From ``governance`` of the file to the documents that it asks for."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar

from msgspec import Struct

from asbru.config.address import text_of
from asbru.config.findings import Findings
from asbru.config.people_shape import (
    AuthShape,
    BudgetShape,
    ConfigShape,
    CustomerShape,
    GovernanceShape,
    LimitedShape,
    RateLimitShape,
    TeamShape,
    VirtualKeyShape,
)
from asbru.config.settings import Admin
from asbru.governance import Register, digest_of, window_of
from asbru.model.keys import Secret
from asbru.model.people import (
    Budget,
    Customer,
    ModelConfig,
    ProviderConfig,
    ProviderLimits,
    RateLimit,
    Team,
    VirtualKey,
)
from asbru.model.usage import NANO

_ROOT = "governance"


_T = TypeVar("_T", CustomerShape, TeamShape, VirtualKeyShape)
_D = TypeVar("_D", Budget, RateLimit)


def register_of(said: GovernanceShape, findings: Findings) -> Register:
    """The documents; offences go to ``findings``."""
    return _Reader(said, findings).register()


def admin_of(said: AuthShape | None, path: str, findings: Findings) -> Admin | None:
    """The admin whom the file wants."""
    if said is None or not said.is_enabled:
        return None
    name = text_of(said.admin_username, f"{path}.admin_username", findings)
    password = text_of(said.admin_password, f"{path}.admin_password", findings)
    if not name or ":" in name:
        findings.missing(f"{path}.admin_username", "must be a name without a colon")
    if len(password) < 10:
        findings.missing(f"{path}.admin_password", "must have at least 10 characters")
    return Admin(name, Secret(password))


class _Limits(Struct, frozen=True):
    budget: Budget | None
    rate_limit: RateLimit | None


class _Reader:
    """One pass over the section. What has no id gets one out of its name, the same at every start."""

    def __init__(self, said: GovernanceShape, findings: Findings) -> None:
        self._said = said
        self._findings = findings
        self._budgets = {
            each.id: self._budget(each, f"{_ROOT}.budgets[{n}]", each.id) for n, each in enumerate(said.budgets)
        }
        self._limits = {
            each.id: self._limit(each, f"{_ROOT}.rate_limits[{n}]", each.id) for n, each in enumerate(said.rate_limits)
        }

    def register(self) -> Register:
        """All documents."""
        said = self._said
        customers = tuple(
            Customer(id=id, name=each.name, budget=limits.budget, rate_limit=limits.rate_limit)
            for each, id, limits in self._named("customers", said.customers)
        )
        teams = tuple(
            Team(
                id=id,
                name=each.name,
                customer_id=each.customer_id or "",
                budget=limits.budget,
                rate_limit=limits.rate_limit,
            )
            for each, id, limits in self._named("teams", said.teams)
        )
        keys = tuple(
            self._key(each, id, limits, f"{_ROOT}.virtual_keys[{n}]")
            for n, (each, id, limits) in enumerate(self._named("virtual_keys", said.virtual_keys))
        )
        self._check_groups({each.id for each in teams}, {each.id for each in customers})
        return Register(
            virtual_keys=keys, teams=teams, customers=customers, models=self._models(), providers=self._providers()
        )

    def _named(self, kind: str, shapes: tuple[_T, ...]) -> list[tuple[_T, str, _Limits]]:
        """Each with its id and its limits."""
        found = []
        names: dict[str, int] = {}
        for n, each in enumerate(shapes):
            path = f"{_ROOT}.{kind}[{n}]"
            if not each.name:
                self._findings.missing(f"{path}.name", "must be said")
            if names.setdefault(each.name, n) != n:
                self._findings.refuse(f"{path}.name", f"is that of {kind}[{names[each.name]}] already")
            id = each.id or _id_of(kind, each.name)
            found.append((each, id, self._limits_of(each, path, id)))
        return found

    def _key(self, said: VirtualKeyShape, id: str, limits: _Limits, path: str) -> VirtualKey:
        value = text_of(said.value, f"{path}.value", self._findings)
        if not value:
            self._findings.missing(f"{path}.value", "must be the key that callers show, such as sk-bf-… or env.NAME")
        return VirtualKey(
            id=id,
            name=said.name,
            description=said.description,
            digest=digest_of(value),
            hint=f"{value[:8]}{'*' * 24}{value[-4:]}" if len(value) > 16 else "*" * 8,
            is_active=said.is_active,
            team_id=said.team_id or "",
            customer_id=said.customer_id or "",
            provider_configs=tuple(
                self._config(each, f"{path}.provider_configs[{n}]", f"{id}/{n}")
                for n, each in enumerate(said.provider_configs)
            ),
            budget=limits.budget,
            rate_limit=limits.rate_limit,
        )

    def _config(self, said: ConfigShape, path: str, place: str) -> ProviderConfig:
        if not said.provider:
            self._findings.missing(f"{path}.provider", "must be a provider's name")
        id = str(said.id) if said.id is not None else str(int(_id_of("config", place)[:12], 16))
        limits = self._limits_of(said, path, _id_of("config", place))
        return ProviderConfig(
            id=id,
            provider=said.provider,
            weight=said.weight,
            allowed_models=said.allowed_models,
            key_ids=said.key_ids,
            budget=limits.budget,
            rate_limit=limits.rate_limit,
        )

    def _models(self) -> tuple[ModelConfig, ...]:
        found = []
        for n, each in enumerate(self._said.model_configs):
            path = f"{_ROOT}.model_configs[{n}]"
            if not each.model_name:
                self._findings.missing(f"{path}.model_name", "must be said")
            id = each.id or _id_of("model", f"{each.provider or ''}/{each.model_name}")
            limits = self._limits_of(each, path, id)
            found.append(
                ModelConfig(
                    id=id,
                    model_name=each.model_name,
                    provider=each.provider or "",
                    budget=limits.budget,
                    rate_limit=limits.rate_limit,
                )
            )
        return tuple(found)

    def _providers(self) -> tuple[ProviderLimits, ...]:
        found = []
        for n, each in enumerate(self._said.providers):
            path = f"{_ROOT}.providers[{n}]"
            if not each.name:
                self._findings.missing(f"{path}.name", "must be said")
            limits = self._limits_of(each, path, _id_of("provider", each.name))
            found.append(ProviderLimits(id=each.name, budget=limits.budget, rate_limit=limits.rate_limit))
        return tuple(found)

    def _check_groups(self, teams: set[str], customers: set[str]) -> None:
        for n, team in enumerate(self._said.teams):
            if team.customer_id and team.customer_id not in customers:
                self._findings.refuse(f"{_ROOT}.teams[{n}].customer_id", "is the id of no customer here")
        for n, key in enumerate(self._said.virtual_keys):
            path = f"{_ROOT}.virtual_keys[{n}]"
            if key.team_id and key.customer_id:
                self._findings.refuse(path, "cannot be attached to both a team and a customer")
            if key.team_id and key.team_id not in teams:
                self._findings.refuse(f"{path}.team_id", "is the id of no team here")
            if key.customer_id and key.customer_id not in customers:
                self._findings.refuse(f"{path}.customer_id", "is the id of no customer here")

    def _limits_of(self, said: LimitedShape, path: str, id: str) -> _Limits:
        budget = self._referred(said.budget_id, self._budgets, f"{path}.budget_id")
        limit = self._referred(said.rate_limit_id, self._limits, f"{path}.rate_limit_id")
        if said.budget is not None:
            budget = self._budget(said.budget, f"{path}.budget", said.budget.id or f"budget-{id}")
        if said.rate_limit is not None:
            limit = self._limit(said.rate_limit, f"{path}.rate_limit", said.rate_limit.id or f"limit-{id}")
        return _Limits(budget, limit)

    def _referred(self, id: str, known: Mapping[str, _D], path: str) -> _D | None:
        if id and id not in known:
            self._findings.refuse(path, f"there is no such id: {id!r}")
        return known.get(id) if id else None

    def _budget(self, said: BudgetShape, path: str, id: str) -> Budget:
        if said.max_limit is None:
            self._findings.missing(f"{path}.max_limit", "must be an amount of dollars")
        self._check_window(said.reset_duration, said.calendar_aligned, f"{path}.reset_duration")
        most = int(Decimal(str(said.max_limit or 0)) * NANO)
        return Budget(id=id, max_limit=most, reset_duration=said.reset_duration, calendar_aligned=said.calendar_aligned)

    def _limit(self, said: RateLimitShape, path: str, id: str) -> RateLimit:
        if said.token_max_limit is None and said.request_max_limit is None:
            self._findings.missing(path, "needs token_max_limit or request_max_limit")
        self._check_window(said.token_reset_duration, False, f"{path}.token_reset_duration")
        self._check_window(said.request_reset_duration, False, f"{path}.request_reset_duration")
        return RateLimit(
            id=id,
            token_max_limit=said.token_max_limit,
            token_reset_duration=said.token_reset_duration,
            request_max_limit=said.request_max_limit,
            request_reset_duration=said.request_reset_duration,
        )

    def _check_window(self, duration: str, calendar: bool, path: str) -> None:
        try:
            window_of(duration, calendar)
        except ValueError as error:
            self._findings.refuse(path, str(error))


def _id_of(kind: str, name: str) -> str:
    return hashlib.sha256(f"{kind}\n{name}".encode("utf-8", "replace")).hexdigest()[:32]
