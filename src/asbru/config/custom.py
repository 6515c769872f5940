"""Custom providers: rows made of a base type and ``custom_provider_config``."""

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from msgspec.structs import replace

from asbru.config.address import http_url, rebased
from asbru.config.findings import Findings
from asbru.config.own_row import in_own_words
from asbru.config.shape import REQUESTS, CustomShape
from asbru.config.walk import nearest
from asbru.model.names import OPERATIONS, Family
from asbru.providers import CATALOG, Endpoint, Provider
from asbru.wire import CODECS

BASES = tuple(name for name in CATALOG if name != "local")
"""Built-in providers whose formats, quirks and kind of credential a custom provider may borrow."""

_WHEN_SAID = frozenset({"responses", "count_tokens"})
"""Most servers that speak OpenAI's chat completions do not speak its Responses: ``allowed_requests`` or a path must say
so. Until then a Responses client is translated, and tokens are estimated.
"""

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
    base = CATALOG[said.base_provider_type]
    row = replace(
        base,
        name=name,
        serves=_offered(base, said),
        env=(),
        base_url_env=(),
        settings_env={},
        docs="",
        batch=None,
        keyless=said.is_key_less,
        priced_as=said.base_provider_type,
    )
    row = in_own_words(row, said, at, findings)
    _check_names(said.allowed_requests or {}, f"{at}.allowed_requests", findings)
    return _placed(row, base_url, said.request_path_overrides, f"{at}.request_path_overrides", findings)


def _offered(base: Provider, said: CustomShape) -> tuple[Endpoint, ...]:
    """The base's endpoints that are there. Where one is not, the first of its operation is asked for all models."""
    offered = tuple(each for each in base.serves if _is_offered(each, said))
    lacking = {OPERATIONS[each.format] for each in base.serves if each not in offered}
    first = {OPERATIONS[each.format]: each for each in reversed(offered)}
    return tuple(
        replace(each, models=("*",))
        if OPERATIONS[each.format] in lacking and first[OPERATIONS[each.format]] is each
        else each
        for each in offered
    )


def _is_offered(endpoint: Endpoint, said: CustomShape) -> bool:
    codec = CODECS[endpoint.format]
    word = codec.request
    if codec.family is not Family.OPENAI or word not in _WHEN_SAID:
        return True
    return bool(said.allowed_requests and said.allowed_requests.get(word)) or word in said.request_path_overrides


def _which_base(word: str) -> str:
    if not word:
        return f"is missing; it must be one of {', '.join(BASES)}"
    return "must be a built-in provider" + (nearest(word, BASES) or f" ({', '.join(BASES)})")


def _check_names(said: Mapping[str, object], path: str, findings: Findings) -> None:
    for name in said:
        if name not in REQUESTS:
            findings.refuse(f"{path}.{name}", "unknown request type" + nearest(name, sorted(REQUESTS)))


def _placed(row: Provider, url: str, overrides: Mapping[str, str], path: str, findings: Findings) -> Provider:
    """``row`` at ``url``, or, when paths are given, at its host, with these paths.

    An override is a path from the base URL as it is written in the file, or a full URL on the same host.
    """
    _check_names(overrides, path, findings)
    placed = rebased(row, url) if url else row
    if not overrides:
        return placed
    written = urlsplit(url)
    usual = urlsplit(placed.base_url).path
    paths = {name: _path(said, url, f"{path}.{name}", findings) for name, said in overrides.items()}
    words = {word for each in row.serves for word in _words(each)}
    for name in sorted(paths.keys() & REQUESTS - {"list_models", *words}):
        findings.notice(f"`{path}.{name}` is read by a later version; it has no effect now")
    return replace(
        row,
        base_url=f"{written.scheme}://{written.netloc}",
        serves=tuple(_endpoints(row.serves, usual, paths)),
        models_path=paths.get("list_models", usual + row.models_path),
    )


def _words(endpoint: Endpoint) -> tuple[str, str]:
    """What its operation is called in ``request_path_overrides``, plain and streamed."""
    word = CODECS[endpoint.format].request
    return word, f"{word}_stream"


def _endpoints(serves: Iterable[Endpoint], usual: str, paths: Mapping[str, str]) -> Iterator[Endpoint]:
    """``serves`` with their paths from the host on. A path that is said is that of an operation's preferred format."""
    placed: set[str] = set()
    for endpoint in serves:
        plain, stream = _words(endpoint)
        path = paths.get(plain, paths.get(stream, "")) if plain not in placed else ""
        placed.add(plain)
        if path:
            yield replace(endpoint, path=path, stream_path=paths.get(stream, path))
        else:
            stream_path = usual + endpoint.stream_path if endpoint.stream_path else ""
            yield replace(endpoint, path=usual + endpoint.path, stream_path=stream_path)


def _path(said: str, base_url: str, path: str, findings: Findings) -> str:
    """The path on the host. ``base_url``: as written in the file."""
    if "://" in said:
        url, base = urlsplit(http_url(said, path, findings)), urlsplit(base_url)
        if url.netloc and (url.scheme, url.netloc) != (base.scheme, base.netloc):
            findings.refuse(path, "must be on the host of base_url; another host is another provider")
        return url.path
    if not re.fullmatch(r"/?([^\s?#{}\x00-\x1f]|\{model\})+", said):
        findings.refuse(path, "must be a path such as /v1/chat/completions, or a full URL")
    return f"{urlsplit(base_url).path}/{said.lstrip('/')}"
