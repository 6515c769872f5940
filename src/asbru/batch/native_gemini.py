"""Google's Gemini batches: a file of lines is uploaded, an operation is made of it, a result file is read back.

Source: ai.google.dev/gemini-api/docs/batch-api; google-genai 3.4, ``batches.py`` and ``files.py``. Files are uploaded
in one request (``X-Goog-Upload-Protocol: multipart``, as Google's JavaScript SDK does it).

Rule 1. The batch's display name bears our job's id: find() proves by it what is ours. Google's list has no stated
order, so find() reads all of it.
Rule 2. A crash between upload and creation leaves a file that nothing uses; Google removes files after 48 hours. A
creation that was certainly refused removes it at once.
Rule 3. A batch that was cancelled or has expired has no results at all, as Google says.
Rule 4. clean_up() removes input and result file; the batch object stays.
Rule 5. A result line that cannot be read is left out: its request then ends as ``Progress.missing`` says.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from functools import partial
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct, structs

from asbru.batch.native import Job, JobResult, Line, Lines, Progress
from asbru.batch.native_calls import Address, AddressOf, Caller, Send, Upload, grouped, one_line, twice
from asbru.batch.native_lines import steady_lines
from asbru.model.batches import Counts, Outcome
from asbru.model.failure import Overloaded, Rejected, Upstream
from asbru.model.names import Format
from asbru.wire.gemini.errors import read_rpc_status
from asbru.wire.shapes import BAD_JSON

VERBS: Mapping[Format, str] = {
    Format.GEMINI_GENERATE: "batchGenerateContent",
    Format.GEMINI_EMBED: "asyncBatchEmbedContent",
}
"""Formats of bodies -> what makes a batch of them."""

CLOCK_SKEW = 300.0
_ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"})
_MISSING = {"EXPIRED": Outcome.EXPIRED, "CANCELLED": Outcome.CANCELED}
_CANCELLED = 1
_PAGE = 100
_NO_REASON = "The provider refused the batch without saying why."


class _Named(Struct):
    name: str


class _Uploaded(Struct):
    file: _Named


class _Status(Struct):
    code: int = 0
    message: str = ""


class _Output(Struct, rename="camel"):
    responses_file: str = ""


class _Stats(Struct, rename="camel"):
    """64 bits are strings in Google's JSON."""

    successful_request_count: int | str = 0
    failed_request_count: int | str = 0


class _Metadata(Struct, rename="camel"):
    display_name: str = ""
    state: str = ""
    create_time: datetime | None = None
    batch_stats: _Stats | None = None
    output: _Output | None = None

    def bears(self, name: str, since: float) -> bool:
        """Whether it has this name, and was not made before ``since``."""
        made = self.create_time.timestamp() if self.create_time else since
        return self.display_name == name and made >= since


class Operation(Struct):
    """A batch, as far as we care."""

    name: str
    metadata: _Metadata | None = None
    response: _Output | None = None
    error: _Status | None = None

    @property
    def id(self) -> str:
        """Its name without ``batches/``."""
        return self.name.removeprefix("batches/")

    @property
    def told(self) -> _Metadata:
        """What is known of it."""
        return self.metadata or _Metadata()

    @property
    def state(self) -> str:
        """Its state without ``BATCH_STATE_`` or ``JOB_STATE_``."""
        return self.told.state.rpartition("STATE_")[2]

    @property
    def results(self) -> str:
        """The name of its result file, "" when there is none."""
        for output in (self.response, self.told.output):
            if output is not None and output.responses_file:
                return output.responses_file
        return ""


class _Page(Struct, rename="camel"):
    operations: list[Operation] = []
    next_page_token: str = ""


class _Nothing(Struct):
    """An answer that says nothing."""


class _Row(Struct):
    key: str
    response: Raw = Raw(b"")
    error: _Status | None = None


_row = msgspec.json.Decoder(_Row)


