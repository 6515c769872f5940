"""Pages in a browser that ask the gateway (the Fetch standard's CORS): those on this machine may, and those of the
origins that the operator allows; others may not.

Rule 1. A preflight is answered here, whatever its path: 200 for a page that may ask, else 403.
Rule 2. What is answered to such a page says that the page may read it; to others nothing is added.
"""

import re
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from asbru.edge.request import Request, Route
from asbru.model.failure import Failure
from asbru.model.http import Answer

_LOCAL = re.compile(rb"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?")
_SUBDOMAIN = r"([a-z0-9-]+\.)+"
_WANTED = b"access-control-request-method"
_ALLOWED = {
    b"access-control-allow-methods": b"GET, POST, PUT, PATCH, DELETE, OPTIONS, HEAD",
    b"access-control-max-age": b"86400",
}
_HEADERS = b"Content-Type, Authorization, X-Requested-With, X-Stainless-Timeout, X-Api-Key"
_SHOWN = b"request-id, x-request-id, x-asbru-provider, x-asbru-lost, retry-after"


class Pages(Struct, frozen=True):
    """Who may ask beside pages of this machine: ``all`` of them, or those whose origin ``others`` matches."""

    all: bool = False
    others: re.Pattern[bytes] | None = None

    def may(self, origin: bytes) -> bool:
        """Whether pages of ``origin`` may ask."""
        if self.all or _LOCAL.fullmatch(origin):
            return True
        return self.others is not None and self.others.fullmatch(origin) is not None


def pages_of(allowed: Iterable[str]) -> Pages:
    """``allowed``: origins, ``*`` for all, ``https://*.example.com`` for every subdomain."""
    words = list(allowed)
    patterns = [_SUBDOMAIN.join(map(re.escape, word.lower().split("*."))) for word in words if word != "*"]
    return Pages("*" in words, re.compile("|".join(patterns).encode()) if patterns else None)


def for_page(route: Route, pages: Pages) -> Route:
    """``route`` for a request that a page sends (it has an ``origin``)."""

    async def answer(request: Request) -> Answer:
        origin = request.headers.get(b"origin", b"")
        may = pages.may(origin)
        if request.method == "OPTIONS" and _WANTED in request.headers:
            return _preflight(request, origin) if may else Answer(status=403)
        if not may:
            return await route.handler(request)
        try:
            given = await route.handler(request)
        except Failure as failure:
            given = route.fail(failure, request.id)
        return replace(given, headers={**given.headers, **_readable(origin)})

    return replace(route, handler=answer)


def _readable(origin: bytes) -> dict[bytes, bytes]:
    return {
        b"access-control-allow-origin": origin,
        b"access-control-expose-headers": _SHOWN,
        b"vary": b"origin",
    }


def _preflight(request: Request, origin: bytes) -> Answer:
    """SDKs send headers of their own: all that are asked for are allowed, the page itself may ask."""
    asked = request.headers.get(b"access-control-request-headers", b"")
    allowed = _HEADERS + b", " + asked if asked else _HEADERS
    return Answer(status=200, headers={**_readable(origin), **_ALLOWED, b"access-control-allow-headers": allowed})
