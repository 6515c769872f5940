"""Anthropic's Message Batches API: one request makes a batch, one file of lines brings its results.

Source: ``spec/batch.md`` section 2; ``anthropic`` SDK 2.12.0, resources/messages/batches.py.

Rule 1. A batch carries nothing of ours but the ``custom_id`` of its requests (``<job id>-<n>``), and those can be read
only once it has ended. What find() can prove, and what it does when it cannot, is said there.
Rule 2. Results are read from the configured origin: at the path of ``results_url`` when that names this origin, else at
the documented path. Credentials go nowhere else.
Rule 3. clean_up() removes nothing: the batch, with its results, stays at the provider for its 29 days as a record.
Rule 4. A result line that cannot be read is left out: its request then ends as ``Progress.missing`` says.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Raw, Struct, structs

from asbru.batch.native import Job, JobResult, Line, Lines, Progress
from asbru.batch.native_calls import Address, AddressOf, Caller, Send, Upload, grouped, twice, unknown
from asbru.batch.native_lines import lines_of, steady_lines
from asbru.model.batches import Counts, Outcome
from asbru.model.failure import Rejected
from asbru.upstream.call import Origin
from asbru.wire.shapes import BAD_JSON

CLOCK_SKEW = 300.0
_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}


class Batch(Struct):
    """A message batch, as far as we care."""

    id: str
    processing_status: str
    created_at: datetime
    request_counts: Counts
    results_url: str | None = None

    @property
    def ended(self) -> bool:
        """Whether its results are there."""
        return self.processing_status == "ended"


class Page(Struct):
    """One page of batches."""

    data: list[Batch]
    has_more: bool = False


class Cause(Struct, frozen=True):
    """The inner level of an error."""

    type: str = ""


class Trouble(Struct):
    """An error response, both levels."""

    error: Cause = Cause()
    request_id: str | None = None


class Result(Struct):
    """What became of a request: ``message`` or ``error`` by ``type``."""

    type: str
    message: Raw = Raw(b"")
    error: Raw = Raw(b"")


class Row(Struct):
    """A line of results."""

    custom_id: str
    result: Result


_row = msgspec.json.Decoder(Row)
_trouble = msgspec.json.Decoder(Trouble)


class NativeAnthropic:
    """NativeApi for Anthropic and whoever copies it. ``settle``: see NativeFiles."""

    def __init__(self, send: Send, address: AddressOf, settle: float = 30.0) -> None:
        self._send = send
        self._address = address
        self._settle = settle

    async def submit(self, job: Job, lines: Lines) -> Job:
        """Make the batch, its requests streamed. Raises Rejected, saying so, when there is no batch API."""
        caller = self._caller(job)
        length = len(_HEAD) + len(_TAIL)
        async for row in _rows(lines):
            length += len(row)
        upload = Upload("application/json", length, _body(lines))
        try:
            batch = await caller.upload(caller.address.batches, upload, Batch, f"asbru-{job.id}")
        except Rejected as failure:
            raise caller.missing(failure) from None
        return structs.replace(job, upstream_id=batch.id)

    async def find(self, job: Job, known: frozenset[str]) -> Job | None:
        """The batch whose results bear the job's ids: the first line tells, as one creation makes the whole batch.

        Candidates are the batches, not known as another job's, created since the job (clocks may differ by five
        minutes) with as many requests. A candidate that has ended is proven or ruled out by its results. One that has
        not ended can be neither: Unreachable (``job_unknown``), until it ends. Without a candidate, now and ``settle``
        seconds later, there is no such batch: None. So nothing is ever submitted twice unseen, and no stranger's batch
        is polled or cancelled as ours; the price is that a batch whose creation was never answered is recognised when
        it ends, and not cancelled before.
        """
        return await twice(lambda: self._look(job, known), self._settle)

    async def _look(self, job: Job, known: frozenset[str]) -> Job | None:
        caller = self._caller(job)
        open_ones: list[str] = []
        async for batch in _batches(caller, job.created_at - CLOCK_SKEW):
            if batch.id in known or batch.request_counts.total != job.count:
                continue
            if not batch.ended:
                open_ones.append(batch.id)
            elif await self._bears(caller, batch, job):
                return structs.replace(job, upstream_id=batch.id)
        if open_ones:
            names = ", ".join(open_ones)
            raise unknown(job.provider, f"Whether {names} is this job will be known when it has ended.")
        return None

    async def _bears(self, caller: Caller, batch: Batch, job: Job) -> bool:
        """Whether the results of ``batch`` are ``job``'s.

        Results that are gone prove nothing, and belong to an old batch.
        """
        try:
            lines = lines_of(await caller.stream(_results_path(caller.address, batch)))
        except Rejected:
            return False
        try:
            async for line in lines:
                return _row.decode(line).custom_id.startswith(f"{job.id}-")
        except BAD_JSON:
            return False
        finally:
            await lines.aclose()
        return False

    async def poll(self, job: Job) -> Progress:
        """Where the batch stands; Anthropic moves its counts only when all of it has ended."""
        batch = await self._batch(job)
        return Progress(ended=batch.ended, counts=batch.request_counts)

    async def results(self, job: Job) -> AsyncIterator[JobResult]:
        """Every line of the results."""
        caller = self._caller(job)
        path = _results_path(caller.address, await self._batch(job))
        async for line in steady_lines(partial(caller.stream, path)):
            if (result := _result(line)) is not None:
                yield result

    async def cancel(self, job: Job) -> None:
        """Ask the provider to stop; a batch that has ended is left as it is."""
        caller = self._caller(job)
        try:
            await caller.post(f"{_path(caller.address, job.upstream_id)}/cancel", {}, Batch)
        except Rejected:
            if (await self._batch(job)).processing_status == "in_progress":
                raise

    async def clean_up(self, job: Job) -> None:
        """Nothing was uploaded beside the batch itself, which stays (rule 3)."""

    def _caller(self, job: Job) -> Caller:
        return Caller(self._send, self._address(job))

    async def _batch(self, job: Job) -> Batch:
        caller = self._caller(job)
        return await caller.get(_path(caller.address, job.upstream_id), Batch)


_HEAD = b'{"requests":['
_TAIL = b"]}"


def _written(line: Line) -> bytes:
    return b'{"custom_id":%b,"params":%b}' % (msgspec.json.encode(line.upstream_id), line.body)


async def _rows(lines: Lines) -> AsyncIterator[bytes]:
    comma = b""
    async for line in lines():
        yield comma + _written(line)
        comma = b","


async def _body(lines: Lines) -> AsyncIterator[bytes]:
    yield _HEAD
    async for piece in grouped(_rows(lines)):
        yield piece
    yield _TAIL


def _path(address: Address, batch: str) -> str:
    return f"{address.batches}/{quote(batch, safe='')}"


def _results_path(address: Address, batch: Batch) -> str:
    """Below the base. ``results_url`` counts only when it names the very origin and base that are configured."""
    scheme = "https" if address.origin.tls else "http"
    url = urlsplit(batch.results_url or "")
    plain = url.scheme == scheme and url.netloc in _names(address.origin) and url.path.isascii()
    if plain and url.path.startswith(f"{address.base}/") and not set(url.path) & set(" \r\n"):
        return url.path.removeprefix(address.base)
    return f"{_path(address, batch.id)}/results"


def _names(origin: Origin) -> tuple[str, ...]:
    """How a URL may name ``origin``."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    usual = (host,) if origin.port == (443 if origin.tls else 80) else ()
    return (f"{host}:{origin.port}", *usual)


