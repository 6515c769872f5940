"""Google's batches: of inlined requests or of a file, executed for real, one by one.

Rule 1. A batch is an operation; its results are in ``metadata.output`` and in ``response``.
Rule 2. A batch that was cancelled or has expired has no results. A request that was not done is left out of them.
Rule 3. What is wrong with a request is told in its result; what is wrong with the batch is refused at once, and a file
that cannot be read makes it fail.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw, Struct

from asbru.edge.request import Request
from asbru.mock import gemini
from asbru.mock import gemini_shapes as shape
from asbru.mock.directives import Directive, parse
from asbru.mock.files import Operation, written
from asbru.mock.gemini_checks import plain, refused
from asbru.mock.gemini_files import Described, GeminiFiles, page, when
from asbru.mock.gemini_paths import embed_one
from asbru.mock.jobs import NeverDone, Tasks, answer, nap, seconds, slices
from asbru.mock.script import Place
from asbru.mock.strict import Mistake, read
from asbru.mock.talk import Talker
from asbru.model.failure import Failure, Refused
from asbru.model.http import Answer

BASE = "/v1beta/batches"
RPC = {400: 3, 401: 16, 403: 7, 404: 5, 409: 10, 429: 8, 499: 1, 501: 12, 503: 14, 504: 4}
"""HTTP statuses as ``google.rpc.Code``."""
_OPEN = frozenset({"PENDING", "RUNNING"})
_INTERNAL = 13
_ENDED = {"RUNNING": "SUCCEEDED", "CANCELLING": "CANCELLED"}
_MOST_INLINED = 20 << 20
_TYPE = "type.googleapis.com/google.ai.generativelanguage.v1main."
_encode = msgspec.json.encode


class Inlined(shape.Message):
    """One request that stands in the creation."""

    request: Raw
    metadata: dict[str, Any] | None = None


class Requests(shape.Message):
    requests: list[Inlined]


class Source(shape.Message):
    file_name: str | None = None
    requests: Requests | None = None


class Said(shape.Message):
    """What a creation says."""

    input_config: Source
    display_name: str
    priority: int | None = None


class Creation(shape.Message):
    batch: Said


class Line(Struct, forbid_unknown_fields=True):
    """A line of an input file."""

    request: Raw
    key: str = ""


class Job(Struct, kw_only=True):
    """One batch. ``results``: lines, or what is inlined."""

    id: str
    owner: str
    model: str
    verb: str
    said: Said
    told: Directive
    created_at: float
    state: str = "PENDING"
    ended_at: float | None = None
    error: str = ""
    lines: list[tuple[str, dict[str, Any], bytes]] = []
    results: list[bytes] = []
    succeeded: int = 0
    failed: int = 0
    file: str = ""
    woken: asyncio.Event = msgspec.field(default_factory=asyncio.Event)


_creation = msgspec.json.Decoder(Creation, strict=False)
_line = msgspec.json.Decoder(Line)


class GeminiBatches:
    """The batches of all keys."""

    def __init__(self, talker: Talker, files: GeminiFiles) -> None:
        self._talker = talker
        self._files = files
        self._jobs: dict[str, Job] = {}
        self._tasks = Tasks()

    def operations(self) -> Iterator[Operation]:
        """Method, path and handler of each."""
        yield from self._files.operations()
        for verb in ("batchGenerateContent", "asyncBatchEmbedContent"):
            yield "POST", f"/v1beta/models/{{model}}:{verb}", self.create
        yield "GET", BASE, self.every
        yield "GET", f"{BASE}/{{id}}", self.retrieve
        yield "DELETE", f"{BASE}/{{id}}", self.delete
        yield "POST", f"{BASE}/{{id}}:cancel", self.cancel

    def reset(self) -> None:
        """Forget all batches and files."""
        self._tasks.stop()
        self._jobs.clear()
        self._files.reset()

    async def create(self, request: Request, key: str) -> Answer:
        """Make a batch and begin to work on it. ``x-mock`` may say ``took`` and ``expireafter``."""
        try:
            said = read(_creation, plain(request.body)).batch
        except Mistake as mistake:
            raise gemini.refusal(mistake) from None
        model, verb = request.params[0], request.path.rpartition(":")[2]
        self._talker.know(gemini.DIALECT, model)
        self._check(said, key)
        job = Job(
            id=self._talker.serial.next(),
            owner=key,
            model=model,
            verb=verb,
            said=said,
            told=parse(request.headers.get(b"x-mock", b"").decode("latin-1")),
            created_at=self._talker.clock(),
        )
        self._jobs[job.id] = job
        self._tasks.begin(self._work(job))
        return written(_show(job))

    def _check(self, said: Said, key: str) -> None:
        config = said.input_config
        if (config.file_name is None) == (config.requests is None):
            raise refused("Exactly one of file_name and requests must be set.", "batch.input_config")
        if config.file_name is not None:
            self._files.find(config.file_name, key)
        elif not config.requests or not config.requests.requests:
            raise refused("* BatchGenerateContentRequest.batch.input_config.requests: is empty", "batch.input_config")
        elif sum(len(bytes(each.request)) for each in config.requests.requests) > _MOST_INLINED:
            raise refused("Request payload size exceeds the limit: 20971520 bytes.")

    async def every(self, request: Request, key: str) -> Answer:
        """Pages of ``pageSize``, in no useful order."""
        return written(
            page("operations", [_show(job) for job in reversed(self._jobs.values()) if job.owner == key], request, 100)
        )

    async def retrieve(self, request: Request, key: str) -> Answer:
        """The operation."""
        return written(_show(self._find(request, key)))

    async def delete(self, request: Request, key: str) -> Answer:
        """Forget a batch; that does not stop it."""
        del self._jobs[self._find(request, key).id]
        return written({})

    async def cancel(self, request: Request, key: str) -> Answer:
        """Stop a batch that has not ended."""
        job = self._find(request, key)
        if job.state not in _OPEN:
            raise refused("The batch has ended, or is being cancelled already.")
        job.state = "CANCELLING"
        job.woken.set()
        return written({})

    def _find(self, request: Request, key: str) -> Job:
        job = self._jobs.get(request.params[0])
        if job is None or job.owner != key:
            raise Refused(404, f"Requested entity was not found: {request.params[0]}")
        return job

    async def _work(self, job: Job) -> None:
        """From pending to the end."""
        times = self._talker.director.script.batches
        await nap(times.validating, job.woken)
        try:
            job.lines = self._lines(job)
        except Refused as refusal:
            job.error = refusal.message
        if job.state == "PENDING":
            job.state = "FAILED" if job.error else "RUNNING"
        stop = job.told.expireafter if job.told.expireafter >= 0 else times.expire_after
        todo = job.lines if stop < 0 else job.lines[:stop]
        parts = list(slices(todo))
        took = seconds(job.told, times.in_progress)
        for part in parts or [[]]:
            await nap(took / max(1, len(parts)), job.woken)
            if job.state == "RUNNING":
                for line in part:
                    self._answer(job, line)
        if job.state == "RUNNING" and len(todo) < len(job.lines):
            job.state = "EXPIRED"
        await nap(times.finalizing, job.woken)
        self._publish(job)

    def _publish(self, job: Job) -> None:
        job.state = _ENDED.get(job.state, job.state)
        job.ended_at = self._talker.clock()
        if job.state == "SUCCEEDED" and job.said.input_config.file_name is not None:
            said = Described(display_name=f"{job.id}.jsonl", mime_type="application/jsonl")
            stored = self._files.add(job.owner, said, b"".join(row + b"\n" for row in job.results), made=True)
            job.file = f"files/{stored.id}"

    def _lines(self, job: Job) -> list[tuple[str, dict[str, Any], bytes]]:
        """Key, what its result carries, and the request, of each. Raises Refused for a file that cannot be read."""
        config = job.said.input_config
        if config.requests is not None:
            given = config.requests.requests
            return [("", {"metadata": one.metadata} if one.metadata else {}, bytes(one.request)) for one in given]
        content = self._files.find(config.file_name or "", job.owner).content
        lines = []
        for n, row in enumerate(content.splitlines(), 1):
            try:
                line = read(_line, row)
            except Mistake as mistake:
                raise Refused(400, f"Line {n} cannot be read: {mistake}") from None
            lines.append((line.key, {"key": line.key} if line.key else {}, bytes(line.request)))
        return lines

    def _answer(self, job: Job, line: tuple[str, dict[str, Any], bytes]) -> None:
        _, told, body = line
        try:
            said: dict[str, Any] = {"response": Raw(self._said(job, body))}
            job.succeeded += 1
        except NeverDone:
            job.failed += 1
            return
        except Failure as failure:
            said = {"error": {"code": RPC.get(failure.status, _INTERNAL), "message": failure.message}}
            job.failed += 1
        job.results.append(_encode({**told, **said}))

    def _said(self, job: Job, body: bytes) -> bytes:
        """The answer to one request. Raises NeverDone, or the Failure that the live API would answer."""
        if job.verb == "asyncBatchEmbedContent":
            task = embed_one(body, job.model)
            return task.write(self._talker.stamp(job.model))
        place = Place(f"/v1beta/models/{job.model}:generateContent", "POST", job.owner)
        asked, said = answer(self._talker, gemini.DIALECT, lambda: gemini.ask(body, job.model, False), place)
        return gemini.write(asked, said, self._talker.stamp(job.model))


def _show(job: Job) -> dict[str, Any]:
    """The operation. 64 bits are strings."""
    kind = _TYPE + ("GenerateContentBatch" if job.verb == "batchGenerateContent" else "EmbedContentBatch")
    total, done = len(job.lines), job.succeeded + job.failed
    stats = {"requestCount": total, "successfulRequestCount": job.succeeded, "failedRequestCount": job.failed}
    stats["pendingRequestCount"] = total - done
    metadata: dict[str, Any] = {
        "@type": kind,
        "name": f"batches/{job.id}",
        "model": f"models/{job.model}",
        "displayName": job.said.display_name,
        "createTime": when(job.created_at),
        "updateTime": when(job.ended_at or job.created_at),
        "batchStats": {name: str(count) for name, count in stats.items() if count},
        "state": f"BATCH_STATE_{'RUNNING' if job.state == 'CANCELLING' else job.state}",
    }
    told: dict[str, Any] = {"name": f"batches/{job.id}", "metadata": metadata}
    if job.ended_at is not None:
        metadata["endTime"] = when(job.ended_at)
        told["done"] = True
    if job.error:
        told["error"] = {"code": 3, "message": job.error}
    if job.ended_at is not None and job.state == "SUCCEEDED":
        inlined = {"inlinedResponses": {"inlinedResponses": [Raw(row) for row in job.results]}}
        output: dict[str, Any] = {"responsesFile": job.file} if job.file else inlined
        metadata["output"] = output
        told["response"] = {"@type": f"{kind}Output", **output}
    return told
