"""How a provider's file batches look: what their creation says, what a line is, how they are shown.

The machine that runs them is ``line_batches.py``. This module has OpenAI's own shape, and those that differ from it by
limits and paths only (Azure's v1 API, Groq's).

Codes of validation errors (``invalid_json_line``, ``duplicate_custom_id``, ``url_mismatch``, ``model_mismatch``,
``missing_required_parameter``, ``empty_file``, ``too_many_tasks``) and the shapes of output and error lines are
OpenAI's. Of its endpoints those that make no text, numbers or talk (moderations, images, videos) are not here.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Raw, Struct, structs

from asbru.edge.request import Request
from asbru.mock import openai
from asbru.mock.dialect import Dialect
from asbru.mock.directives import Directive
from asbru.mock.files import page
from asbru.mock.strict import Mistake, read
from asbru.model.failure import Refused
from asbru.model.http import Headers

DAY = 86400
ENDPOINTS = ("/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions")


class Creation(Struct, kw_only=True):
    """What any creation says. ``model``: of all lines, where the creation names it. ``name``: the batch's."""

    input_file_id: str
    endpoint: str
    completion_window: str = "24h"
    metadata: dict[str, Any] | None = None
    model: str = ""
    name: str = ""


class Line(Struct, kw_only=True):
    """One line of an input file."""

    custom_id: str
    body: Raw
    url: str = ""
    method: str = "POST"


class Job(Struct, kw_only=True):
    """One batch.

    ``times``: when each state began, by the member that tells it. ``told``: what the creation asked for.
    ``rows``: results in order, for those who have no files.
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


class OpenAICreation(Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of ``POST /v1/batches``."""

    input_file_id: str
    endpoint: str
    completion_window: str
    metadata: dict[str, str] | None = None
    output_expires_after: dict[str, Any] | None = None


class OpenAILine(Struct, kw_only=True, forbid_unknown_fields=True):
    """One line of OpenAI's input file."""

    custom_id: str
    method: str
    url: str
    body: Raw


class Model(Struct):
    """All that validation wants to know of a body."""

    model: str


_creation = msgspec.json.Decoder(OpenAICreation)
_line = msgspec.json.Decoder(OpenAILine)
_model = msgspec.json.Decoder(Model)


class Shape:
    """OpenAI's. ``batches``, ``files``: where they are. ``cancel``: below a batch."""

    dialect: Dialect = openai.DIALECT
    batches = "/v1/batches"
    files = "/v1/files"
    cancel = "/cancel"
    created = 200
    purpose = "batch"
    endpoints: tuple[str, ...] = ENDPOINTS
    most_items = 50_000
    most_bytes = 200 << 20
    one_model = True

    def read(self, body: bytes) -> Creation:
        """A creation. Raises Refused."""
        try:
            asked = read(_creation, body)
        except Mistake as mistake:
            raise openai.refusal(mistake) from None
        if asked.completion_window != "24h":
            text = "Invalid value: 'completion_window'. Supported values are: '24h'."
            raise Refused(400, text, param="completion_window")
        metadata = asked.metadata or {}
        if len(metadata) > 16 or any(len(name) > 64 or len(value) > 512 for name, value in metadata.items()):
            text = "Invalid 'metadata': at most 16 pairs, keys of 64 and values of 512 characters."
            raise Refused(400, text, param="metadata")
        self.check_endpoint(asked.endpoint)
        return Creation(input_file_id=asked.input_file_id, endpoint=asked.endpoint, metadata=asked.metadata)

    def check_endpoint(self, endpoint: str) -> None:
        """Raises Refused(400) for an endpoint without batches."""
        if endpoint not in self.endpoints:
            raise Refused(400, f"Invalid value: '{endpoint}'.", param="endpoint", code="invalid_value")

    def line(self, raw: bytes, asked: Creation) -> Line:
        """A line of the input file. Raises Mistake."""
        line = read(_line, raw)
        return Line(custom_id=line.custom_id, body=line.body, url=line.url, method=line.method)

    def problems(self, content: bytes, asked: Creation, lines: list[Line]) -> Iterator[dict[str, Any]]:
        """What is wrong with an input file; the lines are put into ``lines``."""
        seen: set[str] = set()
        model = ""
        for number, row in enumerate(_rows(content), 1):
            try:
                line = self.line(row, asked)
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
            if line.url != asked.endpoint:
                text = f"The URL '{line.url}' does not match the batch endpoint '{asked.endpoint}'."
                yield _problem("url_mismatch", text, "url", number)
            if its_model != model and self.one_model:
                text = "All requests of a batch must have the same model."
                yield _problem("model_mismatch", text, "body.model", number)
            seen.add(line.custom_id)
        yield from self._too_much(content, lines)

    def _too_much(self, content: bytes, lines: list[Line]) -> Iterator[dict[str, Any]]:
        if not content.strip():
            yield _problem("empty_file", "The input file has no requests.", None, None)
        if len(lines) > self.most_items:
            yield _problem("too_many_tasks", f"The batch has more than {self.most_items} requests.", None, None)
        if len(content) > self.most_bytes:
            yield _problem("file_too_large", f"The file has more than {self.most_bytes} bytes.", None, None)

    def row(
        self, id: str, line: Line, response: dict[str, Any] | None, error: dict[str, str] | None
    ) -> dict[str, Any] | None:
        """A line of a result file; None where the request has none. ``error``: why it was not done."""
        return {"id": f"batch_req_{id}", "custom_id": line.custom_id, "response": response, "error": error}

    def made(self, job: Job) -> dict[str, Any]:
        """What a creation answers."""
        return self.show(job)

    def listed(self, jobs: Sequence[Job], request: Request) -> Any:
        """One page; ``jobs`` are this key's, newest first."""
        return page([self.show(job) for job in jobs], parse_qs(request.query), 100)

    def no_cancel(self, job: Job) -> Refused:
        """Why a batch that has ended is not cancelled."""
        return Refused(400, f"Cannot cancel a batch with status '{job.status}'.")

    def absent(self, id: str) -> Refused:
        """There is no such batch."""
        return Refused(404, f"No batch found with id '{id}'.", param="id")

    def show(self, job: Job) -> dict[str, Any]:
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


def _azure_key(headers: Headers) -> str:
    return headers.get(b"api-key", b"").decode("latin-1")


class Azure(Shape):
    """Azure's v1 API: the same, beside deployments, with the key in a header of its own."""

    dialect = structs.replace(openai.DIALECT, name="azure", key=_azure_key)
    batches = "/openai/v1/batches"
    files = "/openai/v1/files"
    endpoints = ("/v1/chat/completions", "/v1/responses", "/v1/embeddings")
    most_items = 100_000


class Groq(Shape):
    """Groq: chat alone."""

    batches = "/groq/openai/v1/batches"
    files = "/groq/openai/v1/files"
    endpoints = ("/v1/chat/completions",)
    most_bytes = 100_000_000


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
