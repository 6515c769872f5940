"""Carries requests that no codec reads: passed on as they are, to the provider that the path or the caller names.

Rule 1. The address is the provider's. Of the client's request come method, path, query, body and harmless headers.
Rule 2. The client's credentials never go upstream. Ours do: those of the first key that may be used, always the same,
as what one account has made (a container) no other account sees.
Rule 3. Asked once: nobody knows whether such a request may be repeated.
Rule 4. The answer passes as it comes, whatever its status. Usage is read where a codec knows how.
"""

import asyncio
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from asbru.gateway.bounds import UNSTATED
from asbru.gateway.door import account_of, base_url_of, credential_of, filled, head_lines, headers_of, with_query
from asbru.gateway.handle import Gateway, Tools
from asbru.gateway.observed import Observed
from asbru.gateway.pipe import CLIENT_GONE, Pipe
from asbru.governance import Hold, check
from asbru.model.failure import Bug, Failure
from asbru.model.http import Answer, Headers
from asbru.model.keys import Key
from asbru.model.people import NOBODY, Principal
from asbru.model.record import Record
from asbru.model.usage import Usage, cost
from asbru.providers import Provider
from asbru.routing import Pin, Target, pinned, sole_target
from asbru.upstream.call import Call
from asbru.upstream.origin import deadlines_of, origin_of
from asbru.upstream.signing import Unsigned
from asbru.wire.codec import AnyCodec
from asbru.wire.faults import read_fault
from asbru.wire.multipart import Pieces

_VERSION = re.compile(r"v\d+[a-z0-9]*")
_VERSIONED = re.compile(r"(/upload)?/v\d+[a-z0-9]*(/|$)")
_NOT_SENT = frozenset(
    {
        b"host", b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect",
        b"content-length", b"content-encoding", b"accept-encoding", b"cookie", b"forwarded", b"via", b"origin",
        b"authorization", b"proxy-authorization", b"proxy-connection", b"x-api-key", b"api-key", b"x-goog-api-key",
        b"xi-api-key", b"x-request-id", b"x-model-provider", b"x-real-ip", b"traceparent", b"tracestate",
    }
)  # fmt: skip
"""What of a client's headers stays here: who it is, how it is connected, and what is meant for us.

``accept-encoding`` too: usage is read out of answers, which are not packed then.
"""
_OURS = (b"x-bf-", b"x-forwarded-", b"x-asbru-", b"sec-")
_NOT_TOLD = frozenset(
    {b"set-cookie", b"connection", b"keep-alive", b"transfer-encoding", b"trailer", b"upgrade", b"content-length"}
)


class Passing(Struct, kw_only=True):
    """One request. ``path``: percent-escapes as the client sent them, beginning with a slash. ``query``: without ``?``.

    ``request``: what it is, in the words of ``allowed_requests``. ``model``: when it is known. ``codec``: of the
    answer, when there is one that reads its usage. ``fills``: what fills the path's ``{…}``, beside the model and the
    key's settings; None: it has none. ``pin``: a key that the caller names. ``at``: Unix seconds.
    """

    id: str
    method: str
    path: str
    query: str
    headers: Headers
    body: bytes | Pieces
    provider: str
    request: str
    model: str = ""
    codec: AnyCodec | None = None
    stream: bool = False
    fills: Mapping[str, str] | None = None
    pin: Pin | None = None
    at: float = 0.0
    who: Principal = NOBODY
    asked_id: str = ""


