"""A head that a client sends again: what was read of it once holds for the same bytes.

Rule 1. Only a head that came whole and with its whole body, and that the parser and the reader have taken, is kept.
Rule 2. Nothing may differ but the digits of Content-Length, and the body must be here, not a byte less or more. All
else goes to the parser, which has then seen nothing of the message.
"""

from msgspec import Struct

from asbru.edge.request import Request
from asbru.model.http import Headers

LONGEST = 4096
"""Most bytes of a head that is kept, one per connection."""
_DIGITS = 12
_LENGTH = b"\r\ncontent-length:"


class Repeated(Struct, frozen=True, kw_only=True):
    """``before`` and ``after``: the head around the digits of Content-Length, which were ``length``."""

    before: bytes
    after: bytes
    length: bytes
    method: str
    path: str
    query: str
    headers: Headers

    def body(self, data: bytes) -> bytes | None:
        """The body when ``data`` is this head and the whole body, else None."""
        if not data.startswith(self.before):
            return None
        start = len(self.before)
        end = data.find(b"\r", start, start + _DIGITS + 1)
        if not data.startswith(self.after, end):
            return None
        body = data[end + len(self.after) :]
        return body if data[start:end] == b"%d" % len(body) else None

    def request(self, id: str, params: tuple[str, ...], body: bytes) -> Request:
        """A request with this head and ``body``."""
        length = b"%d" % len(body)
        return Request(
            id=id,
            method=self.method,
            path=self.path,
            query=self.query,
            headers=self.headers if length == self.length else {**self.headers, b"content-length": length},
            body=body,
            params=params,
        )


def remember(data: bytes, request: Request) -> Repeated | None:
    """What to keep of ``data``, all of which became ``request``; None when it is no plain head with a length."""
    headers = request.headers
    length = headers.get(b"content-length")
    end = data.find(b"\r\n\r\n", 0, LONGEST) + 4
    if length is None or b"expect" in headers or end < 4:
        return None
    found = data[:end].lower().find(_LENGTH) + len(_LENGTH)
    start = data.find(length, found)
    after = data[start + len(length) : end]
    alone = len(_LENGTH) <= found <= start and not data[found:start].strip(b" \t") and after.startswith(b"\r\n")
    if not alone or data[end:] != request.body:
        return None
    return Repeated(
        before=data[:start],
        after=after,
        length=length,
        method=request.method,
        path=request.path,
        query=request.query,
        headers=headers,
    )
