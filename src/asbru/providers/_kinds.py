"""What a provider row is made of."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from asbru.model.failure import Refused
from asbru.model.names import Format, Framing


class Bearer(Struct, frozen=True, tag="bearer"):
    """``authorization: Bearer KEY``."""


class InHeader(Struct, frozen=True, tag="header"):
    """The key in a header of the provider's own."""

    name: str


class NoAuth(Struct, frozen=True, tag="none"):
    """No credential at all."""


Auth = Bearer | InHeader | NoAuth


class Quirks(Struct, frozen=True):
    """Top-level members to rename, drop or put; works on undecoded bodies too."""

    rename: Mapping[str, str] = {}
    drop: frozenset[str] = frozenset()
    put: Mapping[str, Any] = {}


class Endpoint(Struct, frozen=True):
    """One format at one path below the base URL."""

    format: Format
    path: str
    framing: Framing = Framing.SSE
    models: tuple[str, ...] = ("*",)
    quirks: Quirks = Quirks()


class BatchApi(Struct, frozen=True, kw_only=True):
    """A provider's own batch API. ``kind``: ``openai`` (files and /batches) or ``anthropic`` (/messages/batches).

    ``max_items`` and ``max_bytes`` are its limits for one job; ``one_model``: whether a job may hold one model only.
    """

    kind: str
    path: str
    max_items: int
    max_bytes: int
    one_model: bool = False


class Provider(Struct, frozen=True, kw_only=True):
    """A place that speaks formats. ``serves`` is in order of preference. ``env``: variables that may hold its key.

    ``base_url`` ends with the API's version where it has one (``https://api.openai.com/v1``) and never with a slash.
    ``base_url_env``: variables that may hold another base URL, as the provider's official SDK reads them.
    ``priced_as``: the provider whose prices hold, when it is not ``name`` (custom providers).
    """

    name: str
    base_url: str
    serves: tuple[Endpoint, ...]
    auth: Auth = Bearer()
    headers: Mapping[str, str] = {}
    quirks: Quirks = Quirks()
    env: tuple[str, ...] = ()
    base_url_env: tuple[str, ...] = ()
    docs: str = ""
    models_path: str = "/models"
    batch: BatchApi | None = None
    keyless: bool = False
    priced_as: str = ""

    def endpoint_for(self, inbound: Format) -> Endpoint:
        """The endpoint that speaks ``inbound``, else the preferred one.

        Raises Refused(400) when the provider serves nothing.
        """
        for endpoint in self.serves:
            if endpoint.format is inbound:
                return endpoint
        if not self.serves:
            message = f"{inbound} is not supported by {self.name} provider"
            raise Refused(400, message, code="unsupported_operation", param="model")
        return self.serves[0]
