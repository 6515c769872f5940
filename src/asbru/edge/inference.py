"""Inference in any dialect: from an HTTP request to an exchange."""

from collections.abc import Callable

from asbru.edge.request import Fail, Handler, Request, Route
from asbru.gateway import Exchange, Gateway
from asbru.model.http import NO_HEADERS, Answer, Headers
from asbru.model.names import Format
from asbru.routing import pick_provider
from asbru.wire import CODECS
from asbru.wire.codec import AnyCodec, Peek
from asbru.wire.envelope import Envelope

PeekAt = Callable[[Request, Envelope], Peek]
"""What routing must know, out of the body or the path."""

_FORWARDED = frozenset({b"anthropic-beta", b"anthropic-version"})
"""Headers of a client's that are part of its dialect: the provider sees them when it speaks the same one."""

_EXTRA = b"x-bf-eh-"
_DENIED = frozenset(
    {
        b"proxy-authorization", b"cookie", b"host", b"content-length", b"connection", b"transfer-encoding", b"te",
        b"authorization", b"x-api-key", b"x-goog-api-key", b"x-bf-api-key", b"x-bf-api-key-id", b"x-bf-vk",
        b"expect", b"upgrade", b"trailer", b"keep-alive", b"content-type", b"accept-encoding",
    }
)  # fmt: skip
"""What ``x-bf-eh-`` may not set (features.md 2.10, and everything that would break the framing)."""


class Inference:
    """Makes the routes of one gateway. ``clock``: Unix seconds. ``limit``: most bytes of a request body."""

    def __init__(self, gateway: Gateway, clock: Callable[[], float], limit: int) -> None:
        self._gateway = gateway
        self._clock = clock
        self._limit = limit

    def route(self, format: Format, default: str, fail: Fail) -> Route:
        """A route whose bodies have ``format``. ``default``: the provider of a model without prefix, "" to demand
        one.
        """
        peek = CODECS[format].peek
        return self._route(format, default, fail, lambda request, envelope: peek(envelope))

    def route_by_path(self, format: Format, default: str, fail: Fail, stream: bool) -> Route:
        """The same for a format whose model is the path's first param, and whose path tells whether to stream."""
        peek = CODECS[format].peek

        def peek_path(request: Request, envelope: Envelope) -> Peek:
            return Peek(request.params[0], stream, peek(envelope).fallbacks, True)

        return self._route(format, default, fail, peek_path)

    def _route(self, format: Format, default: str, fail: Fail, peek: PeekAt) -> Route:
        codec = CODECS[format]
        handler = _handler(self._gateway, codec, default, (self._clock, peek))
        return Route(handler=handler, fail=fail, limit=self._limit, summary=f"Body: {format}", body=codec.body)


def _handler(gateway: Gateway, codec: AnyCodec, default: str, given: tuple[Callable[[], float], PeekAt]) -> Handler:
    clock, peek = given

    async def infer(request: Request) -> Answer:
        envelope = Envelope(request.body)
        headers = request.headers
        named = headers.get(b"x-model-provider")
        x = Exchange(
            id=request.id,
            codec=codec,
            envelope=envelope,
            peek=peek(request, envelope),
            provider=pick_provider(named.decode("latin-1"), gateway.snapshot.table) if named else default,
            at=clock(),
            headers=forwarded(headers),
        )
        return await gateway(x)

    return infer


def forwarded(headers: Headers) -> Headers:
    """The client's headers that go upstream."""
    if _FORWARDED.isdisjoint(headers) and _EXTRA not in b" ".join(headers):
        return NO_HEADERS
    out: dict[bytes, bytes] = {}
    for name, value in headers.items():
        if name in _FORWARDED:
            out[name] = value
        elif name.startswith(_EXTRA):
            bare = name[len(_EXTRA) :]
            if bare and bare not in _DENIED:
                out[bare] = value
    return out or NO_HEADERS
