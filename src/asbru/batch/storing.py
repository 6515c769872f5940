"""A checked create becomes rows: the batch, its items, and the key under which a repeated create finds it again."""

import hashlib
from collections.abc import Iterator

import msgspec
from msgspec import UNSET

from asbru.batch.intake import Checked, Order, Parsed
from asbru.model.batches import Controls, State
from asbru.model.failure import Refused
from asbru.store import Appender, batches
from asbru.store.batches import NewBatch, NewItem
from asbru.store.db import Db


def digest_of(body: bytes | memoryview, order: Order) -> str:
    """What makes two creates the same."""
    digest = hashlib.sha256(f"{order.format}\n{order.url}\n{order.model}\n{order.default}\n{order.mode}\n".encode())
    if order.controls != Controls():
        digest.update(msgspec.json.encode(order.controls))
    digest.update(body)
    return digest.hexdigest()


def new_batch(order: Order, checked: Checked, digest: str) -> NewBatch:
    """The row of the batch to be."""
    return NewBatch(
        id=order.id,
        owner=order.owner,
        format=checked.format,
        provider=order.default,
        mode=order.mode,
        headers={**order.headers, **checked.headers},
        about=order.about,
        controls=order.controls,
        estimate=checked.estimate,
        twins=sum(one.twin is not None for one in checked.requests),
        models=checked.models,
        total=len(checked.requests),
        created_at=order.created_at,
        expires_at=order.created_at + order.life,
        key=order.key,
        digest=digest,
    )


def replayed(db: Db, order: Order, digest: str) -> str | None:
    """Id of the batch that an earlier create with the same idempotency key made. Raises Refused for another body."""
    found = batches.keyed(db, order.owner, order.key) if order.key else None
    if found is None:
        return None
    if found[1] != digest:
        # Not 409: the SDKs send a 409 again, and it would never change.
        text = "idempotency-key: used already for a batch with another body, provider, mode or limits"
        raise Refused(400, text, code="invalid_request_error", param="idempotency-key")
    return found[0]


def rows(requests: list[Parsed], first: int, segments: Appender) -> Iterator[NewItem]:
    """Rows of ``requests``, numbered from ``first``; their params go to ``segments``."""
    for n, one in enumerate(requests, first):
        state = State.QUEUED if one.native else State.WAITING
        yield NewItem(
            n,
            one.custom_id,
            State.TWIN if one.twin is not None else state,
            one.provider,
            one.model,
            segments.append(bytes(one.params)),
            note="" if one.note is UNSET else bytes(one.note).decode(),
            reserve=one.reserve,
            reserve_live=0 if one.twin is not None else one.weight.most_live,
            twin=one.twin,
        )


def store_at_once(db: Db, new: NewBatch, checked: Checked, segments: Appender) -> None:
    """The whole batch in the current transaction."""
    seq = batches.begin(db, new)
    items = list(rows(checked.requests, 0, segments))
    batches.use(db, seq, {item.ask.segment for item in items})
    batches.add(db, seq, items)
    batches.open_(db, seq, new, checked.shares)
