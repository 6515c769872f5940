"""Where the client that asks reaches us: for links that lead back through this gateway."""

import re

from asbru.edge.request import Request

_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


def reached(request: Request, public_url: str) -> str:
    """``public_url``, else scheme and host that the client itself used; "" when that is no plain host name.

    Such a host is not repeated: SDKs expand templates in addresses (batch.md section 2).
    """
    if public_url:
        return public_url
    scheme = _first_word(request, b"x-forwarded-proto") or "http"
    host = _first_word(request, b"x-forwarded-host") or request.headers.get(b"host", b"").decode("latin-1")
    if scheme not in ("http", "https") or not _HOST.fullmatch(host):
        return ""
    return f"{scheme}://{host}"


def _first_word(request: Request, name: bytes) -> str:
    """A forwarding header's first entry: that of the proxy next to the client."""
    return request.headers.get(name, b"").split(b",")[0].strip().decode("latin-1")
