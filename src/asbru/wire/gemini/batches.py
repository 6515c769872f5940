"""Batches as Google writes them (ai.google.dev/api/batch-api; google-genai 3.4 ``batches.py``), whatever dialect they
were made in.

Rule 1. A batch is a long-running operation: what is known of it is its ``metadata``, the results are in
``metadata.output`` (the SDK reads them there) and in ``response`` (the documentation).
Rule 2. Every batch that has ended has a result file, ``files/batch-<id>``; one of inlined requests has its results
inlined as well, while they are not too large.
Rule 3. Google has no word for a batch that is being canceled: it runs until it has ended.
Rule 4. Whole numbers are strings, as protocol buffers write 64 bits. The error of a request is a ``google.rpc.Status``
without details, which the SDK takes for texts.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import Raw

from asbru.model.batches import Batch, ItemResult, Outcome, Status
from asbru.model.files import File
from asbru.model.names import OPERATIONS, Format, Operation
from asbru.wire.gemini.errors import rpc_status

MOST_INLINED = 20_000_000
"""Bytes of results that are inlined at most: Google takes as many in a request."""

_BATCHES, _RESULTS = "batches/", "batch-"
_OWN = frozenset({Format.GEMINI_GENERATE, Format.GEMINI_EMBED})
_TYPE = "type.googleapis.com/google.ai.generativelanguage.v1main."
_KINDS = {Operation.EMBED: "EmbedContentBatch"}
_CANCELLED, _DEADLINE_EXCEEDED = 1, 4
_UNDONE: Mapping[Outcome, dict[str, object]] = {
    Outcome.CANCELED: {"code": _CANCELLED, "message": "The batch was cancelled before this request was processed."},
    Outcome.EXPIRED: {
        "code": _DEADLINE_EXCEEDED,
        "message": "The batch expired before this request was processed.",
    },
}
_encode = msgspec.json.Encoder().encode


def public_name(id: str) -> str:
    """The name of a batch as clients of this dialect see it."""
    return _BATCHES + id


def bare_id(name: str) -> str:
    """Our id out of a name that a client sent."""
    return name.removeprefix(_BATCHES)


def result_id(id: str) -> str:
    """The id of the result file of a batch."""
    return _RESULTS + id


def read_result_id(file: str) -> str | None:
    """The batch that a file is the result of; None when it is no result file."""
    return file.removeprefix(_RESULTS) if file.startswith(_RESULTS) else None


def results_format(batch: Batch) -> Format:
    """What the results of ``batch`` are read in: its own format when it is one of this dialect's, else that of its
    operation.
    """
    if batch.format in _OWN:
        return batch.format
    return Format.GEMINI_EMBEDS if OPERATIONS[batch.format] is Operation.EMBED else Format.GEMINI_GENERATE


def result_file(batch: Batch) -> File | None:
    """The results of a batch as a file; None when there are none. Its size is not known before it is read."""
    if not _readable(batch):
        return None
    return File(
        id=result_id(batch.id),
        owner=batch.owner,
        name=f"{batch.about.name or public_name(batch.id)}.jsonl",
        size=0,
        created_at=batch.ended_at or batch.created_at,
        media_type="application/jsonl",
    )


def write_batch(batch: Batch) -> bytes:
    """One batch; its results, when it has ended, in a file."""
    return _encode(_operation(batch, _output(batch)))


def write_around(batch: Batch) -> tuple[bytes, bytes, bytes]:
    """One batch with its results inlined: what stands before them, between their two places, and after them."""
    mark = "\x00results"
    whole = _encode(_operation(batch, {"inlinedResponses": {"inlinedResponses": [mark]}}))
    before, between, after = whole.split(_encode(mark))
    return before, between, after


def write_page(batches: Sequence[Batch], has_more: bool) -> bytes:
    """A page of batches."""
    page: dict[str, object] = {"operations": [_operation(batch, _output(batch)) for batch in batches]}
    if has_more:
        page["nextPageToken"] = batches[-1].id
    return _encode(page)


def write_line(result: ItemResult) -> bytes:
    """A line of a result file; the result's body is in this dialect."""
    note = {"metadata": Raw(result.note.encode())} if result.note else {}
    return _encode({"key": result.custom_id, **note, **_result(result)}) + b"\n"


def write_inlined(result: ItemResult) -> bytes:
    """One inlined result, after a comma; the result's body is in this dialect."""
    note = {"metadata": Raw(result.note.encode())} if result.note else {}
    return b"," + _encode({**_result(result), **note})


def _result(result: ItemResult) -> dict[str, object]:
    match result.outcome:
        case Outcome.SUCCEEDED:
            return {"response": Raw(result.body)}
        case Outcome.ERRORED:
            return {"error": rpc_status(result.body)}
        case undone:
            return {"error": _UNDONE[undone]}


def _readable(batch: Batch) -> bool:
    return batch.status is Status.ENDED and batch.archived_at is None


def _output(batch: Batch) -> dict[str, object] | None:
    return {"responsesFile": f"files/{result_id(batch.id)}"} if _readable(batch) else None


def _operation(batch: Batch, output: dict[str, object] | None) -> dict[str, object]:
    kind = _TYPE + _KINDS.get(OPERATIONS[batch.format], "GenerateContentBatch")
    told: dict[str, object] = {"name": public_name(batch.id), "metadata": {"@type": kind, **_metadata(batch)}}
    if output is not None:
        told["metadata"] = {"@type": kind, **_metadata(batch), "output": output}
        told["response"] = {"@type": f"{kind}Output", **output}
    return {**told, "done": batch.status is Status.ENDED}


def _metadata(batch: Batch) -> dict[str, object]:
    updated = batch.ended_at or batch.cancel_initiated_at or batch.created_at
    metadata: dict[str, object] = {
        "name": public_name(batch.id),
        "displayName": batch.about.name,
        "state": _state(batch),
        "createTime": _time(batch.created_at),
        "updateTime": _time(updated),
        "batchStats": _stats(batch),
    }
    if len(batch.models) == 1:
        metadata["model"] = f"models/{batch.models[0]}"
    if batch.ended_at is not None:
        metadata["endTime"] = _time(batch.ended_at)
    return metadata


def _state(batch: Batch) -> str:
    """A cancel that came too late to stop anything succeeded."""
    if batch.status is not Status.ENDED:
        return "BATCH_STATE_RUNNING"
    if batch.counts.canceled:
        return "BATCH_STATE_CANCELLED"
    return "BATCH_STATE_EXPIRED" if batch.counts.expired else "BATCH_STATE_SUCCEEDED"


def _stats(batch: Batch) -> dict[str, str]:
    counts = batch.counts
    told = {
        "requestCount": counts.total,
        "successfulRequestCount": counts.succeeded,
        "failedRequestCount": counts.errored + counts.canceled + counts.expired,
        "pendingRequestCount": counts.processing,
    }
    return {name: str(count) for name, count in told.items()}


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
