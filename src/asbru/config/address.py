"""Addresses in a configuration: base URLs, proxies, and texts that stand in the environment."""

import re
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from asbru.config.findings import Findings
from asbru.config.shape import EnvText, Text
from asbru.model.keys import Secret
from asbru.providers import Provider

_VERSION = re.compile(r"v\d+(\.\d+)*([a-z]+\d*)?")
_MASKED = re.compile(r"(?s).{0,4}\*{8,}.{0,4}|<redacted>")


def text_of(text: Text, path: str, findings: Findings) -> str:
    """The text itself, or what the variable that it names holds; "" with an offence when that is not set."""
    if isinstance(text, EnvText):
        if text.from_env or (text.env_var and not text.value):
            return _from_env(text.env_var.removeprefix("env."), path, findings)
        text = text.value
    if text.startswith("env."):
        return _from_env(text.removeprefix("env."), path, findings)
    if _MASKED.fullmatch(text):
        findings.refuse(path, "is a masked value, as the management API shows it; write the value itself, or env.NAME")
        return ""
    return text


def _from_env(name: str, path: str, findings: Findings) -> str:
    found = findings.env.get(name, "")
    if not found:
        findings.refuse(path, f"environment variable {name} is not set" if name else "env. without a variable's name")
    return found


def has_version(url: str) -> bool:
    """Whether the last segment of the path is an API's version (``v1``, ``v1beta``, ``v2.1``)."""
    return bool(_VERSION.fullmatch(urlsplit(url).path.rstrip("/").rpartition("/")[2]))


def unversioned(url: str) -> str:
    """``url`` without the API's version at its end."""
    return url.rpartition("/")[0] if has_version(url) else url


def rebased(row: Provider, url: str) -> Provider:
    """``row`` asked at ``url``, which may be written with or without the API's version.

    Bifrost's base URLs leave versions out; those of rows have them, where all of the provider's paths begin with it.
    """
    usual = row.base_url or "/v1"
    row = replace(row, models_base_url="")
    if has_version(usual):
        return replace(row, base_url=url if has_version(url) else f"{url}/{usual.rpartition('/')[2]}")
    path = row.serves[0].path.rpartition("/")[0]
    while path and not has_version(path):
        path = path.rpartition("/")[0]
    return replace(row, base_url=url.removesuffix(path) if path else unversioned(url))


def http_url(url: str, path: str, findings: Findings) -> str:
    """``url`` without its final slashes; "" with an offence when it is not a plain http(s) address."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        findings.refuse(path, "is not a URL")
        return ""
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or not port_is_fine
        or re.search(r"[\s\x00-\x1f]", url)
    ):
        findings.refuse(path, "must be an address such as https://api.example.com")
    elif parts.query or parts.fragment:
        findings.refuse(path, "must not have a query or a fragment")
    elif parts.username is not None:
        findings.refuse(path, "must not hold a user name or password; keys and proxies have their own members")
    else:
        return url.rstrip("/")
    return ""


class Proxy(Struct, frozen=True, kw_only=True):
    """An HTTP proxy; ``url`` is "" or ``http://host:port``, its credentials apart."""

    url: str = ""
    username: str = ""
    password: Secret = Secret("")


def proxy_of(url: str, path: str, findings: Findings) -> Proxy:
    """An HTTP proxy's address with its credentials taken out; no proxy, with an offence, when it cannot be used."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or 80
    except ValueError:
        findings.refuse(path, "is not a URL")
        return Proxy()
    if parts.scheme != "http" or not parts.hostname:
        findings.refuse(
            path, "must be an address such as http://proxy.example.com:3128; no other kind of proxy is supported"
        )
        return Proxy()
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Proxy(url=f"http://{host}:{port}", username=parts.username or "", password=Secret(parts.password or ""))


def proxy_from_env(base_url: str, path: str, findings: Findings) -> Proxy:
    """What HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY (also in lower case) say for ``base_url``."""
    parts = urlsplit(base_url)
    if _is_direct(parts.hostname or "", _first(findings, "NO_PROXY")):
        return Proxy()
    url = _first(findings, f"{parts.scheme.upper()}_PROXY") or _first(findings, "ALL_PROXY")
    return proxy_of(url, path, findings) if url else Proxy()


def _first(findings: Findings, name: str) -> str:
    return findings.env.get(name.lower(), "") or findings.env.get(name, "")


def _is_direct(host: str, no_proxy: str) -> bool:
    """``no_proxy``: names separated by commas; each stands for itself and its subdomains, ``*`` for all."""
    for entry in no_proxy.split(","):
        name = entry.strip().lstrip("*").lstrip(".").partition(":")[0].lower()
        if entry.strip() == "*" or (name and (host == name or host.endswith(f".{name}"))):
            return True
    return False
