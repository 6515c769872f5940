"""Anthropic's Message Batches: all six operations, items executed for real.

Rule 1. Counts stay in ``processing`` until the whole batch has ended.
Rule 2. What is wrong with ``params`` is told in the result, as the real API does; what is wrong with the batch is
refused at once.
Rule 3. Results are in no useful order.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Raw, Struct

from asbru.edge.request import Request
from asbru.mock import anthropic
from asbru.mock.directives import Directive, parse
from asbru.mock.files import Operation, written
from asbru.mock.frames import Frames, Pace, in_pieces
from asbru.mock.jobs import NeverDone, Tasks, answer, nap, seconds, slices
from asbru.mock.script import Place
from asbru.mock.strict import Mistake, read
from asbru.mock.talk import Talker
from asbru.model.failure import Failure, Refused
from asbru.model.http import Answer

MOST_ITEMS = 100_000
MOST_BYTES = 256 << 20
_ID = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")
_INVALID = "invalid_request_error"


class Item(Struct, forbid_unknown_fields=True):
    """One request of a batch."""

    custom_id: str
    params: Raw


class Creation(Struct, forbid_unknown_fields=True):
    """The body of a creation."""

    requests: list[Item]


_creation = msgspec.json.Decoder(Creation)
_encode = msgspec.json.encode


class Job(Struct, kw_only=True):
    """One batch. Times are Unix seconds, None: not yet. ``results``: lines, by custom_id."""

    id: str
    owner: str
    items: list[Item]
    told: Directive
    beta: bool
    created_at: float
    status: str = "in_progress"
    ended_at: float | None = None
    cancel_initiated_at: float | None = None
    outcomes: Counter[str] = msgspec.field(default_factory=Counter)
    results: list[bytes] = []
    woken: asyncio.Event = msgspec.field(default_factory=asyncio.Event)


class AnthropicBatches:
    """The batches of all keys."""

    def __init__(self, talker: Talker) -> None:
        self._talker = talker
        self._jobs: dict[str, Job] = {}
        self._tasks = Tasks()

    def operations(self) -> Iterator[Operation]:
        """Method, path and handler of each."""
        root = "/v1/messages/batches"
        yield "POST", root, self.create
        yield "GET", root, self.every
        yield "GET", f"{root}/{{id}}", self.retrieve
        yield "DELETE", f"{root}/{{id}}", self.delete
        yield "POST", f"{root}/{{id}}/cancel", self.cancel
        yield "GET", f"{root}/{{id}}/results", self.results

    def reset(self) -> None:
        """Forget all batches."""
        self._tasks.stop()
        self._jobs.clear()

    async def create(self, request: Request, key: str) -> Answer:
        """Make a batch and begin to work on it. ``x-mock`` may say ``took`` and ``expireafter``."""
        anthropic.check_version(request.headers)
        if len(request.body) > MOST_BYTES:
            raise Refused(413, "Request exceeds the maximum allowed number of bytes.", code="request_too_large")
        try:
            items = read(_creation, request.body).requests
        except Mistake as mistake:
            raise anthropic.refusal(mistake) from None
        _check(items)
        job = Job(
            id=f"msgbatch_{self._talker.serial.next()}",
            owner=key,
            items=items,
            told=parse(request.headers.get(b"x-mock", b"").decode("latin-1")),
            beta=bool(request.headers.get(b"anthropic-beta")),
            created_at=self._talker.clock(),
        )
        self._jobs[job.id] = job
        self._tasks.begin(self._work(job))
        return self._shown(job, request)

    async def every(self, request: Request, key: str) -> Answer:
        """Newest first, by ``limit``, ``after_id`` and ``before_id``."""
        anthropic.check_version(request.headers)
        query = parse_qs(request.query)
        limit = _limit(query.get("limit", ["20"])[0])
        jobs = [job for job in reversed(self._jobs.values()) if job.owner == key]
        names = [job.id for job in jobs]
        if (after := query.get("after_id", [""])[0]) in names:
            jobs = jobs[names.index(after) + 1 :]
        before = query.get("before_id", [""])[0]
        rest = jobs[: names.index(before)] if before in names else jobs
        shown = rest[-limit:] if before in names else rest[:limit]
        return written(
            {
                "data": [_show(job, request) for job in shown],
                "has_more": len(rest) > limit,
                "first_id": shown[0].id if shown else None,
                "last_id": shown[-1].id if shown else None,
            }
        )

    async def retrieve(self, request: Request, key: str) -> Answer:
        """The batch."""
        return self._shown(self._find(request, key), request)

    async def delete(self, request: Request, key: str) -> Answer:
        """Forget an ended batch."""
        job = self._find(request, key)
        if job.status != "ended":
            raise Refused(400, "Only ended batches can be deleted; cancel it first.", code=_INVALID)
        del self._jobs[job.id]
        return written({"id": job.id, "type": "message_batch_deleted"})

    async def cancel(self, request: Request, key: str) -> Answer:
        """Stop a batch; a second time changes nothing."""
        job = self._find(request, key)
        if job.status == "ended":
            raise Refused(400, f"Batch {job.id} has already ended and cannot be canceled.", code=_INVALID)
        if job.cancel_initiated_at is None:
            job.status, job.cancel_initiated_at = "canceling", self._talker.clock()
            job.woken.set()
        return self._shown(job, request)

    async def results(self, request: Request, key: str) -> Answer:
        """JSONL, in pieces that end anywhere."""
        job = self._find(request, key)
        if job.status != "ended":
            raise Refused(400, f"Batch {job.id} has no available results yet.", code=_INVALID)
        pieces = in_pieces(b"".join(job.results))
        return Answer(status=200, headers={b"content-type": b"application/x-jsonl"}, stream=Frames(pieces, Pace()))

    def _find(self, request: Request, key: str) -> Job:
        anthropic.check_version(request.headers)
        job = self._jobs.get(request.params[0])
        if job is None or job.owner != key:
            raise Refused(404, f"No batch with id {request.params[0]}", code="not_found_error")
        return job

    def _shown(self, job: Job, request: Request) -> Answer:
        return written(_show(job, request))

    async def _work(self, job: Job) -> None:
        """From in_progress to ended."""
        times = self._talker.director.script.batches
        stop = job.told.expireafter if job.told.expireafter >= 0 else times.expire_after
        todo = job.items if stop < 0 else job.items[:stop]
        parts = list(slices(todo))
        took = seconds(job.told, times.in_progress)
        for part in parts or [[]]:
            await nap(took / max(1, len(parts)), job.woken)
            if job.status == "in_progress":
                job.results += [self._answer(job, item) for item in part]
        unanswered = "canceled" if job.status == "canceling" else "expired"
        job.results += [_line(job, item, {"type": unanswered}) for item in job.items[len(job.results) :]]
        job.results.reverse()
        job.status, job.ended_at = "ended", self._talker.clock()

    def _answer(self, job: Job, item: Item) -> bytes:
        place = Place("/v1/messages", "POST", job.owner)
        try:
            asked, said = answer(
                self._talker, anthropic.DIALECT, lambda: anthropic.ask_params(bytes(item.params), job.beta), place
            )
            if asked.stream:
                raise Refused(400, "stream: streaming is not supported in batches", code=_INVALID)
        except NeverDone:
            return _line(job, item, {"type": "expired"})
        except Failure as failure:
            return _line(job, item, {"type": "errored", "error": anthropic.error_body(failure, None)})
        message = anthropic.message(asked, said, self._talker.stamp(asked.model), "batch")
        return _line(job, item, {"type": "succeeded", "message": message})


def _line(job: Job, item: Item, result: dict[str, Any]) -> bytes:
    job.outcomes[result["type"]] += 1
    return _encode({"custom_id": item.custom_id, "result": result}) + b"\n"


def _check(items: list[Item]) -> None:
    if not items:
        raise Refused(400, "requests: List should have at least 1 item after validation, not 0", code=_INVALID)
    if len(items) > MOST_ITEMS:
        text = f"requests: List should have at most {MOST_ITEMS} items after validation, not {len(items)}"
        raise Refused(400, text, code=_INVALID)
    seen: set[str] = set()
    for at, item in enumerate(items):
        if not _ID.match(item.custom_id):
            text = f"requests.{at}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'"
            raise Refused(400, text, code=_INVALID)
        if item.custom_id in seen:
            raise Refused(
                400, f"requests.{at}.custom_id: must be unique; '{item.custom_id}' is a duplicate", code=_INVALID
            )
        if not bytes(item.params).startswith(b"{"):
            raise Refused(400, f"requests.{at}.params: Input should be a valid dictionary", code=_INVALID)
        seen.add(item.custom_id)


def _limit(word: str) -> int:
    if not word.isdigit() or not 1 <= int(word) <= 1000:
        raise Refused(400, "limit: Input should be an integer from 1 to 1000", code=_INVALID)
    return int(word)


def _when(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _show(job: Job, request: Request) -> dict[str, Any]:
    """The batch; ``results_url`` is absolute, at the address the client used."""
    ended = job.status == "ended"
    host = request.headers.get(b"host", b"localhost").decode("latin-1")
    counts = {name: job.outcomes[name] if ended else 0 for name in ("succeeded", "errored", "canceled", "expired")}
    return {
        "id": job.id,
        "type": "message_batch",
        "processing_status": job.status,
        "request_counts": {"processing": 0 if ended else len(job.items), **counts},
        "created_at": _when(job.created_at),
        "expires_at": _when(job.created_at + 86400),
        "ended_at": _when(job.ended_at),
        "cancel_initiated_at": _when(job.cancel_initiated_at),
        "archived_at": None,
        "results_url": f"http://{host}/v1/messages/batches/{job.id}/results" if ended else None,
    }
