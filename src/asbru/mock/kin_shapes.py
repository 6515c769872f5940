"""File batches in other words than OpenAI's: Mistral's, Together's, xAI's. Each refuses what the real one refuses.

Sources: ``mistralai`` 3.7 (client/models/createbatchjobrequest.py, batchjob.py), ``together`` 3.1 (types/batch_job.py)
and docs.together.ai "Manage batch jobs", docs.x.ai "Batch API" and ``xai-sdk`` 1.21 (proto/v6/batch_pb2.pyi).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Raw, Struct, structs

from asbru.edge.request import Request
from asbru.mock import openai
from asbru.mock.batch_shapes import Creation, Job, Line, Shape
from asbru.mock.dialect import retry_headers
from asbru.mock.strict import Mistake, read
from asbru.model.failure import Failure, Refused
from asbru.model.http import Answer

_encode = msgspec.json.encode
Row = dict[str, Any]


def _time(at: int | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def named(raw: Raw, model: str) -> Raw:
    """A body with the model of its job, where it says none."""
    members = msgspec.json.decode(raw, type=dict[str, Raw])
    return Raw(_encode({"model": model, **members}))


class MistralCreation(Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of ``POST /v1/batch/jobs``."""

    endpoint: str
    input_files: list[str]
    model: str | None = None
    agent_id: str | None = None
    metadata: dict[str, str] | None = None
    timeout_hours: int = 24


class ShortLine(Struct, kw_only=True, forbid_unknown_fields=True):
    """A line whose endpoint the job knows."""

    custom_id: str
    body: Raw


_mistral = msgspec.json.Decoder(MistralCreation)
_short = msgspec.json.Decoder(ShortLine)


def fail_mistral(failure: Failure, request_id: str) -> Answer:
    """An error as Mistral writes it: at the top."""
    body = {"object": "error", "message": failure.message, "type": failure.code or "invalid_request_error"}
    headers = {b"content-type": b"application/json", **retry_headers(failure)}
    return Answer(status=failure.status, headers=headers, body=_encode(body))


_MISTRALS = {
    "validating": "QUEUED",
    "in_progress": "RUNNING",
    "finalizing": "RUNNING",
    "completed": "SUCCESS",
    "failed": "FAILED",
    "expired": "TIMEOUT_EXCEEDED",
    "cancelling": "CANCELLATION_REQUESTED",
    "cancelled": "CANCELLED",
}
"""What OpenAI calls a state -> what Mistral does."""


