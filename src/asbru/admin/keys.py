"""``/api/governance/virtual-keys``: made, shown without their values, rotated."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from asbru.admin.bodies import Body, answer, read, route, time_of, wrong
from asbru.admin.documents import new_id
from asbru.admin.groups import ROOT, Desk, named, times
from asbru.admin.limits import BudgetBody, RateLimitBody, Readings, budget_of, rate_limit_of, show_limits
from asbru.admin.resources import Kind, Resource, Shown
from asbru.edge.identity import PREFIX
from asbru.edge.request import Request
from asbru.edge.routes import Mount
from asbru.governance import digest_of, window_of
from asbru.model.http import Answer
from asbru.model.people import ProviderConfig, VirtualKey


class ConfigBody(Body, frozen=True, kw_only=True):
    """``id``: of the config that is meant, in an update. ``weight`` null: no part in balancing."""

    id: int | None = None
    provider: str | None = None
    weight: float | UnsetType | None = UNSET
    allowed_models: tuple[str, ...] | None = None
    key_ids: tuple[str, ...] | None = None
    budget: BudgetBody | UnsetType | None = UNSET
    rate_limit: RateLimitBody | UnsetType | None = UNSET


class ToolsBody(Body, frozen=True, kw_only=True):
    id: int | None = None
    mcp_client_name: str = ""
    tools_to_execute: tuple[str, ...] = ()


class KeyBody(Body, frozen=True, kw_only=True):
    """``expires_at``: RFC 3339, or null for never."""

    name: str | None = None
    description: str | None = None
    provider_configs: tuple[ConfigBody, ...] | None = None
    mcp_configs: tuple[ToolsBody, ...] | None = None
    team_id: str | UnsetType | None = UNSET
    customer_id: str | UnsetType | None = UNSET
    budget: BudgetBody | UnsetType | None = UNSET
    rate_limit: RateLimitBody | UnsetType | None = UNSET
    is_active: bool | None = None
    expires_at: datetime | UnsetType | None = UNSET


class RotateBody(Body, frozen=True, kw_only=True):
    """``overlap``: how long the old value still works (``1h``); ``0`` is not at all."""

    overlap: str = "0"


class VirtualKeys:
    """The routes. A value is 128 random bits and more, and is kept nowhere: only its digest is."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._values: dict[str, str] = {}
        """Values of keys that are being made just now, by their digests."""

    def mounts(self) -> list[Mount]:
        """All of them."""
        kind = Kind(
            path="virtual-keys",
            plural="virtual_keys",
            singular="virtual_key",
            documents=self._desk.keys,
            body=KeyBody,
            make=self._make,
            show=self._show,
            name=lambda key: key.name,
            told=lambda key: {"value": self._values.pop(key.digest)},
            as_map=False,
        )
        rotate = route(self._rotate, "Give a virtual key a new value", RotateBody)
        return [
            *Resource(kind, self._desk.changed).mounts(ROOT),
            Mount("POST", f"{ROOT}/virtual-keys/{{id}}/rotate", rotate),
        ]

    async def _make(self, said: KeyBody, old: VirtualKey | None, id: str) -> tuple[str, VirtualKey]:
        name = named(said.name, old.name if old else "", "Virtual key")
        kept = old or self._new(id, name)
        team_id, customer_id = _pick(said.team_id, kept.team_id), _pick(said.customer_id, kept.customer_id)
        await self._check_group(team_id, customer_id)
        configs = kept.provider_configs
        if said.provider_configs is not None:
            configs = tuple(_config(n, each, kept) for n, each in enumerate(said.provider_configs))
        return name, replace(
            kept,
            name=name,
            description=kept.description if said.description is None else said.description,
            is_active=kept.is_active if said.is_active is None else said.is_active,
            expires_at=kept.expires_at if said.expires_at is UNSET else _seconds(said.expires_at),
            team_id=team_id,
            customer_id=customer_id,
            provider_configs=configs,
            budget=budget_of(said.budget, kept.budget),
            rate_limit=rate_limit_of(said.rate_limit, kept.rate_limit),
            updated_at=self._desk.store.clock(),
        )

    def _new(self, id: str, name: str) -> VirtualKey:
        value, digest, hint = new_value()
        self._values[digest] = value
        now = self._desk.store.clock()
        return VirtualKey(id=id, name=name, digest=digest, hint=hint, created_at=now, updated_at=now)

    async def _check_group(self, team_id: str, customer_id: str) -> None:
        if team_id and customer_id:
            raise wrong("", "VirtualKey cannot be attached to both Team and Customer")
        if team_id and await self._desk.teams.find(team_id) is None:
            raise wrong("team_id", f"Team {team_id!r} not found")
        if customer_id and await self._desk.customers.find(customer_id) is None:
            raise wrong("customer_id", f"Customer {customer_id!r} not found")

    async def _show(self, keys: Sequence[VirtualKey]) -> list[Shown]:
        readings = await self._desk.readings([*keys, *(config for key in keys for config in key.provider_configs)])
        return [_shown(key, readings) for key in keys]

    async def _rotate(self, request: Request) -> Answer:
        said, desk = read(request, RotateBody), self._desk
        now = desk.store.clock()
        value, digest, hint = new_value()
        until = now + _overlap(said.overlap)

        def change(key: VirtualKey) -> tuple[str, VirtualKey]:
            old = key.digest if until > now else ""
            kept = replace(key, old_digest=old, old_until=until if old else 0.0)
            return key.name, replace(kept, digest=digest, hint=hint, updated_at=now)

        key = await desk.keys.change(request.actor, request.params[0], change)
        await desk.changed()
        shown = (await self._show([key]))[0]
        return answer({"message": "Virtual key rotated successfully", "virtual_key": {**shown, "value": value}})