class NativeGemini:
    """NativeApi for Google's Gemini API. ``settle``: see NativeFiles."""

    def __init__(self, send: Send, address: AddressOf, settle: float = 30.0) -> None:
        self._send = send
        self._address = address
        self._settle = settle

    async def submit(self, job: Job, lines: Lines) -> Job:
        """Upload the lines, make the batch. Raises Rejected, saying so, when there is no batch API."""
        caller = self._caller(job)
        try:
            file = await self._upload(caller.address, job, lines)
        except Rejected as failure:
            raise caller.missing(failure) from None
        config = {"displayName": _mark(job), "inputConfig": {"fileName": file}}
        try:
            path = f"/{_model(job)}:{VERBS[job.format]}"
            made = await caller.create(path, {"batch": config}, Operation, f"asbru-{job.id}")
        except Rejected as failure:
            await _forget(caller, file)
            raise caller.missing(failure) from None
        except Overloaded as failure:
            if failure.status == 429:
                await _forget(caller, file)
            raise
        return structs.replace(job, upstream_id=made.id, files=(file,))

    async def _upload(self, address: Address, job: Job, lines: Lines) -> str:
        """The name of the file. Uploads have a path before the version's."""
        before, _, version = address.base.rpartition("/")
        boundary = f"asbru-{job.id}"
        head, tail = _around(boundary, {"displayName": f"{_mark(job)}.jsonl"})
        length = len(head) + len(tail)
        async for line in lines():
            length += len(_written(line))
        upload = Upload(f"multipart/related; boundary={boundary}", length, _body(head, lines, tail))
        headers = {**address.headers, b"x-goog-upload-protocol": b"multipart"}
        caller = Caller(self._send, structs.replace(address, base="", headers=headers))
        path = f"{before}/upload/{version}{address.files}"
        return (await caller.upload(path, upload, _Uploaded, f"asbru-{job.id}-file")).file.name

    async def find(self, job: Job, known: frozenset[str]) -> Job | None:
        """The batch whose display name is the job's; it alone proves anything.

        None means that Google's list has no such batch; nor has it ``settle`` seconds later, so that this answer takes
        its time.
        """
        return await twice(lambda: self._look(job, known), self._settle)

    async def _look(self, job: Job, known: frozenset[str]) -> Job | None:
        caller = self._caller(job)
        token = ""
        while True:
            page = await caller.get(f"{caller.address.batches}?pageSize={_PAGE}{token}", _Page)
            for batch in page.operations:
                if batch.id not in known and batch.told.bears(_mark(job), job.created_at - CLOCK_SKEW):
                    return structs.replace(job, upstream_id=batch.id)
            if not page.next_page_token:
                return None
            token = f"&pageToken={quote(page.next_page_token, safe='')}"

    async def poll(self, job: Job) -> Progress:
        """Where the batch stands."""
        batch = await self._batch(job)
        stats = batch.told.batch_stats or _Stats()
        succeeded, errored = int(stats.successful_request_count), int(stats.failed_request_count)
        failed = batch.state == "FAILED" or (batch.error is not None and batch.state not in _MISSING)
        reason = batch.error.message if batch.error else ""
        return Progress(
            ended=batch.state in _ENDED,
            counts=Counts(succeeded=succeeded, errored=errored, processing=max(0, job.count - succeeded - errored)),
            failure=(reason or _NO_REASON) if failed else "",
            missing=_MISSING.get(batch.state, Outcome.ERRORED),
        )

    async def results(self, job: Job) -> AsyncIterator[JobResult]:
        """Every line of the result file; nothing when there is none."""
        caller = self._caller(job)
        file = (await self._batch(job)).results
        if not file:
            return
        path = f"{_file(caller, file)}:download?alt=media"
        async for line in steady_lines(partial(caller.stream, path)):
            if (result := read_row(line)) is not None:
                yield result

    async def cancel(self, job: Job) -> None:
        """Ask Google to stop; a batch that has ended is left as it is."""
        caller = self._caller(job)
        try:
            await caller.post(f"{_path(caller, job)}:cancel", {}, _Nothing)
        except Rejected:
            if (await self._batch(job)).state not in _ENDED | {"CANCELLING"}:
                raise

    async def clean_up(self, job: Job) -> None:
        """Remove the files: the uploaded one and the one that Google made."""
        caller = self._caller(job)
        files = list(job.files)
        try:
            files.append((await self._batch(job)).results if job.upstream_id else "")
        except Rejected as failure:
            if failure.status != 404:
                raise
        for file in filter(None, files):
            await _delete(caller, file)

    def _caller(self, job: Job) -> Caller:
        return Caller(self._send, self._address(job))

    async def _batch(self, job: Job) -> Operation:
        caller = self._caller(job)
        return await caller.get(_path(caller, job), Operation)


def _mark(job: Job) -> str:
    return f"asbru-{job.id}"


def _model(job: Job) -> str:
    """The model's path, under the name that the provider knows it by."""
    name = job.key.deployments.get(job.model, job.model) if job.key else job.model
    if name.startswith("tunedModels/"):
        return quote(name)
    return f"models/{quote(name, safe='')}"


def _path(caller: Caller, job: Job) -> str:
    return f"{caller.address.batches}/{quote(job.upstream_id, safe='')}"


def _file(caller: Caller, name: str) -> str:
    return f"{caller.address.files}/{quote(name.removeprefix('files/'), safe='')}"


async def _delete(caller: Caller, file: str) -> None:
    """Remove a file. Google says 403 of one that is absent."""
    try:
        await caller.delete(_file(caller, file))
    except Rejected as failure:
        if failure.status != 403:
            raise


async def _forget(caller: Caller, file: str) -> None:
    """Remove the file of a job that did not come to be; what fails here must not hide why it did not."""
    try:
        await _delete(caller, file)
    except Upstream:
        return


def _around(boundary: str, file: Mapping[str, str]) -> tuple[bytes, bytes]:
    """What stands before and after the lines (RFC 2387)."""
    head = (
        f"--{boundary}\r\ncontent-type: application/json; charset=utf-8\r\n\r\n"
        f"{msgspec.json.encode({'file': file}).decode()}\r\n"
        f"--{boundary}\r\ncontent-type: application/jsonl\r\n\r\n"
    )
    return head.encode(), f"\r\n--{boundary}--\r\n".encode()


def _written(line: Line) -> bytes:
    return b'{"key":%b,"request":%b}\n' % (msgspec.json.encode(line.upstream_id), one_line(line.body))


async def _body(head: bytes, lines: Lines, tail: bytes) -> AsyncIterator[bytes]:
    yield head
    async for piece in grouped(_written(line) async for line in lines()):
        yield piece
    yield tail


def read_row(line: bytes) -> JobResult | None:
    """A line of a result file; None when it is none."""
    try:
        row = _row.decode(line)
    except BAD_JSON:
        return None
    if row.error is None and row.response:
        return JobResult(upstream_id=row.key, outcome=Outcome.SUCCEEDED, status=200, body=bytes(row.response))
    error = row.error or _Status(message="The provider gave neither a response nor an error.")
    if error.code == _CANCELLED:
        return JobResult(upstream_id=row.key, outcome=Outcome.CANCELED)
    return errored(row.key, error.code, error.message)


def errored(name: str, code: int, message: str) -> JobResult:
    """The result of a request that failed with a ``google.rpc.Status``, in the dialect's words."""
    status, word = read_rpc_status(code)
    body = {"error": {"code": status, "message": message, "status": word}}
    return JobResult(upstream_id=name, outcome=Outcome.ERRORED, status=status, body=msgspec.json.encode(body))
