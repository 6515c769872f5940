"""Custom providers: rows made of a base type and ``custom_provider_config``."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec.structs import replace

from asbru.config.address import has_version, http_url
from asbru.config.findings import Findings
from asbru.config.shape import REQUESTS, CustomShape
from asbru.config.walk import nearest
from asbru.providers import CATALOG, Endpoint, Provider
from asbru.wire import CODECS

BASES = ("anthropic", "openai")
"""Built-in providers whose format and credential a custom provider may borrow."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def custom_row(name: str, said: CustomShape, base_url: str, path: str, findings: Findings) -> Provider | None:
    """The row of a custom provider; None when there is none to be made. ``base_url``: as the file has it."""
    at = f"{path}.custom_provider_config"
    if name in CATALOG:
        findings.refuse(at, f"{name} is built in; a provider of your own needs another name")
        return None
    if not _NAME.fullmatch(name):
        findings.refuse(path, "a provider's name must consist of letters, digits, dots, dashes and underscores")
    if said.base_provider_type not in BASES:
        findings.refuse(f"{at}.base_provider_type", _which_base(said.base_provider_type))
        return None
    row = replace(
        CATALOG[said.base_provider_type],
        name=name,
        base_url=base_url,
        env=(),
        base_url_env=(),
        docs="",
        batch=None,
        keyless=said.is_key_less,
        priced_as=said.base_provider_type,
    )
    _check_names(said.allowed_requests or {}, f"{at}.allowed_requests", findings)
    return _placed(row, said.request_path_overrides, f"{at}.request_path_overrides", findings)


def _which_base(word: str) -> str:
    if not word:
        return f"is missing; it must be one of {', '.join(BASES)}"
    return f"must be one of {', '.join(BASES)} in this version{nearest(word, BASES)}"


def _check_names(said: Mapping[str, object], path: str, findings: Findings) -> None:
    for name in said:
        if name not in REQUESTS:
            findings.refuse(f"{path}.{name}", "unknown request type" + nearest(name, sorted(REQUESTS)))


def _placed(row: Provider, overrides: Mapping[str, str], path: str, findings: Findings) -> Provider:
    """``row`` with its version in place, or, when paths are given, with its base URL cut down to the host.

    An override is a path from the base URL as it is written in the file, or a full URL on the same host.
    """
    _check_names(overrides, path, findings)
    if not overrides:
        return replace(row, base_url=_versioned(row.base_url))
    written = urlsplit(row.base_url)
    usual = urlsplit(_versioned(row.base_url)).path
    paths = {name: _path(said, row.base_url, f"{path}.{name}", findings) for name, said in overrides.items()}
    words = {word for each in row.serves for word in _words(each)}
    for name in sorted(paths.keys() & REQUESTS - {"list_models", *words}):
        findings.notice(f"`{path}.{name}` is read by a later version; it has no effect now")
    return replace(
        row,
        base_url=f"{written.scheme}://{written.netloc}",
        serves=tuple(_endpoint(each, usual, paths, (path, findings)) for each in row.serves),
        models_path=paths.get("list_models", usual + row.models_path),
    )


def _versioned(url: str) -> str:
    return url if not url or has_version(url) else f"{url}/v1"


def _words(endpoint: Endpoint) -> tuple[str, str]:
    """What its operation is called in ``request_path_overrides``, plain and streamed."""
    word = CODECS[endpoint.format].request
    return word, f"{word}_stream"


def _endpoint(endpoint: Endpoint, usual: str, paths: Mapping[str, str], told: tuple[str, Findings]) -> Endpoint:
    at, findings = told
    plain, stream = _words(endpoint)
    said = {paths[name] for name in (plain, stream) if name in paths}
    if len(said) > 1:
        findings.refuse(f"{at}.{stream}", f"must be the same path as {plain}")
    return replace(endpoint, path=next(iter(said)) if said else usual + endpoint.path)


def _path(said: str, base_url: str, path: str, findings: Findings) -> str:
    """The path on the host. ``base_url``: as written in the file."""
    if "://" in said:
        url, base = urlsplit(http_url(said, path, findings)), urlsplit(base_url)
        if url.netloc and (url.scheme, url.netloc) != (base.scheme, base.netloc):
            findings.refuse(path, "must be on the host of base_url; another host is another provider")
        return url.path
    if not re.fullmatch(r"/?[^\s?#\x00-\x1f]+", said):
        findings.refuse(path, "must be a path such as /v1/chat/completions, or a full URL")
    return f"{urlsplit(base_url).path}/{said.lstrip('/')}"
