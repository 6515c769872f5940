"""All that the hot path reads, immutable: swapped whole when the configuration changes."""

import base64
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from asbru.gateway.lanes import merge
from asbru.model.http import Headers
from asbru.model.keys import Key, Network
from asbru.model.names import Family, Format
from asbru.model.usage import Price
from asbru.providers import Bearer, Endpoint, InHeader, Provider, Quirks
from asbru.routing import Table
from asbru.upstream.call import Deadlines, Origin
from asbru.wire import CODECS

PriceOf = Callable[[str, str], tuple[Price, ...]]
"""(provider, model) -> its prices; empty when unknown."""

_HEADS_KEPT = 1024


class Door:
    """One endpoint of one provider with one key: everything of a request that does not depend on its body.

    ``headers`` of a client that go upstream make a head of their own; those are kept, as clients repeat them.
    """

    __slots__ = (
        "_credential",
        "_fixed",
        "_heads",
        "_line",
        "deadlines",
        "family",
        "format",
        "origin",
        "path",
        "quirks",
    )

    def __init__(self, provider: Provider, endpoint: Endpoint, key: Key | None, network: Network) -> None:
        url = provider.base_url
        self.format: Format = endpoint.format
        self.family: Family = CODECS[endpoint.format].family
        self.origin = origin_of(url, network)
        self.deadlines = deadlines_of(network)
        self.quirks: Quirks = merge(provider.quirks, endpoint.quirks)
        self.path = urlsplit(url).path.rstrip("/") + endpoint.path
        self._line = f"POST {self.path} HTTP/1.1\r\n".encode()
        self._fixed = {**headers_of(provider, network), b"content-type": b"application/json"}
        self._credential = credential_of(provider, key)
        self._heads: dict[tuple[tuple[bytes, bytes], ...], bytes] = {}

    def head(self, headers: Headers) -> bytes:
        """Request line and headers, each ended by CRLF. ``headers`` win over the row's own, not over the credential."""
        passed = tuple(headers.items())
        head = self._heads.get(passed)
        if head is None:
            if len(self._heads) >= _HEADS_KEPT:
                self._heads.clear()
            head = self._heads[passed] = self._line + head_lines(
                {**merge_headers(self._fixed, headers, self.family), **self._credential}
            )
        return head


def merge_headers(fixed: Mapping[bytes, bytes], passed: Headers, family: Family) -> dict[bytes, bytes]:
    """The provider's headers and the client's. A client's ``anthropic-…`` header goes to Anthropic's format only."""
    out = dict(fixed)
    for name, value in passed.items():
        if name.startswith(b"anthropic-") and family is not Family.ANTHROPIC:
            continue
        out[name] = value
    return out


def head_lines(headers: Mapping[bytes, bytes]) -> bytes:
    """Header lines, each ended by CRLF."""
    return b"".join(b"%b: %b\r\n" % (name, value) for name, value in headers.items())


def origin_of(url: str, network: Network) -> Origin:
    """Where connections to ``url`` go."""
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    user = network.proxy_username
    token = base64.b64encode(f"{user}:{network.proxy_password.reveal()}".encode()) if user else b""
    return Origin(
        host=parts.hostname or "",
        port=parts.port or (443 if tls else 80),
        tls=tls,
        verify=not network.insecure_skip_verify,
        ca_pem=network.ca_cert_pem,
        proxy=network.proxy,
        proxy_auth=b"Basic " + token if token else b"",
        max_connections=network.max_conns_per_host,
    )


def deadlines_of(network: Network) -> Deadlines:
    """The deadlines that a provider's network settings ask for."""
    return Deadlines(
        connect=network.connect_timeout,
        first_byte=network.request_timeout,
        silence=network.stream_idle_timeout,
        total=network.request_timeout,
    )


def headers_of(provider: Provider, network: Network) -> dict[bytes, bytes]:
    """Host, and the row's and the operator's headers."""
    netloc = urlsplit(provider.base_url).netloc.rpartition("@")[2]
    out = {b"host": netloc.encode(), b"user-agent": b"asbru", b"accept": b"*/*"}
    for name, value in {**provider.headers, **network.extra_headers}.items():
        out[name.lower().encode()] = value.encode()
    return out


def credential_of(provider: Provider, key: Key | None) -> dict[bytes, bytes]:
    """The header that carries the key; empty when there is none."""
    if key is None or not key.value:
        return {}
    match provider.auth:
        case Bearer():
            return {b"authorization": b"Bearer " + key.value.reveal().encode()}
        case InHeader(name):
            return {name.lower().encode(): key.value.reveal().encode()}
        case _:
            return {}


class Snapshot(Struct, frozen=True, kw_only=True):
    """``providers`` and ``networks`` by name; ``doors`` is filled as targets are first used."""

    providers: Mapping[str, Provider]
    networks: Mapping[str, Network]
    table: Table
    price: PriceOf
    doors: dict[tuple[str, str, Format], Door] = {}

    def door(self, name: str, key: Key | None, inbound: Format) -> Door:
        """The way out to provider ``name`` with ``key`` for a client that speaks ``inbound``."""
        at = (name, key.id if key else "", inbound)
        door = self.doors.get(at)
        if door is None:
            provider = self.providers[name]
            door = self.doors[at] = Door(provider, provider.endpoint_for(inbound), key, self.networks[name])
        return door
