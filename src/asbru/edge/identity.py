"""Who sends a request: the virtual key that it shows, wherever the caller's SDK puts keys.

Accepted (features.md 3.1): ``x-bf-vk``; and, when the value begins with ``sk-bf-``, ``Authorization: Bearer``,
``x-api-key``, ``x-goog-api-key``, ``api-key`` (Azure), the query's ``key`` (Google), and the access key id of a request
that is signed as AWS's are (boto3).
"""

import re
from collections.abc import Callable
from urllib.parse import parse_qs

from msgspec import Struct

from asbru.edge.request import Request
from asbru.governance import People
from asbru.model.failure import Refused
from asbru.model.http import Headers
from asbru.model.people import NOBODY, Principal

PREFIX = "sk-bf-"
_ONLY = b"x-bf-vk"
_PLACES = (b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key")
_SIGNED = re.compile(r"AWS4-HMAC-SHA256 +Credential=([^/,\s]+)/")


class Rules(Struct, frozen=True):
    """``key_needed``: who shows no virtual key may do nothing. ``headers``: names, small, that must be there."""

    key_needed: bool = False
    headers: tuple[str, ...] = ()


class Identity:
    """``identify(request)``: who it is. ``people``: those known now. ``clock``: Unix seconds."""

    def __init__(self, people: Callable[[], People], clock: Callable[[], float], rules: Rules) -> None:
        self._people = people
        self._clock = clock
        self._rules = rules

    def __call__(self, request: Request) -> Principal:
        """Raises Refused(401) without a key where one is needed, Refused(403) for one that is not good."""
        rules = self._rules
        if rules.headers and (absent := [name for name in rules.headers if not request.headers.get(name.encode())]):
            text = f"missing required headers: {', '.join(absent)}"
            raise Refused(400, text, code="missing_required_headers", param=absent[0])
        value = shown(request.headers, request.query)
        if not value:
            if rules.key_needed:
                text = "virtual key is required. Provide a virtual key via the x-bf-vk header."
                raise Refused(401, text, code="virtual_key_required")
            return NOBODY
        now = self._clock()
        who = self._people().shown(value, now)
        if who is None:
            raise Refused(403, "Virtual key not found", code="virtual_key_not_found")
        key = who.key
        if key is not None and not key.is_active:
            raise Refused(403, "Virtual key is inactive", code="virtual_key_blocked")
        if key is not None and key.expires_at is not None and now >= key.expires_at:
            raise Refused(403, "Virtual key has expired", code="virtual_key_blocked")
        return who


def shown(headers: Headers, query: str) -> str:
    """The virtual key that a request shows, "" when it shows none."""
    own = headers.get(_ONLY)
    if own:
        return own.decode("latin-1").strip()
    for place in _PLACES:
        value = headers.get(place)
        if value and (found := _virtual(value.decode("latin-1"))):
            return found
    if query and "key=" in query:
        return _virtual(parse_qs(query).get("key", [""])[0])
    return ""


def _virtual(text: str) -> str:
    """``text`` as a virtual key, "" when it is none."""
    if text[:7].lower() == "bearer ":
        text = text[7:].strip()
    elif text.startswith("AWS4-") and (found := _SIGNED.match(text)):
        text = found[1]
    return text if text[: len(PREFIX)].lower() == PREFIX else ""
