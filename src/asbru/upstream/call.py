"""One request on its way out. ``send(call) -> Answer`` is the seam; ``client.py`` is what stands behind it."""

from collections.abc import AsyncIterable, Awaitable, Callable

from msgspec import Struct

from asbru.model.http import Answer


class Origin(Struct, frozen=True, kw_only=True, cache_hash=True):
    """Where connections go: pools are kept per origin.

    ``proxy``: ``http://host:port`` or "". ``proxy_auth``: value of Proxy-Authorization. ``ca_pem``: extra trust.
    ``address``: where ``host`` was found to be, "" to look it up.
    """

    host: str
    port: int
    tls: bool
    verify: bool = True
    ca_pem: str = ""
    proxy: str = ""
    proxy_auth: bytes = b""
    address: str = ""
    max_connections: int = 5000


class Deadlines(Struct, frozen=True, kw_only=True):
    """Seconds. ``silence``: between two pieces of a streamed answer. ``total``: for an answer that is not streamed."""

    connect: float = 10.0
    first_byte: float = 120.0
    silence: float = 60.0
    total: float = 600.0


class Call(Struct, frozen=True, kw_only=True):
    """``head``: request line and headers, each ended by CRLF, without content-length and the empty line after them.

    ``stream``: a 2xx answer is handed over as a stream once its head is here; any other answer arrives whole.
    ``limit``: most bytes of a whole answer. ``length``: bytes of a body that is an iterable; chunked when negative.
    A body of bytes is sent once more when a kept-alive connection turns out dead before any byte of the answer came.
    """

    origin: Origin
    head: bytes
    body: bytes | AsyncIterable[bytes] = b""
    length: int = -1
    stream: bool = False
    deadlines: Deadlines = Deadlines()
    limit: int = 256 << 20


Send = Callable[[Call], Awaitable[Answer]]
"""What ``client.Client.send`` is to the rest of the house."""