async def _batches(caller: Caller, since: float) -> AsyncIterator[Batch]:
    """Batches created at ``since`` or later, newest first."""
    after = ""
    while True:
        page = await caller.get(f"{caller.address.batches}?limit=100{after}", Page)
        for batch in page.data:
            if batch.created_at.timestamp() < since:
                return
            yield batch
        if not page.has_more or not page.data:
            return
        after = f"&after_id={quote(page.data[-1].id, safe='')}"


def _result(line: bytes) -> JobResult | None:
    """A line of results; None when it is none."""
    try:
        row = _row.decode(line)
        match row.result.type:
            case "succeeded":
                return JobResult(
                    upstream_id=row.custom_id, outcome=Outcome.SUCCEEDED, status=200, body=bytes(row.result.message)
                )
            case "errored":
                return _errored(row)
            case "canceled" | "expired" as word:
                return JobResult(upstream_id=row.custom_id, outcome=Outcome(word))
    except BAD_JSON:
        pass
    return None


def _errored(row: Row) -> JobResult:
    trouble = _trouble.decode(row.result.error)
    return JobResult(
        upstream_id=row.custom_id,
        outcome=Outcome.ERRORED,
        status=_STATUSES.get(trouble.error.type, 500),
        body=bytes(row.result.error),
        request_id=trouble.request_id or "",
    )
