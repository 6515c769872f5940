"""Bedrock's batch jobs: records are put into a bucket, a job is made of them, its output is read from the bucket.

Source: botocore 1.44, bedrock 2023-04-20 (``CreateModelInvocationJob`` and its like); Bedrock user guide, "Process
multiple prompts with batch inference".

Rule 1. A job's ``clientRequestToken`` is our job's id: Bedrock answers a second creation with the job that the first
one made, so that a crash cannot submit twice.
Rule 2. All that belongs to a job lies below ``<prefix>asbru/<job id>/``: ``input.jsonl``, and the output in ``out/``.
So results of two jobs never mix, and clean_up() removes what lies there and nothing else.
Rule 3. Bodies in the format of the model's maker go as they are (InvokeModel); other chat goes as Converse, which every
model speaks.
Rule 4. A result line that cannot be read is left out: its request then ends as ``Progress.missing`` says.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct, structs

from asbru.batch.native import Job, JobResult, Line, Lines, Progress
from asbru.batch.native_calls import AddressOf, Caller, Depot, Send, grouped, one_line
from asbru.model.batches import Counts, Outcome
from asbru.model.failure import Broken, Rejected
from asbru.model.names import Format
from asbru.wire import CODECS
from asbru.wire.bedrock.job_lines import invocation_type
from asbru.wire.shapes import BAD_JSON

_ENDED = frozenset({"Completed", "Failed", "Stopped", "PartiallyCompleted", "Expired"})
_MISSING = {"Stopped": Outcome.CANCELED, "PartiallyCompleted": Outcome.EXPIRED, "Expired": Outcome.EXPIRED}
_MOST_LINE = 64 << 20
_HOURS = 24


class Created(Struct, rename="camel"):
    """What a creation answers."""

    job_arn: str


class Told(Struct, rename="camel"):
    """A job, as far as we care. Counts are told by the newest API only."""

    job_arn: str
    status: str = ""
    job_name: str = ""
    message: str | None = None
    total_record_count: int | None = None
    success_record_count: int = 0
    error_record_count: int = 0


class Page(Struct, rename="camel"):
    """One page of jobs."""

    invocation_job_summaries: list[Told] = []


class Nothing(Struct):
    """An empty answer."""


class Trouble(Struct, rename="camel"):
    """Why a record has no output."""

    error_code: int | str = 500
    error_message: str = ""


class Row(Struct, rename="camel"):
    """A line of an output file; ``modelInput`` is not looked at."""

    record_id: str
    model_output: Raw = Raw(b"")
    error: Trouble | None = None


_row = msgspec.json.Decoder(Row)


class NativeBedrock:
    """NativeApi for Bedrock. ``settle`` is not needed: see rule 1."""

    def __init__(self, send: Send, address: AddressOf, settle: float = 0.0) -> None:
        self._send = send
        self._address = address

    async def submit(self, job: Job, lines: Lines) -> Job:
        """Put the records into the bucket, make the job. Raises Rejected, saying so, when there is no batch API."""
        caller, depot = self._reached(job)
        await depot.bucket.put(f"{_folder(depot, job)}input.jsonl", grouped(_written(line) async for line in lines()))
        try:
            made = await caller.create(caller.address.batches, _creation(depot, job), Created, f"asbru-{job.id}")
        except Rejected as failure:
            raise caller.missing(failure) from None
        return structs.replace(job, upstream_id=made.job_arn)

    async def find(self, job: Job, known: frozenset[str]) -> Job | None:
        """The job of this name. Should the list not show it yet, sending it again gives the same one (rule 1)."""
        caller, _ = self._reached(job)
        page = await caller.get(f"/model-invocation-jobs?nameContains={_name(job)}&maxResults=10", Page)
        for told in page.invocation_job_summaries:
            if told.job_name == _name(job) and told.job_arn not in known:
                return structs.replace(job, upstream_id=told.job_arn)
        return None

    async def poll(self, job: Job) -> Progress:
        """Where the job stands; one that failed as a whole says why."""
        told = await self._told(job)
        done = told.success_record_count + told.error_record_count
        counts = Counts(processing=job.count)
        if told.total_record_count is not None:
            counts = Counts(
                processing=max(0, job.count - done),
                succeeded=told.success_record_count,
                errored=told.error_record_count,
            )
        failed = told.status == "Failed"
        return Progress(
            ended=told.status in _ENDED,
            counts=counts,
            failure=(told.message or "The provider refused the batch without saying why.") if failed else "",
            missing=_MISSING.get(told.status, Outcome.ERRORED),
        )

    async def results(self, job: Job) -> AsyncIterator[JobResult]:
        """Every line of the output files below the job's own folder."""
        _, depot = self._reached(job)
        names = [found.key async for found in depot.bucket.list(f"{_folder(depot, job)}out/")]
        for name in names:
            if not name.endswith(".jsonl.out"):
                continue
            async with aclosing(_lines(await depot.bucket.get(name))) as lines:
                async for line in lines:
                    if (result := _result(line, job.format)) is not None:
                        yield result

    async def cancel(self, job: Job) -> None:
        """Ask Bedrock to stop; a job that has ended is left as it is."""
        caller, _ = self._reached(job)
        try:
            await caller.post(f"{_path(caller, job)}/stop", {}, Nothing)
        except Rejected:
            if (await self._told(job)).status not in _ENDED | {"Stopping"}:
                raise

    async def clean_up(self, job: Job) -> None:
        """Remove the records and the output. The job itself stays in Bedrock's list: there is no way to remove it."""
        _, depot = self._reached(job)
        names = [found.key async for found in depot.bucket.list(_folder(depot, job))]
        await depot.bucket.delete(names)

    def _reached(self, job: Job) -> tuple[Caller, Depot]:
        address = self._address(job)
        if address.depot is None:
            text = f"The key of provider {job.provider!r} names no bucket for batches (batch_s3_config)."
            raise Rejected(400, text, code="no_bucket", provider=job.provider)
        return Caller(self._send, address), address.depot

    async def _told(self, job: Job) -> Told:
        caller, _ = self._reached(job)
        return await caller.get(_path(caller, job), Told)


