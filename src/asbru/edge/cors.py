"""Pages in a browser that ask the gateway (the Fetch standard's CORS): those on this machine may, others may not.

Rule 1. A preflight is answered here, whatever its path: 200 for a page of localhost, else 403.
Rule 2. What is answered to such a page says that the page may read it; to others nothing is added.
"""

import re

from msgspec.structs import replace

from asbru.edge.request import Request, Route
from asbru.model.failure import Failure
from asbru.model.http import Answer

_LOCAL = re.compile(rb"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?")
_WANTED = b"access-control-request-method"
_ALLOWED = {
    b"access-control-allow-methods": b"GET, POST, PUT, PATCH, DELETE, OPTIONS, HEAD",
    b"access-control-max-age": b"86400",
}
_HEADERS = b"Content-Type, Authorization, X-Requested-With, X-Stainless-Timeout, X-Api-Key"
_SHOWN = b"request-id, x-request-id, x-asbru-provider, x-asbru-lost, retry-after"


def for_page(route: Route) -> Route:
    """``route`` for a request that a page sends (it has an ``origin``)."""

    async def answer(request: Request) -> Answer:
        origin = request.headers.get(b"origin", b"")
        local = _LOCAL.fullmatch(origin) is not None
        if request.method == "OPTIONS" and _WANTED in request.headers:
            return _preflight(request, origin) if local else Answer(status=403)
        if not local:
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
    """SDKs send headers of their own: all that are asked for are allowed, as this page's own machine sent them."""
    asked = request.headers.get(b"access-control-request-headers", b"")
    allowed = _HEADERS + b", " + asked if asked else _HEADERS
    return Answer(status=200, headers={**_readable(origin), **_ALLOWED, b"access-control-allow-headers": allowed})
