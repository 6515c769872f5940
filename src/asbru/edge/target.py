"""The request target: one path, normalised once, before routing and before authorisation.

Rule 1. Dot segments and double slashes go, also when their dots are percent-encoded; they cannot leave the root.
Rule 2. Every other escape stays as the client wrote it (boto3 escapes model ids), so ``%2F`` is no separator.
Rule 3. An absolute target is cut to its path; its host must be the Host header's.
"""

import re
from urllib.parse import urlsplit

from asbru.edge.refusal import Refusal

_SUSPECT = re.compile(r"//|/\.|%2e", re.IGNORECASE)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")


Target = tuple[str, str, str]
"""Path, query, authority."""


def split_target(target: bytes) -> Target:
    """``(path, query, authority)`` of a target; authority is "" unless the target is absolute. Raises Refusal."""
    text = target.decode("ascii", "strict") if target.isascii() else ""
    if text.startswith("/"):
        path, _, query = text.partition("?")
        authority = ""
    elif text.startswith(("http://", "https://")):
        parts = urlsplit(text)
        path, query, authority = parts.path or "/", parts.query, parts.netloc
        if "@" in authority or not authority:
            raise Refusal(400, "the request target names a user or no host")
    elif text == "*":
        return "*", "", ""
    else:
        raise Refusal(400, "the request target must begin with a slash")
    if "#" in text:
        raise Refusal(400, "the request target must not have a fragment")
    return normalise(path), query, authority


def normalise(path: str) -> str:
    """The path without dot segments and double slashes. Raises Refusal for escapes that are none, and for ``%00``."""
    if "%" in path and _BAD_ESCAPE.search(path):
        raise Refusal(400, "the path has a percent-escape that is not valid")
    if _SUSPECT.search(path) is None:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        plain = segment.replace("%2e", ".").replace("%2E", ".") if len(segment) <= 6 else segment
        if plain == "..":
            if kept:
                kept.pop()
        elif plain not in ("", "."):
            kept.append(segment)
    trailing = segments[-1].lower().replace("%2e", ".") in ("", ".", "..")
    return "/" + "/".join(kept) + ("/" if trailing and kept else "")