class Mistral(Shape):
    """Jobs of one model and one endpoint."""

    dialect = structs.replace(openai.DIALECT, name="mistral", fail=fail_mistral)
    batches = "/mistral/v1/batch/jobs"
    files = "/mistral/v1/files"
    endpoints = ("/v1/chat/completions", "/v1/embeddings", "/v1/fim/completions")
    most_items = 1_000_000
    most_bytes = 512_000_000

    def read(self, body: bytes) -> Creation:
        """A creation. Raises Refused."""
        try:
            asked = read(_mistral, body)
        except Mistake as mistake:
            raise Refused(422, str(openai.refusal(mistake))) from None
        self.check_endpoint(asked.endpoint)
        if not asked.model:
            raise Refused(422, "model: a model is required for this endpoint", param="model")
        if len(asked.input_files) != 1:
            raise Refused(422, "input_files: exactly one file is expected here", param="input_files")
        return Creation(
            input_file_id=asked.input_files[0], endpoint=asked.endpoint, metadata=asked.metadata, model=asked.model
        )

    def line(self, raw: bytes, asked: Creation) -> Line:
        """A line of the input file. Raises Mistake."""
        line = read(_short, raw)
        return Line(custom_id=line.custom_id, body=named(line.body, asked.model), url=asked.endpoint)

    def row(self, id: str, line: Line, response: Row | None, error: Row | None) -> Row | None:
        """A line of a result file; what was not done has none."""
        return (
            None if error else {"id": f"batch-{id}", "custom_id": line.custom_id, "response": response, "error": None}
        )

    def listed(self, jobs: Sequence[Job], request: Request) -> Any:
        """One page by number."""
        query = parse_qs(request.query)
        size, number = int(query.get("page_size", ["100"])[0]), int(query.get("page", ["0"])[0])
        if not 1 <= size <= 1000:
            raise Refused(422, "page_size: Input should be less than or equal to 1000", param="page_size")
        shown = list(jobs)[number * size : (number + 1) * size]
        return {"object": "list", "total": len(jobs), "data": [self.show(job) for job in shown]}

    def show(self, job: Job) -> Row:
        """The job object."""
        return {
            "id": job.id,
            "object": "batch",
            "input_files": [job.asked.input_file_id],
            "metadata": job.asked.metadata,
            "endpoint": job.asked.endpoint,
            "model": job.asked.model,
            "agent_id": None,
            "output_file": job.output_file_id,
            "error_file": job.error_file_id,
            "errors": [{"message": f"line {each['line']}: {each['message']}", "count": 1} for each in job.errors],
            "status": _MISTRALS[job.status],
            "created_at": job.created_at,
            "started_at": job.times.get("in_progress_at"),
            "completed_at": job.times.get("completed_at"),
            "total_requests": job.total,
            "completed_requests": job.completed + job.failed,
            "succeeded_requests": job.completed,
            "failed_requests": job.failed,
        }


