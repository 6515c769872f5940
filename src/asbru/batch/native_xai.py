"""xAI's batches: made of an uploaded file, known by name, their results read page by page.

Source: docs.x.ai, "Batch API" and the REST reference "Batches"; ``xai-sdk`` 1.21 (proto/v6/batch_pb2.pyi) for members.
A batch has counters instead of a state: it has ended when nothing is pending, or when it was cancelled or has expired.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct

from asbru.batch.native import Job, JobResult
from asbru.batch.native_calls import Caller
from asbru.batch.native_files import Kin, Seen, Told
from asbru.batch.native_rows import Trouble, troubled
from asbru.model.batches import Counts, Outcome

_NAME = "asbru-"
_GRPC = {3: 400, 5: 404, 7: 403, 8: 429, 11: 400, 14: 503, 16: 401}
"""What gRPC's codes mean in HTTP."""
_PAGE = 100


class State(Struct):
    """Counters of a batch."""

    num_requests: int = 0
    num_pending: int = 0
    num_success: int = 0
    num_error: int = 0
    num_cancelled: int = 0


class Batch(Told):
    """A batch, as far as we care."""

    batch_id: str
    name: str = ""
    create_time: datetime | None = None
    cancel_time: datetime | None = None
    cancel_by_xai_message: str | None = None
    input_file_id: str | None = None
    state: State | None = None

    def seen(self) -> Seen:
        """What it says."""
        state = self.state or State()
        done = state.num_requests > 0 and state.num_pending == 0
        ended = done or (self.cancel_time is not None and state.num_pending == 0)
        return Seen(
            id=self.batch_id,
            ended=ended,
            created_at=self.create_time.timestamp() if self.create_time else 0.0,
            mark=self.name.removeprefix(_NAME),
            counts=Counts(succeeded=state.num_success, errored=state.num_error, canceled=state.num_cancelled),
            failure=self.cancel_by_xai_message or "" if not state.num_success else "",
            missing=Outcome.CANCELED if self.cancel_time else Outcome.ERRORED,
            stopping=self.cancel_time is not None,
            inputs=tuple(filter(None, (self.input_file_id,))),
        )


class Page(Struct):
    """One page of batches."""

    batches: list[Batch] = []
    pagination_token: str | None = None


class Said(Struct):
    """What a request was answered, by the endpoint it was sent to."""

    chat_get_completion: Raw = Raw(b"")


class Ended(Struct):
    """What became of a request."""

    response: Said | None = None
    error: Trouble | str | None = None


class Row(Struct):
    """One result. An error may stand here or within."""

    batch_request_id: str
    batch_result: Ended | None = None
    error: Trouble | str | None = None
    error_message: str | None = None


class Results(Struct):
    """One page of results."""

    results: list[Raw] = []
    pagination_token: str | None = None


_row = msgspec.json.Decoder(Row)


def _more(token: str | None) -> str:
    return f"?limit={_PAGE}&pagination_token={quote(token, safe='')}" if token else ""


def _turn(page: Page, query: str) -> tuple[Sequence[Batch], str]:
    return page.batches, _more(page.pagination_token)


def _body(job: Job, url: str, file: str) -> dict[str, Any]:
    return {"name": _NAME + job.id, "input_file_id": file}


async def _rows(caller: Caller, path: str, seen: Seen) -> AsyncIterator[JobResult]:
    """Every page of the results; one is in memory at a time."""
    query = f"?limit={_PAGE}"
    while query:
        page = await caller.get(f"{path}/results{query}", Results)
        for raw in page.results:
            try:
                row = _row.decode(raw)
            except msgspec.ValidationError:
                continue
            yield _result(row)
        query = _more(page.pagination_token)


def _result(row: Row) -> JobResult:
    ended = row.batch_result or Ended()
    body = bytes(ended.response.chat_get_completion) if ended.response else b""
    if body and body != b"null":
        return JobResult(upstream_id=row.batch_request_id, outcome=Outcome.SUCCEEDED, status=200, body=body)
    error = ended.error or row.error or row.error_message
    trouble = Trouble(message=error) if isinstance(error, str) else error or Trouble()
    result = troubled(row.batch_request_id, trouble)
    status = _GRPC.get(trouble.code, 500) if isinstance(trouble.code, int) else result.status
    return msgspec.structs.replace(result, status=status)


XAI = Kin(
    batch=Batch,
    created=Batch,
    page=Page,
    turn=_turn,
    body=_body,
    first=f"?limit={_PAGE}",
    newest_first=False,
    cancel=":cancel",
    rows=_rows,
)
