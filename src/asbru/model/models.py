"""One model that a provider offers."""

from msgspec import Struct


class Model(Struct, frozen=True, kw_only=True):
    """``id``: as the provider names it, without our prefix. ``created``: Unix seconds, 0 when the provider does not
    tell. ``most_input``, ``most_output``: tokens, 0 when not told. ``methods``: what it can do, in Google's words.
    """

    id: str
    provider: str
    name: str = ""
    created: int = 0
    owned_by: str = ""
    most_input: int = 0
    most_output: int = 0
    methods: tuple[str, ...] = ()
