"""Vertex AI's batch prediction jobs: lines are read from the bucket, executed for real, and written beside them.

Rule 1. What was done when a job is cancelled or expires is written. A request that was not done is left out.
Rule 2. Results are in no useful order, in two files. Each carries its request.
Rule 3. A file that cannot be read makes the job fail.
"""

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Raw, Struct

from asbru.edge.request import Request
from asbru.mock import anthropic, gemini
from asbru.mock import gemini_shapes as shape
from asbru.mock.directives import Directive, parse
from asbru.mock.files import Operation, written
from asbru.mock.gcs import Storage
from asbru.mock.gemini_checks import plain, refused
from asbru.mock.gemini_files import page, when
from asbru.mock.jobs import NeverDone, Tasks, answer, nap, seconds, slices
from asbru.mock.script import Place
from asbru.mock.strict import Mistake, read
from asbru.mock.talk import Talker
from asbru.model.failure import Failure, Refused
from asbru.model.http import Answer

BASE = "/v1/projects/{project}/locations/{location}/batchPredictionJobs"
_OPEN = frozenset({"PENDING", "RUNNING"})
_PUBLISHERS = ("publishers/google/models/", "publishers/anthropic/models/")
_ENDED = {"RUNNING": "SUCCEEDED", "CANCELLING": "CANCELLED"}
_encode = msgspec.json.encode


class Source(shape.Message):
    uris: list[str]


class Input(shape.Message):
    instances_format: str
    gcs_source: Source


class Destination(shape.Message):
    output_uri_prefix: str


class Output(shape.Message):
    predictions_format: str
    gcs_destination: Destination


class Creation(shape.Message):
    """What a creation says."""

    display_name: str
    model: str
    input_config: Input
    output_config: Output
    labels: dict[str, str] | None = None


class Line(Struct, forbid_unknown_fields=True):
    """A line of an input file. ``custom_id``: Claude's."""

    request: Raw
    custom_id: str = ""


class Job(Struct, kw_only=True):
    """One job. ``results``: rows."""

    name: str
    owner: str
    said: Creation
    told: Directive
    created_at: float
    state: str = "PENDING"
    ended_at: float | None = None
    error: str = ""
    total: int = 0
    results: list[bytes] = []
    succeeded: int = 0
    failed: int = 0
    directory: str = ""
    woken: asyncio.Event = msgspec.field(default_factory=asyncio.Event)

    @property
    def model(self) -> str:
        """The model's own name."""
        return self.said.model.rpartition("/")[2]


_creation = msgspec.json.Decoder(Creation, strict=False)
_line = msgspec.json.Decoder(Line)


