"""Bedrock's batch jobs: records read from a bucket, answered for real, results written to a bucket.

Source: botocore 1.44, bedrock 2023-04-20; Bedrock user guide, "Process multiple prompts with batch inference".

Rule 1. Buckets are real: they lie where ``--s3`` says (``AWS_ENDPOINT_URL_S3`` where it says nothing).
Rule 2. What is wrong with the creation is refused at once; what is wrong with the input as a whole makes a job that has
failed, with a message; what is wrong with a record is an error in the output.
Rule 3. A ``clientRequestToken`` that was used answers the job that it made.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs

import msgspec
from msgspec import Meta, Raw, Struct

from asbru.edge.request import Request
from asbru.mock import bedrock
from asbru.mock.bedrock_invoke import dialect_for, task_for
from asbru.mock.bedrock_paths import check_signed
from asbru.mock.bedrock_shapes import Strict
from asbru.mock.dialect import Stamp
from asbru.mock.directives import Directive, parse
from asbru.mock.files import Operation, written
from asbru.mock.jobs import NeverDone, Tasks, answer, nap, seconds, slices
from asbru.mock.script import Place
from asbru.mock.strict import Mistake, read
from asbru.mock.talk import Talker
from asbru.model.failure import Failure, Refused
from asbru.model.http import Answer
from asbru.model.keys import Key, Network, Secret
from asbru.providers import SigV4
from asbru.upstream.objects import Objects, Site
from asbru.upstream.signing import Account

LEAST = 100
"""Records of a job: the quota of most models."""
MOST = 50_000
_ARN = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/"
_ENDED = ("Completed", "Failed", "Stopped", "PartiallyCompleted", "Expired")
_encode = msgspec.json.encode
S3Uri = Annotated[
    str, Meta(max_length=1024, pattern=r"^s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](/[-!_*'().a-z0-9A-Z]+)*/?$")
]


class _S3Input(Strict):
    s3_uri: S3Uri
    s3_input_format: Literal["JSONL"] | None = None
    s3_bucket_owner: Annotated[str, Meta(pattern="^[0-9]{12}$")] | None = None


class _Input(Strict):
    s3_input_data_config: _S3Input


class _S3Output(Strict):
    s3_uri: S3Uri
    s3_encryption_key_id: str | None = None
    s3_bucket_owner: Annotated[str, Meta(pattern="^[0-9]{12}$")] | None = None


class _Output(Strict):
    s3_output_data_config: _S3Output


class Creation(Strict, kw_only=True):
    """The body of a creation."""

    job_name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9]{1,63}(-*[a-zA-Z0-9\+\-\.]){0,63}$", max_length=63)]
    role_arn: Annotated[str, Meta(pattern="^arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+$")]
    model_id: Annotated[str, Meta(min_length=1, max_length=2048)]
    input_data_config: _Input
    output_data_config: _Output
    client_request_token: Annotated[str, Meta(pattern="^[a-zA-Z0-9]{1,256}(-*[a-zA-Z0-9]){0,256}$")] | None = None
    vpc_config: dict[str, Any] | None = None
    timeout_duration_in_hours: Annotated[int, Meta(ge=24, le=168)] | None = None
    tags: list[dict[str, str]] | None = None
    model_invocation_type: Literal["InvokeModel", "Converse"] = "InvokeModel"


class Record(Struct, rename="camel", forbid_unknown_fields=True):
    """A line of the input."""

    record_id: str | None = None
    model_input: Raw = Raw(b"")


_creation = msgspec.json.Decoder(Creation)
_record = msgspec.json.Decoder(Record)


class Job(Struct, kw_only=True):
    """One job. Times are Unix seconds."""

    arn: str
    owner: str
    asked: Creation
    told: Directive
    created_at: float
    status: str = "Submitted"
    message: str = ""
    ended_at: float | None = None
    total: int = 0
    lines: list[bytes] = []
    errors: int = 0
    woken: asyncio.Event = msgspec.field(default_factory=asyncio.Event)


class BedrockJobs:
    """The jobs of all keys."""

    def __init__(self, talker: Talker) -> None:
        self._talker = talker
        self._jobs: dict[str, Job] = {}
        self._tasks = Tasks()

    def operations(self) -> Iterator[Operation]:
        """Method, path and handler of each."""
        yield "POST", "/model-invocation-job", self.create
        yield "GET", "/model-invocation-jobs", self.every
        yield "GET", "/model-invocation-job/{job*}", self.retrieve
        yield "POST", "/model-invocation-job/{job*}/stop", self.stop

    def reset(self) -> None:
        """Forget all jobs."""
        self._tasks.stop()
        self._jobs.clear()

    async def create(self, request: Request, key: str) -> Answer:
        """Make a job and begin to work on it. ``x-mock`` may say ``took`` and ``expireafter``."""
        check_signed(request, self._talker.clock())
        try:
            asked = read(_creation, request.body)
        except Mistake as mistake:
            raise bedrock.refusal(mistake) from None
        token = asked.client_request_token
        same = [job for job in self._jobs.values() if token and job.asked.client_request_token == token]
        if not same:
            self._talker.know(bedrock.DIALECT, asked.model_id)
            job = Job(
                arn=_ARN + self._talker.serial.next()[-12:],
                owner=key,
                asked=asked,
                told=parse(request.headers.get(b"x-mock", b"").decode("latin-1")),
                created_at=self._talker.clock(),
            )
            self._jobs[job.arn] = job
            self._tasks.begin(self._work(job))
            same = [job]
        return written({"jobArn": same[0].arn})

    async def every(self, request: Request, key: str) -> Answer:
        """Newest first, by ``nameContains``, ``statusEquals``, ``maxResults`` and ``nextToken``."""
        check_signed(request, self._talker.clock())
        query = {name: values[0] for name, values in parse_qs(request.query).items()}
        most, start = int(query.get("maxResults", "100")), int(query.get("nextToken", "0"))
        jobs = [
            job
            for job in reversed(self._jobs.values())
            if job.owner == key
            and query.get("nameContains", "") in job.asked.job_name
            and query.get("statusEquals", job.status) == job.status
        ]
        more = {"nextToken": str(start + most)} if len(jobs) > start + most else {}
        return written({"invocationJobSummaries": [_show(job) for job in jobs[start : start + most]], **more})

    async def retrieve(self, request: Request, key: str) -> Answer:
        """The job."""
        return written(_show(self._find(request, key)))

    async def stop(self, request: Request, key: str) -> Answer:
        """Stop a job; one that is over cannot be."""
        job = self._find(request, key)
        if job.status in _ENDED or job.status == "Stopping":
            text = f"The job is in status {job.status} and cannot be stopped."
            raise Refused(400, text, code="ConflictException")
        job.status = "Stopping"
        job.woken.set()
        return written({})

    def _find(self, request: Request, key: str) -> Job:
        check_signed(request, self._talker.clock())
        name = request.params[0]
        job = self._jobs.get(name if name.startswith(_ARN) else _ARN + name)
        if job is None or job.owner != key:
            raise Refused(404, "The provided job identifier does not exist.", code="ResourceNotFoundException")
        return job

    async def _work(self, job: Job) -> None:
        """From Submitted to the end."""
        times = self._talker.director.script.batches
        await nap(times.validating, job.woken)
        try:
            records = await self._records(job)
            job.total = len(records)
            job.status = "InProgress" if job.status == "Submitted" else job.status
            await self._answers(job, records)
            await nap(times.finalizing, asyncio.Event())
            await self._deliver(job)
        except Failure as failure:
            job.status, job.message = "Failed", failure.message
        job.ended_at = self._talker.clock()

    async def _records(self, job: Job) -> list[Record]:
        """Raises Failure for an input that makes the job fail."""
        bucket, key = _split(job.asked.input_data_config.s3_input_data_config.s3_uri)
        body = b"".join([piece async for piece in await self._bucket(bucket).get(key)])
        try:
            records = [_record.decode(line) for line in body.splitlines() if line.strip()]
        except msgspec.DecodeError as error:
            raise Refused(400, f"The input file is not valid: {error}") from None
        if not LEAST <= len(records) <= MOST:
            text = f"The input has {len(records)} records; it must have {LEAST} to {MOST}."
            raise Refused(400, text)
        return records

    async def _answers(self, job: Job, records: list[Record]) -> None:
        times = self._talker.director.script.batches
        stop = job.told.expireafter if job.told.expireafter >= 0 else times.expire_after
        parts = list(slices(records if stop < 0 else records[:stop]))
        took = seconds(job.told, times.in_progress)
        for part in parts or [[]]:
            await nap(took / max(1, len(parts)), job.woken)
            if job.status == "InProgress":
                job.lines += [self._line(job, len(job.lines) + n, record) for n, record in enumerate(part)]

    def _line(self, job: Job, n: int, record: Record) -> bytes:
        name = record.record_id or f"CALL{n + 1:07d}"
        line: dict[str, Any] = {"modelInput": record.model_input}
        try:
            line["modelOutput"] = Raw(self._said(job, bytes(record.model_input)))
        except NeverDone:
            line["error"] = {"errorCode": 408, "errorMessage": "The record timed out."}
        except Failure as failure:
            line["error"] = {"errorCode": failure.status, "errorMessage": failure.message}
        job.errors += "error" in line
        return _encode({**line, "recordId": name}) + b"\n"

    def _said(self, job: Job, body: bytes) -> bytes:
        """One record's answer. Raises Failure, or NeverDone."""
        model = job.asked.model_id.rpartition("/")[2]
        talker = self._talker
        task = None if job.asked.model_invocation_type == "Converse" else task_for(model)
        if task is not None:
            done = task(body)
            talker.stats.asked(model, done.text, job.owner)
            return done.write(talker.stamp(model))
        if job.asked.model_invocation_type == "Converse":
            dialect, ask = bedrock.DIALECT, lambda: bedrock.ask(body, model, False)
        else:
            dialect = dialect_for(model, False)
            ask = lambda: dialect.read(body, {})  # noqa: E731
        asked, said = answer(talker, bedrock.DIALECT, ask, Place("/model", "POST", job.owner))
        return dialect.write(asked, said, Stamp(talker.serial.next(), int(talker.clock()), model))

    async def _deliver(self, job: Job) -> None:
        bucket, prefix = _split(job.asked.output_data_config.s3_output_data_config.s3_uri)
        name = _split(job.asked.input_data_config.s3_input_data_config.s3_uri)[1].rpartition("/")[2]
        folder = f"{prefix.rstrip('/')}/{job.arn.rpartition('/')[2]}/".lstrip("/")
        store = self._bucket(bucket)
        await store.put(f"{folder}{name}.out", _once(b"".join(reversed(job.lines))))
        counts = {
            "totalRecordCount": job.total,
            "processedRecordCount": len(job.lines),
            "successRecordCount": len(job.lines) - job.errors,
            "errorRecordCount": job.errors,
        }
        await store.put(f"{folder}manifest.json.out", _once(_encode(counts)))
        stopped = job.status == "Stopping"
        job.status = "Stopped" if stopped else "Completed" if len(job.lines) == job.total else "PartiallyCompleted"

    def _bucket(self, name: str) -> Objects:
        secrets = {"access_key": Secret("AKIAMOCK"), "secret_key": Secret("mock")}
        key = Key(id="mock", name="mock", value=Secret(""), secrets=secrets)
        account = Account(provider="mock", auth=SigV4("s3"), key=key, settings={}, network=Network())
        endpoint = self._talker.options.s3 or os.environ.get("AWS_ENDPOINT_URL_S3", "")
        if not endpoint:
            raise Refused(400, "The scripted provider was not told where buckets are (--s3).")
        return Objects(Site(endpoint=endpoint, account=account), name)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _show(job: Job) -> dict[str, Any]:
    asked = msgspec.to_builtins(job.asked)
    told = {name: value for name, value in asked.items() if value is not None and name != "tags"}
    counts = {"processedRecordCount": len(job.lines), "errorRecordCount": job.errors}
    return {
        "jobArn": job.arn,
        **told,
        "status": job.status,
        "submitTime": _when(job.created_at),
        "lastModifiedTime": _when(job.ended_at or job.created_at),
        "jobExpirationTime": _when(job.created_at + 86400),
        "totalRecordCount": job.total,
        "successRecordCount": len(job.lines) - job.errors,
        **counts,
        **({"message": job.message} if job.message else {}),
        **({"endTime": _when(job.ended_at)} if job.ended_at else {}),
    }
