"""Vertex AI's batch prediction jobs: lines lie in a bucket of Google's, a job reads them and writes others beside them.

Source: google-genai 3.4 ``batches.py`` (``batchPredictionJobs``); cloud.google.com, "Batch inference from Cloud
Storage", "Batch predictions" of Claude; Cloud Storage's JSON API (v1, objects). The bucket is the key's
(``batch_gcs_config``).

Rule 1. The job's display name bears our job's id: find() proves by it what is ours.
Rule 2. Gemini's results name their request by its ``labels``, which come back with it (``asbru_id``); Claude's by
``custom_id``. They are in any order.
Rule 3. What Google had done when a job was cancelled, expired or failed is written, and counts.
Rule 4. All of a job lies below ``<prefix>asbru/<job id>/``; clean_up() removes it. The job object stays.
Rule 5. A result line that cannot be read is left out: its request then ends as ``Progress.missing`` says.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Raw, Struct, structs

from asbru.batch.native import Job, JobResult, Line, Lines, Progress
from asbru.batch.native_calls import Address, AddressOf, Caller, Send, Upload, grouped, one_line, twice
from asbru.batch.native_gemini import errored
from asbru.batch.native_lines import steady_lines
from asbru.model.batches import Counts, Outcome
from asbru.model.failure import Overloaded, Rejected, Upstream
from asbru.model.names import Format
from asbru.wire.envelope import Envelope
from asbru.wire.shapes import BAD_JSON

MARK = "asbru_id"
CLOCK_SKEW = 300.0
STORAGE = "https://storage.googleapis.com"
_ENDED = frozenset({"SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"})
_MISSING = {"EXPIRED": Outcome.EXPIRED, "CANCELLED": Outcome.CANCELED}
_NO_REASON = "The provider's batch failed without saying why."
_INTERNAL = 13
_INPUT = "requests.jsonl"
_PAGE = 100
_STATUSES = {"invalid_request_error": 400, "rate_limit_error": 429, "overloaded_error": 529}


class _Status(Struct):
    message: str = ""


class _Stats(Struct, rename="camel"):
    """64 bits are strings in Google's JSON."""

    successful_count: int | str = 0
    failed_count: int | str = 0


class _Output(Struct, rename="camel"):
    gcs_output_directory: str = ""


class Prediction(Struct, rename="camel"):
    """A batch prediction job, as far as we care."""

    name: str
    display_name: str = ""
    state: str = ""
    create_time: datetime | None = None
    completion_stats: _Stats | None = None
    output_info: _Output | None = None
    error: _Status | None = None

    @property
    def id(self) -> str:
        """The end of its name."""
        return self.name.rpartition("/")[2]

    @property
    def phase(self) -> str:
        """Its state without ``JOB_STATE_``."""
        return self.state.removeprefix("JOB_STATE_")

    def bears(self, name: str, since: float) -> bool:
        """Whether it has this name, and was not made before ``since``."""
        made = self.create_time.timestamp() if self.create_time else since
        return self.display_name == name and made >= since


class _Page(Struct, rename="camel"):
    batch_prediction_jobs: list[Prediction] = []
    next_page_token: str = ""


class _Object(Struct):
    name: str


class _Objects(Struct, rename="camel"):
    items: list[_Object] = []
    next_page_token: str = ""


class _Nothing(Struct):
    """An answer that says nothing."""


class _Asked(Struct):
    labels: dict[str, Any] = {}


class _Row(Struct):
    request: _Asked | None = None
    custom_id: str = ""
    status: str | dict[str, Any] = ""
    response: Raw = Raw(b"")


_row = msgspec.json.Decoder(_Row)
_labels = msgspec.json.Decoder(dict[str, str])