def new_value() -> tuple[str, str, str]:
    """A value, its digest, and what of it may be shown."""
    value = PREFIX + secrets.token_urlsafe(24)
    return value, digest_of(value), f"{value[:8]}{'*' * 24}{value[-4:]}"


def _overlap(text: str) -> float:
    if text in ("", "0", "0s"):
        return 0.0
    try:
        return window_of(text).seconds
    except ValueError as error:
        raise wrong("overlap", str(error)) from None


def _pick(said: str | UnsetType | None, old: str) -> str:
    return old if said is UNSET else said or ""


def _seconds(at: datetime | None) -> float | None:
    if at is None:
        return None
    if at.tzinfo is None:
        raise wrong("expires_at", "must say its time zone (end it with Z for UTC)")
    return at.timestamp()


def _config(n: int, said: ConfigBody, key: VirtualKey) -> ProviderConfig:
    """One provider config. Raises Refused(400)."""
    path = f"provider_configs[{n}]"
    old = next((each for each in key.provider_configs if each.id == str(said.id)), None)
    if said.id is not None and old is None:
        raise wrong(f"{path}.id", f"there is no such config of this key: {said.id}")
    provider = said.provider or (old.provider if old else "")
    if not provider:
        raise wrong(f"{path}.provider", "Field required")
    weight = (old.weight if old else 1.0) if said.weight is UNSET else said.weight
    if weight is not None and not 0 <= weight <= 1_000_000:
        raise wrong(f"{path}.weight", "must be 0 or more")
    kept = old or ProviderConfig(id=str(int(new_id()[:12], 16)), provider=provider)
    return replace(
        kept,
        provider=provider,
        weight=weight,
        allowed_models=kept.allowed_models if said.allowed_models is None else said.allowed_models,
        key_ids=kept.key_ids if said.key_ids is None else said.key_ids,
        budget=budget_of(said.budget, kept.budget, f"{path}.budget"),
        rate_limit=rate_limit_of(said.rate_limit, kept.rate_limit, f"{path}.rate_limit"),
    )


def _shown(key: VirtualKey, readings: Readings) -> Shown:
    out: Shown = {
        "id": key.id,
        "name": key.name,
        "value": key.hint,
        "description": key.description,
        "is_active": key.is_active,
        "provider_configs": [_shown_config(key, each, readings) for each in key.provider_configs],
        "mcp_configs": [],
        **show_limits(key, readings),
        **times(key),
    }
    if key.team_id:
        out["team_id"] = key.team_id
    if key.customer_id:
        out["customer_id"] = key.customer_id
    if key.expires_at is not None:
        out["expires_at"] = time_of(key.expires_at)
    return out


def _shown_config(key: VirtualKey, config: ProviderConfig, readings: Readings) -> Shown:
    return {
        "id": int(config.id) if config.id.isdecimal() else 0,
        "virtual_key_id": key.id,
        "provider": config.provider,
        "weight": config.weight,
        "allowed_models": list(config.allowed_models),
        "key_ids": list(config.key_ids),
        **show_limits(config, readings),
    }
