"""One model that a provider offers."""

from msgspec import Struct


class Model(Struct, frozen=True, kw_only=True):
    """``id``: as the provider names it, without our prefix. ``created``: Unix seconds, 0 when the provider does not
    tell.
    """

    id: str
    provider: str
    name: str = ""
    created: int = 0
    owned_by: str = ""
