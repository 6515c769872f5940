"""Carries one exchange across: plan, attempts, one record.

Rule 1. A failure before the first good frame may be tried again or elsewhere; ``routing`` decides, nothing else does.
Rule 2. Every exchange ends in exactly one Record, whatever happened: for a stream when its last byte has left.
Rule 3. A batch's exchange is not recorded here: its record is set on the exchange, and the engine writes it with the
result.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import lru_cache

import msgspec
from msgspec import Struct

from asbru.gateway import raw
from asbru.gateway.admission import Admission
from asbru.gateway.bending import added
from asbru.gateway.bounds import bound_of
from asbru.gateway.counting import Estimate
from asbru.gateway.door import Door
from asbru.gateway.exchange import Exchange
from asbru.gateway.extra import Numbered, fields, with_extra
from asbru.gateway.flex import LOST, patient, served_flex
from asbru.gateway.lanes import BYTES_PER_TOKEN, Lane, open_lane
from asbru.gateway.pipe import CLIENT_GONE, Passage, Pipe
from asbru.gateway.snapshot import Snapshot, Wanted
from asbru.governance import Hold, permitted
from asbru.model.failure import Broken, Bug, Failure, Limited, Refused, Upstream
from asbru.model.http import Answer, Headers
from asbru.model.names import Framing
from asbru.model.record import Record
from asbru.model.shown import NOTHING, Shown
from asbru.model.usage import Usage, cost
from asbru.routing import GiveUp, Plan, Target, Try, next_step
from asbru.upstream.call import Call
from asbru.wire import CODECS
from asbru.wire.codec import JSON
from asbru.wire.framing import CUTTERS, MEDIA_TYPES

Send = Callable[[Call], Awaitable[Answer]]

_PASSED = (b"x-ratelimit-", b"anthropic-ratelimit-", b"retry-after")
"""Beginnings of the provider's answer headers that a client's rate limiter wants to see."""


_UNKNOWN = b"application/octet-stream"

_AT_ONCE = 8
"""Most requests at once for one exchange that an endpoint takes in pieces only."""

_LOST_LIMIT = 2000
"""Most characters of the header that names what was lost."""


class Tools(Struct, kw_only=True):
    """What the gateway is given by the composition root: the way out, where records go, clocks, dice and sleep.

    ``clock``: Unix seconds. ``ticks``: seconds of a monotonic clock. ``dice``: a number in [0, 1).
    """

    send: Send
    record: Callable[[Record], None]
    clock: Callable[[], float]
    ticks: Callable[[], float]
    dice: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


class Trip(Struct, eq=False):
    """What is learnt on the way, for the record."""

    started: float
    first_byte: float = 0.0
    attempts: int = 0
    target: Target | None = None
    lane: Lane | None = None
    door: Door | None = None
    request_bytes: int = 0
    hold: Hold | None = None
    flex: bool = False
    """Asked for in the flex tier, and served so."""


class Gateway:
    """``await gateway(exchange) -> Answer``. Raises Failure; the caller writes it in the client's dialect."""

    def __init__(self, snapshot: Snapshot, tools: Tools, admission: Admission | None = None) -> None:
        self.snapshot = snapshot
        self.admission = admission or Admission()
        self.live = 0
        """Live exchanges under way: batches give way to them."""
        self._tools = tools

    async def __call__(self, x: Exchange) -> Answer:
        """Carry ``x`` across and see to its record."""
        trip = Trip(self._tools.ticks())
        if not x.batch:
            self.live += 1
        elif x.who.owner:
            x.who = self.admission.people.owner(x.who.owner)
        try:
            answer = await self.handle(x, trip)
        except Failure as failure:
            failure.request, failure.model = x.codec.request, x.peek.model
            self._over(x, trip, failure)
            raise
        except asyncio.CancelledError:
            self._over(x, trip, CLIENT_GONE)
            raise
        except Exception:
            self._over(x, trip, Bug(500, "", code="internal_error"))
            raise
        if answer.stream is None:
            self._over(x, trip, None)
        return answer

    async def handle(self, x: Exchange, trip: Trip) -> Answer:
        """Try targets until one answers. Raises the failure that the client is to see."""
        tools = self._tools
        peek, request = x.peek, x.codec.request
        operation = request + "_stream" if peek.stream else request
        plan = self._plan(x, (peek.model, peek.fallbacks, x.provider, operation))
        target = plan.first
        failures: list[Failure] = []
        while True:
            try:
                return await self._attempt(x, trip, target)
            except Upstream as failure:
                failure.provider = target.provider
                failures.append(failure)
                self._release(trip)
            except Refused as refusal:
                self._release(trip)
                if not failures and not (isinstance(refusal, Limited) and refusal.elsewhere and len(plan.legs) > 1):
                    raise
                # A fallback that cannot do it: the caller is told why the wanted model failed.
                failures.append(refusal)
            match next_step(plan, failures, tools.dice):
                case Try(target, wait):
                    if wait:
                        await tools.sleep(wait)
                case GiveUp(told):
                    raise told

    async def _attempt(self, x: Exchange, trip: Trip, target: Target) -> Answer:
        """One request to one target. Returns once the answer is whole, or its first frame is good."""
        try:
            door = self.snapshot.door(target.provider, target.key, x.codec.format, target.model)
        except Refused:
            if not self.snapshot.estimates(target.provider, target.key, x.codec.format, target.model):
                raise
            return _estimated(x, trip, target)
        lane = open_lane(x, door.model, door)
        stream = lane.stream
        body = _body(x, lane)
        trip.flex = x.flex and bool(door.flex) and lane.upload is None
        if trip.flex:
            body = added(body, door.flex)
        trip.target, trip.lane, trip.door, trip.request_bytes = target, lane, door, len(body)
        if self.admission.people.limited:
            await self._hold(x, trip, target, door)
        trip.attempts += 1
        head = door.head(x.headers, stream, lane)
        if door.signed:
            head += await door.sign(x.headers, stream, lane, body)
        upload = lane.upload
        deadlines = patient(door.deadlines) if trip.flex else door.deadlines
        call = (
            Call(origin=door.origin, head=head, body=body, stream=stream, deadlines=deadlines)
            if upload is None
            else Call(
                origin=door.origin, head=head, body=upload, length=len(upload), stream=stream, deadlines=deadlines
            )
        )
        answer = await self._tools.send(call)
        shown = x.shown.over(self.snapshot.shown.get(target.provider, NOTHING)) if x.unified else NOTHING
        if answer.status >= 300:
            failure = CODECS[door.format].read_failure(answer.status, answer.headers, answer.body)
            failure.raw = raw.bodies(shown, body, answer.body)
            raise failure
        if stream:
            return await self._stream(x, trip, lane, (answer, shown, body))
        trip.flex = trip.flex and served_flex(answer.body)
        out = lane.reply(answer.body) if not lane.more else await self._severally(x, door, lane, answer)
        kind = lane.reply_kind or answer.headers.get(b"content-type", JSON)
        if x.unified and kind.startswith(JSON):
            more = raw.written(raw.bodies(shown, body, answer.body)) if shown is not NOTHING else b""
            out = with_extra(out, self._extra(x, target, door), self._tools.ticks() - trip.started, more)
        return Answer(status=200, headers=_headers(answer.headers, kind, trip, lane), body=out)

    async def _severally(self, x: Exchange, door: Door, lane: Lane, first: Answer) -> bytes:
        """Sends what the first request did not hold, a few requests at once."""
        free = asyncio.Semaphore(_AT_ONCE)

        async def ask(body: bytes) -> bytes:
            async with free:
                extra = {**x.extra, **(door.flex if x.flex else {})}
                body = added(body, extra) if extra else body
                head = door.head(x.headers, False, lane)
                if door.signed:
                    head += await door.sign(x.headers, False, lane, body)
                answer = await self._tools.send(
                    Call(origin=door.origin, head=head, body=body, deadlines=door.deadlines)
                )
            if answer.status >= 300:
                raise CODECS[door.format].read_failure(answer.status, answer.headers, answer.body)
            return answer.body

        tasks = [asyncio.ensure_future(ask(body)) for body in lane.more]
        try:
            return lane.replies([first.body, *await asyncio.gather(*tasks)])
        finally:
            for task in tasks:
                task.cancel()

    async def _stream(self, x: Exchange, trip: Trip, lane: Lane, got: tuple[Answer, Shown, bytes]) -> Answer:
        answer, shown, body = got
        if answer.stream is None:
            raise Broken(502, "The provider answered a streamed request with a body that is not a stream.")
        passage: Passage = lane
        if x.unified and x.codec.framing is Framing.SSE:
            assert trip.target is not None
            assert trip.door is not None
            begun, ticks, started = self._extra(x, trip.target, trip.door), self._tools.ticks, trip.started
            frames = None if shown is NOTHING else raw.RawFrames(shown, body, CUTTERS[trip.door.framing]())
            passage = Numbered(lane, begun, lambda: ticks() - started, frames)
        pipe = Pipe(answer.stream, passage, lambda failure: self._over(x, trip, failure))
        await pipe.first()
        trip.first_byte = self._tools.ticks() - trip.started
        kind = MEDIA_TYPES[x.codec.framing] or answer.headers.get(b"content-type", _UNKNOWN)
        return Answer(status=200, headers=_headers(answer.headers, kind, trip, lane), stream=pipe)

    def _plan(self, x: Exchange, wanted: Wanted) -> Plan:
        """Whom to ask. Raises Refused(400 or 403)."""
        snapshot, dice, key = self.snapshot, self._tools.dice, x.who.key
        if key is not None:
            wanted = self._permitted(x, wanted)
        direct = snapshot.direct(wanted, x.direct, dice) if x.direct is not None else None
        if direct is not None:
            return direct
        if x.pin is not None:
            return snapshot.pinned(wanted, x.pin)
        if key is not None and any(config.key_ids for config in key.provider_configs):
            return snapshot.narrowed(wanted, key, dice)
        return snapshot.plan(wanted, dice)

    async def _hold(self, x: Exchange, trip: Trip, target: Target, door: Door) -> None:
        """Hold what the attempt may cost at most. Raises Limited."""
        allowances = self.admission.people.allowances(x.who, target.provider, target.model)
        if allowances:
            most = bound_of(x, trip.request_bytes)
            trip.hold = await self.admission.hold(allowances, cost(most, door.prices), most)

    def _permitted(self, x: Exchange, wanted: Wanted) -> Wanted:
        """``wanted`` as the caller's key allows it. Raises Refused(403)."""
        model, fallbacks, default, operation = wanted
        table = self.snapshot.table
        open_ = "" if x.open else default

        def split(name: str, param: str) -> tuple[str, str]:
            prefix, slash, rest = name.partition("/")
            return (prefix, rest) if slash and table.names(prefix) else (open_, name)

        first, *rest = permitted(x.who, (model, *fallbacks), split, self._tools.dice)
        return first, tuple(rest), default, operation

    def _release(self, trip: Trip) -> None:
        """Give back what was held for an attempt that failed."""
        if trip.hold:
            self.admission.book.give_back(trip.hold)
            trip.hold = None

    def _extra(self, x: Exchange, target: Target, door: Door) -> bytes:
        request = x.codec.request + "_stream" if x.peek.stream else x.codec.request
        return fields(request, target.provider, target.model, door.model if door.model != target.model else "")

    def _over(self, x: Exchange, trip: Trip, failure: Failure | None) -> None:
        """The one place where an exchange ends."""
        tools = self._tools
        record = _record(x, trip, failure, tools.ticks() - trip.started)
        if trip.hold:
            spends = self.admission.settle(trip.hold, record.cost, record.usage, failure is None)
            record = msgspec.structs.replace(record, spends=spends)
        x.record = record
        if not x.batch:
            self.live -= 1
            tools.record(record)


