"""A custom provider's row in its own words: the members of the file that are named like those of built-in rows."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from asbru.config.findings import Findings
from asbru.config.network import headers_of
from asbru.config.shape import CustomShape
from asbru.config.walk import nearest
from asbru.model.names import Format, Framing
from asbru.providers import Auth, Endpoint, Provider, Quirks

_KINDS: Mapping[str, Any] = {"serves": tuple[Endpoint, ...], "auth": Auth, "quirks": Quirks}
_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_WORD = re.compile(r"'(?P<word>[^']*)'|`(?P<name>[^`]*)`")
_PATH = re.compile(r"/([^\s#{}\x00-\x1f]|\{\w+\})*")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
WORDS = (*Format, *Framing, "bearer", "header", "query", "none", *Endpoint.__struct_fields__, *Quirks.__struct_fields__)


def in_own_words(row: Provider, said: CustomShape, path: str, findings: Findings) -> Provider:
    """``row`` with what the file says of it instead of its base's."""
    own = {name: _converted(getattr(said, name), kind, f"{path}.{name}", findings) for name, kind in _KINDS.items()}
    own = {name: value for name, value in own.items() if value is not None}
    if said.headers:
        own["headers"] = {**row.headers, **headers_of(said.headers, f"{path}.headers", findings)}
    if said.models_path is not None:
        own["models_path"] = said.models_path
    row = replace(row, **own)
    if "serves" in own:
        _check_serves(row, f"{path}.serves", findings)
    if row.models_path and not _PATH.fullmatch(row.models_path):
        findings.refuse(f"{path}.models_path", "must be a path such as /models")
    name = getattr(row.auth, "name", "x")
    if not _TOKEN.fullmatch(name):
        findings.refuse(f"{path}.auth.name", "must be the name of a header or of a parameter")
    return row


def _converted(value: object, kind: Any, path: str, findings: Findings) -> Any:
    if value is None:
        return None
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        words = str(error)
        place = _PLACE.search(words)
        reason = words[: place.start()] if place else words
        found = _WORD.search(reason)
        near = nearest(found["word"] or found["name"], WORDS) if found else ""
        findings.refuse(path + (place["path"] if place else ""), reason[0].lower() + reason[1:] + near)
        return None


def _check_serves(row: Provider, path: str, findings: Findings) -> None:
    if not row.serves:
        findings.refuse(path, "must name at least one format and its path")
    for n, endpoint in enumerate(row.serves):
        for member in ("path", "stream_path"):
            text = getattr(endpoint, member)
            if (text or member == "path") and not _PATH.fullmatch(text):
                findings.refuse(f"{path}[{n}].{member}", "must be a path such as /v1/chat/completions")
