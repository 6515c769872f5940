"""Chat in any dialect: from an HTTP request to an exchange."""

from collections.abc import Callable

from asbru.edge.request import Fail, Handler, Request, Route
from asbru.gateway import Exchange, Gateway
from asbru.model.http import NO_HEADERS, Answer, Headers
from asbru.routing import pick_provider
from asbru.wire.codec import Codec
from asbru.wire.envelope import Envelope

_FORWARDED = (b"anthropic-beta", b"anthropic-version")
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


class ChatRoutes:
    """Makes the routes of one gateway. ``clock``: Unix seconds. ``limit``: most bytes of a request body."""

    def __init__(self, gateway: Gateway, clock: Callable[[], float], limit: int) -> None:
        self._gateway = gateway
        self._clock = clock
        self._limit = limit

    def route(self, codec: Codec, default: str, fail: Fail) -> Route:
        """A route that speaks ``codec``. ``default``: the provider of a model without prefix, "" to demand one."""
        return Route(handler=_handler(self._gateway, codec, default, self._clock), fail=fail, limit=self._limit)


def _handler(gateway: Gateway, codec: Codec, default: str, clock: Callable[[], float]) -> Handler:
    peek = codec.peek

    async def chat(request: Request) -> Answer:
        envelope = Envelope(request.body)
        headers = request.headers
        named = headers.get(b"x-model-provider")
        x = Exchange(
            id=request.id,
            codec=codec,
            envelope=envelope,
            peek=peek(envelope),
            provider=pick_provider(named.decode("latin-1"), gateway.snapshot.table) if named else default,
            at=clock(),
            headers=forwarded(headers),
        )
        return await gateway(x)

    return chat


def forwarded(headers: Headers) -> Headers:
    """The client's headers that go upstream."""
    out: dict[bytes, bytes] = {}
    for name, value in headers.items():
        if name in _FORWARDED:
            out[name] = value
        elif name.startswith(_EXTRA):
            bare = name[len(_EXTRA) :]
            if bare and bare not in _DENIED:
                out[bare] = value
    return out or NO_HEADERS
