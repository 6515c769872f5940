"""One item through the gateway: what goes in, and what is written about it."""

import logging
from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct

from asbru.batch.rerun import overload, wait_before_next
from asbru.batch.translate import one_line
from asbru.gateway.exchange import Exchange
from asbru.gateway.flex import LOST, no_room
from asbru.model.batches import Mode, Outcome
from asbru.model.failure import Bug, Failure
from asbru.model.http import Answer
from asbru.model.people import Principal
from asbru.model.record import Record
from asbru.model.usage import Usage
from asbru.store.batches import Active
from asbru.store.items import Claimed, Done, Postponed
from asbru.wire import CODECS
from asbru.wire.codec import AnyCodec, Peek
from asbru.wire.envelope import Envelope

Carry = Callable[[Exchange], Awaitable[Answer]]
"""The gateway: carries one exchange across, raises Failure, leaves its record on the exchange."""

Ran = tuple[Exchange | None, Answer | Failure]
"""The exchange (None: its params could not be read) and what came of it."""

_log = logging.getLogger("asbru.batch")


class Attempt(Struct):
    """How one try ended. ``overloaded`` and ``retry_after``: what it says of the provider."""

    result: Done | Postponed
    overloaded: bool = False
    retry_after: float | None = None


def exchange_of(item: Claimed, batch: Active, body: bytes, at: float) -> Exchange:
    """The exchange of one item. Raises Refused when its params cannot be read."""
    codec = CODECS[batch.format]
    envelope = Envelope(body)
    return Exchange(
        id=request_id(batch.id, item.n),
        codec=codec,
        envelope=envelope,
        peek=_peek(item, codec, envelope),
        provider=batch.provider,
        at=at,
        who=Principal(batch.owner),
        headers={name.encode(): value.encode() for name, value in batch.headers.items()},
        batch=batch.id,
        flex=batch.mode is Mode.FLEX,
    )


def _peek(item: Claimed, codec: AnyCodec, envelope: Envelope) -> Peek:
    """What the item asks for; where its format names the model elsewhere, that of the item's row."""
    peek = codec.peek(envelope)
    return Peek(f"{item.provider}/{item.model}", False, peek.fallbacks) if codec.model_in_path else peek


def request_id(batch: str, n: int) -> str:
    """The request id of an item: the same at every try."""
    return f"req_{batch}_{n}"


def charge_id(batch: str, n: int) -> str:
    """The id of an item's charge and log line."""
    return f"{batch}/{n}"


async def run(item: Claimed, batch: Active, body: bytes, carry: Carry, at: float) -> Ran:
    """Carry one item across; never raises, but for cancellation."""
    x: Exchange | None = None
    try:
        x = exchange_of(item, batch, body, at)
        try:
            answer = await carry(x)
        except Failure as failure:
            if not (x.flex and no_room(failure)):
                raise
            x = msgspec.structs.replace(x, flex=False, record=None)
            answer = await carry(x)
            x.record = msgspec.structs.replace(x.record, lost=(*x.record.lost, LOST)) if x.record else None
        return x, Answer(status=answer.status, body=one_line(answer.body))
    except Failure as failure:
        return x, failure
    except Exception:
        _log.exception("an item of a batch failed inside the gateway", extra={"item": charge_id(batch.id, item.n)})
        return x, Bug(500, "The request failed inside the gateway.", code="api_error")


def attempt_of(
    item: Claimed,
    batch: Active,
    ran: Ran,
    times: tuple[float, float, tuple[float, ...]],
) -> Attempt:
    """What to write about a try. ``times``: now (Unix seconds), how long it took, the waits between tries."""
    x, answer = ran
    now, took, waits = times
    record = x.record if x is not None else None
    if record is not None:
        record = msgspec.structs.replace(record, id=charge_id(batch.id, item.n))
    if isinstance(answer, Answer):
        return Attempt(_succeeded(item, batch, (answer, record), took))
    hard = overload(answer)
    wait = wait_before_next(answer, item.attempts, waits)
    if wait is not None:
        return Attempt(Postponed(item.batch, item.n, now + wait), hard, answer.retry_after)
    return Attempt(_errored(item, batch, (answer, record), took), hard, answer.retry_after)


def _succeeded(item: Claimed, batch: Active, got: tuple[Answer, Record | None], took: float) -> Done:
    answer, record = got
    return Done(
        batch=item.batch,
        n=item.n,
        outcome=Outcome.SUCCEEDED,
        format=batch.format,
        status=answer.status,
        body=answer.body,
        request_id=request_id(batch.id, item.n),
        usage=record.usage if record else Usage(),
        cost=record.cost if record else 0,
        took=took,
        record=record,
    )


def _errored(item: Claimed, batch: Active, got: tuple[Failure, Record | None], took: float) -> Done:
    failure, record = got
    id_ = request_id(batch.id, item.n)
    return Done(
        batch=item.batch,
        n=item.n,
        outcome=Outcome.ERRORED,
        format=batch.format,
        status=failure.status,
        body=CODECS[batch.format].write_failure(failure, id_),
        request_id=id_,
        usage=record.usage if record else Usage(),
        cost=record.cost if record else 0,
        took=took,
        record=record,
    )
