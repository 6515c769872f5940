"""Batches made of a file of lines: it is validated and executed for real, line by line, in the shape of a provider."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw

from asbru.edge.request import Request
from asbru.mock import anthropic, completions, openai, openai_embeddings
from asbru.mock.batch_shapes import Job, Line, Shape
from asbru.mock.dialect import Dialect
from asbru.mock.directives import parse
from asbru.mock.files import JSON, Files, Operation, written
from asbru.mock.jobs import NeverDone, Tasks, answer, nap, seconds, slices
from asbru.mock.kin_shapes import XAI
from asbru.mock.responses import Responses
from asbru.mock.script import Place
from asbru.mock.talk import Talker
from asbru.model.failure import Failure, Refused
from asbru.model.http import Answer

_EXPIRED = "This request could not be executed before the completion window expired."
_OPEN = frozenset({"validating", "in_progress", "finalizing"})
_encode = msgspec.json.encode


class LineBatches:
    """The batches of all keys at one provider, and its files."""

    def __init__(self, shape: Shape, talker: Talker, responses: Responses) -> None:
        self.shape = shape
        self.files = Files(talker, shape.files, shape.purpose)
        self._talker = talker
        self._responses = responses
        self._jobs: dict[str, Job] = {}
        self._tasks = Tasks()

    def operations(self) -> Iterator[Operation]:
        """Method, path and handler of each."""
        yield from self.files.operations()
        base = self.shape.batches
        yield "POST", base, self.create
        yield "GET", base, self.every
        yield "GET", f"{base}/{{id}}", self.retrieve
        yield "POST", f"{base}/{{id}}{self.shape.cancel}", self.cancel

    def reset(self) -> None:
        """Forget all batches."""
        self._tasks.stop()
        self._jobs.clear()
        self.files.reset()

    async def create(self, request: Request, key: str) -> Answer:
        """Make a batch and begin to work on it.

        ``x-mock`` or ``metadata.mock`` may say ``took`` and ``expireafter``.
        """
        asked = self.shape.read(request.body)
        self.files.find(asked.input_file_id, key)
        header = request.headers.get(b"x-mock", b"").decode("latin-1")
        told = parse(header or str((asked.metadata or {}).get("mock", "")))
        name = f"batch_{self._talker.serial.next()}"
        job = self._jobs[name] = Job(id=name, owner=key, asked=asked, told=told, created_at=int(self._talker.clock()))
        self._tasks.begin(self._work(job))
        return Answer(status=self.shape.created, headers=JSON, body=_encode(self.shape.made(job)))

    async def every(self, request: Request, key: str) -> Answer:
        """Newest first."""
        return written(self.shape.listed([job for job in reversed(self._jobs.values()) if job.owner == key], request))

    async def retrieve(self, request: Request, key: str) -> Answer:
        """The batch object."""
        return written(self.shape.show(self.find(request, key)))

    async def cancel(self, request: Request, key: str) -> Answer:
        """Stop a batch that has not ended."""
        job = self.find(request, key)
        if job.status not in _OPEN:
            raise self.shape.no_cancel(job)
        self._turn(job, "cancelling")
        job.woken.set()
        return written(self.shape.show(job))

    def find(self, request: Request, key: str) -> Job:
        """This key's batch. Raises Refused(404)."""
        job = self._jobs.get(request.params[0])
        if job is None or job.owner != key:
            raise self.shape.absent(request.params[0])
        return job

    def _turn(self, job: Job, status: str) -> None:
        job.status = status
        job.times[f"{status}_at"] = int(self._talker.clock())

    async def _work(self, job: Job) -> None:
        """From validating to the end."""
        times = self._talker.director.script.batches
        await nap(times.validating, job.woken)
        lines = self._validated(job)
        if job.status == "validating":
            self._turn(job, "failed" if job.errors else "in_progress")
        if job.status == "failed":
            return
        stop = job.told.expireafter if job.told.expireafter >= 0 else times.expire_after
        await self._execute(job, lines, stop, seconds(job.told, times.in_progress))
        if job.status == "in_progress" and 0 <= stop < len(lines):
            self._finish(job, "expired")
        elif job.status == "in_progress":
            self._turn(job, "finalizing")
            await nap(times.finalizing, job.woken)
        self._finish(job, {"finalizing": "completed", "cancelling": "cancelled"}.get(job.status, job.status))

    def _validated(self, job: Job) -> list[Line]:
        """The lines; what is wrong with them is left in ``job.errors``."""
        content = self.files.find(job.asked.input_file_id, job.owner).content
        lines: list[Line] = []
        problems = list(self.shape.problems(content, job.asked, lines))
        job.errors = problems[:100]
        job.total = 0 if problems else len(lines)
        if lines and not problems:
            job.model = msgspec.json.decode(lines[0].body)["model"]
        return lines

    async def _execute(self, job: Job, lines: list[Line], stop: int, took: float) -> None:
        """Answer the lines in order, as long as nobody cancels; after ``stop`` of them (≥ 0) the rest expires."""
        todo = list(lines if stop < 0 else lines[:stop])
        parts = list(slices(todo))
        for part in parts:
            await nap(took / len(parts), job.woken)
            if job.status != "in_progress":
                return
            for line in part:
                self._answer(job, line)
        if not parts:
            await nap(took, job.woken)
        if job.status == "in_progress":
            for line in lines[len(todo) :]:
                self._note(job, line, None)

    def _answer(self, job: Job, line: Line) -> None:
        try:
            body = self._said(job, line)
        except NeverDone:
            self._note(job, line, None)
        except Failure as failure:
            self._note(job, line, self._response(failure.status, {"error": openai.error_body(failure)}))
        else:
            self._note(job, line, self._response(200, Raw(body)))

    def _said(self, job: Job, line: Line) -> bytes:
        """The answer to one line. Raises NeverDone, or the Failure that the live API would answer."""
        if job.asked.endpoint == "/v1/embeddings":
            task = openai_embeddings.task(bytes(line.body))
            return task.write(self._talker.stamp(task.model))
        place = Place(job.asked.endpoint, "POST", job.owner)
        dialect = self._dialect(job.asked.endpoint, job.owner)
        headers = {b"anthropic-version": b"2023-06-01"}
        asked, said = answer(self._talker, dialect, lambda: dialect.read(bytes(line.body), headers), place)
        if asked.stream:
            raise Refused(400, "Streaming is not supported in the Batch API.", param="stream")
        return dialect.write(asked, said, self._talker.stamp(asked.model))

    def _dialect(self, endpoint: str, key: str) -> Dialect:
        match endpoint:
            case "/v1/responses":
                return self._responses.dialect(key)
            case "/v1/completions":
                return completions.OPENAI
            case "/v1/messages":
                return anthropic.DIALECT
            case _:
                return openai.DIALECT

    def _response(self, status: int, body: object) -> dict[str, Any]:
        return {"status_code": status, "request_id": self._talker.serial.next(), "body": body}

    def _note(self, job: Job, line: Line, response: dict[str, Any] | None) -> None:
        """Write down what became of a line. None: it was not done in time."""
        error = None if response else {"code": "batch_expired", "message": _EXPIRED}
        row = self.shape.row(self._talker.serial.next(), line, response, error)
        fine = response is not None and response["status_code"] < 400
        if row is not None:
            (job.output if fine else job.error).append(_encode(row) + b"\n")
        if fine:
            job.completed += 1
        else:
            job.failed += 1

    def _finish(self, job: Job, status: str) -> None:
        """Write the files; one without lines does not exist."""
        if job.status == status and f"{status}_at" in job.times:
            return
        self.publish(job)
        self._turn(job, status)

    def publish(self, job: Job) -> None:
        """Make files of the results."""
        for name, lines in (("output", job.output), ("error", job.error)):
            if lines:
                stored = self.files.add(job.owner, f"{job.id}_{name}.jsonl", "batch_output", b"".join(lines))
                setattr(job, f"{name}_file_id", stored.id)
        job.output, job.error = [], []


class PagedBatches(LineBatches):
    """xAI's: results are read page by page, and are no files."""

    shape: XAI

    def operations(self) -> Iterator[Operation]:
        """Method, path and handler of each."""
        yield from super().operations()
        yield "GET", f"{self.shape.batches}/{{id}}/results", self.results

    def publish(self, job: Job) -> None:
        """Nothing: the rows stay where they are."""

    async def results(self, request: Request, key: str) -> Answer:
        """One page of what is done."""
        job = self.find(request, key)
        rows = [Raw(row) for row in job.output + job.error]
        return written(self.shape.paged("results", rows, request))
