"""``governance`` of ``config.json`` in Bifrost's shape (features.md 3.1): people and their limits."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from msgspec import Meta

from asbru.config.shape import Count, Shape, Share, Text

Dollars = Annotated[float, Meta(ge=0, le=1_000_000_000)]
Amount = Annotated[int, Meta(ge=0, le=1_000_000_000_000_000)]


class BudgetShape(Shape, frozen=True, kw_only=True):
    """``max_limit``: dollars."""

    IDLE = frozenset({"current_usage", "last_reset", "created_at", "updated_at"})

    id: str = ""
    max_limit: Dollars | None = None
    reset_duration: str = "1M"
    calendar_aligned: bool = False


class RateLimitShape(Shape, frozen=True, kw_only=True):
    IDLE = frozenset(
        {"token_current_usage", "token_last_reset", "request_current_usage", "request_last_reset", "created_at"}
    )

    id: str = ""
    token_max_limit: Amount | None = None
    token_reset_duration: str = "1m"  # noqa: S105  A duration.
    request_max_limit: Amount | None = None
    request_reset_duration: str = "1m"


class LimitedShape(Shape, frozen=True, kw_only=True):
    """What may have limits: by reference to the lists, or in its place."""

    budget_id: str = ""
    rate_limit_id: str = ""
    budget: BudgetShape | None = None
    rate_limit: RateLimitShape | None = None


class ConfigShape(LimitedShape, frozen=True, kw_only=True):
    IDLE = frozenset({"virtual_key_id"})

    id: Count | None = None
    provider: str = ""
    weight: Share | None = 1.0
    allowed_models: tuple[str, ...] = ()
    key_ids: tuple[str, ...] = ()


class VirtualKeyShape(LimitedShape, frozen=True, kw_only=True):
    """``value``: the key that callers show; only its digest is kept."""

    LATER: ClassVar[Mapping[str, object]] = {"mcp_configs": []}
    IDLE = frozenset({"created_at", "updated_at"})

    id: str = ""
    name: str = ""
    description: str = ""
    value: Text = ""
    is_active: bool = True
    team_id: str | None = None
    customer_id: str | None = None
    provider_configs: tuple[ConfigShape, ...] = ()


class TeamShape(LimitedShape, frozen=True, kw_only=True):
    IDLE = frozenset({"created_at", "updated_at", "profile", "config", "claims"})

    id: str = ""
    name: str = ""
    customer_id: str | None = None


class CustomerShape(LimitedShape, frozen=True, kw_only=True):
    IDLE = frozenset({"created_at", "updated_at"})

    id: str = ""
    name: str = ""


class ModelConfigShape(LimitedShape, frozen=True, kw_only=True):
    IDLE = frozenset({"created_at", "updated_at"})

    id: str = ""
    model_name: str = ""
    provider: str | None = None


class ProviderLimitsShape(LimitedShape, frozen=True, kw_only=True):
    name: str = ""


class AuthShape(Shape, frozen=True, kw_only=True):
    """The first admin. ``is_enabled`` false: none is made."""

    IDLE = frozenset({"disable_auth_on_inference"})

    admin_username: Text = ""
    admin_password: Text = ""
    is_enabled: bool = False


class GovernanceShape(Shape, frozen=True, kw_only=True):
    LATER: ClassVar[Mapping[str, object]] = {"routing_rules": [], "pricing_overrides": []}

    budgets: tuple[BudgetShape, ...] = ()
    rate_limits: tuple[RateLimitShape, ...] = ()
    customers: tuple[CustomerShape, ...] = ()
    teams: tuple[TeamShape, ...] = ()
    virtual_keys: tuple[VirtualKeyShape, ...] = ()
    model_configs: tuple[ModelConfigShape, ...] = ()
    providers: tuple[ProviderLimitsShape, ...] = ()
    auth_config: AuthShape | None = None
