"""Fireworks' datasets and batch inference jobs (``fireworks-ai`` 1.2, docs.fireworks.ai "Batch inference").

What the guide does not say and the real one does: a dataset needs ``exampleCount``; a wrong line fails the whole job; a
job is stopped by deleting it; signed addresses take no credential; errors have gRPC's shape.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Raw, Struct, structs

from asbru.edge.request import Request
from asbru.mock import openai
from asbru.mock.batch_shapes import Creation, Job, Line, Shape
from asbru.mock.dialect import retry_headers
from asbru.mock.directives import parse
from asbru.mock.files import Operation, multipart, written
from asbru.mock.frames import Frames, Pace, in_pieces
from asbru.mock.kin_shapes import named
from asbru.mock.line_batches import LineBatches
from asbru.mock.responses import Responses
from asbru.mock.strict import Mistake, read
from asbru.mock.talk import Talker
from asbru.model.failure import Failure, Refused
from asbru.model.http import Answer

_encode = msgspec.json.encode
_MOST = 150_000_000
_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 429: 8}
_STATES = {
    "validating": "VALIDATING",
    "in_progress": "RUNNING",
    "finalizing": "WRITING_RESULTS",
    "completed": "COMPLETED",
    "failed": "FAILED",
    "expired": "EXPIRED",
    "cancelling": "DELETING_CLEANING_UP",
    "cancelled": "DELETING_CLEANING_UP",
}


class Described(Struct, forbid_unknown_fields=True, rename="camel"):
    """What is told about a dataset."""

    user_uploaded: dict[str, Any] | None = None
    example_count: str | None = None
    display_name: str | None = None
    format: str | None = None


class NewDataset(Struct, forbid_unknown_fields=True, rename="camel"):
    """The body of ``POST …/datasets``."""

    dataset_id: str
    dataset: Described


class NewJob(Struct, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The body of ``POST …/batchInferenceJobs``."""

    model: str
    input_dataset_id: str
    output_dataset_id: str = ""
    display_name: str = ""
    inference_parameters: dict[str, Any] | None = None
    precision: str | None = None


class FireworksLine(Struct, forbid_unknown_fields=True):
    """A line: the model is the job's."""

    custom_id: str
    body: Raw


_dataset = msgspec.json.Decoder(NewDataset)
_job = msgspec.json.Decoder(NewJob)
_line = msgspec.json.Decoder(FireworksLine)


def fail(failure: Failure, request_id: str) -> Answer:
    """An error in gRPC's shape."""
    body = {"code": _CODES.get(failure.status, 13), "message": failure.message, "details": []}
    headers = {b"content-type": b"application/json", **retry_headers(failure)}
    return Answer(status=failure.status, headers=headers, body=_encode(body))


class Fireworks(Shape):
    """The shape of its jobs."""

    dialect = structs.replace(openai.DIALECT, name="fireworks", fail=fail)
    batches = "/fireworks/v1/accounts/mock/batchInferenceJobs"
    files = "/fireworks/v1/accounts/mock/datasets"
    endpoints = ("/v1/chat/completions",)
    most_bytes = _MOST

    def line(self, raw: bytes, asked: Creation) -> Line:
        """A line of the dataset. Raises Mistake."""
        line = read(_line, raw)
        if "model" in msgspec.json.decode(line.body, type=dict[str, Raw]):
            raise Mistake("unknown", ["body", "model"], "Object contains unknown field `model`")
        return Line(custom_id=line.custom_id, body=named(line.body, asked.model), url=asked.endpoint)

    def row(
        self, id: str, line: Line, response: dict[str, Any] | None, error: dict[str, str] | None
    ) -> dict[str, Any] | None:
        """A line of a result file: a bare body, or an error."""
        if response is None:
            return None
        if response["status_code"] >= 400:
            told = response["body"]["error"]["message"]
            return {"custom_id": line.custom_id, "error": {"code": "invalid_request_error", "message": told}}
        return {"custom_id": line.custom_id, "response": response["body"]}

    def absent(self, id: str) -> Refused:
        """There is no such job."""
        return Refused(404, "resource not found")

    def show(self, job: Job) -> dict[str, Any]:
        """The job object."""
        problem = job.errors[0] if job.errors else None
        reason = f"Dataset has a syntax error: input.jsonl:{problem['line']}: {problem['message']}" if problem else ""
        return {
            "name": f"accounts/mock/batchInferenceJobs/{job.id}",
            "displayName": job.asked.name,
            "state": f"JOB_STATE_{_STATES[job.status]}",
            "status": {"code": "INVALID_ARGUMENT" if problem else "OK", "message": reason},
            "model": job.asked.model,
            "inputDatasetId": f"accounts/mock/datasets/{job.asked.input_file_id}",
            "outputDatasetId": f"accounts/mock/datasets/{job.output_file_id or ''}",
            "jobProgress": {
                "totalInputRequests": job.total,
                "totalProcessedRequests": job.completed + job.failed,
                "successfullyProcessedRequests": job.completed,
                "failedRequests": job.failed,
            },
        }


