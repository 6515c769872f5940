"""What the unified API tells of a batch and of its results beyond OpenAI's members: ``extra_fields``."""

from asbru.model.batches import Batch, ItemResult, Status
from asbru.model.usage import dollars


def batch_extras(batch: Batch) -> dict[str, object]:
    """Of a batch: money, control, and every count as it is now."""
    books, counts = batch.books, batch.counts
    return {
        "status": "paused" if books.paused_at is not None and batch.status is Status.IN_PROGRESS else batch.status,
        "provider": batch.provider,
        "mode": batch.mode,
        "counts": {
            "processing": counts.processing,
            "succeeded": counts.succeeded,
            "errored": counts.errored,
            "canceled": counts.canceled,
            "expired": counts.expired,
            "copies": books.copies,
        },
        "cost": _money(batch.cost),
        "estimate": _money(books.estimate),
        "reserved": _money(books.reserved),
        "max_cost": _money(books.max_cost) if books.max_cost else None,
        "deadline": _whole(books.deadline),
        "paused_at": _whole(books.paused_at),
        "webhook": books.webhook or None,
        "stopped": books.stopped or None,
        "rerun_of": f"batch_{books.rerun_of}" if books.rerun_of else None,
    }


def result_extras(result: ItemResult) -> dict[str, object]:
    """Of a result: where it ran, what it cost, and why it is there."""
    return {
        "provider": result.provider,
        "model": result.model,
        "mode": "native" if result.native else "live",
        "cost": _money(result.cost),
        "latency": int(result.took * 1_000),
        "moved": result.moved or None,
        "copy_of": result.copy_of or None,
    }


def _money(nano: int) -> dict[str, object]:
    return {"nano_dollars": nano, "dollars": dollars(nano)}


def _whole(at: float | None) -> int | None:
    return None if at is None else int(at)
