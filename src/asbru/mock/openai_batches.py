"""OpenAI's Batches: the uploaded file is validated and executed for real, line by line.

Codes of validation errors (``invalid_json_line``, ``duplicate_custom_id``, ``url_mismatch``, ``model_mismatch``,
``missing_required_parameter``, ``empty_file``, ``too_many_tasks``) and the shapes of output and error lines are
OpenAI's. Of its endpoints those that make no text, numbers or talk (moderations, images, videos) are not here.
"""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Raw, Struct

from asbru.edge.request import Request
from asbru.mock import completions, openai, openai_embeddings
from asbru.mock.dialect import Dialect
from asbru.mock.directives import Directive, parse
from asbru.mock.files import Files, Operation, page, written
from asbru.mock.jobs import NeverDone, Tasks, answer, nap, seconds, slices
from asbru.mock.responses import Responses
from asbru.mock.script import Place
from asbru.mock.strict import Mistake, read
from asbru.mock.talk import Talker
from asbru.model.failure import Failure, Refused
from asbru.model.http import Answer

MOST_ITEMS = 50_000
DAY = 86400
_ENDPOINTS = ("/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions")
_EXPIRED = "This request could not be executed before the completion window expired."
_OPEN = frozenset({"validating", "in_progress", "finalizing"})


