"""One way out: an endpoint of a provider, with a key, for a model: all of a request but its body."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol
from urllib.parse import quote, urlsplit

from msgspec import Struct

from asbru.gateway.bending import merge
from asbru.gateway.flex import flex_members
from asbru.model.failure import Refused
from asbru.model.http import Headers
from asbru.model.keys import Key, Network
from asbru.model.names import Family, Format, Framing
from asbru.model.usage import Price
from asbru.providers import Auth, AzureToken, Bearer, Endpoint, GoogleToken, InHeader, InQuery, Provider, Quirks, SigV4
from asbru.upstream.origin import deadlines_of, origin_of
from asbru.upstream.signing import Account, Signer, Unsigned
from asbru.wire import CODECS

_HEADS_KEPT = 256


_LONGEST_KIND = 40
"""Longer media types have a boundary: they never come again."""


class Sent(Protocol):
    """A body, as its head tells of it. ``path``: what it wants in the endpoint's path (``{{voice}}`` in the row)."""

    kind: bytes
    path: tuple[tuple[str, str], ...]


class Opening(Struct, frozen=True):
    """What a door is made of. ``signer``: None when the credential is a fixed header, or there is none."""

    provider: Provider
    endpoint: Endpoint
    key: Key | None
    network: Network
    signer: Signer | None = None
    prices: tuple[Price, ...] = ()
    flex_prices: tuple[Price, ...] = ()


