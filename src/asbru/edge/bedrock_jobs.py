"""Bedrock's batch jobs: made of records in a bucket, watched, listed, stopped; their results go to a bucket.

Rule 1. Mistakes in the records are answered at once, each by its line, where Amazon makes a job that fails.
Rule 2. A ``clientRequestToken`` that was used already names the job that it made: nothing else of the request counts,
as Amazon has it.
Rule 3. What a batch is, and who may see it, is ``batch.service``'s business.
"""

import re
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs

import msgspec

from asbru.batch import BatchService, CreateCommand
from asbru.batch.entries import Source
from asbru.edge.batch_controls import made, mode_of
from asbru.edge.batches import CREATE_LIMIT, first, number
from asbru.edge.bedrock import DEFAULT
from asbru.edge.buckets import Buckets
from asbru.edge.failures import fail_bedrock
from asbru.edge.files import FileService
from asbru.edge.inference import forwarded
from asbru.edge.request import Handler, Request, Route
from asbru.model.batches import About, Batch, Invocation
from asbru.model.failure import Refused
from asbru.model.http import Answer
from asbru.model.names import Format
from asbru.store import Store, deliveries
from asbru.wire.bedrock import jobs
from asbru.wire.s3 import read_uri

_JSON = {b"content-type": b"application/json"}
_HOUR = 3_600.0
_USUAL, _MOST = 100, 1_000
_SCANNED = 5_000
"""Batches that one page of a list looks at: a filter that few meet gives short pages, as Amazon's may be."""
_BLANK = re.compile(rb"\s*\Z")
Told = tuple[bool, str] | None
"""Whether a job's results are delivered, and why they could not be or ""; None: nothing is to be delivered."""


class BedrockJobs:
    """Handlers by operation."""

    def __init__(self, store: Store, service: BatchService, buckets: Buckets, files: FileService) -> None:
        self._store = store
        self._service = service
        self._buckets = buckets
        self._files = files
        self.create = _route(self._create, "Make a batch job", jobs.Create)
        self.get = _route(self._get, "A batch job")
        self.list = _route(self._list, "List batch jobs")
        self.stop = _route(self._stop, "Stop a batch job")

    async def _create(self, request: Request) -> Answer:
        said = jobs.read_create(request.body)
        owner = request.who.owner
        key = f"bedrock:{said.clientRequestToken}" if said.clientRequestToken else ""
        known = await self._service.keyed(owner, key) if key else None
        if known is None:
            return await self._made(request, said, key)
        return _json(jobs.write_created(known.id))

    async def _made(self, request: Request, said: jobs.Create, key: str) -> Answer:
        owner = request.who.owner
        output = read_uri(said.output, "outputDataConfig.s3OutputDataConfig.s3Uri")
        self._buckets.check_output(output.bucket)
        path = self._files.scratch()
        try:
            parts = await self._gathered(owner, said, path)
            asked = msgspec.json.decode(request.body)
            command = self._command(request, said, key, (path, asked, parts))
            return await made(self._service, request, command, lambda batch: _json(jobs.write_created(batch.id)))
        finally:
            with suppress(OSError):
                await self._files.call(path.unlink)

    def _command(
        self,
        request: Request,
        said: jobs.Create,
        key: str,
        given: tuple[Path, dict[str, object], list[tuple[str, int]]],
    ) -> CreateCommand:
        path, asked, parts = given
        named = request.headers.get(b"x-model-provider", b"").decode("latin-1")
        # An ARN holds slashes, but no provider.
        model = f"{named or DEFAULT}/{said.modelId}" if said.modelId.startswith("arn:") else said.modelId
        hours = said.timeoutDurationInHours
        return CreateCommand(
            who=request.who,
            format=Format.BEDROCK_CONVERSE,
            source=Source.LINES,
            url=said.modelInvocationType,
            model=model,
            body=path,
            provider=named or DEFAULT,
            explicit=bool(named),
            mode=mode_of(request),
            idempotency_key=key,
            headers={name.decode(): value.decode("latin-1") for name, value in forwarded(request.headers).items()},
            about=About(name=said.jobName, invocation=Invocation(asked=asked, output=said.output, parts=tuple(parts))),
            life=hours * _HOUR if hours else None,
        )

    async def _gathered(self, owner: str, said: jobs.Create, path: Path) -> list[tuple[str, int]]:
        """All input files, one after the other, in ``path``; their names and numbers of records. Raises Refused."""
        uri = read_uri(said.input, "inputDataConfig.s3InputDataConfig.s3Uri")
        keys = await self._buckets.inputs(owner, uri)
        parts: list[tuple[str, int]] = []
        left = CREATE_LIMIT
        file: IO[bytes] = await self._files.call(lambda: path.open("xb"))
        with file:
            for key in keys:
                counted = _Counted(file, left)
                async for piece in await self._buckets.read(owner, uri.bucket, key):
                    await self._files.call(partial(counted.write, piece))
                await self._files.call(counted.end)
                left -= counted.size
                parts.append((key[len(uri.key) :] if key != uri.key else key.rpartition("/")[2], counted.lines))
        return parts

    async def _get(self, request: Request) -> Answer:
        batch = await self._service.get(request.who.owner, self._id(request))
        return _json(jobs.write_job(batch, (await self._told([batch]))[batch.id]))

    async def _stop(self, request: Request) -> Answer:
        owner, id = request.who.owner, self._id(request)
        try:
            await self._service.cancel(owner, id)
        except Refused as refused:
            if refused.status != 400:
                raise
            raise Refused(400, "The job has ended; it cannot be stopped.", code="ConflictException") from None
        return _json(b"{}")

    def _id(self, request: Request) -> str:
        return jobs.read_id(request.params[0])

    async def _told(self, batches: "list[Batch]") -> dict[str, Told]:
        wanted = [batch.id for batch in batches if batch.about.invocation is not None]
        found = await self._store.read(lambda db: deliveries.of(db, wanted)) if wanted else {}
        told: dict[str, Told] = {batch.id: None for batch in batches}
        for id, each in found.items():
            told[id] = (each.done, each.failure)
        return told

    async def _list(self, request: Request) -> Answer:
        query = parse_qs(request.query)
        wanted = _Wanted(query)
        found: list[tuple[Batch, Told]] = []
        at, more, seen = wanted.start, True, 0
        while more and len(found) < wanted.limit and seen < _SCANNED:
            page = await self._service.ordered(
                request.who.owner, at, min(wanted.limit, 256), oldest_first=wanted.oldest_first
            )
            told = await self._told(list(page.batches))
            more = page.has_more
            for batch in page.batches:
                at = batch.id
                if wanted.has(batch, told[batch.id]):
                    found.append((batch, told[batch.id]))
                    if len(found) == wanted.limit:
                        more = more or batch is not page.batches[-1]
                        break
            seen += len(page.batches)
        return _json(jobs.write_jobs(found, at if more else ""))