class NativeVertex:
    """NativeApi for Vertex AI. ``settle``: see NativeFiles."""

    def __init__(self, send: Send, address: AddressOf, settle: float = 30.0) -> None:
        self._send = send
        self._address = address
        self._settle = settle

    async def submit(self, job: Job, lines: Lines) -> Job:
        """Put the lines into the bucket, make the job. Raises Rejected, saying so, when there is no batch API."""
        caller, bucket = self._caller(job), self._bucket(job)
        folder = bucket.folder
        await bucket.put(f"{folder}{_INPUT}", job, lines)
        source, target = (f"gs://{bucket.name}/{folder}{end}" for end in (_INPUT, "results"))
        body = {
            "displayName": _mark(job),
            "model": f"publishers/{_LINES[job.format].publisher}/models/{_model(job)}",
            "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": [source]}},
            "outputConfig": {"predictionsFormat": "jsonl", "gcsDestination": {"outputUriPrefix": target}},
        }
        try:
            made = await caller.create(caller.address.batches, body, Prediction, f"asbru-{job.id}")
        except Rejected as failure:
            await bucket.forget(f"{folder}{_INPUT}")
            raise caller.missing(failure) from None
        except Overloaded as failure:
            if failure.status == 429:
                await bucket.forget(f"{folder}{_INPUT}")
            raise
        return structs.replace(job, upstream_id=made.id)

    async def find(self, job: Job, known: frozenset[str]) -> Job | None:
        """The job whose display name is ours; it alone proves anything.

        None means that Google's list has no such job; nor has it ``settle`` seconds later, so that this answer takes
        its time.
        """
        return await twice(lambda: self._look(job, known), self._settle)

    async def _look(self, job: Job, known: frozenset[str]) -> Job | None:
        caller = self._caller(job)
        wanted = quote(f'display_name="{_mark(job)}"', safe="")
        token = ""
        while True:
            page = await caller.get(f"{caller.address.batches}?filter={wanted}&pageSize={_PAGE}{token}", _Page)
            for one in page.batch_prediction_jobs:
                if one.id not in known and one.bears(_mark(job), job.created_at - CLOCK_SKEW):
                    return structs.replace(job, upstream_id=one.id)
            if not page.next_page_token:
                return None
            token = f"&pageToken={quote(page.next_page_token, safe='')}"

    async def poll(self, job: Job) -> Progress:
        """Where the job stands. One that failed after some of its requests were done has results."""
        found = await self._job(job)
        stats = found.completion_stats or _Stats()
        done, failed = max(0, int(stats.successful_count)), max(0, int(stats.failed_count))
        reason = (found.error.message if found.error else "") or _NO_REASON
        return Progress(
            ended=found.phase in _ENDED,
            counts=Counts(succeeded=done, errored=failed, processing=max(0, job.count - done - failed)),
            failure=reason if found.phase == "FAILED" and not done else "",
            missing=_MISSING.get(found.phase, Outcome.ERRORED),
        )

    async def results(self, job: Job) -> AsyncIterator[JobResult]:
        """Every line of what Google wrote."""
        found = await self._job(job)
        directory = found.output_info.gcs_output_directory if found.output_info else ""
        if not directory:
            return
        bucket = self._bucket(job)
        prefix = urlsplit(directory).path.strip("/") + "/"
        async for name in bucket.names(prefix):
            if name.endswith(".jsonl"):
                async for line in steady_lines(partial(bucket.stream, name)):
                    if (result := read_row(line, job.format)) is not None:
                        yield result

    async def cancel(self, job: Job) -> None:
        """Ask Google to stop; a job that has ended is left as it is."""
        caller = self._caller(job)
        try:
            await caller.post(f"{_path(caller, job)}:cancel", {}, _Nothing)
        except Rejected:
            if (await self._job(job)).phase not in _ENDED | {"CANCELLING"}:
                raise

    async def clean_up(self, job: Job) -> None:
        """Remove all that lies in the bucket for it."""
        bucket = self._bucket(job)
        for name in [name async for name in bucket.names(bucket.folder)]:
            await bucket.delete(name)

    def _caller(self, job: Job) -> Caller:
        return Caller(self._send, self._address(job))

    def _bucket(self, job: Job) -> "_Bucket":
        return _Bucket(self._send, self._address(job), job)

    async def _job(self, job: Job) -> Prediction:
        caller = self._caller(job)
        return await caller.get(_path(caller, job), Prediction)


