"""Batch APIs that take a file: it is uploaded, a batch is made of it, result files are read back.

OpenAI's shape, and that of everybody who copied it more or less; what differs from one to the next is a ``Kin``.

Rule 1. The batch bears our job's id (in its metadata, its name, or the name of its input file): find() proves by it
what is ours. Both uploads and creations carry an ``Idempotency-Key`` too, for providers that heed it.
Rule 2. A crash between upload and creation leaves a file that nothing uses. A creation that was certainly refused
removes it at once.
Rule 3. clean_up() removes input and result files. The batch object stays: most providers have no way to remove it.
Rule 4. A result line that cannot be read is left out: its request then ends as ``Progress.missing`` says.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct, structs

from asbru.batch.native import Job, JobResult, Line, Lines, Progress
from asbru.batch.native_calls import AddressOf, Caller, Send, Upload, grouped, one_line, twice
from asbru.batch.native_lines import steady_lines
from asbru.batch.native_rows import read_row
from asbru.model.batches import Counts, Outcome
from asbru.model.failure import Overloaded, Rejected, Upstream
from asbru.wire.openai.batches import ENDPOINTS

MARK = "asbru_job"
CLOCK_SKEW = 300.0


class Seen(Struct, frozen=True, kw_only=True):
    """A batch of whatever provider. ``mark``: what proves whose it is. ``inputs``, ``outputs``: ids of its files.

    ``counts``: of what is done. ``failure`` and ``missing``: see Progress. ``stopping``: it has been told to stop.
    """

    id: str
    ended: bool
    created_at: float = 0.0
    mark: str = ""
    counts: Counts = Counts()
    failure: str = ""
    missing: Outcome = Outcome.ERRORED
    stopping: bool = False
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


class Told(Struct):
    """A batch as its provider writes it, as far as we care."""

    def seen(self) -> Seen:
        """What it says."""
        raise NotImplementedError


class File(Struct):
    """An uploaded file, as far as we care."""

    id: str


def openai_line(line: Line, url: str) -> bytes:
    """A line of an input file as OpenAI has it."""
    name = msgspec.json.encode(line.upstream_id)
    return b'{"custom_id":%b,"method":"POST","url":"%b","body":%b}\n' % (name, url.encode(), one_line(line.body))


def short_line(line: Line, url: str) -> bytes:
    """A line of an input file for who knows the endpoint from the batch."""
    return b'{"custom_id":%b,"body":%b}\n' % (msgspec.json.encode(line.upstream_id), one_line(line.body))


async def _own_id(caller: Caller, job: Job) -> frozenset[str]:
    return frozenset({job.id})


async def file_rows(caller: Caller, path: str, seen: Seen) -> AsyncIterator[JobResult]:
    """Every line of the result files."""
    for file in seen.outputs:
        async for line in steady_lines(partial(caller.stream, f"{file_path(caller, file)}/content")):
            if (result := read_row(line)) is not None:
                yield result


class Kin(Struct, frozen=True, kw_only=True):
    """What one such API is like.

    ``batch`` and ``created``: a batch, and what a creation answers. ``page``: a page of batches, ``turn``: its batches
    and the query of the next page ("" for none), given the query that brought it; ``first``: the first query;
    ``newest_first``: whether older ones need not be looked for.

    ``body``: of a creation, from job, endpoint and file. ``line``: of the file. ``purpose``, ``fields``: of the form
    that is uploaded; ``upload``, ``cancel``: paths below those of files and of the batch. ``marks``: what a batch of
    this job bears. ``rows``: the results. ``urls``: endpoints by format.
    """

    batch: type[Told]
    created: type[Told]
    page: Any
    turn: Callable[[Any, str], tuple[Sequence[Told], str]]
    body: Callable[[Job, str, str], dict[str, Any]]
    line: Callable[[Line, str], bytes] = openai_line
    first: str = "?limit=100"
    newest_first: bool = True
    purpose: str = "batch"
    fields: Callable[[Job], Mapping[str, str]] = lambda job: {}
    upload: str = ""
    cancel: str = "/cancel"
    marks: Callable[[Caller, Job], Awaitable[frozenset[str]]] = _own_id
    rows: Callable[[Caller, str, Seen], AsyncIterator[JobResult]] = file_rows
    urls: Mapping[Any, str] = msgspec.field(default_factory=lambda: ENDPOINTS)


class NativeFiles:
    """NativeApi for one ``kin``.

    ``settle``: seconds after which find() looks a second time before it swears that there is no batch: a creation whose
    answer was lost may still be under way at the provider.
    """

    def __init__(self, kin: Kin, send: Send, address: AddressOf, settle: float = 30.0) -> None:
        self._kin = kin
        self._send = send
        self._address = address
        self._settle = settle

    async def submit(self, job: Job, lines: Lines) -> Job:
        """Upload the lines, make the batch. Raises Rejected, saying so, when there is no batch API."""
        caller, kin = self._caller(job), self._kin
        boundary = f"asbru-{job.id}"
        head, tail = form({"purpose": kin.purpose, **kin.fields(job)}, name_of(job), boundary)
        length = len(head) + len(tail)
        url = kin.urls[job.format]
        async for line in lines():
            length += len(kin.line(line, url))
        body = self._body((head, tail), lines, url)
        upload = Upload(f"multipart/form-data; boundary={boundary}", length, body)
        try:
            file = await caller.upload(caller.address.files + kin.upload, upload, File, f"asbru-{job.id}-file")
        except Rejected as failure:
            raise caller.missing(failure) from None
        return await self._create(caller, job, url, file.id)

    async def _body(self, around: tuple[bytes, bytes], lines: Lines, url: str) -> AsyncIterator[bytes]:
        yield around[0]
        async for piece in grouped(self._kin.line(line, url) async for line in lines()):
            yield piece
        yield around[1]

    async def _create(self, caller: Caller, job: Job, url: str, file: str) -> Job:
        kin = self._kin
        try:
            body = kin.body(job, url, file)
            made = await caller.create(caller.address.batches, body, kin.created, f"asbru-{job.id}")
        except Rejected as failure:
            await _forget(caller, (file,))
            raise caller.missing(failure) from None
        except Overloaded as failure:
            if failure.status == 429:
                await _forget(caller, (file,))
            raise
        return structs.replace(job, upstream_id=made.seen().id, files=(file,))

    async def find(self, job: Job, known: frozenset[str]) -> Job | None:
        """The batch that bears the job's mark; it alone proves anything.

        None means that the provider's list, read back to before the job's creation, has no such batch; nor has it
        ``settle`` seconds later, so that this answer takes its time.
        """
        return await twice(lambda: self._look(job, known), self._settle)

    async def _look(self, job: Job, known: frozenset[str]) -> Job | None:
        caller = self._caller(job)
        marks = await self._kin.marks(caller, job)
        if not marks:
            return None
        async for seen in self._batches(caller, job.created_at - CLOCK_SKEW):
            if seen.id not in known and seen.mark in marks:
                return structs.replace(job, upstream_id=seen.id, files=seen.inputs)
        return None

    async def _batches(self, caller: Caller, since: float) -> AsyncIterator[Seen]:
        """Batches created at ``since`` or later."""
        kin, query = self._kin, self._kin.first
        while True:
            page, after = kin.turn(await caller.get(caller.address.batches + query, kin.page), query)
            for told in page:
                seen = told.seen()
                if seen.created_at >= since:
                    yield seen
                elif kin.newest_first:
                    return
            if not after or not page:
                return
            query = after

    async def poll(self, job: Job) -> Progress:
        """Where the batch stands; one that failed validation has ended, with the reasons as its failure."""
        seen = await self._seen(job)
        done = seen.counts.total
        counts = structs.replace(seen.counts, processing=max(0, job.count - done))
        return Progress(ended=seen.ended, counts=counts, failure=seen.failure, missing=seen.missing)

    async def results(self, job: Job) -> AsyncIterator[JobResult]:
        """All of them, successes and errors."""
        caller = self._caller(job)
        async for result in self._kin.rows(caller, _path(caller, job), await self._seen(job)):
            yield result

    async def cancel(self, job: Job) -> None:
        """Ask the provider to stop; a batch that has ended is left as it is."""
        caller = self._caller(job)
        try:
            await caller.post(_path(caller, job) + self._kin.cancel, {}, self._kin.batch)
        except Rejected:
            seen = await self._seen(job)
            if not seen.ended and not seen.stopping:
                raise

    async def clean_up(self, job: Job) -> None:
        """Remove the files: the uploaded one and those that the provider made."""
        files = set(job.files)
        try:
            seen = await self._seen(job) if job.upstream_id else None
        except Rejected as failure:
            if failure.status != 404:
                raise
        else:
            files.update((*seen.inputs, *seen.outputs) if seen else ())
        caller = self._caller(job)
        for file in sorted(files):
            await caller.delete(file_path(caller, file))

    def _caller(self, job: Job) -> Caller:
        return Caller(self._send, self._address(job))

    async def _seen(self, job: Job) -> Seen:
        caller = self._caller(job)
        return (await caller.get(_path(caller, job), self._kin.batch)).seen()


def name_of(job: Job) -> str:
    """Name of a job's input file."""
    return f"asbru-{job.id}.jsonl"


def _path(caller: Caller, job: Job) -> str:
    return f"{caller.address.batches}/{quote(job.upstream_id, safe='')}"


def file_path(caller: Caller, file: str) -> str:
    """Where a file is, below the base."""
    return f"{caller.address.files}/{quote(file, safe='')}"


async def _forget(caller: Caller, files: tuple[str, ...]) -> None:
    """Remove files of a job that did not come to be; what fails here must not hide why it did not."""
    for file in files:
        try:
            await caller.delete(file_path(caller, file))
        except Upstream:
            return


def form(fields: Mapping[str, str], filename: str, boundary: str) -> tuple[bytes, bytes]:
    """What stands before and after the lines in the multipart form (RFC 7578)."""
    head = "".join(
        f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head += (
        f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="{filename}"\r\n'
        f"content-type: application/jsonl\r\n\r\n"
    )
    return head.encode(), f"\r\n--{boundary}--\r\n".encode()
