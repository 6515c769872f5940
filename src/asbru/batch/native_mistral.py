"""Mistral's batch jobs: one model and one endpoint for a file of lines.

Source: ``mistralai`` 3.7 (client/models/createbatchjobrequest.py, batchjob.py, listbatchjobsresponse.py) and
docs.mistral.ai, "Batch Processing".
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

from msgspec import Struct

from asbru.batch.native import Job
from asbru.batch.native_files import MARK, Kin, Seen, Told, short_line
from asbru.model.batches import Counts, Outcome

_PAGE = 100
_ENDED = frozenset({"SUCCESS", "FAILED", "TIMEOUT_EXCEEDED", "CANCELLED"})
_MISSING = {"TIMEOUT_EXCEEDED": Outcome.EXPIRED, "CANCELLED": Outcome.CANCELED}
_HOURS = 24


class Problem(Struct):
    """Why requests failed, and how many."""

    message: str
    count: int = 1


class Batch(Told):
    """A batch job, as far as we care."""

    id: str
    status: str
    created_at: float = 0.0
    input_files: tuple[str, ...] = ()
    output_file: str | None = None
    error_file: str | None = None
    errors: tuple[Problem, ...] = ()
    succeeded_requests: int = 0
    failed_requests: int = 0
    metadata: dict[str, Any] | None = None

    def seen(self) -> Seen:
        """What it says. A job that failed with result files has its errors there, line by line."""
        outputs = tuple(filter(None, (self.output_file, self.error_file)))
        told = "; ".join(problem.message for problem in self.errors[:5])
        refused = self.status == "FAILED" and not outputs
        return Seen(
            id=self.id,
            ended=self.status in _ENDED,
            created_at=self.created_at,
            mark=str((self.metadata or {}).get(MARK, "")),
            counts=Counts(succeeded=self.succeeded_requests, errored=self.failed_requests),
            failure=(told or "The provider refused the batch without saying why.") if refused else "",
            missing=_MISSING.get(self.status, Outcome.ERRORED),
            stopping=self.status == "CANCELLATION_REQUESTED",
            inputs=self.input_files,
            outputs=outputs,
        )


class Page(Struct):
    """One page of jobs."""

    data: list[Batch] | None = None
    total: int = 0


def _first(page: int) -> str:
    return f"?page={page}&page_size={_PAGE}&order_by=-created"


def _turn(page: Page, query: str) -> tuple[Sequence[Batch], str]:
    data = page.data or []
    number = int(parse_qs(query.removeprefix("?"))["page"][0])
    return data, _first(number + 1) if len(data) == _PAGE else ""


def _body(job: Job, url: str, file: str) -> dict[str, Any]:
    return {
        "input_files": [file],
        "endpoint": url,
        "model": job.upstream_model,
        "metadata": {MARK: job.id, "asbru_batch": job.batch},
        "timeout_hours": _HOURS,
    }


MISTRAL = Kin(batch=Batch, created=Batch, page=Page, turn=_turn, body=_body, line=short_line, first=_first(0))
