"""Inference in any dialect: from an HTTP request to an exchange."""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from asbru.edge.request import Fail, Request, Route, asked_id
from asbru.edge.wishes import RARE, wish
from asbru.gateway import Exchange, Gateway
from asbru.model.http import NO_HEADERS, Answer, Headers
from asbru.model.names import Family, Format
from asbru.model.usage import Usage
from asbru.routing import pick_provider
from asbru.wire import CODECS
from asbru.wire.codec import AnyCodec, Peek
from asbru.wire.envelope import Envelope
from asbru.wire.peeking import model_member

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


class Asked(Struct, frozen=True):
    """A request that has been understood. ``default``: see Inference.route. ``headers``: more that go upstream."""

    codec: AnyCodec
    envelope: Envelope
    peek: Peek
    default: str
    headers: Headers = NO_HEADERS


class Inference:
    """Makes the routes of one gateway. ``clock``: Unix seconds. ``limit``: most bytes of a request body."""

    def __init__(self, gateway: Gateway, clock: Callable[[], float], limit: int) -> None:
        self._gateway = gateway
        self._clock = clock
        self.limit = limit

    def route(self, format: Format, default: str, fail: Fail) -> Route:
        """A route whose bodies have ``format``. ``default``: the provider of a model without prefix, "" to demand
        one.
        """
        peek = CODECS[format].peek
        return self._route(format, default, fail, lambda request, envelope: peek(envelope))

    def named_route(self, format: Format, default: str, fail: Fail) -> Route:
        """The same where the path's first param is the model, whatever the body says of it."""
        peek = CODECS[format].peek
        return self._route(format, default, fail, lambda request, envelope: peek(named(request, envelope)))

    def route_by_path(self, format: Format, default: str, fail: Fail, stream: bool) -> Route:
        """The same for a format whose model is the path's first param, and whose path tells whether to stream."""
        peek = CODECS[format].peek

        def peek_path(request: Request, envelope: Envelope) -> Peek:
            return Peek(request.params[0], stream, peek(envelope).fallbacks, True)

        return self._route(format, default, fail, peek_path)

    def carry(self, request: Request, asked: Asked) -> Awaitable[Answer]:
        """The answer to a request, from whom the gateway's plan finds; to be awaited at once."""
        return self._gateway(self.exchange(request, asked))

    def knows(self, provider: str) -> bool:
        """Whether a provider is configured."""
        return provider in self._gateway.snapshot.providers

    def exchanged(self, x: Exchange) -> Awaitable[Answer]:
        """The answer to an exchange that exchange() has made; to be awaited at once."""
        return self._gateway(x)

    async def told(self, request: Request, asked: Asked) -> tuple[Answer, Usage]:
        """The answer, and its usage when it is whole."""
        x = self.exchange(request, asked)
        answer = await self._gateway(x)
        return answer, x.record.usage if x.record else Usage()

    def exchange(self, request: Request, asked: Asked) -> Exchange:
        """What the gateway is given."""
        named = request.headers.get(b"x-model-provider")
        snapshot = self._gateway.snapshot
        passed = forwarded(request.headers)
        x = Exchange(
            id=request.id,
            codec=asked.codec,
            envelope=asked.envelope,
            peek=asked.peek,
            provider=pick_provider(named.decode("latin-1"), snapshot.table) if named else asked.default,
            at=self._clock(),
            who=request.who,
            open=not named,
            headers={**passed, **asked.headers} if asked.headers else passed,
            unified=not asked.default and asked.codec.family is Family.OPENAI,
            asked_id=asked_id(request.headers).decode(),
        )
        if snapshot.direct_keys or not RARE.isdisjoint(request.headers):
            wish(x, request.headers, snapshot)
        return x

    def _route(self, format: Format, default: str, fail: Fail, peek: PeekAt) -> Route:
        codec = CODECS[format]

        async def infer(request: Request) -> Answer:
            envelope = Envelope(request.body)
            return await self.carry(request, Asked(codec, envelope, peek(request, envelope), default))

        return Route(handler=infer, fail=fail, limit=self.limit, summary=f"Body: {format}", body=codec.body)


def named(request: Request, envelope: Envelope) -> Envelope:
    """``envelope``, with the model that the path names, if it names one."""
    if request.params:
        envelope.members["model"] = model_member(request.params[0])
    return envelope


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