class VertexBatches:
    """The jobs of all keys, and their buckets."""

    def __init__(self, talker: Talker) -> None:
        self._talker = talker
        self._storage = Storage()
        self._jobs: dict[str, Job] = {}
        self._tasks = Tasks()

    def operations(self) -> Iterator[Operation]:
        """Method, path and handler of each."""
        yield from self._storage.operations()
        yield "POST", BASE, self.create
        yield "GET", BASE, self.every
        yield "GET", f"{BASE}/{{id}}", self.retrieve
        yield "POST", f"{BASE}/{{id}}:cancel", self.cancel

    def reset(self) -> None:
        """Forget all jobs and objects."""
        self._tasks.stop()
        self._jobs.clear()
        self._storage.reset()

    async def create(self, request: Request, key: str) -> Answer:
        """Make a job and begin to work on it. ``x-mock`` may say ``took`` and ``expireafter``."""
        try:
            said = read(_creation, plain(request.body))
        except Mistake as mistake:
            raise gemini.refusal(mistake) from None
        if not said.model.startswith(_PUBLISHERS):
            raise refused("The model is not valid: publishers/google/models/… is, or another publisher's.", "model")
        if said.input_config.instances_format != "jsonl" or len(said.input_config.gcs_source.uris) != 1:
            raise refused("The input must be one file of JSON lines.", "input_config")
        project, location = request.params
        name = f"projects/{project}/locations/{location}/batchPredictionJobs/{self._talker.serial.next()}"
        told = parse(request.headers.get(b"x-mock", b"").decode("latin-1"))
        at = self._talker.clock()
        job = self._jobs[name] = Job(name=name, owner=key, said=said, told=told, created_at=at)
        self._tasks.begin(self._work(job))
        return written(_show(job))

    async def every(self, request: Request, key: str) -> Answer:
        """Newest first; ``filter`` knows ``display_name="…"`` only."""
        wanted = parse_qs(request.query).get("filter", [""])[0]
        name = wanted.removeprefix('display_name="').removesuffix('"')
        if wanted and f'display_name="{name}"' != wanted:
            raise refused(f"Invalid filter: {wanted}", "filter")
        mine = [job for job in reversed(self._jobs.values()) if job.owner == key]
        rows = [_show(job) for job in mine if name in ("", job.said.display_name)]
        return written(page("batchPredictionJobs", rows, request, 100))

    async def retrieve(self, request: Request, key: str) -> Answer:
        """The job."""
        return written(_show(self._find(request, key)))

    async def cancel(self, request: Request, key: str) -> Answer:
        """Stop a job that has not ended."""
        job = self._find(request, key)
        if job.state not in _OPEN:
            raise refused("The job has ended, or is being cancelled already.")
        job.state = "CANCELLING"
        job.woken.set()
        return written({})

    def _find(self, request: Request, key: str) -> Job:
        project, location, id = request.params
        job = self._jobs.get(f"projects/{project}/locations/{location}/batchPredictionJobs/{id}")
        if job is None or job.owner != key:
            raise Refused(404, f"The BatchPredictionJob does not exist: {id}")
        return job

    async def _work(self, job: Job) -> None:
        """From pending to the end."""
        times = self._talker.director.script.batches
        await nap(times.validating, job.woken)
        lines: list[Line] = []
        try:
            lines = self._lines(job)
        except Refused as refusal:
            job.error = refusal.message
        job.total = len(lines)
        if job.state == "PENDING":
            job.state = "FAILED" if job.error else "RUNNING"
        stop = job.told.expireafter if job.told.expireafter >= 0 else times.expire_after
        todo = lines if stop < 0 else lines[:stop]
        parts = list(slices(todo))
        took = seconds(job.told, times.in_progress)
        for part in parts or [[]]:
            await nap(took / max(1, len(parts)), job.woken)
            if job.state == "RUNNING":
                for line in part:
                    self._answer(job, line)
        if job.state == "RUNNING" and len(todo) < len(lines):
            job.state = "EXPIRED"
        await nap(times.finalizing, job.woken)
        self._publish(job)

    def _lines(self, job: Job) -> list[Line]:
        """Raises Refused for a file that cannot be read."""
        lines = []
        content = self._storage.read(job.owner, job.said.input_config.gcs_source.uris[0])
        for n, row in enumerate(content.splitlines(), 1):
            try:
                lines.append(read(_line, row))
            except Mistake as mistake:
                raise Refused(400, f"Line {n} cannot be read: {mistake}") from None
        return lines

    def _publish(self, job: Job) -> None:
        if not job.error:
            name = job.said.model.rpartition("/")[2]
            prefix = job.said.output_config.gcs_destination.output_uri_prefix
            job.directory = f"{prefix}/prediction-{name}-{job.name.rpartition('/')[2]}"
            halves = job.results[1::2], job.results[::2]
            for file, rows in zip(("predictions.jsonl", "incremental_predictions.jsonl"), halves, strict=True):
                self._storage.write(job.owner, f"{job.directory}/{file}", b"".join(rows))
        job.state = _ENDED.get(job.state, job.state)
        job.ended_at = self._talker.clock()

    def _answer(self, job: Job, line: Line) -> None:
        told: dict[str, Any] = {"custom_id": line.custom_id} if line.custom_id else {}
        told["request"] = line.request
        try:
            told |= {"status": "", "response": Raw(self._said(job, line))}
            job.succeeded += 1
        except NeverDone:
            job.failed += 1
            return
        except Failure as failure:
            body = anthropic.error_body(failure, None) if line.custom_id else gemini.error_body(failure)
            told |= {"status": f"Bad Request: {_encode(body).decode()}", "response": {}}
            job.failed += 1
        job.results.append(_encode({**told, "processed_time": when(self._talker.clock())}) + b"\n")

    def _said(self, job: Job, line: Line) -> bytes:
        """The answer to one request. Raises NeverDone, or the Failure that the live API would answer."""
        place = Place(f"/v1/{job.said.model}:predict", "POST", job.owner)
        if "/anthropic/" in job.said.model:
            params = _of_claude(line.request, job.model)
            asked, said = answer(
                self._talker, anthropic.DIALECT, lambda: anthropic.ask_params(params, beta=False), place
            )
            return _encode(anthropic.message(asked, said, self._talker.stamp(job.model), "batch"))
        body = _unlabelled(line.request)
        asked, said = answer(self._talker, gemini.DIALECT, lambda: gemini.ask(body, job.model, False), place)
        return gemini.write(asked, said, self._talker.stamp(job.model))


def _of_claude(request: Raw, model: str) -> bytes:
    """The request as Anthropic's API knows it. Raises Refused(400)."""
    body: dict[str, Any] = msgspec.json.decode(request)
    if body.pop("anthropic_version", "") != "vertex-2023-10-16" or "model" in body:
        raise Refused(400, "anthropic_version: Field required, and no model")
    return _encode({**body, "model": model})


def _unlabelled(request: Raw) -> bytes:
    """The request as the Gemini API knows it. Labels are Vertex AI's. Raises Refused(400) for what labels cannot be."""
    body: Any = msgspec.json.decode(request)
    labels = body.pop("labels", {}) if isinstance(body, dict) else {}
    for name, value in labels.items():
        if not isinstance(value, str) or len(value) > 63 or not set(value) <= _LETTERS or not set(name) <= _LETTERS:
            raise refused(f"Label {name!r} is not valid: small letters, digits, dashes and underscores, up to 63.")
    return _encode(body)


_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


def _show(job: Job) -> dict[str, Any]:
    """The job. 64 bits are strings."""
    told: dict[str, Any] = {
        "name": job.name,
        "displayName": job.said.display_name,
        "model": job.said.model,
        "state": f"JOB_STATE_{job.state}",
        "createTime": when(job.created_at),
        "updateTime": when(job.ended_at or job.created_at),
        "inputConfig": {
            "instancesFormat": "jsonl",
            "gcsSource": {"uris": job.said.input_config.gcs_source.uris},
        },
        "outputConfig": {
            "predictionsFormat": "jsonl",
            "gcsDestination": {"outputUriPrefix": job.said.output_config.gcs_destination.output_uri_prefix},
        },
    }
    if job.ended_at is not None:
        told["endTime"] = when(job.ended_at)
        counts = {"successfulCount": str(job.succeeded), "failedCount": str(job.failed)}
        told["completionStats"] = {name: count for name, count in counts.items() if count != "0"}
    if job.directory:
        told["outputInfo"] = {"gcsOutputDirectory": job.directory}
    if job.error:
        told["error"] = {"code": 3, "message": job.error}
    return told