class FireworksBatches(LineBatches):
    """Datasets and jobs of all keys; the account is called ``mock``."""

    def __init__(self, talker: Talker, responses: Responses) -> None:
        super().__init__(Fireworks(), talker, responses)
        self._outputs: dict[str, dict[str, bytes]] = {}

    def operations(self) -> Iterator[Operation]:
        """Method, path and handler of each."""
        sets, jobs = self.shape.files, self.shape.batches
        yield "POST", sets, self.new_dataset
        yield "GET", sets, self.files.every
        # Searched in this order: a plain ``{id}`` would take the verb for part of it.
        yield "GET", f"{sets}/{{id*}}:getDownloadEndpoint", self.signed
        yield "GET", f"{sets}/{{id*}}", self.dataset
        yield "DELETE", f"{sets}/{{id}}", self.delete_dataset
        yield "POST", f"{sets}/{{id}}:upload", self.upload
        yield "POST", jobs, self.create
        yield "GET", jobs, self.every
        yield "GET", f"{jobs}/{{id}}", self.retrieve
        yield "DELETE", f"{jobs}/{{id}}", self.delete

    def reset(self) -> None:
        """Forget all of them."""
        super().reset()
        self._outputs.clear()

    async def new_dataset(self, request: Request, key: str) -> Answer:
        """Make a dataset, still empty."""
        asked = _read(_dataset, request.body)
        if asked.dataset.user_uploaded is None or not (asked.dataset.example_count or "").isdecimal():
            raise Refused(400, "example_count is required for uploaded datasets")
        if self.files.has(asked.dataset_id):
            raise Refused(409, f'Dataset "{asked.dataset_id}" already exists')
        self.files.add(key, "", "dataset", b"", asked.dataset_id)
        return written({"name": f"accounts/mock/datasets/{asked.dataset_id}", "state": "UPLOADING"})

    async def dataset(self, request: Request, key: str) -> Answer:
        """A dataset."""
        stored = self.files.find(request.params[0], key)
        state = "READY" if stored.content else "UPLOADING"
        return written({"name": f"accounts/mock/datasets/{stored.id}", "state": state})

    async def delete_dataset(self, request: Request, key: str) -> Answer:
        """Forget a dataset."""
        if self._outputs.pop(request.params[0], None) is None:
            return await self.files.delete(request, key)
        return written({})

    async def upload(self, request: Request, key: str) -> Answer:
        """Fill a dataset."""
        stored = self.files.find(request.params[0], key)
        fields = multipart(request.headers.get(b"content-type", b""), request.body)
        if "file" not in fields or not fields["file"].filename.endswith(".jsonl"):
            raise Refused(400, "a file with the extension .jsonl is required")
        if len(fields["file"].content) > _MOST:
            raise Refused(413, "file is larger than 150 MB")
        stored.content = fields["file"].content
        return written({"id": stored.id, "bytes": len(stored.content), "object": "file"})

    async def signed(self, request: Request, key: str) -> Answer:
        """Where the files of an output are. Google's front refuses a GET with a body."""
        if request.body:
            raise Refused(400, "Your client has issued a malformed or illegal request.")
        id = request.params[0]
        if id not in self._outputs:
            raise Refused(404, "resource not found")
        base = f"http://{request.headers.get(b'host', b'').decode()}/signed/{id}"
        urls = {f"dataset/{id}/{name}": f"{base}/{name}?X-Goog-Signature=mock%2B" for name in self._outputs[id]}
        return written({"filenameToSignedUrls": urls})

    async def download(self, request: Request) -> Answer:
        """One file, by its signed address."""
        content = self._outputs.get(request.params[0], {}).get(request.params[1])
        if b"authorization" in request.headers or request.query != "X-Goog-Signature=mock%2B":
            return fail(Refused(403, "SignatureDoesNotMatch"), request.id)
        if content is None:
            return fail(Refused(404, "NoSuchKey"), request.id)
        headers = {b"content-type": b"application/octet-stream"}
        return Answer(status=200, headers=headers, stream=Frames(in_pieces(content), Pace()))

    async def create(self, request: Request, key: str) -> Answer:
        """Make a job of a dataset."""
        asked = _read(_job, request.body)
        name = parse_qs(request.query).get("batchInferenceJobId", [f"bij-{self._talker.serial.next()}"])[0]
        if name in self._jobs:
            raise Refused(409, f'batch inference job "{name}" already exists')
        folder, _, input_ = asked.input_dataset_id.rpartition("/")
        if folder != "accounts/mock/datasets" or not self.files.find(input_, key).content:
            raise Refused(400, f"invalid input dataset {asked.input_dataset_id!r}")
        creation = Creation(
            input_file_id=input_, endpoint="/v1/chat/completions", model=asked.model, name=asked.display_name
        )
        told = parse(request.headers.get(b"x-mock", b"").decode("latin-1"))
        job = Job(id=name, owner=key, asked=creation, told=told, created_at=int(self._talker.clock()))
        job.output_file_id = asked.output_dataset_id.rpartition("/")[2] or f"{name}-output"
        self._jobs[name] = job
        self._tasks.begin(self._work(job))
        return written(self.shape.show(job))

    async def retrieve(self, request: Request, key: str) -> Answer:
        """The job; one that was deleted is seen once more."""
        job = self.find(request, key)
        if job.status in ("cancelling", "cancelled"):
            del self._jobs[job.id]
        return written(self.shape.show(job))

    async def delete(self, request: Request, key: str) -> Answer:
        """Delete a job, which stops it."""
        job = self.find(request, key)
        self._turn(job, "cancelling")
        job.woken.set()
        return written({})

    def publish(self, job: Job) -> None:
        """Write the output dataset; a job that was deleted leaves none."""
        if job.status not in ("cancelling", "failed"):
            files = {"BIJOutputSet.jsonl": b"".join(job.output), "error-data": b"".join(job.error)}
            self._outputs[str(job.output_file_id)] = files
        job.output, job.error = [], []


def _read(decoder: "msgspec.json.Decoder[Any]", body: bytes) -> Any:
    try:
        return read(decoder, body)
    except Mistake as mistake:
        raise Refused(400, f"unmarshal error: {mistake.dotted()}: {mistake.text}") from None