def _name(job: Job) -> str:
    return f"asbru-{job.id}"


def _folder(depot: Depot, job: Job) -> str:
    return f"{depot.prefix}asbru/{job.id}/"


def _path(caller: Caller, job: Job) -> str:
    return f"{caller.address.batches}/{quote(job.upstream_id, safe='')}"


def _creation(depot: Depot, job: Job) -> dict[str, object]:
    where = f"s3://{depot.bucket.bucket}/{_folder(depot, job)}"
    return {
        "jobName": _name(job),
        "clientRequestToken": job.id,
        "roleArn": depot.role,
        "modelId": job.upstream_model,
        "modelInvocationType": invocation_type(job.format),
        "inputDataConfig": {"s3InputDataConfig": {"s3InputFormat": "JSONL", "s3Uri": f"{where}input.jsonl"}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"{where}out/"}},
        "timeoutDurationInHours": _HOURS,
    }


def _written(line: Line) -> bytes:
    return b'{"recordId":%b,"modelInput":%b}\n' % (msgspec.json.encode(line.upstream_id), one_line(line.body))


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The lines of an object, blank ones left out. What breaks off is read again as a whole: results are idempotent."""
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
        if len(rest) > _MOST_LINE:
            raise Broken(502, "The provider's result file has a line without an end.")
    if rest.strip():
        yield rest


def _result(line: bytes, format: Format) -> JobResult | None:
    """A line of an output file; None when it is none."""
    try:
        row = _row.decode(line)
    except BAD_JSON:
        return None
    if row.error is None and row.model_output:
        return JobResult(upstream_id=row.record_id, outcome=Outcome.SUCCEEDED, status=200, body=bytes(row.model_output))
    trouble = row.error or Trouble(error_message="The record has neither an output nor an error.")
    status = _status(trouble.error_code)
    failure = Rejected(status, trouble.error_message or f"error {trouble.error_code}")
    body = CODECS[format].write_failure(failure, "")
    return JobResult(upstream_id=row.record_id, outcome=Outcome.ERRORED, status=status, body=body)


def _status(code: int | str) -> int:
    try:
        status = int(code)
    except ValueError:
        return 500
    return status if 400 <= status < 600 else 500
