"""OpenRouter's batches (``openrouter`` 1.3, components/batchsubmitbody.py and batchobject.py; "Batch API quickstart").

The body is read as it arrives, so that ``endpoint`` and ``model`` must come before ``requests``. Results stand in the
batch when it has ended. There is no cancel; a batch that has ended can be deleted.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Raw, Struct

from asbru.edge.request import Request
from asbru.mock import openai
from asbru.mock.batch_shapes import Creation, Job, Line, Shape
from asbru.mock.directives import parse
from asbru.mock.files import JSON, Operation, page, written
from asbru.mock.frames import Frames, Pace, in_pieces
from asbru.mock.kin_shapes import named
from asbru.mock.line_batches import LineBatches
from asbru.mock.responses import Responses
from asbru.mock.strict import Mistake, read
from asbru.mock.talk import Talker
from asbru.model.failure import Refused
from asbru.model.http import Answer

_encode = msgspec.json.encode
_ENDED = ("completed", "failed", "expired", "cancelled")


class OpenRouterLine(Struct, forbid_unknown_fields=True):
    """One of the requests."""

    custom_id: str
    body: Raw


class Submission(Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of ``POST /batches``."""

    endpoint: str
    model: str
    requests: list[Raw]
    completion_window: str = "24h"
    callback_url: str | None = None
    provider: dict[str, Any] | None = None


_submission = msgspec.json.Decoder(Submission)
_line = msgspec.json.Decoder(OpenRouterLine)


class OpenRouter(Shape):
    """The shape of its batches."""

    batches = "/openrouter/api/v1/batches"
    files = "/openrouter/none"
    created = 202
    endpoints = ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/embeddings")

    def line(self, raw: bytes, asked: Creation) -> Line:
        """A request. Raises Mistake."""
        line = read(_line, raw)
        return Line(custom_id=line.custom_id, body=named(line.body, asked.model), url=asked.endpoint)

    def row(
        self, id: str, line: Line, response: dict[str, Any] | None, error: dict[str, str] | None
    ) -> dict[str, Any] | None:
        """A result."""
        told: dict[str, Any] = {"id": f"batch_req_{id}", "custom_id": line.custom_id}
        if response is None:
            return None
        if response["status_code"] >= 400:
            said = response["body"]["error"]
            kind = "invalid_request_error" if response["status_code"] < 500 else "server_error"
            return told | {"response": None, "error": {"message": said["message"], "param": None, "type": kind}}
        return told | {"response": response, "error": None}

    def listed(self, jobs: Sequence[Job], request: Request) -> Any:
        """One page, without results."""
        return page([self.show(job) for job in jobs], parse_qs(request.query), 100)

    def show(self, job: Job) -> dict[str, Any]:
        """The batch object, but for its results."""
        problem = job.errors[0] if job.errors else None
        return {
            "id": job.id,
            "object": "batch",
            "endpoint": job.asked.endpoint,
            "model": job.asked.model,
            "provider": "Mock",
            "status": job.status,
            "error": {"message": f"line {problem['line']}: {problem['message']}"} if problem else None,
            "completion_window": "24h",
            "created_at": job.created_at,
            "expires_at": job.created_at + 86400,
            "finalized_at": job.times.get(f"{job.status}_at") if job.status in _ENDED else None,
            "request_counts": {"total": job.total, "completed": job.completed, "failed": job.failed},
            "usage": None,
        }


class OpenRouterBatches(LineBatches):
    """The batches of all keys."""

    def __init__(self, talker: Talker, responses: Responses) -> None:
        super().__init__(OpenRouter(), talker, responses)

    def operations(self) -> Iterator[Operation]:
        """Method, path and handler of each."""
        base = self.shape.batches
        yield "POST", base, self.create
        yield "GET", base, self.every
        yield "GET", f"{base}/{{id}}", self.retrieve
        yield "DELETE", f"{base}/{{id}}", self.delete

    async def create(self, request: Request, key: str) -> Answer:
        """Take the requests."""
        try:
            asked = read(_submission, request.body)
        except Mistake as mistake:
            raise openai.refusal(mistake) from None
        first = request.body.find(b'"requests"')
        if max(request.body.find(b'"endpoint"'), request.body.find(b'"model"')) > first:
            raise Refused(400, "endpoint and model must appear before requests in the body.")
        self.shape.check_endpoint(asked.endpoint)
        content = b"\n".join(msgspec.json.format(bytes(each), indent=-1) for each in asked.requests)
        stored = self.files.add(key, "requests", "batch", content)
        creation = Creation(input_file_id=stored.id, endpoint=asked.endpoint, model=asked.model)
        name = f"batch_{self._talker.serial.next()}"
        told = parse(request.headers.get(b"x-mock", b"").decode("latin-1"))
        job = Job(id=name, owner=key, asked=creation, told=told, created_at=int(self._talker.clock()))
        job.total = len(asked.requests)
        self._jobs[name] = job
        self._tasks.begin(self._work(job))
        return Answer(status=202, headers=JSON, body=_encode({**self.shape.show(job), "results": None}))

    async def retrieve(self, request: Request, key: str) -> Answer:
        """The batch, with its results once it has ended."""
        job = self.find(request, key)
        shown = self.shape.show(job)
        rows = [Raw(row) for row in job.output + job.error] if job.status in _ENDED else None
        body = _encode({**shown, "results": rows})
        return Answer(status=200, headers=JSON, stream=Frames(in_pieces(body), Pace()))

    async def delete(self, request: Request, key: str) -> Answer:
        """Forget a batch that has ended."""
        job = self.find(request, key)
        if job.status not in _ENDED:
            raise Refused(409, f"Batch {job.id} is not in a terminal state.")
        del self._jobs[job.id]
        return written({"id": job.id, "object": "batch", "deletion": {}})

    def publish(self, job: Job) -> None:
        """Nothing: the results stay with the batch."""
