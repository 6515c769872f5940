"""What a provider row is made of."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, Protocol

from msgspec import Struct

from asbru.model.failure import Refused
from asbru.model.keys import Key
from asbru.model.names import OPERATIONS, Format, Framing


class Bearer(Struct, frozen=True, tag="bearer", forbid_unknown_fields=True):
    """``authorization: Bearer KEY``."""


class InHeader(Struct, frozen=True, tag="header", forbid_unknown_fields=True):
    """The key in a header of the provider's own, after ``prefix``."""

    name: str
    prefix: str = ""


class InQuery(Struct, frozen=True, tag="query", forbid_unknown_fields=True):
    """The key as a parameter of the query."""

    name: str


class SigV4(Struct, frozen=True, tag="sigv4", forbid_unknown_fields=True):
    """AWS's signature, by the key's own credentials or AWS's chain; a key with a value is a bearer token."""

    service: str


class GoogleToken(Struct, frozen=True, tag="google", forbid_unknown_fields=True):
    """A token of Google's, for a service account or by Application Default Credentials."""

    scope: str = "https://www.googleapis.com/auth/cloud-platform"


class AzureToken(Struct, frozen=True, tag="azure", forbid_unknown_fields=True):
    """The key in ``header``; without a value, a token of Microsoft Entra's for the key's application."""

    header: str = "api-key"
    scope: str = "https://cognitiveservices.azure.com/.default"


class NoAuth(Struct, frozen=True, tag="none", forbid_unknown_fields=True):
    """No credential at all."""


Auth = Bearer | InHeader | InQuery | SigV4 | GoogleToken | AzureToken | NoAuth


class Rewrite(Protocol):
    """A change that is too deep for ``Quirks``. ``members``: a body's undecoded top-level members (``msgspec.Raw``)."""

    def put(self, members: Mapping[str, Any]) -> Mapping[str, Any]:
        """The members to put in their place."""

    def lost(self, members: Mapping[str, Any]) -> tuple[str, ...]:
        """What the client had said and is dropped."""


class Quirks(Struct, frozen=True, forbid_unknown_fields=True):
    """Top-level members to rename, drop or put; works on undecoded bodies too.

    Renaming comes first, ``put`` last; a dropped member that the client had said is named as lost. ``rewrite`` is for
    what lies deeper, and an exception: it sees the members before they are renamed. ``lift``: headers of the client's
    that become members, a list of what commas part. ``ending``: the format's end marker, for a provider whose streams
    just end.
    """

    rename: Mapping[str, str] = {}
    drop: frozenset[str] = frozenset()
    put: Mapping[str, Any] = {}
    rewrite: Rewrite | None = None
    lift: Mapping[str, str] = {}
    ending: str = ""


class Endpoint(Struct, frozen=True, forbid_unknown_fields=True):
    """One format at one path below the base URL.

    ``path`` may hold ``{model}``, or ``{path}`` for a model whose name holds slashes that count, and so may
    ``stream_path``, the path of streamed requests where it is another one.
    ``models``: shell patterns of the models that are asked here; ``!pattern``: of those that are not.
    ``when``: shell patterns of a key's settings with which it is asked here. ``headers``, ``auth``: beside, or instead
    of, the provider's. ``flex``: members that ask for the tier of that name, which is slower and cheaper.
    """

    format: Format
    path: str
    stream_path: str = ""
    framing: Framing = Framing.SSE
    models: tuple[str, ...] = ("*",)
    quirks: Quirks = Quirks()
    when: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    auth: Auth | None = None
    flex: Mapping[str, Any] = {}

    def covers(self, model: str, settings: Mapping[str, str] = MappingProxyType({})) -> bool:
        """Whether ``model`` is asked here with a key of these settings."""
        if any(not fnmatchcase(settings.get(name, ""), pattern) for name, pattern in self.when.items()):
            return False
        return named(model, self.models)


def named(model: str, patterns: tuple[str, ...]) -> bool:
    """Whether shell patterns name ``model``; ``!pattern`` takes out."""
    if any(pattern.startswith("!") and fnmatchcase(model, pattern[1:]) for pattern in patterns):
        return False
    return any(not pattern.startswith("!") and fnmatchcase(model, pattern) for pattern in patterns)


class BatchApi(Struct, frozen=True, kw_only=True):
    """A provider's own batch API. ``kind``: whose shape it has (``natives.py`` lists them).

    ``path`` and ``files``: of batches and files below the base URL; they may hold settings of a key (``{account_id}``),
    and keys without them are not used. ``without``: the end of the base URL's path that they leave out.
    ``formats``: what its jobs can be written in. ``max_items`` and ``max_bytes`` are its limits for one job;
    ``one_model``: whether a job may hold one model only. ``min_items``: a job with fewer is not taken; they run live.
    ``needs``: settings that a key must have. ``at_models``: it is where the list of models is, on another host.
    """

    kind: str
    path: str = "/batches"
    files: str = "/files"
    without: str = ""
    formats: tuple[Format, ...]
    max_items: int
    max_bytes: int
    one_model: bool = False
    min_items: int = 0
    needs: tuple[str, ...] = ()
    at_models: bool = False


class Provider(Struct, frozen=True, kw_only=True):
    """A place that speaks formats. ``serves`` is in order of preference. ``env``: variables that may hold its key.

    ``base_url`` ends with the API's version where it has one (``https://api.openai.com/v1``) and never with a slash;
    it may hold ``{region}`` and other ``settings`` of a key. ``settings``: their values where a key says none.
    ``base_url_env``: variables that may hold another base URL, as the provider's official SDK reads them.
    ``key_config``: the member of a configured key that holds its settings (``azure_key_config``); ``settings_env``:
    variables that may hold one of them.
    ``models_path``: of the list of models; "" when there is none. ``models_base_url``: its host, when it is another.
    ``more_models_paths``: of lists beside it, which need not be there.
    ``priced_as``: the provider whose prices hold, when it is not ``name`` (custom providers).
    ``flex``: patterns of the models that have the tier of that name (``Endpoint.flex``).
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
    models_base_url: str = ""
    more_models_paths: tuple[str, ...] = ()
    batch: BatchApi | None = None
    flex: tuple[str, ...] = ()
    keyless: bool = False
    priced_as: str = ""
    settings: Mapping[str, str] = {}
    settings_env: Mapping[str, tuple[str, ...]] = {}
    key_config: str = ""

    def settings_with(self, key: Key | None) -> Mapping[str, str]:
        """The settings that hold for ``key``."""
        return {**self.settings, **key.settings} if key else self.settings

    def endpoint_for(self, inbound: Format, model: str = "", key: Key | None = None) -> Endpoint:
        """The endpoint for ``model`` that speaks ``inbound``, else the preferred one of the same operation.

        Raises Refused(400) when the provider serves nothing of the kind.
        """
        wanted = OPERATIONS[inbound]
        settings = self.settings_with(key)
        able = [each for each in self.serves if OPERATIONS[each.format] is wanted and each.covers(model, settings)]
        if not able:
            of = f" for model {model}" if model else ""
            message = f"{wanted} is not supported by {self.name} provider{of}"
            raise Refused(400, message, code="unsupported_operation", param="model")
        return next((each for each in able if each.format is inbound), able[0])