class _Bucket:
    """What a key's bucket holds for one job, by Cloud Storage's JSON API."""

    def __init__(self, send: Send, address: Address, job: Job) -> None:
        said: Mapping[str, str] = job.key.settings if job.key else {}
        self.name = said.get("batch_gcs_bucket", "")
        self.folder = f"{said.get('batch_gcs_prefix', '')}asbru/{job.id}/"
        url = said.get("batch_gcs_endpoint", STORAGE)
        assert address.elsewhere is not None
        headers = {b"host": urlsplit(url).netloc.encode(), b"user-agent": b"asbru", b"accept": b"*/*"}
        kept = {name: value for name, value in address.headers.items() if name == b"authorization"}
        there = structs.replace(address, origin=address.elsewhere(url), base="", headers={**headers, **kept})
        self._caller = Caller(send, there)

    async def put(self, name: str, job: Job, lines: Lines) -> None:
        """Write the lines; what an earlier attempt wrote is replaced by the same."""
        written, length = _LINES[job.format].written, 0
        async for line in lines():
            length += len(written(line))
        upload = Upload("application/jsonl", length, grouped(written(line) async for line in lines()))
        path = f"/upload/storage/v1/b/{quote(self.name, safe='')}/o?uploadType=media&name={quote(name, safe='')}"
        await self._caller.upload(path, upload, _Object, f"asbru-{job.id}-file")

    async def names(self, prefix: str) -> AsyncIterator[str]:
        """Names of the objects below ``prefix``."""
        token = ""
        while True:
            path = f"/storage/v1/b/{quote(self.name, safe='')}/o?prefix={quote(prefix, safe='')}{token}"
            page = await self._caller.get(path, _Objects)
            for each in page.items:
                yield each.name
            if not page.next_page_token:
                return
            token = f"&pageToken={quote(page.next_page_token, safe='')}"

    async def stream(self, name: str) -> Any:
        """The bytes of an object."""
        return await self._caller.stream(f"{self._path(name)}?alt=media")

    async def delete(self, name: str) -> None:
        """Remove an object; absent is well removed."""
        await self._caller.delete(self._path(name))

    async def forget(self, name: str) -> None:
        """Remove an object of a job that did not come to be; what fails here must not hide why it did not."""
        with contextlib.suppress(Upstream):
            await self.delete(name)

    def _path(self, name: str) -> str:
        return f"/storage/v1/b/{quote(self.name, safe='')}/o/{quote(name, safe='')}"


def _mark(job: Job) -> str:
    return f"asbru-{job.id}"


def _model(job: Job) -> str:
    name = job.key.deployments.get(job.model, job.model) if job.key else job.model
    return quote(name, safe="@")


def _path(caller: Caller, job: Job) -> str:
    return f"{caller.address.batches}/{quote(job.upstream_id, safe='')}"


def _claudes_line(line: Line) -> bytes:
    return b'{"custom_id":%b,"request":%b}\n' % (msgspec.json.encode(line.upstream_id), one_line(line.body))


def _geminis_line(line: Line) -> bytes:
    """Labels that are none are replaced: Vertex AI would refuse them."""
    envelope = Envelope(line.body)
    try:
        labels = _labels.decode(envelope.members.get("labels", Raw(b"{}")))
    except BAD_JSON:
        labels = {}
    body = envelope.splice({"labels": {**labels, MARK: line.upstream_id}})
    return b'{"request":%b}\n' % one_line(body)


def read_row(line: bytes, format: Format) -> JobResult | None:
    """A line of results; None when it is none."""
    try:
        row = _row.decode(line)
    except BAD_JSON:
        return None
    name = row.custom_id or str((row.request.labels if row.request else {}).get(MARK, ""))
    if not name:
        return None
    if not row.status and row.response and bytes(row.response) not in (b"{}", b"null"):
        return JobResult(upstream_id=name, outcome=Outcome.SUCCEEDED, status=200, body=bytes(row.response))
    return _failed(name, row.status, format)


def _failed(name: str, status: str | dict[str, Any], format: Format) -> JobResult:
    """``status``: a text with Google's or Anthropic's error body in it, or a ``google.rpc.Status``."""
    told = status if isinstance(status, dict) else _told(status)
    error = told.get("error")
    inner: dict[str, Any] = error if isinstance(error, dict) else told
    text = "" if isinstance(status, dict) else status
    message = str(inner.get("message") or text or "The provider gave neither a response nor an error.")
    return _LINES[format].failed(name, inner, message)


def _claudes_failure(name: str, error: dict[str, Any], message: str) -> JobResult:
    kind = str(error.get("type") or "api_error")
    body = msgspec.json.encode({"type": "error", "error": {"type": kind, "message": message}})
    return JobResult(upstream_id=name, outcome=Outcome.ERRORED, status=_STATUSES.get(kind, 500), body=body)


def _geminis_failure(name: str, error: dict[str, Any], message: str) -> JobResult:
    code = error.get("code")
    return errored(name, code if isinstance(code, int) and code else _INTERNAL, message)


class _Lines(Struct, frozen=True):
    """How requests of one format are written, and their failures read."""

    publisher: str
    written: Callable[[Line], bytes]
    failed: Callable[[str, dict[str, Any], str], JobResult]


_LINES: Mapping[Format, _Lines] = {
    Format.GEMINI_GENERATE: _Lines("google", _geminis_line, _geminis_failure),
    Format.ANTHROPIC_MESSAGES: _Lines("anthropic", _claudes_line, _claudes_failure),
}


def _told(text: str) -> dict[str, Any]:
    """The JSON object in a text (``Bad Request: {…}``), empty when there is none."""
    at = text.find("{")
    try:
        found: Any = msgspec.json.decode(text[at:]) if at >= 0 else {}
    except BAD_JSON:
        return {}
    return found if isinstance(found, dict) else {}
