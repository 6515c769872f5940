"""Fireworks' batch inference jobs: a dataset is made and filled, a job reads it and writes another; the ids are ours.

Source: ``fireworks-ai`` 1.2 (types/batch_inference_job.py, dataset_param.py, resources/datasets.py) and
docs.fireworks.ai, "Batch inference" and "Upload dataset files"; that a dataset needs ``exampleCount``, what result
files are called, and that errors may have gRPC's shape, is known from those who have run it.

Rule 1. Ids are ``asbru-<job id>``: find() asks for the job by its id, and a second creation would be refused.
Rule 2. The model is the job's; a line has none.
Rule 3. There is no way to stop a job but to delete it. What it had done by then is gone with it.
Rule 4. Results are read from signed addresses, which are asked for anew at each reading, and without our credential.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
from msgspec import Raw, Struct, structs

from asbru.batch.native import Job, JobResult, Line, Lines, Progress
from asbru.batch.native_calls import AddressOf, Caller, Send, Upload, grouped, one_line, twice
from asbru.batch.native_files import form, name_of
from asbru.batch.native_lines import steady_lines
from asbru.batch.native_rows import Trouble, read_row, troubled
from asbru.model.batches import Counts, Outcome
from asbru.model.failure import Broken, Overloaded, Rejected, Upstream
from asbru.model.http import Answer
from asbru.wire.shapes import BAD_JSON

_ENDED = {
    "JOB_STATE_COMPLETED": Outcome.ERRORED,
    "JOB_STATE_FAILED": Outcome.ERRORED,
    "JOB_STATE_EARLY_STOPPED": Outcome.EXPIRED,
    "JOB_STATE_EXPIRED": Outcome.EXPIRED,
    "JOB_STATE_CANCELLED": Outcome.CANCELED,
    "JOB_STATE_DELETING": Outcome.CANCELED,
    "JOB_STATE_DELETING_CLEANING_UP": Outcome.CANCELED,
}
"""States at the end, and what became of requests without a result then."""
_READY = 60
"""Seconds that a dataset may take to be ready."""
_CONFLICT = 409


class Dataset(Struct):
    """A dataset, as far as we care."""

    state: str = "READY"


class Status(Struct):
    """Why a job is where it is."""

    message: str = ""


class Done(Struct, rename="camel"):
    """How far a job is."""

    successfully_processed_requests: int = 0
    failed_requests: int = 0


class Inference(Struct, rename="camel"):
    """A batch inference job, as far as we care."""

    name: str = ""
    state: str = ""
    status: Status | None = None
    job_progress: Done | None = None


class Signed(Struct, rename="camel"):
    """Where the files of a dataset are, for a while."""

    filename_to_signed_urls: dict[str, str] = {}


class Row(Struct):
    """A line of results: the body itself, without a status."""

    custom_id: str
    response: Raw = Raw(b"")
    error: Trouble | str | None = None


class Shape(Struct):
    """What tells a bare body from one in a wrapper."""

    status_code: int | None = None


_row = msgspec.json.Decoder(Row)
_shape = msgspec.json.Decoder(Shape)


class NativeFireworks:
    """NativeApi for Fireworks. ``settle``: see NativeFiles."""

    def __init__(self, send: Send, address: AddressOf, settle: float = 30.0) -> None:
        self._send = send
        self._address = address
        self._settle = settle

    async def submit(self, job: Job, lines: Lines) -> Job:
        """Make and fill the dataset, make the job. Raises Rejected, saying so, when there is no batch API."""
        caller, name = self._caller(job), _name(job)
        try:
            await self._dataset(caller, job)
            await self._fill(caller, job, lines)
            await self._ready(caller, f"{caller.address.files}/{name}")
            await self._start(caller, job)
        except Rejected as failure:
            await self._forget(caller, job)
            raise caller.missing(failure) from None
        except Overloaded as failure:
            if failure.status == 429:
                await self._forget(caller, job)
            raise
        return structs.replace(job, upstream_id=name, files=(name, f"{name}-out"))

    async def _start(self, caller: Caller, job: Job) -> None:
        """Make the job; one with our id that is there already is it."""
        name = _name(job)
        body = {
            "displayName": name,
            "model": job.upstream_model,
            "inputDatasetId": _resource(caller, name),
            "outputDatasetId": _resource(caller, f"{name}-out"),
        }
        path = f"{caller.address.batches}?batchInferenceJobId={name}"
        try:
            await caller.create(path, body, Inference, f"asbru-{job.id}")
        except Rejected as failure:
            if failure.status != _CONFLICT:
                raise

    async def _dataset(self, caller: Caller, job: Job) -> None:
        """A new dataset; one that an earlier try left is made anew."""
        name = _name(job)
        body = {"datasetId": name, "dataset": {"userUploaded": {}, "exampleCount": str(job.count)}}
        try:
            await caller.post(caller.address.files, body, Dataset)
        except Rejected as failure:
            if failure.status != _CONFLICT:
                raise
            await caller.delete(f"{caller.address.files}/{name}")
            await caller.post(caller.address.files, body, Dataset)

    async def _fill(self, caller: Caller, job: Job, lines: Lines) -> None:
        boundary = f"asbru-{job.id}"
        head, tail = form({}, name_of(job), boundary)
        length = len(head) + len(tail)
        async for line in lines():
            length += len(_written(line))
        upload = Upload(f"multipart/form-data; boundary={boundary}", length, _body(head, lines, tail))
        await caller.upload(f"{caller.address.files}/{_name(job)}:upload", upload, Raw, f"asbru-{job.id}-file")

    async def _ready(self, caller: Caller, path: str) -> None:
        for _ in range(_READY):
            if (await caller.get(path, Dataset)).state != "UPLOADING":
                return
            await asyncio.sleep(1.0)
        raise Broken(502, "The provider's dataset does not get ready.", provider=caller.address.provider)

    async def find(self, job: Job, known: frozenset[str]) -> Job | None:
        """The job with our id; None when there is none, nor has come to be ``settle`` seconds later."""
        return await twice(lambda: self._look(job, known), self._settle)

    async def _look(self, job: Job, known: frozenset[str]) -> Job | None:
        name = _name(job)
        if name in known or await self._job(job) is None:
            return None
        return structs.replace(job, upstream_id=name, files=(name, f"{name}-out"))

    async def _job(self, job: Job) -> Inference | None:
        caller = self._caller(job)
        try:
            return await caller.get(f"{caller.address.batches}/{_name(job)}", Inference)
        except Rejected as failure:
            if failure.status != 404:
                raise
            return None

    async def poll(self, job: Job) -> Progress:
        """Where the job stands; one that is no longer there was deleted, by us or by somebody else."""
        if _name(job) != job.upstream_id:
            raise Rejected(404, "There is no such job.", provider=job.provider)
        seen = await self._job(job)
        if seen is None:
            return Progress(ended=True, missing=Outcome.CANCELED)
        done = seen.job_progress or Done()
        fine, failed = done.successfully_processed_requests, done.failed_requests
        message = seen.status.message if seen.status else ""
        refused = seen.state == "JOB_STATE_FAILED"
        return Progress(
            ended=seen.state in _ENDED,
            counts=Counts(succeeded=fine, errored=failed, processing=max(0, job.count - fine - failed)),
            failure=(message or "The provider refused the batch without saying why.") if refused else "",
            missing=_ENDED.get(seen.state, Outcome.ERRORED),
        )

    async def results(self, job: Job) -> AsyncIterator[JobResult]:
        """Every line of every file of the output dataset; nothing when there is no such dataset."""
        caller = self._caller(job)
        for file in sorted(await self._signed(caller, job)):
            async for line in steady_lines(self._reading(caller, job, file)):
                if (result := _result(line)) is not None:
                    yield result

    def _reading(self, caller: Caller, job: Job, file: str) -> Callable[[], Awaitable[Answer]]:
        async def read() -> Answer:
            return await caller.stream_signed((await self._signed(caller, job)).get(file, ""))

        return read

    async def _signed(self, caller: Caller, job: Job) -> dict[str, str]:
        path = f"{caller.address.files}/{_name(job)}-out:getDownloadEndpoint"
        try:
            return (await caller.get(path, Signed)).filename_to_signed_urls
        except Rejected as failure:
            if failure.status != 404:
                raise
            return {}

    async def cancel(self, job: Job) -> None:
        """Delete the job (rule 3), unless it has ended."""
        caller = self._caller(job)
        if not (await self.poll(job)).ended:
            await caller.delete(f"{caller.address.batches}/{_name(job)}")

    async def clean_up(self, job: Job) -> None:
        """Remove both datasets."""
        await self._remove(self._caller(job), job)

    async def _remove(self, caller: Caller, job: Job) -> None:
        for name in (_name(job), f"{_name(job)}-out"):
            await caller.delete(f"{caller.address.files}/{name}")

    async def _forget(self, caller: Caller, job: Job) -> None:
        """Remove what a job that did not come to be has left; what fails here must not hide why it did not."""
        try:
            await self._remove(caller, job)
        except Upstream:
            return

    def _caller(self, job: Job) -> Caller:
        return Caller(self._send, self._address(job))


def _name(job: Job) -> str:
    return f"asbru-{job.id}"


def _resource(caller: Caller, name: str) -> str:
    """A dataset as jobs name it: its path without the version."""
    return f"{caller.address.files.partition('/v1/')[2]}/{name}"


def _written(line: Line) -> bytes:
    body = msgspec.json.decode(one_line(line.body), type=dict[str, Raw])
    body.pop("model", None)
    return b'{"custom_id":%b,"body":%b}\n' % (msgspec.json.encode(line.upstream_id), msgspec.json.encode(body))


async def _body(head: bytes, lines: Lines, tail: bytes) -> AsyncIterator[bytes]:
    yield head
    async for piece in grouped(_written(line) async for line in lines()):
        yield piece
    yield tail


def _result(line: bytes) -> JobResult | None:
    """A line of a result file; None when it is none."""
    try:
        row = _row.decode(line)
        if row.error:
            error = row.error
            return troubled(row.custom_id, Trouble(message=error) if isinstance(error, str) else error)
        if _shape.decode(row.response).status_code is not None:
            return read_row(line)
    except BAD_JSON:
        return None
    return JobResult(upstream_id=row.custom_id, outcome=Outcome.SUCCEEDED, status=200, body=bytes(row.response))
