"""What the gateway runs with: a configuration that has been read, checked and merged with the catalogue."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from asbru.config.stores import Database
from asbru.governance import Register
from asbru.model.keys import Key, Network, Secret
from asbru.model.shown import NOTHING, Shown
from asbru.providers import CATALOG, Provider
from asbru.routing import ProviderRoute, Table

DAY = 86_400.0


class ProviderSettings(Struct, frozen=True, kw_only=True):
    """One provider that can be asked.

    ``provider``: its row, base URL merged; "" for the built-in ``local``, whose address is known when its server runs.
    ``network.max_conns_per_host`` is also the most requests at once of one worker: HTTP/1.1 carries one per connection.
    ``allowed_requests``: see ``routing.ProviderRoute``. ``base``: the base type of a custom provider, else "".
    ``shown``: whether callers see the bodies that it got and gave.
    """

    provider: Provider
    keys: tuple[Key, ...] = ()
    network: Network = Network()
    allowed_requests: frozenset[str] | None = None
    base: str = ""
    shown: Shown = NOTHING


class Client(Struct, frozen=True, kw_only=True):
    """How clients are served. ``max_request_body_size``: bytes; batch creates have their own limit.

    ``allowed_origins``: whose pages may ask from a browser, beside this machine's; ``*``: all.
    ``allow_direct_keys``: whether clients' own credentials go to the providers. ``enforce_auth_on_inference``: whether
    a virtual key is needed. ``required_headers``: names, small, of what every request must have.
    """

    max_request_body_size: int = 100 << 20
    allowed_origins: tuple[str, ...] = ()
    allow_direct_keys: bool = False
    enforce_auth_on_inference: bool = False
    required_headers: tuple[str, ...] = ()


class Admin(Struct, frozen=True):
    """Somebody who manages, as the file says it."""

    username: str
    password: Secret


class BatchSettings(Struct, frozen=True, kw_only=True):
    """``concurrency``: most items at once of one worker. ``expiry``: seconds until a batch's open items expire."""

    concurrency: int = 256
    expiry: float = DAY


class WebhookSettings(Struct, frozen=True, kw_only=True):
    """``url`` "": none but those that batches name. ``secret`` "": there are none. ``anywhere``: addresses that only
    the gateway can reach may be named.
    """

    url: str = ""
    secret: Secret = Secret("")
    anywhere: bool = False


class S3Settings(Struct, frozen=True, kw_only=True):
    """Buckets that batches may use. ``endpoint`` "": Amazon's own. ``buckets``: shell patterns of their names.

    ``key``: the credentials, as those of a provider that is signed for.
    """

    endpoint: str
    buckets: tuple[str, ...]
    key: Key


class Documents(dict[str, Any]):
    """Providers' JSON by name. It may hold credentials, so that only the names are printed."""

    def __repr__(self) -> str:
        return f"Documents({sorted(self)})"


class Settings(Struct, frozen=True, kw_only=True):
    """``providers`` by name. ``public_url``: where clients reach the gateway, without a final slash; "": as they came.

    ``documents``: the providers as JSON, as the file has them. ``register``: people and limits that the file names.
    ``admin``: whom it wants to manage.
    ``database``: None for SQLite in the app dir.
    ``notices``: what the operator should know. ``detected``: no provider was configured, so the environment was asked.
    """

    providers: Mapping[str, ProviderSettings] = {}
    client: Client = Client()
    batch: BatchSettings = BatchSettings()
    webhook: WebhookSettings = WebhookSettings()
    s3: S3Settings | None = None
    documents: Documents = Documents()
    register: Register = Register()
    admin: Admin | None = None
    public_url: str = ""
    database: Database | None = None
    notices: tuple[str, ...] = ()
    detected: bool = False


def table_of(settings: Settings) -> Table:
    """What routing needs of ``settings``."""
    return Table({name: _route(each) for name, each in settings.providers.items()}, frozenset(CATALOG))


def _route(each: ProviderSettings) -> ProviderRoute:
    return ProviderRoute(
        name=each.provider.name,
        keys=each.keys,
        keyless=each.provider.keyless,
        max_retries=each.network.max_retries,
        backoff_initial=each.network.backoff_initial,
        backoff_max=each.network.backoff_max,
        allowed_requests=each.allowed_requests,
    )


def placed(settings: Settings, name: str, base_url: str) -> Settings:
    """``settings`` with provider ``name`` at ``base_url``, or without it when ``base_url`` is "".

    A provider that has an address already (``base_url`` in the file) keeps it.
    """
    providers = dict(settings.providers)
    each = providers.get(name)
    if each is None or each.provider.base_url:
        return settings
    if base_url:
        providers[name] = replace(each, provider=replace(each.provider, base_url=base_url))
    else:
        del providers[name]
    return replace(settings, providers=providers)