class Passthrough:
    """``await passthrough(passing) -> Answer``. Raises Failure only when the provider could not be asked."""

    def __init__(self, gateway: Gateway, tools: Tools) -> None:
        self._gateway = gateway
        self._tools = tools

    @property
    def gateway(self) -> Gateway:
        """Whose snapshot holds."""
        return self._gateway

    async def __call__(self, passing: Passing) -> Answer:
        """Pass it on and see to its record."""
        trip = _Trip(self._tools.ticks(), Observed(passing.codec, passing.stream))
        self._gateway.live += 1
        try:
            answer = await self._ask(passing, trip)
        except Failure as failure:
            self._over(passing, trip, failure)
            raise
        except asyncio.CancelledError:
            self._over(passing, trip, CLIENT_GONE)
            raise
        except Exception:
            self._over(passing, trip, Bug(500, "", code="internal_error"))
            raise
        if answer.stream is None:
            self._over(passing, trip, None)
        return answer

    async def _ask(self, passing: Passing, trip: "_Trip") -> Answer:
        snapshot = self._gateway.snapshot
        key = passing.who.key
        if key is not None:
            check(key, passing.provider, passing.model)
        table = snapshot.table_for(key)
        table = pinned(table, passing.provider, passing.pin) if passing.pin else table
        target = trip.target = sole_target(passing.provider, passing.model, table, passing.request)
        await self._hold(passing, trip, target)
        provider, network = snapshot.providers[target.provider], snapshot.networks[target.provider]
        url = base_url_of(provider, target.key)
        path = _path(passing, urlsplit(url).path.rstrip("/"), (provider, target.key))
        query = passing.query
        path = with_query(f"{path}?{query}" if query else path, provider.auth, target.key)
        headers = {**headers_of(provider, target.key, network), **sent_headers(passing.headers)}
        signer = snapshot.signer(account_of(provider, provider.auth, target.key, network))
        if signer is None:
            headers |= credential_of(provider.auth, target.key)
        else:
            signed = passing.body if isinstance(passing.body, bytes) else passing.body.whole()
            headers |= await signer.sign(Unsigned(passing.method, origin_of(url, network), path, headers, signed))
        call = Call(
            origin=origin_of(url, network),
            head=f"{passing.method} {path} HTTP/1.1\r\n".encode() + head_lines(headers),
            body=passing.body,
            length=len(passing.body),
            stream=True,
            deadlines=deadlines_of(network),
        )
        trip.attempts = 1
        answer = await self._tools.send(call)
        return await self._passed(passing, trip, answer)

    async def _hold(self, passing: Passing, trip: "_Trip", target: Target) -> None:
        """Hold what it may cost at most, as far as anybody can know. Raises Limited."""
        admission = self._gateway.admission
        allowances = admission.people.allowances(passing.who, target.provider, target.model)
        if allowances:
            most = Usage(input=len(passing.body) // 3 + 1, output=UNSTATED) if passing.codec else Usage()
            price = self._gateway.snapshot.price(target.provider, target.model)
            trip.hold = await admission.hold(allowances, cost(most, price), most)

    async def _passed(self, passing: Passing, trip: "_Trip", answer: Answer) -> Answer:
        trip.status = answer.status
        headers = told_headers(answer.headers)
        assert trip.target is not None
        headers[b"x-asbru-provider"] = trip.target.provider.encode()
        if answer.stream is None:
            if answer.status >= 400:
                fault = read_fault(answer.body)
                trip.code = fault.code or fault.type or f"status_{answer.status}"
            return Answer(status=answer.status, headers=headers, body=answer.body)
        trip.observed.begin(answer.headers.get(b"content-type", b""))
        pipe = Pipe(answer.stream, trip.observed, lambda failure: self._over(passing, trip, failure))
        await pipe.first()
        trip.first_byte = self._tools.ticks() - trip.started
        return Answer(status=answer.status, headers=headers, stream=pipe)

    def _over(self, passing: Passing, trip: "_Trip", failure: Failure | None) -> None:
        self._gateway.live -= 1
        took = self._tools.ticks() - trip.started
        record = _record(passing, trip, failure, (took, self._gateway))
        if trip.hold:
            spends = self._gateway.admission.settle(trip.hold, record.cost, record.usage, record.status < 400)
            record = msgspec.structs.replace(record, spends=spends)
        self._tools.record(record)


class _Trip:
    """What is learnt on the way."""

    __slots__ = ("attempts", "code", "first_byte", "hold", "observed", "started", "status", "target")

    def __init__(self, started: float, observed: Observed) -> None:
        self.started = started
        self.observed = observed
        self.first_byte = 0.0
        self.attempts = 0
        self.status = 0
        self.code = ""
        self.target: Target | None = None
        self.hold: Hold | None = None


def _record(passing: Passing, trip: _Trip, failure: Failure | None, given: tuple[float, Gateway]) -> Record:
    took, gateway = given
    target, usage = trip.target, trip.observed.usage
    name, key, model = (
        (target.provider, target.key, target.model) if target else (passing.provider, None, passing.model)
    )
    return Record(
        id=passing.id,
        at=passing.at,
        took=took,
        first_byte=trip.first_byte or took,
        owner=passing.who.owner,
        asked_model=passing.model,
        provider=name,
        model=model,
        key=_name(key),
        format_in=passing.request,
        format_out=passing.request,
        lane="passthrough",
        attempts=trip.attempts,
        status=failure.status if failure else trip.status,
        failure=(failure.code or type(failure).__name__) if failure else trip.code,
        usage=usage,
        cost=cost(usage, gateway.snapshot.price(name, model)) if usage != Usage() else 0,
        stream=trip.observed.streamed,
        asked_id=passing.asked_id,
    )


def _name(key: Key | None) -> str:
    return key.name if key else ""


def _path(passing: Passing, base: str, whose: tuple[Provider, Key | None]) -> str:
    provider, key = whose
    if passing.fills is None:
        return joined(base + below_base(provider.models_path), passing.path)
    return base + filled(passing.path, provider, key, passing.model, passing.fills)


def below_base(models_path: str) -> str:
    """Where a provider's API begins below its base URL: a version that stands before ``/models`` (Azure's
    ``/openai/v1``).
    """
    before = models_path.removesuffix("/models")
    return before if before != models_path and _VERSION.fullmatch(before.rpartition("/")[2]) else ""


def joined(base: str, path: str) -> str:
    """Where ``path`` is at a provider whose base URL has the path ``base``.

    A version in ``path`` (``/v1/models``, ``/upload/v1beta/files``) stands in place of that in ``base``; a path without
    one is below ``base``.
    """
    root, _, last = base.rpartition("/")
    versioned = _VERSIONED.match(path)
    return (root if versioned and _VERSION.fullmatch(last) else base) + path


def sent_headers(headers: Headers) -> dict[bytes, bytes]:
    """Those of a client's headers that go upstream, ``x-bf-eh-NAME`` as ``NAME``."""
    out = {name: value for name, value in headers.items() if name not in _NOT_SENT and not name.startswith(_OURS)}
    for name, value in headers.items():
        bare = name.removeprefix(b"x-bf-eh-")
        if bare != name and bare and bare not in _NOT_SENT and not bare.startswith(_OURS):
            out[bare] = value
    return out


def told_headers(headers: Headers) -> dict[bytes, bytes]:
    """Those of a provider's headers that go to the client."""
    return {name: value for name, value in headers.items() if name not in _NOT_TOLD}


class _Told(Struct):
    model: object = None
    stream: object = None


_told = msgspec.json.Decoder(_Told).decode


def asked_model(headers: Headers, body: bytes | Pieces) -> tuple[str, bool]:
    """What a JSON body says of its model, "" for nothing, and whether it asks for a stream."""
    if not isinstance(body, bytes) or not headers.get(b"content-type", b"").startswith(b"application/json"):
        return "", False
    try:
        told = _told(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return "", False
    return (told.model if isinstance(told.model, str) else ""), told.stream is True
