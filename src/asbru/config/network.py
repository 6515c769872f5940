"""How one provider is reached, read from ``network_config``, ``proxy_config`` and ``concurrency_and_buffer_size``."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec.structs import replace

from asbru.config.address import Proxy, proxy_from_env, proxy_of, text_of
from asbru.config.findings import Findings
from asbru.config.shape import NetworkShape, ProviderShape, ProxyShape, Text
from asbru.config.walk import nearest
from asbru.model.keys import Network, Secret

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset({"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding", "upgrade"})
_PROXIES = ("none", "http", "environment")


def network_of(shape: ProviderShape, base_url: str, path: str, findings: Findings) -> Network:
    """The network settings of a provider at ``base_url``. ``path``: that of the provider."""
    said = shape.network_config or NetworkShape()
    network = _timing(said, f"{path}.network_config", findings)
    network = _trust(network, said, f"{path}.network_config", findings)
    network = replace(
        network, extra_headers=headers_of(said.extra_headers, f"{path}.network_config.extra_headers", findings)
    )
    network = _limits(network, shape, f"{path}.concurrency_and_buffer_size", findings)
    return _proxied(network, shape.proxy_config or ProxyShape(), base_url, f"{path}.proxy_config", findings)


def _timing(said: NetworkShape, path: str, findings: Findings) -> Network:
    usual = Network()
    initial = _milliseconds(said, "retry_backoff_initial", path, findings)
    most = _milliseconds(said, "retry_backoff_max", path, findings)
    network = Network(
        connect_timeout=_or(said.connect_timeout_in_seconds, usual.connect_timeout),
        request_timeout=_or(said.default_request_timeout_in_seconds, usual.request_timeout),
        stream_idle_timeout=_or(said.stream_idle_timeout_in_seconds, usual.stream_idle_timeout),
        max_retries=usual.max_retries if said.max_retries is None else said.max_retries,
        backoff_initial=_or(initial, usual.backoff_initial),
        backoff_max=_or(most, max(usual.backoff_max, initial or 0.0)),
        max_conns_per_host=said.max_conns_per_host or usual.max_conns_per_host,
    )
    if network.backoff_initial > network.backoff_max:
        findings.refuse(f"{path}.retry_backoff_initial", "must not be longer than retry_backoff_max")
    return network


def _or(said: float | None, usual: float) -> float:
    return usual if said is None else said


def _milliseconds(said: NetworkShape, name: str, path: str, findings: Findings) -> float | None:
    """A wait in seconds, from either of its two spellings (both are milliseconds: features.md 2.3)."""
    plain: float | None = getattr(said, name)
    spelled: float | None = getattr(said, f"{name}_ms")
    if plain is not None and spelled is not None:
        findings.refuse(f"{path}.{name}", f"is said twice: here and as {name}_ms; both are milliseconds")
    chosen = spelled if plain is None else plain
    return None if chosen is None else chosen / 1000


def _trust(network: Network, said: NetworkShape, path: str, findings: Findings) -> Network:
    pem = _pem(text_of(said.ca_cert_pem, f"{path}.ca_cert_pem", findings), f"{path}.ca_cert_pem", findings)
    if said.enforce_http2:
        findings.refuse(
            f"{path}.enforce_http2", "must be false: providers are asked over HTTP/1.1, which all of them speak"
        )
    if said.insecure_skip_verify and pem:
        findings.refuse(
            f"{path}.insecure_skip_verify", "contradicts ca_cert_pem: either trust that certificate, or any"
        )
    elif said.insecure_skip_verify:
        findings.notice(f"`{path}.insecure_skip_verify`: whoever can intercept the connection can read the key")
    return replace(network, insecure_skip_verify=said.insecure_skip_verify, ca_cert_pem=pem)


def _pem(text: str, path: str, findings: Findings) -> str:
    if text and "-----BEGIN CERTIFICATE-----" not in text:
        findings.refuse(path, "must hold certificates in PEM form (-----BEGIN CERTIFICATE-----)")
    return text


def headers_of(said: Mapping[str, Text], path: str, findings: Findings) -> Mapping[str, str]:
    """Headers to send, as the file has them at ``path``."""
    headers: dict[str, str] = {}
    for name, text in said.items():
        at = f"{path}.{name}"
        value = text_of(text, at, findings)
        if not _TOKEN.fullmatch(name):
            findings.refuse(at, "is not a header's name")
        elif name.lower() in _OURS:
            findings.refuse(at, "is set by the gateway itself")
        elif not value.isascii() or not value.isprintable():
            findings.refuse(at, "must be printable ASCII on one line")
        headers[name.lower()] = value
    return headers


def _limits(network: Network, shape: ProviderShape, path: str, findings: Findings) -> Network:
    said = shape.concurrency_and_buffer_size
    if said is None or said.concurrency is None:
        return network
    if said.buffer_size is not None and said.concurrency > said.buffer_size:
        findings.refuse(f"{path}.concurrency", "must not be greater than buffer_size")
    return replace(network, max_conns_per_host=min(network.max_conns_per_host, said.concurrency))


def _proxied(network: Network, said: ProxyShape, base_url: str, path: str, findings: Findings) -> Network:
    pem = _pem(text_of(said.ca_cert_pem, f"{path}.ca_cert_pem", findings), f"{path}.ca_cert_pem", findings)
    proxy = _proxy(said, base_url, path, findings)
    username = text_of(said.username, f"{path}.username", findings) or proxy.username
    password = text_of(said.password, f"{path}.password", findings)
    if not proxy.url:
        return network
    return replace(
        network,
        proxy=proxy.url,
        proxy_username=username,
        proxy_password=Secret(password) if password else proxy.password,
        ca_cert_pem="\n".join(each for each in (network.ca_cert_pem, pem) if each),
    )


def _proxy(said: ProxyShape, base_url: str, path: str, findings: Findings) -> Proxy:
    url = text_of(said.url, f"{path}.url", findings)
    match said.type:
        case "none" | "":
            return Proxy()
        case "environment":
            return proxy_from_env(base_url, path, findings)
        case "http" if url:
            return proxy_of(url, f"{path}.url", findings)
        case "http":
            findings.missing(f"{path}.url", "is missing")
        case "socks5":
            findings.refuse(f"{path}.type", "socks5 is not supported: use an HTTP proxy (http, or environment)")
        case other:
            findings.refuse(f"{path}.type", f"must be one of {', '.join(_PROXIES)}{nearest(other, _PROXIES)}")
    return Proxy()


def is_unencrypted(base_url: str) -> bool:
    """Whether keys sent to ``base_url`` can be read on the way: http to another machine."""
    parts = urlsplit(base_url)
    return parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1")
