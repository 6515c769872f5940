"""Cohere's datasets and embed jobs (``cohere`` 7.3, datasets and embed_jobs), as far as clients see them.

Results are Avro files at signed addresses in the real one; here a job makes a dataset that tells how many rows it has.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from asbru.edge.request import Request
from asbru.mock.files import Operation, multipart, written
from asbru.mock.strict import Mistake, read
from asbru.mock.talk import Talker
from asbru.model.failure import Refused
from asbru.model.http import Answer

_TYPES = ("embed-input", "batch-embed-v2-input", "batch-chat-v2-input", "reranker-finetune-input")


class NewJob(Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of ``POST /v1/embed-jobs``."""

    model: str
    dataset_id: str
    input_type: Literal["search_document", "search_query", "classification", "clustering"]
    name: str | None = None
    embedding_types: list[str] | None = None
    truncate: Literal["START", "END"] | None = None


_job = msgspec.json.Decoder(NewJob)


class CohereJobs:
    """Datasets and embed jobs of all keys."""

    def __init__(self, talker: Talker) -> None:
        self._talker = talker
        self._sets: dict[tuple[str, str], dict[str, Any]] = {}
        self._jobs: dict[tuple[str, str], dict[str, Any]] = {}

    def operations(self) -> Iterator[Operation]:
        """Method, path and handler of each."""
        yield "POST", "/v1/datasets", self.upload
        yield "GET", "/v1/datasets", self.datasets
        yield "GET", "/v1/datasets/{id}", self.dataset
        yield "DELETE", "/v1/datasets/{id}", self.delete
        yield "POST", "/v1/embed-jobs", self.create
        yield "GET", "/v1/embed-jobs", self.jobs
        yield "GET", "/v1/embed-jobs/{id}", self.job
        yield "POST", "/v1/embed-jobs/{id}/cancel", self.cancel

    def reset(self) -> None:
        """Forget all of them."""
        self._sets.clear()
        self._jobs.clear()

    async def upload(self, request: Request, key: str) -> Answer:
        """Make a dataset of an uploaded file."""
        query = parse_qs(request.query)
        name, kind = query.get("name", [""])[0], query.get("type", [""])[0]
        if not name or kind not in _TYPES:
            raise Refused(400, f"invalid request: name is required, type must be one of {', '.join(_TYPES)}")
        fields = multipart(request.headers.get(b"content-type", b""), request.body)
        if "data" not in fields or not fields["data"].content:
            raise Refused(400, "invalid request: data is required")
        rows = [row for row in fields["data"].content.splitlines() if row.strip()]
        if kind == "embed-input" and not all(b'"text"' in row for row in rows):
            raise Refused(400, "the dataset is missing the required field 'text'")
        return written({"id": self._add(key, name, kind, len(rows))})

    def _add(self, key: str, name: str, kind: str, rows: int) -> str:
        id = f"{name}-{self._talker.serial.next()}"
        at = self._now()
        self._sets[key, id] = {
            "id": id,
            "name": name,
            "created_at": at,
            "updated_at": at,
            "dataset_type": kind,
            "validation_status": "validated",
            "dataset_parts": [{"id": "part", "name": f"{name}.avro", "num_rows": rows}],
        }
        return id

    def _now(self) -> str:
        return datetime.fromtimestamp(int(self._talker.clock()), UTC).isoformat().replace("+00:00", "Z")

    async def datasets(self, request: Request, key: str) -> Answer:
        """All of this key's."""
        return written({"datasets": [told for (owner, _), told in self._sets.items() if owner == key]})

    async def dataset(self, request: Request, key: str) -> Answer:
        """One."""
        return written({"dataset": self._found(self._sets, request, key)})

    async def delete(self, request: Request, key: str) -> Answer:
        """Forget one."""
        del self._sets[key, self._found(self._sets, request, key)["id"]]
        return written({})

    async def create(self, request: Request, key: str) -> Answer:
        """Make a job, which is done at once."""
        try:
            asked = read(_job, request.body)
        except Mistake as mistake:
            raise Refused(400, f"invalid request: {mistake.dotted()}: {mistake.text}") from None
        source = self._sets.get((key, asked.dataset_id))
        if source is None or source["dataset_type"] != "embed-input":
            raise Refused(404, f"dataset with id {asked.dataset_id!r} of type embed-input not found")
        id = self._talker.serial.next()
        name = asked.name or "embed-job"
        self._jobs[key, id] = {
            "job_id": id,
            "name": name,
            "status": "complete",
            "created_at": self._now(),
            "model": asked.model,
            "input_dataset_id": asked.dataset_id,
            "output_dataset_id": self._add(key, f"{name}-out", "embed-result", source["dataset_parts"][0]["num_rows"]),
            "truncate": asked.truncate or "END",
        }
        return written({"job_id": id})

    async def jobs(self, request: Request, key: str) -> Answer:
        """All of this key's."""
        return written({"embed_jobs": [told for (owner, _), told in self._jobs.items() if owner == key]})

    async def job(self, request: Request, key: str) -> Answer:
        """One."""
        return written(self._found(self._jobs, request, key))

    async def cancel(self, request: Request, key: str) -> Answer:
        """Nothing is left to be stopped."""
        self._found(self._jobs, request, key)
        return written({})

    @staticmethod
    def _found(those: dict[tuple[str, str], dict[str, Any]], request: Request, key: str) -> dict[str, Any]:
        found = those.get((key, request.params[0]))
        if found is None:
            raise Refused(404, f"resource not found: {request.params[0]}")
        return found
