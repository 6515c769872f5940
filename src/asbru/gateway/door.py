"""One way out: an endpoint of a provider, with a key, for a model: all of a request but its body."""

import base64
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import quote, urlsplit

from msgspec import Struct

from asbru.gateway.lanes import merge
from asbru.model.failure import Refused
from asbru.model.http import Headers
from asbru.model.keys import Key, Network
from asbru.model.names import Family, Format, Framing
from asbru.providers import Bearer, Endpoint, InHeader, Provider, Quirks
from asbru.upstream.call import Deadlines, Origin
from asbru.wire import CODECS

_HEADS_KEPT = 256


class Unsigned(Struct, frozen=True):
    """A request before its credential. ``target``: path and query as they are sent. ``headers``: all but the length."""

    method: str
    origin: Origin
    target: str
    headers: Headers
    body: bytes


class Signer(Protocol):
    """Makes the credential of requests that no fixed header carries: a signature, or a token that expires."""

    async def sign(self, request: Unsigned) -> Headers:
        """Headers to add. Raises Upstream when no credential can be had."""


class Opening(Struct, frozen=True):
    """What a door is made of. ``signer``: None when the credential is a fixed header, or there is none."""

    provider: Provider
    endpoint: Endpoint
    key: Key | None
    network: Network
    signer: Signer | None = None


class Door:
    """``model``: the name that goes upstream. ``headers`` of a client that go upstream make a head of their own; those
    are kept, as clients repeat them.
    """

    __slots__ = (
        "_credential",
        "_fixed",
        "_heads",
        "_signer",
        "_targets",
        "deadlines",
        "family",
        "format",
        "framing",
        "model",
        "origin",
        "quirks",
    )

    def __init__(self, opening: Opening, model: str) -> None:
        provider, endpoint, key, network = opening.provider, opening.endpoint, opening.key, opening.network
        url = base_url_of(provider, key)
        self.model = key.deployments.get(model, model) if key else model
        self.format: Format = endpoint.format
        self.framing: Framing = endpoint.framing
        self.family: Family = CODECS[endpoint.format].family
        self.origin = origin_of(url, network)
        self.deadlines = deadlines_of(network)
        self.quirks: Quirks = merge(provider.quirks, endpoint.quirks)
        self._signer = opening.signer
        base = urlsplit(url).path.rstrip("/")
        self._targets = tuple(
            base + _filled(path, {**_settings(key), "model": quote(self.model, safe="")}, provider.name)
            for path in (endpoint.path, endpoint.stream_path or endpoint.path)
        )
        self._fixed = headers_of(provider, key, network)
        self._credential = {} if opening.signer else credential_of(provider, key)
        self._heads: dict[tuple[bool, bytes, tuple[tuple[bytes, bytes], ...]], bytes] = {}

    def head(self, headers: Headers, stream: bool, kind: bytes) -> bytes:
        """Request line and headers, each ended by CRLF. ``headers`` win over the row's own, not over the credential.

        ``kind``: media type of the body.
        """
        asked = (stream, kind, tuple(headers.items()))
        head = self._heads.get(asked)
        if head is None:
            if len(self._heads) >= _HEADS_KEPT:
                self._heads.clear()
            line = f"POST {self._targets[stream]} HTTP/1.1\r\n".encode()
            head = self._heads[asked] = line + head_lines({**self._headers(headers, kind), **self._credential})
        return head

    @property
    def signed(self) -> bool:
        """Whether each request needs sign()."""
        return self._signer is not None

    async def sign(self, headers: Headers, stream: bool, kind: bytes, body: bytes) -> bytes:
        """More lines for the head: what the signer adds for this request. Raises Upstream."""
        assert self._signer is not None
        request = Unsigned("POST", self.origin, self._targets[stream], self._headers(headers, kind), body)
        return head_lines(await self._signer.sign(request))

    def _headers(self, passed: Headers, kind: bytes) -> dict[bytes, bytes]:
        return {**merge_headers(self._fixed, passed, self.family), b"content-type": kind}


def _settings(key: Key | None) -> Mapping[str, str]:
    return key.settings if key else {}


def _filled(text: str, values: Mapping[str, str], provider: str) -> str:
    """``text`` with its ``{…}`` filled. Raises Refused(400) when a key lacks a setting that they ask for."""
    if "{" not in text:
        return text
    try:
        return text.format_map(values)
    except KeyError as missing:
        message = f"The key of provider {provider} has no {missing.args[0]}."
        raise Refused(400, message, code="invalid_request_error", param="model") from None


def base_url_of(provider: Provider, key: Key | None) -> str:
    """The provider's address for this key. Raises Refused(400) when the key does not say all of it."""
    return _filled(provider.base_url, _settings(key), provider.name)


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


def headers_of(provider: Provider, key: Key | None, network: Network) -> dict[bytes, bytes]:
    """Host, and the row's and the operator's headers."""
    netloc = urlsplit(base_url_of(provider, key)).netloc.rpartition("@")[2]
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
