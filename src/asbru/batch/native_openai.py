"""OpenAI's Batch API: a file is uploaded, a batch is made of it, output and error files are read back.

Source: OpenAI's API reference, files and batches, and the ``openai`` SDK 3.54.0 (types/batch.py).

Rule 1. The batch carries our job's id in its metadata (``asbru_job``): find() proves by it what is ours. Both uploads
and creations carry an ``Idempotency-Key`` too, for providers that heed it.
Rule 2. A crash between upload and creation leaves a file that nothing uses; OpenAI removes batch files after 30 days.
A creation that was certainly refused removes it at once.
Rule 3. clean_up() removes input, output and error file. The batch object stays: OpenAI has no way to remove it.
Rule 4. A result line that cannot be read is left out: its request then ends as ``Progress.missing`` says.
"""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct, structs

from asbru.batch.native import Job, JobResult, Line, Lines, Progress
from asbru.batch.native_calls import AddressOf, Caller, Send, Upload, grouped, one_line, twice
from asbru.batch.native_lines import steady_lines
from asbru.model.batches import Counts, Outcome
from asbru.model.failure import Overloaded, Rejected, Upstream
from asbru.wire.openai.batches import ENDPOINTS
from asbru.wire.shapes import BAD_JSON

MARK = "asbru_job"
CLOCK_SKEW = 300.0
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_MISSING = {"expired": Outcome.EXPIRED, "cancelled": Outcome.CANCELED}
_CODES = {
    "batch_expired": Outcome.EXPIRED,
    "batch_cancelled": Outcome.CANCELED,
    "batch_canceled": Outcome.CANCELED,
}
_SHOWN = 5


class File(Struct):
    """An uploaded file, as far as we care."""

    id: str


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


class Batch(Struct):
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

    @property
    def files(self) -> tuple[str, ...]:
        """Ids of its files."""
        return tuple(filter(None, (self.input_file_id, self.output_file_id, self.error_file_id)))


class Page(Struct):
    """One page of batches."""

    data: list[Batch]
    has_more: bool = False


class Response(Struct):
    """What became of a request that was sent."""

    status_code: int
    body: Raw = Raw(b"null")
    request_id: str | None = None


class Trouble(Struct):
    """Why a request was not sent, or has no response."""

    code: str | None = None
    message: str | None = None


class Row(Struct):
    """A line of an output or error file."""

    custom_id: str
    response: Response | None = None
    error: Trouble | None = None


_row = msgspec.json.Decoder(Row)


class NativeOpenAI:
    """NativeApi for OpenAI and whoever copies it.

    ``settle``: seconds after which find() looks a second time before it swears that there is no batch: a creation whose
    answer was lost may still be under way at the provider.
    """

    def __init__(self, send: Send, address: AddressOf, settle: float = 30.0) -> None:
        self._send = send
        self._address = address
        self._settle = settle

    async def submit(self, job: Job, lines: Lines) -> Job:
        """Upload the lines, make the batch. Raises Rejected, saying so, when there is no batch API."""
        caller = self._caller(job)
        boundary = f"asbru-{job.id}"
        head, tail = _form(job, boundary)
        length = len(head) + len(tail)
        url = ENDPOINTS[job.format]
        async for line in lines():
            length += len(_written(line, url))
        upload = Upload(f"multipart/form-data; boundary={boundary}", length, _body(head, lines, url, tail))
        try:
            file = await caller.upload("/files", upload, File, f"asbru-{job.id}-file")
        except Rejected as failure:
            raise caller.missing(failure) from None
        return await self._create(caller, job, url, file.id)

    async def _create(self, caller: Caller, job: Job, url: str, file: str) -> Job:
        body = {
            "input_file_id": file,
            "endpoint": url,
            "completion_window": "24h",
            "metadata": {MARK: job.id, "asbru_batch": job.batch},
        }
        try:
            batch = await caller.create(caller.address.batches, body, Batch, f"asbru-{job.id}")
        except Rejected as failure:
            await _forget(caller, (file,))
            raise caller.missing(failure) from None
        except Overloaded as failure:
            if failure.status == 429:
                await _forget(caller, (file,))
            raise
        return structs.replace(job, upstream_id=batch.id, files=(file,))

    async def find(self, job: Job, known: frozenset[str]) -> Job | None:
        """The batch whose metadata names the job; it alone proves anything.

        None means that the provider's list, read from the newest to before the job's creation, has no such batch; nor
        has it ``settle`` seconds later, so that this answer takes its time.
        """
        return await twice(lambda: self._look(job, known), self._settle)

    async def _look(self, job: Job, known: frozenset[str]) -> Job | None:
        caller = self._caller(job)
        async for batch in _batches(caller, job.created_at - CLOCK_SKEW):
            if batch.id not in known and (batch.metadata or {}).get(MARK) == job.id:
                return structs.replace(job, upstream_id=batch.id, files=batch.files[:1])
        return None

    async def poll(self, job: Job) -> Progress:
        """Where the batch stands; one that failed validation has ended, with the reasons as its failure."""
        batch = await self._batch(job)
        seen = batch.request_counts or RequestCounts()
        done = seen.completed + seen.failed
        return Progress(
            ended=batch.status in _ENDED,
            counts=Counts(succeeded=seen.completed, errored=seen.failed, processing=max(0, job.count - done)),
            failure=_reasons(batch) if batch.status == "failed" else "",
            missing=_MISSING.get(batch.status, Outcome.ERRORED),
        )

    async def results(self, job: Job) -> AsyncIterator[JobResult]:
        """Every line of the output file, then of the error file."""
        caller = self._caller(job)
        batch = await self._batch(job)
        for file in filter(None, (batch.output_file_id, batch.error_file_id)):
            async for line in steady_lines(partial(caller.stream, f"{_file(file)}/content")):
                if (result := _result(line)) is not None:
                    yield result

    async def cancel(self, job: Job) -> None:
        """Ask the provider to stop; a batch that has ended is left as it is."""
        caller = self._caller(job)
        try:
            await caller.post(f"{_path(caller, job)}/cancel", {}, Batch)
        except Rejected:
            if (await self._batch(job)).status not in _ENDED | {"cancelling"}:
                raise

    async def clean_up(self, job: Job) -> None:
        """Remove the files: the uploaded one and those that the provider made."""
        files = set(job.files)
        try:
            files.update((await self._batch(job)).files if job.upstream_id else ())
        except Rejected as failure:
            if failure.status != 404:
                raise
        caller = self._caller(job)
        for file in sorted(files):
            await caller.delete(_file(file))

    def _caller(self, job: Job) -> Caller:
        return Caller(self._send, self._address(job))

    async def _batch(self, job: Job) -> Batch:
        caller = self._caller(job)
        return await caller.get(_path(caller, job), Batch)