class Creation(Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of ``POST /v1/batches``."""

    input_file_id: str
    endpoint: str
    completion_window: str
    metadata: dict[str, str] | None = None
    output_expires_after: dict[str, Any] | None = None


class Line(Struct, kw_only=True, forbid_unknown_fields=True):
    """One line of an input file."""

    custom_id: str
    method: str
    url: str
    body: Raw


class Model(Struct):
    """All that validation wants to know of a body."""

    model: str


_creation = msgspec.json.Decoder(Creation)
_line = msgspec.json.Decoder(Line)
_model = msgspec.json.Decoder(Model)
_encode = msgspec.json.encode


class Job(Struct, kw_only=True):
    """One batch.

    ``times``: when each state began, by the member that tells it. ``told``: what the creation asked for.
    """

    id: str
    owner: str
    asked: Creation
    told: Directive
    created_at: int
    status: str = "validating"
    times: dict[str, int] = {}
    errors: list[dict[str, Any]] = []
    model: str | None = None
    total: int = 0
    completed: int = 0
    failed: int = 0
    output: list[bytes] = []
    error: list[bytes] = []
    output_file_id: str | None = None
    error_file_id: str | None = None
    woken: asyncio.Event = msgspec.field(default_factory=asyncio.Event)


class OpenAIBatches:
    """The batches of all keys."""

    def __init__(self, talker: Talker, files: Files, responses: Responses) -> None:
        self._talker = talker
        self._files = files
        self._responses = responses
        self._jobs: dict[str, Job] = {}
        self._tasks = Tasks()

    def operations(self) -> Iterator[Operation]:
        """Method, path and handler of each."""
        yield "POST", "/v1/batches", self.create
        yield "GET", "/v1/batches", self.every
        yield "GET", "/v1/batches/{id}", self.retrieve
        yield "POST", "/v1/batches/{id}/cancel", self.cancel

    def reset(self) -> None:
        """Forget all batches."""
        self._tasks.stop()
        self._jobs.clear()

    async def create(self, request: Request, key: str) -> Answer:
        """Make a batch and begin to work on it.

        ``x-mock`` or ``metadata.mock`` may say ``took`` and ``expireafter``.
        """
        try:
            asked = read(_creation, request.body)
        except Mistake as mistake:
            raise openai.refusal(mistake) from None
        _check(asked)
        self._files.find(asked.input_file_id, key)
        header = request.headers.get(b"x-mock", b"").decode("latin-1")
        told = parse(header or (asked.metadata or {}).get("mock", ""))
        name = f"batch_{self._talker.serial.next()}"
        job = self._jobs[name] = Job(id=name, owner=key, asked=asked, told=told, created_at=int(self._talker.clock()))
        self._tasks.begin(self._work(job))
        return written(_show(job))

    async def every(self, request: Request, key: str) -> Answer:
        """Newest first."""
        rows = [_show(job) for job in reversed(self._jobs.values()) if job.owner == key]
        return written(page(rows, parse_qs(request.query), 100))

    async def retrieve(self, request: Request, key: str) -> Answer:
        """The batch object."""
        return written(_show(self._find(request, key)))

    async def cancel(self, request: Request, key: str) -> Answer:
        """Stop a batch that has not ended."""
        job = self._find(request, key)
        if job.status not in _OPEN:
            raise Refused(400, f"Cannot cancel a batch with status '{job.status}'.")
        self._turn(job, "cancelling")
        job.woken.set()
        return written(_show(job))

    def _find(self, request: Request, key: str) -> Job:
        job = self._jobs.get(request.params[0])
        if job is None or job.owner != key:
            raise Refused(404, f"No batch found with id '{request.params[0]}'.", param="id")
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
        content = self._files.find(job.asked.input_file_id, job.owner).content
        lines: list[Line] = []
        problems = list(_problems(content, job.asked.endpoint, lines))
        job.errors = problems[:100]
        job.total = 0 if problems else len(lines)
        job.model = _model.decode(lines[0].body).model if lines and not problems else None
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
                job.error.append(self._written(line, None, {"code": "batch_expired", "message": _EXPIRED}))
                job.failed += 1

    def _answer(self, job: Job, line: Line) -> None:
        try:
            body = self._said(job, line)
        except NeverDone:
            job.failed += 1
            job.error.append(self._written(line, None, {"code": "batch_expired", "message": _EXPIRED}))
        except Failure as failure:
            job.failed += 1
            job.error.append(
                self._written(line, self._response(failure.status, {"error": openai.error_body(failure)}), None)
            )
        else:
            job.completed += 1
            job.output.append(self._written(line, self._response(200, Raw(body)), None))

    def _said(self, job: Job, line: Line) -> bytes:
        """The answer to one line. Raises NeverDone, or the Failure that the live API would answer."""
        if line.url == "/v1/embeddings":
            task = openai_embeddings.task(bytes(line.body))
            return task.write(self._talker.stamp(task.model))
        place = Place(line.url, line.method, job.owner)
        dialect = self._dialect(line.url, job.owner)
        asked, said = answer(self._talker, dialect, lambda: dialect.read(bytes(line.body), {}), place)
        if asked.stream:
            raise Refused(400, "Streaming is not supported in the Batch API.", param="stream")
        return dialect.write(asked, said, self._talker.stamp(asked.model))

    def _dialect(self, url: str, key: str) -> Dialect:
        match url:
            case "/v1/responses":
                return self._responses.dialect(key)
            case "/v1/completions":
                return completions.OPENAI
            case _:
                return openai.DIALECT

    def _response(self, status: int, body: object) -> dict[str, Any]:
        return {"status_code": status, "request_id": self._talker.serial.next(), "body": body}

    def _written(self, line: Line, response: dict[str, Any] | None, error: dict[str, str] | None) -> bytes:
        row = {"id": f"batch_req_{self._talker.serial.next()}", "custom_id": line.custom_id}
        return _encode(row | {"response": response, "error": error}) + b"\n"

    def _finish(self, job: Job, status: str) -> None:
        """Write the files; one without lines does not exist."""
        if job.status == status and f"{status}_at" in job.times:
            return
        for name, lines in (("output", job.output), ("error", job.error)):
            if lines:
                stored = self._files.add(job.owner, f"{job.id}_{name}.jsonl", "batch_output", b"".join(lines))
                setattr(job, f"{name}_file_id", stored.id)
        job.output, job.error = [], []
        self._turn(job, status)


def _check(asked: Creation) -> None:
    if asked.completion_window != "24h":
        raise Refused(
            400, "Invalid value: 'completion_window'. Supported values are: '24h'.", param="completion_window"
        )
    if asked.endpoint not in _ENDPOINTS:
        raise Refused(400, f"Invalid value: '{asked.endpoint}'.", param="endpoint", code="invalid_value")
    metadata = asked.metadata or {}
    if len(metadata) > 16 or any(len(name) > 64 or len(value) > 512 for name, value in metadata.items()):
        raise Refused(
            400, "Invalid 'metadata': at most 16 pairs, keys of 64 and values of 512 characters.", param="metadata"
        )


def _problems(content: bytes, endpoint: str, lines: list[Line]) -> Iterator[dict[str, Any]]:
    """What is wrong with an input file; the lines are put into ``lines``."""
    seen: dict[str, int] = {}
    model = ""
    for number, row in enumerate(_rows(content), 1):
        try:
            line = read(_line, row)
            its_model = read(_model, bytes(line.body)).model
        except Mistake as mistake:
            yield _problem(*_explained(mistake), number)
            continue
        lines.append(line)
        model = model or its_model
        if line.custom_id in seen:
            text = f"The custom_id '{line.custom_id}' for this request is a duplicate of another request."
            yield _problem("duplicate_custom_id", text, "custom_id", number)
        if line.method != "POST":
            yield _problem("invalid_method", "Only POST is supported.", "method", number)
        if line.url != endpoint:
            text = f"The URL '{line.url}' does not match the batch endpoint '{endpoint}'."
            yield _problem("url_mismatch", text, "url", number)
        if its_model != model:
            yield _problem("model_mismatch", "All requests of a batch must have the same model.", "body.model", number)
        seen[line.custom_id] = number
    if not content.strip():
        yield _problem("empty_file", "The input file has no requests.", None, None)
    if len(lines) > MOST_ITEMS:
        yield _problem("too_many_tasks", f"The batch has more than {MOST_ITEMS} requests.", None, None)


def _rows(content: bytes) -> Iterable[bytes]:
    """The lines; only the last one may be empty."""
    return content.removesuffix(b"\n").split(b"\n") if content.strip() else ()


def _explained(mistake: Mistake) -> tuple[str, str, str | None]:
    where = mistake.bracketed()
    if mistake.kind == "json":
        return "invalid_json_line", "This line is not parseable as valid JSON.", None
    if mistake.kind == "missing":
        return "missing_required_parameter", f"Missing required parameter: '{where}'.", where
    return "invalid_request", str(openai.refusal(mistake)), where


def _problem(code: str, message: str, param: str | None, line: int | None) -> dict[str, Any]:
    return {"code": code, "message": message, "param": param, "line": line}


def _show(job: Job) -> dict[str, Any]:
    """The batch object."""
    names = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
    return {
        "id": job.id,
        "object": "batch",
        "endpoint": job.asked.endpoint,
        "model": job.model,
        "errors": {"object": "list", "data": job.errors} if job.errors else None,
        "input_file_id": job.asked.input_file_id,
        "completion_window": job.asked.completion_window,
        "status": job.status,
        "output_file_id": job.output_file_id,
        "error_file_id": job.error_file_id,
        "created_at": job.created_at,
        **{f"{name}_at": job.times.get(f"{name}_at") for name in names},
        "expires_at": job.created_at + DAY,
        "request_counts": {"total": job.total, "completed": job.completed, "failed": job.failed},
        "metadata": job.asked.metadata,
    }
