"""``/api/governance``: teams, customers, limits on models and providers, and all budgets and rate limits."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from asbru.admin.bodies import Body, answer, query_of, read, route, time_of, wrong
from asbru.admin.documents import Documents
from asbru.admin.limits import (
    BudgetBody,
    Limited,
    RateLimitBody,
    Readings,
    budget_of,
    meters_of,
    rate_limit_of,
    show_budget,
    show_limits,
    show_rate_limit,
)
from asbru.admin.resources import Kind, Resource, Shown
from asbru.edge.request import Request
from asbru.edge.routes import Mount
from asbru.model.http import Answer
from asbru.model.people import Customer, ModelConfig, ProviderLimits, Team, VirtualKey
from asbru.store import Store, meters
from asbru.store.db import Db

ROOT = "/api/governance"


class TeamBody(Body, frozen=True, kw_only=True):
    name: str | None = None
    customer_id: str | UnsetType | None = UNSET
    budget: BudgetBody | UnsetType | None = UNSET
    rate_limit: RateLimitBody | UnsetType | None = UNSET


class CustomerBody(Body, frozen=True, kw_only=True):
    name: str | None = None
    budget: BudgetBody | UnsetType | None = UNSET
    rate_limit: RateLimitBody | UnsetType | None = UNSET


class ModelBody(Body, frozen=True, kw_only=True):
    model_name: str | None = None
    provider: str | UnsetType | None = UNSET
    budget: BudgetBody | UnsetType | None = UNSET
    rate_limit: RateLimitBody | UnsetType | None = UNSET


class LimitsBody(Body, frozen=True, kw_only=True):
    budget: BudgetBody | UnsetType | None = UNSET
    rate_limit: RateLimitBody | UnsetType | None = UNSET


class Desk(Struct, frozen=True):
    """What every resource of governance is made of. ``changed``: this worker reads anew at once."""

    store: Store
    keys: Documents[VirtualKey]
    teams: Documents[Team]
    customers: Documents[Customer]
    models: Documents[ModelConfig]
    providers: Documents[ProviderLimits]
    changed: Callable[[], Awaitable[None]]

    async def readings(self, limited: Sequence[Limited]) -> Readings:
        """What is used of all their limits."""
        now, allowances = self.store.clock(), meters_of(limited)
        return await self.store.read(lambda db: meters.readings(db, allowances, now))


def desk_of(store: Store, changed: Callable[[], Awaitable[None]]) -> Desk:
    """The desk over ``store``."""
    return Desk(
        store,
        Documents(store, "virtual_key", VirtualKey, "Virtual key", ("digest", "old_digest")),
        Documents(store, "team", Team, "Team"),
        Documents(store, "customer", Customer, "Customer"),
        Documents(store, "model_config", ModelConfig, "Model config"),
        Documents(store, "provider_limits", ProviderLimits, "Provider"),
        changed,
    )


class Groups:
    """Routes for teams, customers and limits."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def mounts(self) -> list[Mount]:
        """All of them."""
        desk = self._desk
        teams = Kind(
            path="teams",
            plural="teams",
            singular="team",
            documents=desk.teams,
            body=TeamBody,
            make=self._team,
            show=self._show_teams,
            name=lambda team: team.name,
            removed=self._without_team,
            keep=_of_customer,
        )
        customers = Kind(
            path="customers",
            plural="customers",
            singular="customer",
            documents=desk.customers,
            body=CustomerBody,
            make=self._customer,
            show=self._show_customers,
            name=lambda customer: customer.name,
            removed=self._without_customer,
        )
        models = Kind(
            path="model-configs",
            plural="model_configs",
            singular="model_config",
            documents=desk.models,
            body=ModelBody,
            make=self._model,
            show=self._show_models,
            name=lambda model: model.model_name,
        )
        return [
            *Resource(teams, desk.changed).mounts(ROOT),
            *Resource(customers, desk.changed).mounts(ROOT),
            *Resource(models, desk.changed).mounts(ROOT),
            Mount("GET", f"{ROOT}/budgets", route(self._budgets, "List: budgets")),
            Mount("GET", f"{ROOT}/rate-limits", route(self._rate_limits, "List: rate limits")),
            Mount("GET", f"{ROOT}/providers", route(self._providers, "List: limits of providers")),
            Mount("PUT", f"{ROOT}/providers/{{id}}", route(self._limit, "Limit a provider", LimitsBody)),
            Mount("DELETE", f"{ROOT}/providers/{{id}}", route(self._unlimit, "Limit a provider no more")),
        ]

    async def _team(self, said: TeamBody, old: Team | None, id: str) -> tuple[str, Team]:
        name = named(said.name, old.name if old else "", "Team")
        customer_id = (said.customer_id or "") if said.customer_id is not UNSET else old.customer_id if old else ""
        if customer_id and await self._desk.customers.find(customer_id) is None:
            raise wrong("customer_id", f"Customer {customer_id!r} not found")
        now = self._desk.store.clock()
        return name, Team(
            id=id,
            name=name,
            customer_id=customer_id,
            budget=budget_of(said.budget, old.budget if old else None),
            rate_limit=rate_limit_of(said.rate_limit, old.rate_limit if old else None),
            created_at=old.created_at if old else now,
            updated_at=now,
        )

    async def _customer(self, said: CustomerBody, old: Customer | None, id: str) -> tuple[str, Customer]:
        name = named(said.name, old.name if old else "", "Customer")
        now = self._desk.store.clock()
        return name, Customer(
            id=id,
            name=name,
            budget=budget_of(said.budget, old.budget if old else None),
            rate_limit=rate_limit_of(said.rate_limit, old.rate_limit if old else None),
            created_at=old.created_at if old else now,
            updated_at=now,
        )

    async def _model(self, said: ModelBody, old: ModelConfig | None, id: str) -> tuple[str, ModelConfig]:
        model = said.model_name or (old.model_name if old else "")
        if not model:
            raise wrong("model_name", "Field required")
        provider = (said.provider or "") if said.provider is not UNSET else old.provider if old else ""
        now = self._desk.store.clock()
        return f"{provider}/{model}", ModelConfig(
            id=id,
            model_name=model,
            provider=provider,
            budget=budget_of(said.budget, old.budget if old else None),
            rate_limit=rate_limit_of(said.rate_limit, old.rate_limit if old else None),
            created_at=old.created_at if old else now,
            updated_at=now,
        )

    async def _show_teams(self, teams: Sequence[Team]) -> list[Shown]:
        readings = await self._desk.readings(teams)
        customers = {each.id: each for each in await self._desk.customers.all()}
        out: list[Shown] = []
        for team in teams:
            shown: Shown = {"id": team.id, "name": team.name, **show_limits(team, readings), **times(team)}
            if team.customer_id:
                customer = customers.get(team.customer_id)
                shown["customer_id"] = team.customer_id
                shown |= {"customer": {"id": customer.id, "name": customer.name}} if customer else {}
            out.append(shown)
        return out

    async def _show_customers(self, customers: Sequence[Customer]) -> list[Shown]:
        readings = await self._desk.readings(customers)
        teams, keys = await self._desk.teams.all(), await self._desk.keys.all()
        return [
            {
                "id": each.id,
                "name": each.name,
                **show_limits(each, readings),
                "teams": [{"id": team.id, "name": team.name} for team in teams if team.customer_id == each.id],
                "virtual_keys": [{"id": key.id, "name": key.name} for key in keys if key.customer_id == each.id],
                **times(each),
            }
            for each in customers
        ]

    async def _show_models(self, models: Sequence[ModelConfig]) -> list[Shown]:
        readings = await self._desk.readings(models)
        return [
            {
                "id": each.id,
                "model_name": each.model_name,
                "provider": each.provider or None,
                **show_limits(each, readings),
                **times(each),
            }
            for each in models
        ]

    def _without_team(self, db: Db, id: str) -> None:
        """Its virtual keys belong to no team any more."""
        for key in self._desk.keys.within(db):
            if key.team_id == id:
                self._desk.keys.put_within(db, key.id, key.name, replace(key, team_id=""))

    def _without_customer(self, db: Db, id: str) -> None:
        """Its teams and virtual keys belong to no customer any more."""
        for team in self._desk.teams.within(db):
            if team.customer_id == id:
                self._desk.teams.put_within(db, team.id, team.name, replace(team, customer_id=""))
        for key in self._desk.keys.within(db):
            if key.customer_id == id:
                self._desk.keys.put_within(db, key.id, key.name, replace(key, customer_id=""))

    async def _limited(self) -> list[Limited]:
        """Everything that may have limits."""
        desk = self._desk
        keys = await desk.keys.all()
        found: list[Limited] = [*keys, *(config for key in keys for config in key.provider_configs)]
        for documents in (desk.teams, desk.customers, desk.models, desk.providers):
            found += await documents.all()
        return found

    async def _budgets(self, request: Request) -> Answer:
        found = await self._limited()
        readings = await self._desk.readings(found)
        return _listed(request, "budgets", [show_budget(each.budget, readings) for each in found if each.budget])

    async def _rate_limits(self, request: Request) -> Answer:
        found = await self._limited()
        readings = await self._desk.readings(found)
        limits = [show_rate_limit(each.rate_limit, readings) for each in found if each.rate_limit]
        return _listed(request, "rate_limits", limits)

    async def _providers(self, request: Request) -> Answer:
        found = await self._desk.providers.all()
        readings = await self._desk.readings(found)
        shown = [{"provider": each.id, **show_limits(each, readings)} for each in found]
        return answer({"providers": shown, "count": len(shown)})

    async def _limit(self, request: Request) -> Answer:
        desk, id = self._desk, request.params[0]
        said = read(request, LimitsBody)
        old = await desk.providers.find(id)
        new = ProviderLimits(
            id=id,
            budget=budget_of(said.budget, old.budget if old else None),
            rate_limit=rate_limit_of(said.rate_limit, old.rate_limit if old else None),
        )
        if old is None:
            await desk.providers.add(request.actor, id, id, new)
        else:
            await desk.providers.change(request.actor, id, lambda found: (id, new))
        await desk.changed()
        shown = {"provider": id, **show_limits(new, await desk.readings([new]))}
        return answer({"message": "Provider governance updated successfully", "provider": shown})

    async def _unlimit(self, request: Request) -> Answer:
        await self._desk.providers.remove(request.actor, request.params[0])
        await self._desk.changed()
        return answer({"message": "Provider governance deleted successfully"})


def _listed(request: Request, word: str, shown: list[Shown]) -> Answer:
    if query_of(request, "from_memory") == "true":
        return answer({word: {str(each["id"]): each for each in shown}, "count": len(shown)})
    return answer({word: shown, "count": len(shown)})


def _of_customer(request: Request, team: Team) -> bool:
    wanted = query_of(request, "customer_id")
    return not wanted or team.customer_id == wanted


def named(said: str | None, old: str, word: str) -> str:
    """The name of something. Raises Refused(400) when it has none."""
    name = (old if said is None else said).strip()
    if not name:
        raise wrong("", f"{word} name is required")
    if len(name) > 255:
        raise wrong("name", "must have at most 255 characters")
    return name


class Dated(Protocol):
    """What knows when it was made."""

    @property
    def created_at(self) -> float: ...

    @property
    def updated_at(self) -> float: ...


def times(dated: Dated) -> Shown:
    """When something was made and changed."""
    return {"created_at": time_of(dated.created_at), "updated_at": time_of(dated.updated_at)}