def _body(x: Exchange, lane: Lane) -> bytes:
    """What is sent, with the caller's own members for the provider, for which a form has no place."""
    body = lane.request()
    return added(body, x.extra) if x.extra and lane.upload is None else body


def _estimated(x: Exchange, trip: Trip, target: Target) -> Answer:
    """A number of tokens for a provider that does not count."""
    lane = Estimate(x, target.model)
    trip.target, trip.lane, trip.door = target, lane, None
    body = lane.request()
    headers = {**_headers({}, lane.reply_kind, trip, lane), b"x-asbru-estimated": b"true"}
    return Answer(status=200, headers=headers, body=body)


def _record(x: Exchange, trip: Trip, failure: Failure | None, took: float) -> Record:
    target, lane, door, key, peek = trip.target, trip.lane, trip.door, None, x.peek
    usage, charge, provider, model, format_out, name = Usage(), 0, "", "", "", ""
    lost: tuple[str, ...] = ()
    if target is not None and lane is not None:
        provider, model, key = target.provider, target.model, target.key
        usage = lane.usage if lane.reported else estimate(trip)
        charge = cost(usage, door.flex_prices if trip.flex else door.prices) if door else 0
        format_out, name, lost = door.format if door else x.codec.format, lane.name, lane.lost
        lost += (LOST,) if x.flex and not trip.flex else ()
    return Record(
        id=x.id,
        at=x.at,
        took=took,
        first_byte=trip.first_byte or took,
        owner=x.who.owner,
        asked_model=peek.model,
        provider=provider,
        model=model,
        key=key.name if key else "",
        format_in=x.codec.format,
        format_out=format_out,
        lane=name,
        attempts=trip.attempts,
        status=failure.status if failure else 200,
        failure=(failure.code or type(failure).__name__) if failure else "",
        usage=usage,
        cost=charge,
        stream=peek.stream,
        batch=x.batch,
        lost=lost,
        asked_id=x.asked_id,
    )