class Door:
    """``model``: the name that goes upstream. ``headers`` of a client that go upstream make a head of their own; those
    are kept, as clients repeat them.
    """

    __slots__ = (
        "_credential",
        "_fixed",
        "_heads",
        "_not_passed",
        "_signer",
        "_targets",
        "deadlines",
        "family",
        "flex",
        "flex_prices",
        "format",
        "framing",
        "model",
        "origin",
        "prices",
        "quirks",
        "signed",
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
        self.prices = opening.prices
        self.flex_prices = opening.flex_prices
        self.flex = flex_members(provider, endpoint, model)
        self.signed = opening.signer is not None
        """Whether each request needs sign()."""
        self._signer = opening.signer
        base = urlsplit(url).path.rstrip("/")
        auth = endpoint.auth or provider.auth
        self._not_passed = foreign(self.family, auth)
        self._targets = tuple(
            with_query(base + filled(path, provider, key, self.model), auth, key)
            for path in (endpoint.path, endpoint.stream_path or endpoint.path)
        )
        self._fixed = {**headers_of(provider, key, network), **_encoded(endpoint.headers)}
        self._credential = {} if opening.signer else credential_of(auth, key)
        self._heads: dict[tuple[bool, bytes, tuple[tuple[bytes, bytes], ...]], bytes] = {}

    def head(self, headers: Headers, stream: bool, sent: Sent) -> bytes:
        """Request line and headers, each ended by CRLF. ``headers`` win over the row's own, not over the credential."""
        kind = sent.kind
        if sent.path or len(kind) > _LONGEST_KIND:
            return self._head(headers, stream, sent)
        asked = (stream, kind, tuple(headers.items()))
        head = self._heads.get(asked)
        if head is None:
            if len(self._heads) >= _HEADS_KEPT:
                self._heads.clear()
            head = self._heads[asked] = self._head(headers, stream, sent)
        return head

    def _head(self, headers: Headers, stream: bool, sent: Sent) -> bytes:
        line = f"POST {self._target(stream, sent)} HTTP/1.1\r\n".encode()
        return line + head_lines({**self._headers(headers, sent.kind), **self._credential})

    def _target(self, stream: bool, sent: Sent) -> str:
        target = self._targets[stream]
        return target.format_map({name: segment(value, name) for name, value in sent.path}) if sent.path else target

    async def sign(self, headers: Headers, stream: bool, sent: Sent, body: bytes) -> bytes:
        """More lines for the head: what the signer adds for this request. Raises Upstream."""
        assert self._signer is not None
        target = self._target(stream, sent)
        request = Unsigned("POST", self.origin, target, self._headers(headers, sent.kind), body)
        return head_lines(await self._signer.sign(request))

    def _headers(self, passed: Headers, kind: bytes) -> dict[bytes, bytes]:
        return {**merge_headers(self._fixed, passed, self._not_passed), b"content-type": kind}


def segment(value: str, param: str) -> str:
    """``value`` as one segment of a path. Raises Refused(400) for what would lead to another path."""
    if value in (".", ".."):
        raise Refused(400, f"{param}: must not be {value!r}", code="invalid_request_error", param=param)
    return quote(value, safe="")


def filled(
    text: str, provider: Provider, key: Key | None, model: str = "", more: Mapping[str, str] = MappingProxyType({})
) -> str:
    """``text`` with its ``{…}`` filled: by the key's settings, the model, and ``more``, each one segment.

    Raises Refused(400) when a key lacks a setting that they ask for.
    """
    if "{" not in text:
        return text
    told = {**provider.settings_with(key), "model": segment(model, "model")}
    told |= {name: segment(value, name) for name, value in more.items()}
    if "{path}" in text:
        told["path"] = _path_of(model)
    try:
        return text.format_map(told)
    except KeyError as missing:
        message = f"The key of provider {provider.name} has no {missing.args[0]}."
        raise Refused(400, message, code="invalid_request_error", param="model") from None


def _path_of(model: str) -> str:
    """A model's name as a path of its own (``tunedModels/x``). Raises Refused(400) when it would lead elsewhere."""
    return "/".join(segment(each, "model") for each in model.split("/"))


def base_url_of(provider: Provider, key: Key | None) -> str:
    """The provider's address for this key. Raises Refused(400) when the key does not say all of it."""
    return filled(provider.base_url, provider, key)


def account_of(provider: Provider, auth: Auth, key: Key | None, network: Network) -> Account:
    """Who signs: ``key`` of ``provider``, in the way of ``auth``."""
    settings = provider.settings_with(key)
    return Account(provider=provider.name, auth=auth, key=key, settings=settings, network=network)


def merge_headers(fixed: Mapping[bytes, bytes], passed: Headers, without: tuple[bytes, ...]) -> dict[bytes, bytes]:
    """The provider's headers and the client's, without those of another dialect, which begin with ``without``."""
    out = dict(fixed)
    for name, value in passed.items():
        if not name.startswith(without):
            out[name] = value
    return out


def foreign(family: Family, auth: Auth) -> tuple[bytes, ...]:
    """How headers of clients begin that this endpoint would not understand: another dialect's, and Amazon's own."""
    anthropics = () if family is Family.ANTHROPIC else (b"anthropic-",)
    return anthropics if isinstance(auth, SigV4) else (*anthropics, b"x-amzn-")


def head_lines(headers: Mapping[bytes, bytes]) -> bytes:
    """Header lines, each ended by CRLF."""
    return b"".join(b"%b: %b\r\n" % (name, value) for name, value in headers.items())


def headers_of(provider: Provider, key: Key | None, network: Network) -> dict[bytes, bytes]:
    """Host, and the row's and the operator's headers."""
    netloc = urlsplit(base_url_of(provider, key)).netloc.rpartition("@")[2]
    out = {b"host": netloc.encode(), b"user-agent": b"asbru", b"accept": b"*/*"}
    return {**out, **_encoded({**provider.headers, **network.extra_headers})}


def _encoded(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    return {name.lower().encode(): value.encode() for name, value in headers.items()}


def credential_of(auth: Auth, key: Key | None) -> dict[bytes, bytes]:
    """The header that carries the key; empty when there is none."""
    if key is None or not key.value:
        return {}
    value = key.value.reveal().encode()
    match auth:
        case Bearer() | SigV4():
            return {b"authorization": b"Bearer " + value}
        case InHeader(name, prefix):
            return {name.lower().encode(): prefix.encode() + value}
        case AzureToken(header):
            return {header.encode(): value}
        case GoogleToken():
            return {b"x-goog-api-key": value}
        case _:
            return {}


def with_query(target: str, auth: Auth, key: Key | None) -> str:
    """``target`` with the key among its parameters, where that is its place."""
    if not isinstance(auth, InQuery) or key is None or not key.value:
        return target
    return f"{target}{'&' if '?' in target else '?'}{auth.name}={quote(key.value.reveal(), safe='')}"