def _path(caller: Caller, job: Job) -> str:
    return f"{caller.address.batches}/{quote(job.upstream_id, safe='')}"


def _file(name: str) -> str:
    return f"/files/{quote(name, safe='')}"


async def _batches(caller: Caller, since: float) -> AsyncIterator[Batch]:
    """Batches created at ``since`` or later, newest first."""
    after = ""
    while True:
        page = await caller.get(f"{caller.address.batches}?limit=100{after}", Page)
        for batch in page.data:
            if batch.created_at < since:
                return
            yield batch
        if not page.has_more or not page.data:
            return
        after = f"&after={quote(page.data[-1].id, safe='')}"


async def _forget(caller: Caller, files: tuple[str, ...]) -> None:
    """Remove files of a job that did not come to be; what fails here must not hide why it did not."""
    for file in files:
        try:
            await caller.delete(_file(file))
        except Upstream:
            return


def _form(job: Job, boundary: str) -> tuple[bytes, bytes]:
    """What stands before and after the lines in the multipart form (RFC 7578)."""
    head = (
        f'--{boundary}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="asbru-{job.id}.jsonl"\r\n'
        f"content-type: application/jsonl\r\n\r\n"
    )
    return head.encode(), f"\r\n--{boundary}--\r\n".encode()


def _written(line: Line, url: str) -> bytes:
    name = msgspec.json.encode(line.upstream_id)
    return b'{"custom_id":%b,"method":"POST","url":"%b","body":%b}\n' % (name, url.encode(), one_line(line.body))


async def _body(head: bytes, lines: Lines, url: str, tail: bytes) -> AsyncIterator[bytes]:
    yield head
    async for piece in grouped(_written(line, url) async for line in lines()):
        yield piece
    yield tail


def _reasons(batch: Batch) -> str:
    """The first few reasons, as a sentence."""
    problems = (batch.errors.data if batch.errors else None) or []
    told = [
        (f"line {problem.line}: " if problem.line else "") + (problem.message or problem.code or "unknown")
        for problem in problems[:_SHOWN]
    ]
    more = f" (and {len(problems) - _SHOWN} more)" if len(problems) > _SHOWN else ""
    return ("; ".join(told) or "The provider refused the batch without saying why.") + more


def _result(line: bytes) -> JobResult | None:
    """A line of an output or error file; None when it is none."""
    try:
        row = _row.decode(line)
    except BAD_JSON:
        return None
    if row.response is not None and row.error is None:
        fine = 200 <= row.response.status_code < 300
        return JobResult(
            upstream_id=row.custom_id,
            outcome=Outcome.SUCCEEDED if fine else Outcome.ERRORED,
            status=row.response.status_code,
            body=bytes(row.response.body),
            request_id=row.response.request_id or "",
        )
    trouble = row.error or Trouble()
    outcome = _CODES.get(trouble.code or "", Outcome.ERRORED)
    error = {"message": trouble.message, "type": "server_error", "param": None, "code": trouble.code}
    errored = outcome is Outcome.ERRORED
    return JobResult(
        upstream_id=row.custom_id,
        outcome=outcome,
        status=500 if errored else 0,
        body=msgspec.json.encode({"error": error}) if errored else b"",
        request_id=(row.response.request_id or "") if row.response else "",
    )