def _headers(upstream: Headers, kind: bytes, trip: Trip, lane: Lane) -> dict[bytes, bytes]:
    """The answer's headers: who answered, what was lost, and the provider's rate limits."""
    assert trip.target is not None
    out = {b"content-type": kind, b"x-asbru-provider": trip.target.provider.encode()}
    if lane.lost:
        out[b"x-asbru-lost"] = _printable(", ".join(lane.lost))
    for name in _passed(tuple(upstream)):
        out[name] = upstream[name]
    return out


@lru_cache(maxsize=256)
def _passed(names: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Which of a provider's headers go on to the client; it sends the same ones with each answer."""
    return tuple(name for name in names if name.startswith(_PASSED))


def _printable(text: str) -> bytes:
    """``text`` as a header value: names come out of clients' bodies and may hold anything."""
    if text.isascii() and text.isprintable():
        return text[:_LOST_LIMIT].encode()
    return "".join(c if " " <= c <= "~" else "?" for c in text[:_LOST_LIMIT]).encode()


def estimate(trip: Trip) -> Usage:
    """A stated guess when usage never came: what was reported at the start of the answer, else bytes and frames."""
    lane = trip.lane
    if lane is None or not lane.frames:
        return Usage()
    known = lane.usage
    return msgspec.structs.replace(
        known,
        input=known.input or trip.request_bytes // BYTES_PER_TOKEN,
        output=max(known.output, lane.frames),
        estimated=True,
    )
