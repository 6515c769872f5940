"""Who asks, and what they may spend: virtual keys, teams, customers, and the limits on each of them.

The documents (everything that has an ``id``) are kept as JSON in the store, and are read whole into memory. Names are
Bifrost's (features.md 3.1). Money is nano-dollars, times are Unix seconds.
"""

from enum import StrEnum

from msgspec import Struct


class Measure(StrEnum):
    """What a limit counts."""

    MONEY = "money"
    TOKENS = "tokens"
    REQUESTS = "requests"


class Budget(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """At most ``max_limit`` nano-dollars per ``reset_duration`` (``1h``, ``1d``, ``1M`` …).

    ``calendar_aligned``: the period begins at midnight UTC, on Monday, on the 1st, on 1 January.
    """

    id: str
    max_limit: int
    reset_duration: str = "1M"
    calendar_aligned: bool = False


class RateLimit(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """At most so many tokens, and so many requests, per duration. None: no such limit."""

    id: str
    token_max_limit: int | None = None
    token_reset_duration: str = "1m"  # noqa: S105  A duration.
    request_max_limit: int | None = None
    request_reset_duration: str = "1m"


class ProviderConfig(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a virtual key may do at one provider. ``key_ids``: the provider keys that it may use; empty: all.

    ``weight``: its share of requests that name no provider; None: it takes no part in them.
    """

    id: str
    provider: str
    weight: float | None = 1.0
    allowed_models: tuple[str, ...] = ()
    key_ids: tuple[str, ...] = ()
    budget: Budget | None = None
    rate_limit: RateLimit | None = None


class VirtualKey(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key that callers use in place of a provider's. Its value is known only when it is made.

    ``digest``: SHA-256 of the value, hexadecimal. ``hint``: its first and last letters. ``old_digest``: what it was
    before it was rotated, good until ``old_until``. ``provider_configs``: empty means every provider.
    """

    id: str
    name: str
    digest: str
    hint: str = ""
    description: str = ""
    is_active: bool = True
    expires_at: float | None = None
    old_digest: str = ""
    old_until: float = 0.0
    team_id: str = ""
    customer_id: str = ""
    provider_configs: tuple[ProviderConfig, ...] = ()
    budget: Budget | None = None
    rate_limit: RateLimit | None = None
    created_at: float = 0.0
    updated_at: float = 0.0


class Team(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some virtual keys together."""

    id: str
    name: str
    customer_id: str = ""
    budget: Budget | None = None
    rate_limit: RateLimit | None = None
    created_at: float = 0.0
    updated_at: float = 0.0


class Customer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some teams and virtual keys together."""

    id: str
    name: str
    budget: Budget | None = None
    rate_limit: RateLimit | None = None
    created_at: float = 0.0
    updated_at: float = 0.0


class ModelConfig(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Limits on one model, whoever asks for it. ``provider``: "" means wherever it is."""

    id: str
    model_name: str
    provider: str = ""
    budget: Budget | None = None
    rate_limit: RateLimit | None = None
    created_at: float = 0.0
    updated_at: float = 0.0


class ProviderLimits(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Limits on one provider, whoever asks it. ``id``: the provider's name."""

    id: str
    budget: Budget | None = None
    rate_limit: RateLimit | None = None


class Window(Struct, frozen=True):
    """A period. ``unit``: one of ``d w M Y`` for a period of the calendar, "" for one that rolls. ``text``: as said."""

    seconds: float
    unit: str = ""
    text: str = ""


class Allowance(Struct, frozen=True, kw_only=True):
    """One limit, ready to be held to. ``id``: of its meter in the store. ``level``: whose it is, for words (``VK``)."""

    id: str
    level: str
    measure: Measure
    most: int
    window: Window


class Principal(Struct, frozen=True):
    """The owner of exchanges, batches and files. ``""`` is the one owner of a gateway without keys.

    ``key``: None when the caller has no virtual key. ``allowances``: what holds for all that it does, nearest first.
    """

    owner: str = ""
    key: VirtualKey | None = None
    team: Team | None = None
    customer: Customer | None = None
    allowances: tuple[Allowance, ...] = ()


NOBODY = Principal()


class Spend(Struct, frozen=True):
    """What one exchange takes from a meter. ``holder``: the session of the worker whose slice it comes out of.

    ``of``: the limit, when nothing was held of it before: 0 is then the holder.
    """

    meter: str
    amount: int
    holder: int = 0
    of: Allowance | None = None
