"""OpenRouter's batches: requests and results stand in the batch itself.

Source: ``openrouter`` 1.3 (components/batchsubmitbody.py, batchobject.py, batchlistitem.py, batch.py) and
openrouter.ai/docs, "Batch API quickstart": ``endpoint`` and ``model`` must come before ``requests``.

Rule 1. A batch carries nothing of ours but the ``custom_id`` of its requests: like Anthropic's, one whose creation was
never answered is recognised when it has ended (native_anthropic.py, find).
Rule 2. Results come with the batch, which is read piece by piece: one result is in memory at a time.
Rule 3. There is no way to stop a batch: what it does after a cancel counts. clean_up() deletes it, with its results.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct, structs

from asbru.batch.native import Job, JobResult, Line, Lines, Progress
from asbru.batch.native_calls import AddressOf, Caller, Send, Upload, grouped, twice, unknown
from asbru.batch.native_lines import chunks_of
from asbru.batch.native_rows import read_row
from asbru.batch.native_scan import members
from asbru.model.batches import Counts, Outcome
from asbru.model.failure import Broken, Rejected
from asbru.model.names import Format

CLOCK_SKEW = 300.0
ENDPOINTS = {
    Format.OPENAI_CHAT: "/v1/chat/completions",
    Format.ANTHROPIC_MESSAGES: "/v1/messages",
    Format.OPENAI_EMBEDDINGS: "/v1/embeddings",
}
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_MISSING = {"expired": Outcome.EXPIRED, "cancelled": Outcome.CANCELED}
_RESULTS = "results"


class Problem(Struct):
    """Why a batch failed."""

    message: str = ""


class Done(Struct, frozen=True):
    """How far a batch is."""

    total: int = 0
    completed: int = 0
    failed: int = 0


class Batch(Struct):
    """A batch without its results, as far as we care."""

    id: str
    status: str
    created_at: float = 0.0
    request_counts: Done = Done()
    error: Problem | None = None


class Page(Struct):
    """One page of batches."""

    data: list[Batch]
    has_more: bool = False


class NativeOpenRouter:
    """NativeApi for OpenRouter. ``settle``: see NativeFiles."""

    def __init__(self, send: Send, address: AddressOf, settle: float = 30.0) -> None:
        self._send = send
        self._address = address
        self._settle = settle

    async def submit(self, job: Job, lines: Lines) -> Job:
        """Make the batch, its requests streamed. Raises Rejected, saying so, when there is no batch API."""
        caller = self._caller(job)
        encode = msgspec.json.encode
        head = b'{"endpoint":%b,"model":%b,"completion_window":"24h","requests":[' % (
            encode(ENDPOINTS[job.format]),
            encode(job.upstream_model),
        )
        length = len(head) + len(_TAIL)
        async for row in _rows(lines):
            length += len(row)
        upload = Upload("application/json", length, _body(head, lines))
        try:
            batch = await caller.upload(caller.address.batches, upload, Batch, f"asbru-{job.id}")
        except Rejected as failure:
            raise caller.missing(failure) from None
        return structs.replace(job, upstream_id=batch.id)

    async def find(self, job: Job, known: frozenset[str]) -> Job | None:
        """The batch whose results bear the job's ids; Unreachable (``job_unknown``) while one may be it, and has not
        ended.
        """
        return await twice(lambda: self._look(job, known), self._settle)

    async def _look(self, job: Job, known: frozenset[str]) -> Job | None:
        caller = self._caller(job)
        open_ones: list[str] = []
        async for batch in _batches(caller, job.created_at - CLOCK_SKEW):
            if batch.id in known or batch.request_counts.total != job.count:
                continue
            if batch.status not in _ENDED:
                open_ones.append(batch.id)
            elif await self._bears(caller, batch.id, job):
                return structs.replace(job, upstream_id=batch.id)
        if open_ones:
            names = ", ".join(open_ones)
            raise unknown(job.provider, f"Whether {names} is this job will be known when it has ended.")
        return None

    async def _bears(self, caller: Caller, id: str, job: Job) -> bool:
        async with aclosing(_results(caller, id)) as results:
            async for result in results:
                return result.upstream_id.startswith(f"{job.id}-")
        return False

    async def poll(self, job: Job) -> Progress:
        """Where the batch stands."""
        told: dict[str, Any] = {}
        async with aclosing(_members(self._caller(job), job.upstream_id)) as all_:
            async for name, value in all_:
                if name in Batch.__struct_fields__:
                    told[name] = msgspec.json.decode(value)
        try:
            batch = msgspec.convert(told, Batch)
        except msgspec.ValidationError as error:
            text = f"The provider {job.provider!r} answered with what is no batch: {error}"
            raise Broken(502, text, provider=job.provider) from None
        done = batch.request_counts
        message = batch.error.message if batch.error else ""
        left = max(0, job.count - done.completed - done.failed)
        return Progress(
            ended=batch.status in _ENDED,
            counts=Counts(succeeded=done.completed, errored=done.failed, processing=left),
            failure=(message or "The provider refused the batch without saying why.")
            if batch.status == "failed" and not done.completed
            else "",
            missing=_MISSING.get(batch.status, Outcome.ERRORED),
        )

    async def results(self, job: Job) -> AsyncIterator[JobResult]:
        """Every result."""
        async with aclosing(_results(self._caller(job), job.upstream_id)) as results:
            async for result in results:
                yield result

    async def cancel(self, job: Job) -> None:
        """Nothing: OpenRouter cannot stop a batch (rule 3). Raises Rejected when it is not there."""
        await self.poll(job)

    async def clean_up(self, job: Job) -> None:
        """Delete the batch, which has ended."""
        caller = self._caller(job)
        await caller.delete(_path(caller, job.upstream_id))

    def _caller(self, job: Job) -> Caller:
        return Caller(self._send, self._address(job))


_TAIL = b"]}"


async def _rows(lines: Lines) -> AsyncIterator[bytes]:
    comma = b""
    async for line in lines():
        yield comma + _written(line)
        comma = b","


def _written(line: Line) -> bytes:
    return b'{"custom_id":%b,"body":%b}' % (msgspec.json.encode(line.upstream_id), line.body)


async def _body(head: bytes, lines: Lines) -> AsyncIterator[bytes]:
    yield head
    async for piece in grouped(_rows(lines)):
        yield piece
    yield _TAIL


def _path(caller: Caller, id: str) -> str:
    return f"{caller.address.batches}/{quote(id, safe='')}"


async def _members(caller: Caller, id: str) -> AsyncGenerator[tuple[str, bytes], None]:
    """The members of a batch; of its results each alone."""
    async with aclosing(chunks_of(await caller.stream(_path(caller, id)))) as chunks:
        async for name, value in members(chunks, _RESULTS):
            yield name, value


async def _results(caller: Caller, id: str) -> AsyncGenerator[JobResult, None]:
    """The results in a batch; a second reading gives them again."""
    async with aclosing(_members(caller, id)) as all_:
        async for name, value in all_:
            if name == _RESULTS and (result := read_row(value)) is not None:
                yield result


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
