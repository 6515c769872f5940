"""The flex tier: slower and cheaper, at providers that have one, for models that have it.

Rule 1. The members that ask for it are the endpoint's (``Endpoint.flex``); they win over what the client said.
Rule 2. It is charged at flex prices only when the provider does not say that it served another tier.
Rule 3. It takes its time: a flex request is waited for PATIENCE seconds.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from asbru.model.failure import Failure, Overloaded
from asbru.providers import Endpoint, Provider, named
from asbru.upstream.call import Deadlines
from asbru.wire.shapes import BAD_JSON

PATIENCE = 900.0
"""Seconds: what OpenAI's guide advises."""
TIER = "flex"
LOST = "service_tier: flex"
"""What is lost when the standard tier has to do."""
_FULL = "resource_unavailable"
"""OpenAI's code for a tier without room; it comes with 429, which else is the caller's own limit."""


class Metadata(Struct):
    """Google's place for it."""

    tier: Any = msgspec.field(default=None, name="serviceTier")


class Served(Struct):
    """What a reply says of its tier: OpenAI's, Amazon's, Google's way."""

    openai: Any = msgspec.field(default=None, name="service_tier")
    amazon: Any = msgspec.field(default=None, name="serviceTier")
    google: Metadata | None = msgspec.field(default=None, name="usageMetadata")


_served = msgspec.json.Decoder(Served)


def flex_members(provider: Provider, endpoint: Endpoint, model: str) -> Mapping[str, Raw]:
    """The members that ask for the tier; none where there is no such tier."""
    if not endpoint.flex or not named(model, provider.flex):
        return {}
    return {name: Raw(msgspec.json.encode(value)) for name, value in endpoint.flex.items()}


def patient(deadlines: Deadlines) -> Deadlines:
    """Deadlines for a flex request."""
    first, total = max(deadlines.first_byte, PATIENCE), max(deadlines.total, PATIENCE)
    return replace(deadlines, first_byte=first, total=total)


def served_flex(body: bytes) -> bool:
    """Whether a reply does not say that another tier served it."""
    try:
        said = _served.decode(body)
    except BAD_JSON:
        return True
    amazon = said.amazon.get("type") if isinstance(said.amazon, dict) else said.amazon
    told = said.openai or amazon or (said.google.tier if said.google else None)
    return not isinstance(told, str) or told.lower().removeprefix("service_tier_") == TIER


def no_room(failure: Failure) -> bool:
    """Whether a failure says that the tier has no capacity now; a limit of the caller's own says nothing of it."""
    return isinstance(failure, Overloaded) and (failure.status != 429 or failure.code == _FULL)
