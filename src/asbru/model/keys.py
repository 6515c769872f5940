"""Provider keys and network settings, as routing and the gateway see them."""

from collections.abc import Mapping

from msgspec import Struct


class Secret:
    """A credential that prints as ``***``; ``reveal()`` is the one way to its value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself. Only for signing a request."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(***)"


class Key(Struct, frozen=True, kw_only=True):
    """One credential of a provider. ``models``: empty or ``("*",)`` means all; ``blacklisted_models`` wins over it.

    ``deployments``: model -> what this key's account calls it. ``settings``: what fills the ``{…}`` of the provider's
    base URL and paths for this key (``region``, ``project``). ``secrets``: what a signer needs (``client_secret``,
    ``session_token``). ``ambient``: it may be without a value, as its credential is one of ``secrets``, or is found
    where the gateway runs (AWS's chain, Google's ADC), or there is none. ``passing``: it came with a request, and
    nothing is kept of it.
    """

    id: str
    name: str
    value: Secret
    weight: float = 1.0
    models: tuple[str, ...] = ()
    blacklisted_models: tuple[str, ...] = ()
    use_for_batch_api: bool = True
    enabled: bool = True
    deployments: Mapping[str, str] = {}
    settings: Mapping[str, str] = {}
    secrets: Mapping[str, Secret] = {}
    ambient: bool = False
    passing: bool = False

    @property
    def usable(self) -> bool:
        """Whether requests may be made with it."""
        return self.enabled and (bool(self.value) or self.ambient)

    def allows(self, model: str) -> bool:
        """Whether this key may be used for ``model``."""
        if model in self.blacklisted_models or "*" in self.blacklisted_models:
            return False
        return not self.models or "*" in self.models or model in self.models


class Network(Struct, frozen=True, kw_only=True):
    """How a provider is reached. Durations in seconds. Defaults: features.md 2.3, but retries are on (2, not 0)."""

    base_url: str = ""
    extra_headers: Mapping[str, str] = {}
    connect_timeout: float = 10.0
    request_timeout: float = 120.0
    stream_idle_timeout: float = 60.0
    max_retries: int = 2
    backoff_initial: float = 0.5
    backoff_max: float = 5.0
    proxy: str = ""
    proxy_username: str = ""
    proxy_password: Secret = Secret("")
    insecure_skip_verify: bool = False
    ca_cert_pem: str = ""
    max_conns_per_host: int = 5000

    def __repr__(self) -> str:
        """Without the values of headers, which may be credentials."""
        shown = {name: getattr(self, name) for name in self.__struct_fields__}
        shown["extra_headers"] = sorted(self.extra_headers)
        return "Network(" + ", ".join(f"{name}={value!r}" for name, value in shown.items()) + ")"
