"""Message batches as Anthropic writes them (docs.anthropic.com/en/api/creating-message-batches).

Rule 1. Every member is there, null where there is no value. Times are RFC 3339 with a fraction.
Rule 2. Until the batch has ended all its requests count as ``processing`` (the contract says so; SDKs rely on it).
Rule 3. A result is one line ended by ``\\n``; an ``errored`` one holds a whole error body, so there are two levels
of error.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import Raw

from asbru.model.batches import Batch, Counts, ItemResult, Outcome, Status

_PREFIX = "msgbatch_"
_encode = msgspec.json.Encoder().encode


def public_id(id: str) -> str:
    """The id of a batch as clients of this dialect see it."""
    return _PREFIX + id


def bare_id(public: str) -> str:
    """Our id out of one that a client sent; "" when it cannot be one of ours."""
    return public.removeprefix(_PREFIX) if public.startswith(_PREFIX) else ""


def write_batch(batch: Batch, results_url: str) -> bytes:
    """One batch. ``results_url``: where its results are; told only when there are any to be had."""
    return _encode(_batch(batch, results_url))


def write_page(batches: Sequence[Batch], has_more: bool, url: Callable[[Batch], str]) -> bytes:
    """A page of batches. ``url``: the results_url of each."""
    return _encode(
        {
            "data": [_batch(batch, url(batch)) for batch in batches],
            "has_more": has_more,
            "first_id": public_id(batches[0].id) if batches else None,
            "last_id": public_id(batches[-1].id) if batches else None,
        }
    )


def write_deleted(id: str) -> bytes:
    """What a delete answers."""
    return _encode({"id": public_id(id), "type": "message_batch_deleted"})


def write_result(result: ItemResult) -> bytes:
    """One line of the results; its body is in this dialect."""
    match result.outcome:
        case Outcome.SUCCEEDED:
            body: dict[str, object] = {"type": "succeeded", "message": Raw(result.body)}
        case Outcome.ERRORED:
            body = {"type": "errored", "error": Raw(result.body)}
        case _:
            body = {"type": str(result.outcome)}
    return _encode({"custom_id": result.custom_id, "result": body}) + b"\n"


def _batch(batch: Batch, results_url: str) -> dict[str, object]:
    ended = batch.status is Status.ENDED
    counts = batch.counts if ended else Counts(processing=batch.counts.total)
    return {
        "id": public_id(batch.id),
        "type": "message_batch",
        "processing_status": str(batch.status),
        "request_counts": {
            "processing": counts.processing,
            "succeeded": counts.succeeded,
            "errored": counts.errored,
            "canceled": counts.canceled,
            "expired": counts.expired,
        },
        "ended_at": _time(batch.ended_at),
        "created_at": _time(batch.created_at),
        "expires_at": _time(batch.expires_at),
        "archived_at": _time(batch.archived_at),
        "cancel_initiated_at": _time(batch.cancel_initiated_at),
        "results_url": results_url if ended and batch.archived_at is None else None,
    }


def _time(at: float | None) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
