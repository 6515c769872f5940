"""Together's batches: OpenAI's course with words of its own, and neither metadata nor counts.

Source: ``together`` 3.1 (types/batch_job.py, batch_create_params.py, file_purpose.py) and docs.together.ai, "Batch
processing" and "Upload a file" (``POST /files/upload`` with ``file_name``). A cancelled job is ``CANCELING`` for a
while, which the documented list of states leaves out.

Rule 1. A batch is ours when it was made of a file that bears our job's name.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from asbru.batch.native import Job
from asbru.batch.native_calls import Caller
from asbru.batch.native_files import Kin, Seen, Told, name_of, short_line
from asbru.model.batches import Outcome

_ENDED = frozenset({"COMPLETED", "FAILED", "EXPIRED", "CANCELLED"})
_MISSING = {"EXPIRED": Outcome.EXPIRED, "CANCELLED": Outcome.CANCELED}


class Batch(Told):
    """A batch job, as far as we care."""

    id: str
    status: str = ""
    created_at: datetime | None = None
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    error: str | None = None

    def seen(self) -> Seen:
        """What it says."""
        failed = self.status == "FAILED"
        return Seen(
            id=self.id,
            ended=self.status in _ENDED,
            created_at=self.created_at.timestamp() if self.created_at else 0.0,
            mark=self.input_file_id or "",
            failure=(self.error or "The provider refused the batch without saying why.") if failed else "",
            missing=_MISSING.get(self.status, Outcome.ERRORED),
            stopping=self.status in ("CANCELING", "CANCELLING"),
            inputs=tuple(filter(None, (self.input_file_id,))),
            outputs=tuple(filter(None, (self.output_file_id, self.error_file_id))),
        )


class Created(Told):
    """What a creation answers."""

    job: Batch

    def seen(self) -> Seen:
        """What it says."""
        return self.job.seen()


class Named(Struct):
    """A file in the list of files."""

    id: str
    filename: str = ""


class Files(Struct):
    """The list of files."""

    data: list[Named]


def _turn(page: list[Batch], query: str) -> tuple[Sequence[Batch], str]:
    return page, ""


def _body(job: Job, url: str, file: str) -> dict[str, Any]:
    return {"input_file_id": file, "endpoint": url, "completion_window": "24h"}


async def _marks(caller: Caller, job: Job) -> frozenset[str]:
    """Ids of the files that were uploaded for the job."""
    files = await caller.get(caller.address.files, Files)
    return frozenset(file.id for file in files.data if file.filename == name_of(job))


TOGETHER = Kin(
    batch=Batch,
    created=Created,
    page=list[Batch],
    turn=_turn,
    body=_body,
    line=short_line,
    first="",
    newest_first=False,
    purpose="batch-api",
    fields=lambda job: {"file_name": name_of(job), "file_type": "jsonl"},
    upload="/upload",
    marks=_marks,
)
