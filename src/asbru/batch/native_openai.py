"""OpenAI's Batch API, and those that are like it to the letter: Azure's and Groq's.

Source: OpenAI's API reference, files and batches; ``openai`` SDK 3.54.0 (types/batch.py); ``groq`` 1.7
(types/batch_create_response.py); learn.microsoft.com, "Create a batch" of the v1 API.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from asbru.batch.native import Job
from asbru.batch.native_files import MARK, Kin, Seen, Told
from asbru.model.batches import Counts, Outcome

_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_MISSING = {"expired": Outcome.EXPIRED, "cancelled": Outcome.CANCELED}
_SHOWN = 5


class Problem(Struct):
    """One of the reasons why a batch failed validation."""

    message: str | None = None
    code: str | None = None
    line: int | None = None


class Problems(Struct):
    """The reasons."""

    data: list[Problem] | None = None


class RequestCounts(Struct):
    """All zero until the file has been validated."""

    total: int = 0
    completed: int = 0
    failed: int = 0


class Batch(Told):
    """A batch, as far as we care."""

    id: str
    status: str
    created_at: float = 0.0
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: Problems | None = None
    request_counts: RequestCounts | None = None
    metadata: dict[str, Any] | None = None

    def seen(self) -> Seen:
        """What it says."""
        counts = self.request_counts or RequestCounts()
        return Seen(
            id=self.id,
            ended=self.status in _ENDED,
            created_at=self.created_at,
            mark=str((self.metadata or {}).get(MARK, "")),
            counts=Counts(succeeded=counts.completed, errored=counts.failed),
            failure=_reasons(self) if self.status == "failed" else "",
            missing=_MISSING.get(self.status, Outcome.ERRORED),
            stopping=self.status == "cancelling",
            inputs=tuple(filter(None, (self.input_file_id,))),
            outputs=tuple(filter(None, (self.output_file_id, self.error_file_id))),
        )


class Page(Struct):
    """One page of batches."""

    data: list[Batch]
    has_more: bool = False


def _turn(page: Page, query: str) -> tuple[Sequence[Batch], str]:
    more = page.has_more and page.data
    return page.data, f"?limit=100&after={quote(page.data[-1].id, safe='')}" if more else ""


def _body(job: Job, url: str, file: str) -> dict[str, Any]:
    return {
        "input_file_id": file,
        "endpoint": url,
        "completion_window": "24h",
        "metadata": {MARK: job.id, "asbru_batch": job.batch},
    }


def _reasons(batch: Batch) -> str:
    """The first few reasons, as a sentence."""
    problems = (batch.errors.data if batch.errors else None) or []
    told = [
        (f"line {problem.line}: " if problem.line else "") + (problem.message or problem.code or "unknown")
        for problem in problems[:_SHOWN]
    ]
    more = f" (and {len(problems) - _SHOWN} more)" if len(problems) > _SHOWN else ""
    return ("; ".join(told) or "The provider refused the batch without saying why.") + more


OPENAI = Kin(batch=Batch, created=Batch, page=Page, turn=_turn, body=_body)