class _Wanted:
    """What a list is asked for. Raises Refused(400) for a mistake."""

    def __init__(self, query: dict[str, list[str]]) -> None:
        self.limit = number(query, "maxResults", _USUAL)
        if not 1 <= self.limit <= _MOST:
            raise _wrong("maxResults", f"must be between 1 and {_MOST}, this is {self.limit}")
        self.start = first(query, "nextToken")
        order = _choice(query, "sortOrder", ("Ascending", "Descending"))
        _choice(query, "sortBy", ("CreationTime",))
        self.oldest_first = order == "Ascending"
        self._status = _choice(query, "statusEquals", jobs.STATUSES)
        self._name = first(query, "nameContains")
        self._after, self._before = _time(query, "submitTimeAfter"), _time(query, "submitTimeBefore")

    def has(self, batch: Batch, told: Told) -> bool:
        """Whether a batch is meant."""
        at = int(batch.created_at * 1_000) / 1_000  # As it was told.
        if self._after is not None and at <= self._after:
            return False
        if self._before is not None and at >= self._before:
            return False
        return self._name in jobs.name_of(batch) and self._status in ("", jobs.status_of(batch, told))


class _Counted:
    """Writes an input file behind others, and counts its lines that are not blank. Refuses more than ``most`` bytes."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file = file
        self._most = most
        self._blank = True
        self.size = 0
        self.lines = 0

    def write(self, piece: bytes) -> None:
        """A piece of it."""
        self.size += self._file.write(piece)
        if self.size > self._most:
            raise Refused(400, "The input is larger than 256 MB: split the job.", code="ValidationException")
        *ended, rest = piece.split(b"\n")
        for line in ended:
            self.lines += not (self._blank and _BLANK.match(line))
            self._blank = True
        self._blank = self._blank and _BLANK.match(rest) is not None

    def end(self) -> None:
        """It is over: the next one begins a line."""
        if not self._blank:
            self.lines += 1
        self.size += self._file.write(b"\n")
        self._file.flush()


def _choice(query: dict[str, list[str]], name: str, words: tuple[str, ...]) -> str:
    word = first(query, name)
    if word and word not in words:
        raise _wrong(name, f"must be one of {', '.join(words)}, this is {word!r}")
    return word


def _time(query: dict[str, list[str]], name: str) -> float | None:
    text = first(query, name)
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise _wrong(name, f"must be a time such as 2026-04-01T00:00:00Z, this is {text!r}") from None
    try:
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError):
        raise _wrong(name, f"is no time that can be: {text!r}") from None


def _wrong(name: str, text: str) -> Refused:
    return Refused(400, f"{name}: {text}", code="ValidationException", param=name)


def _json(body: bytes) -> Answer:
    return Answer(status=200, headers=_JSON, body=body)


def _route(handler: Handler, summary: str, body: type[msgspec.Struct] | None = None) -> Route:
    async def dressed(request: Request) -> Answer:
        answer = await handler(request)
        answer.headers = {**answer.headers, b"x-amzn-requestid": request.id.encode()}
        return answer

    return Route(handler=dressed, fail=fail_bedrock, limit=1 << 20, summary=summary, body=body)