class TogetherCreation(Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of ``POST /v1/batches``."""

    input_file_id: str
    endpoint: str
    completion_window: str = "24h"
    model_id: str | None = None
    priority: int | None = None


_together = msgspec.json.Decoder(TogetherCreation)


def fail_together(failure: Failure, request_id: str) -> Answer:
    """An error as Together's batches write it: a bare text."""
    headers = {b"content-type": b"application/json", **retry_headers(failure)}
    return Answer(
        status=failure.status, headers=headers, body=_encode({"error": failure.message, "request_id": request_id})
    )


class Together(Shape):
    """No metadata, no counts; the list is an array."""

    dialect = structs.replace(openai.DIALECT, name="together", fail=fail_together)
    batches = "/together/v1/batches"
    files = "/together/v1/files"
    created = 201
    purpose = "batch-api"
    endpoints = ("/v1/chat/completions", "/v1/audio/transcriptions")
    most_bytes = 100_000_000

    def read(self, body: bytes) -> Creation:
        """A creation. Raises Refused."""
        try:
            asked = read(_together, body)
        except Mistake as mistake:
            raise Refused(400, str(openai.refusal(mistake))) from None
        self.check_endpoint(asked.endpoint)
        return Creation(input_file_id=asked.input_file_id, endpoint=asked.endpoint)

    def line(self, raw: bytes, asked: Creation) -> Line:
        """A line of the input file. Raises Mistake."""
        line = read(_short, raw)
        return Line(custom_id=line.custom_id, body=line.body, url=asked.endpoint)

    def row(self, id: str, line: Line, response: Row | None, error: Row | None) -> Row | None:
        """A line of a result file: errors have a code and no response."""
        told: Row = {"id": f"br_{id}", "custom_id": line.custom_id}
        if error is not None:
            return None
        if response is not None and response["status_code"] >= 400:
            said = response["body"]["error"]["message"]
            return told | {"error": {"code": "batch_client_error", "message": said}}
        return told | {"response": response}

    def listed(self, jobs: Sequence[Job], request: Request) -> Any:
        """All of them, in no particular order."""
        return [self.show(job) for job in reversed(jobs)]

    def made(self, job: Job) -> Row:
        """What a creation answers."""
        return {"job": self.show(job), "warning": None}

    def no_cancel(self, job: Job) -> Refused:
        """Why a batch that has ended is not cancelled."""
        return Refused(409, f"Cannot cancel job - already in terminal state: {job.status.upper()}")

    def show(self, job: Job) -> Row:
        """The job object; members without a value are left out."""
        states = {"finalizing": "IN_PROGRESS", "cancelling": "CANCELING"}
        problem = job.errors[0] if job.errors else None
        told = {
            "id": job.id,
            "user_id": "user_mock",
            "input_file_id": job.asked.input_file_id,
            "status": states.get(job.status, job.status.upper()),
            "created_at": _time(job.created_at),
            "endpoint": job.asked.endpoint,
            "progress": 100 if job.status == "completed" else 0,
            "model_id": job.model,
            "output_file_id": job.output_file_id,
            "error_file_id": job.error_file_id,
            "completed_at": _time(job.times.get("completed_at")),
            "error": f"input format error: Line {problem['line']}: {problem['message']}" if problem else None,
        }
        return {name: value for name, value in told.items() if value is not None}


class XAICreation(Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of ``POST /v1/batches``, of a file."""

    name: str
    input_file_id: str


_xai = msgspec.json.Decoder(XAICreation)


class XAI(Shape):
    """Counters instead of a state; results page by page. A file may mix models and endpoints, of which chat is here."""

    batches = "/xai/v1/batches"
    files = "/xai/v1/files"
    cancel = ":cancel"
    endpoints = ("/v1/chat/completions",)
    most_bytes = 48_000_000
    one_model = False

    def read(self, body: bytes) -> Creation:
        """A creation. Raises Refused."""
        try:
            asked = read(_xai, body)
        except Mistake as mistake:
            raise openai.refusal(mistake) from None
        return Creation(input_file_id=asked.input_file_id, endpoint=self.endpoints[0], name=asked.name)

    def row(self, id: str, line: Line, response: Row | None, error: Row | None) -> Row | None:
        """A result."""
        told = {"batch_request_id": line.custom_id}
        if response is None:
            return None
        if response["status_code"] >= 400:
            return told | {"batch_result": {"error": {"code": 3, "message": response["body"]["error"]["message"]}}}
        return told | {"batch_result": {"response": {"chat_get_completion": response["body"]}}}

    def listed(self, jobs: Sequence[Job], request: Request) -> Any:
        """One page by token."""
        return self.paged("batches", [self.show(job) for job in jobs], request)

    @staticmethod
    def paged(member: str, rows: Sequence[Any], request: Request) -> Row:
        """A page of ``rows``; the token is where the next one begins."""
        query = parse_qs(request.query)
        limit, first = int(query.get("limit", ["100"])[0]), int(query.get("pagination_token", ["0"])[0])
        if not 1 <= limit <= 1000:
            raise Refused(400, "limit must be between 1 and 1000.", param="limit")
        after = first + limit
        return {member: rows[first:after], "pagination_token": str(after) if after < len(rows) else None}

    def show(self, job: Job) -> Row:
        """The batch object. What fails validation is cancelled by xAI, with a reason."""
        total = job.total or len(job.errors)
        ended = job.status in ("completed", "failed", "expired", "cancelled")
        done = job.completed + job.failed
        cancelled = total - done if ended else 0
        problem = job.errors[0] if job.errors else None
        stopped = job.times.get("cancelling_at") or job.times.get("expired_at") or job.times.get("failed_at")
        return {
            "batch_id": job.id,
            "name": job.asked.name,
            "create_time": _time(job.created_at),
            "expire_time": _time(job.created_at + 86400),
            "create_api_key_id": "key_mock",
            "cancel_time": _time(stopped),
            "cancel_by_xai_message": f"line {problem['line']}: {problem['message']}" if problem else None,
            "input_file_id": job.asked.input_file_id,
            "state": {
                "num_requests": total,
                "num_pending": total - done - cancelled,
                "num_success": job.completed,
                "num_error": job.failed,
                "num_cancelled": cancelled,
            },
        }
