"""Batches as OpenAI writes them (platform.openai.com/docs/api-reference/batch), whatever dialect they were made in.

Rule 1. Status, times and counts are derived; OpenAI's words for the end are ``completed``, ``expired`` and
``cancelled``.
Rule 2. The output file holds what succeeded, the error file all the rest; both exist only when they have lines.
"""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw

from asbru.model.batches import Batch, ItemResult, Outcome, Status
from asbru.model.files import File
from asbru.model.names import OPERATIONS, Format, Operation
from asbru.model.usage import Usage
from asbru.wire.openai.batch_extras import batch_extras, result_extras

ENDPOINTS: Mapping[Format, str] = {
    Format.OPENAI_CHAT: "/v1/chat/completions",
    Format.OPENAI_RESPONSES: "/v1/responses",
    Format.OPENAI_COMPLETIONS: "/v1/completions",
    Format.OPENAI_EMBEDDINGS: "/v1/embeddings",
}
"""Formats of bodies -> what OpenAI calls their endpoint."""

_PREFIX = "batch_"
_FILE = "file-"
_OUTPUT = "-output"
_ERRORS = "-errors"
_INPUT = "-input"
_encode = msgspec.json.Encoder().encode

_UNDONE: Mapping[Outcome, tuple[str, str]] = {
    Outcome.EXPIRED: (
        "batch_expired",
        "This request could not be executed before the completion window expired.",
    ),
    Outcome.CANCELED: ("batch_cancelled", "This request was not executed because the batch was cancelled."),
}


def public_id(id: str) -> str:
    """The id of a batch as clients of this dialect see it."""
    return _PREFIX + id


def bare_id(public: str) -> str:
    """Our id out of one that a client sent; "" when it cannot be one of ours."""
    return public.removeprefix(_PREFIX) if public.startswith(_PREFIX) else ""


def read_file_id(public: str) -> tuple[str, bool] | None:
    """Batch id, and whether it is the error file, of the id of a result file; None when it is no such id."""
    if not public.startswith(_FILE):
        return None
    for ending, errors in ((_OUTPUT, False), (_ERRORS, True)):
        if public.endswith(ending):
            return public[len(_FILE) : -len(ending)], errors
    return None


def results_format(batch: Batch) -> Format:
    """What the results of ``batch`` are read in: its own format when it is one of this dialect's, else that of its
    operation.
    """
    if batch.format in ENDPOINTS:
        return batch.format
    return Format.OPENAI_EMBEDDINGS if OPERATIONS[batch.format] is Operation.EMBED else Format.OPENAI_CHAT


def result_file(batch: Batch, errors: bool) -> File | None:
    """A result file of a batch as a file; None when it is not there. Its size is not known before it is read."""
    told = _batch(batch)
    public = told["error_file_id" if errors else "output_file_id"]
    if not isinstance(public, str):
        return None
    name = f"{public_id(batch.id)}_{'error' if errors else 'output'}.jsonl"
    at = batch.ended_at or batch.created_at
    return File(
        id=public.removeprefix(_FILE),
        owner=batch.owner,
        name=name,
        size=0,
        created_at=at,
        purpose="batch_output",
        media_type="application/jsonl",
    )


def write_batch(batch: Batch, unified: bool = False) -> bytes:
    """One batch. ``unified``: with all that the unified API tells of it."""
    return _encode(_batch(batch, unified))


def write_page(batches: Sequence[Batch], has_more: bool, unified: bool = False) -> bytes:
    """A page of batches."""
    return _encode(
        {
            "object": "list",
            "data": [_batch(batch, unified) for batch in batches],
            "first_id": public_id(batches[0].id) if batches else None,
            "last_id": public_id(batches[-1].id) if batches else None,
            "has_more": has_more,
        }
    )


def write_result(result: ItemResult, batch: str, unified: bool = False) -> bytes:
    """One line of the output or of the error file of batch ``batch``; the result's body is in this dialect."""
    undone = _UNDONE.get(result.outcome)
    response = {"status_code": result.status, "request_id": result.request_id, "body": Raw(result.body or b"null")}
    return (
        _encode(
            {
                "id": f"batch_req_{batch}_{result.n}",
                "custom_id": result.custom_id,
                "response": None if undone else response,
                "error": {"code": undone[0], "message": undone[1]} if undone else None,
                **({"extra_fields": result_extras(result)} if unified else {}),
            }
        )
        + b"\n"
    )


def _batch(batch: Batch, unified: bool = False) -> dict[str, object]:
    counts, ended = batch.counts, batch.status is Status.ENDED
    failed = counts.errored + counts.canceled + counts.expired
    readable = ended and batch.archived_at is None
    file = f"{_FILE}{batch.id}"
    return {
        "id": public_id(batch.id),
        "object": "batch",
        "endpoint": batch.about.endpoint or ENDPOINTS[results_format(batch)],
        "model": batch.models[0] if len(batch.models) == 1 else None,
        "errors": None,
        "input_file_id": batch.about.input_file or file + _INPUT,
        "completion_window": "24h",
        "status": _status(batch),
        "output_file_id": file + _OUTPUT if readable and counts.succeeded else None,
        "error_file_id": file + _ERRORS if readable and failed else None,
        **_times(batch),
        "request_counts": {"total": counts.total, "completed": counts.succeeded, "failed": failed},
        "usage": _usage(batch.usage) if ended else None,
        "metadata": batch.about.metadata or None,
        **({"extra_fields": batch_extras(batch)} if unified else {}),
    }


def _status(batch: Batch) -> str:
    match batch.status:
        case Status.IN_PROGRESS:
            return "in_progress"
        case Status.CANCELING:
            return "cancelling"
        case Status.ENDED:
            return ended_as(batch)


def ended_as(batch: Batch) -> str:
    """How the batch ended, in OpenAI's words. A cancel that came too late to stop anything completed."""
    if batch.counts.canceled:
        return "cancelled"
    return "expired" if batch.counts.expired else "completed"


def _times(batch: Batch) -> dict[str, int | None]:
    created, ended = int(batch.created_at), _whole(batch.ended_at)
    end = ended_as(batch) if batch.status is Status.ENDED else ""
    return {
        "created_at": created,
        "in_progress_at": created,
        "expires_at": int(batch.expires_at),
        "finalizing_at": ended,
        "completed_at": ended if end == "completed" else None,
        "failed_at": None,
        "expired_at": ended if end == "expired" else None,
        "cancelling_at": _whole(batch.cancel_initiated_at),
        "cancelled_at": ended if end == "cancelled" else None,
    }


def _whole(at: float | None) -> int | None:
    return None if at is None else int(at)


def _usage(usage: Usage) -> dict[str, object]:
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cache_read},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }
