"""What a provider row is made of."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from msgspec import Struct

from asbru.model.failure import Refused
from asbru.model.names import OPERATIONS, Format, Framing


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
    """One format at one path below the base URL.

    ``path`` may hold ``{model}``, and so may ``stream_path``, the path of streamed requests where it is another one.
    ``models``: shell patterns of the models that are asked here.
    """

    format: Format
    path: str
    stream_path: str = ""
    framing: Framing = Framing.SSE
    models: tuple[str, ...] = ("*",)
    quirks: Quirks = Quirks()

    def covers(self, model: str) -> bool:
        """Whether ``model`` is asked here."""
        return any(pattern == "*" or fnmatchcase(model, pattern) for pattern in self.models)


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

    ``base_url`` ends with the API's version where it has one (``https://api.openai.com/v1``) and never with a slash;
    it may hold ``{region}`` and other ``settings`` of a key.
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

    def endpoint_for(self, inbound: Format, model: str = "") -> Endpoint:
        """The endpoint for ``model`` that speaks ``inbound``, else the preferred one of the same operation.

        Raises Refused(400) when the provider serves nothing of the kind.
        """
        wanted = OPERATIONS[inbound]
        able = [each for each in self.serves if OPERATIONS[each.format] is wanted and each.covers(model)]
        if not able:
            of = f" for model {model}" if model else ""
            message = f"{wanted} is not supported by {self.name} provider{of}"
            raise Refused(400, message, code="unsupported_operation", param="model")
        return next((each for each in able if each.format is inbound), able[0])
