"""Google's batches over HTTP: made of inlined requests or of a file, watched, stopped, and removed.

Rule 1. The path names the model of all requests; one that names its own keeps it, as a request in a batch of ours may.
Rule 2. Mistakes in a request are answered at once, where Google makes a batch that fails.
Rule 3. Results are inlined when the requests were, up to ``MOST_INLINED`` bytes; the result file has them in any case.
"""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from asbru.batch import BatchService, CreateCommand
from asbru.batch.entries import Source
from asbru.edge.batch_controls import made, mode_of
from asbru.edge.batches import CREATE_LIMIT, first, number
from asbru.edge.failures import fail_gemini
from asbru.edge.files import FileService
from asbru.edge.gemini import Place
from asbru.edge.inference import forwarded
from asbru.edge.pulled import Pulled
from asbru.edge.request import Handler, Request, Route
from asbru.model.batches import About, Batch, Status
from asbru.model.failure import Refused
from asbru.model.http import Answer
from asbru.model.names import OPERATIONS, Format
from asbru.wire.gemini.batches import (
    MOST_INLINED,
    bare_id,
    results_format,
    write_around,
    write_batch,
    write_inlined,
    write_page,
)
from asbru.wire.gemini.files import bare_file_id
from asbru.wire.gemini.proto import camel
from asbru.wire.shapes import BAD_JSON, refused

T = TypeVar("T")

_JSON = {b"content-type": b"application/json; charset=UTF-8"}
MOST_LISTED = 1_000
_LONGEST_NAME = 256


class _Input(Struct, rename="camel", forbid_unknown_fields=True):
    file_name: str | None = None
    requests: Raw | UnsetType = UNSET


class _Batch(Struct, rename="camel", forbid_unknown_fields=True):
    input_config: Raw | UnsetType = UNSET
    display_name: str = ""
    name: str = ""
    model: str = ""
    priority: Raw | UnsetType = UNSET


class _Create(Struct, forbid_unknown_fields=True):
    batch: Raw | UnsetType = UNSET


class Said(Struct, frozen=True):
    """What a create says. ``file``: None when the requests are inlined."""

    name: str
    file: str | None


_members = msgspec.json.Decoder(dict[str, Raw]).decode


class GeminiBatches:
    """Handlers by operation."""

    def __init__(self, service: BatchService, files: FileService) -> None:
        self._service = service
        self._files = files
        self.list = _route(self._list, "List batches")
        self.retrieve = _route(self._retrieve, "A batch, with its results when they are inlined")
        self.cancel = _route(self._cancel, "Stop a batch")
        self.delete = _route(self._delete, "Delete a batch that has ended")

    def create(self, format: Format, place: Callable[[Request], Place]) -> Route:
        """A route that makes batches of requests in ``format``, whose path says what ``place`` reads out of it."""

        async def make(request: Request) -> Answer:
            try:
                command = await self._command(request, format, place(request))
                return await made(self._service, request, command, lambda batch: _json(write_batch(batch)))
            finally:
                if request.spool:
                    os.unlink(request.spool)

        summary = "Make a batch of inlined requests, or of an uploaded file"
        return Route(handler=make, fail=fail_gemini, limit=CREATE_LIMIT, spool=True, summary=summary, body=_Create)

    async def _command(self, request: Request, format: Format, place: Place) -> CreateCommand:
        said = await self._files.call(lambda: _read(_body(request)))
        named = request.headers.get(b"x-model-provider", b"").decode("latin-1")
        default, model = place
        body: Path | bytes = Path(request.spool) if request.spool else request.body
        return CreateCommand(
            who=request.who,
            format=format,
            source=Source.INLINED if said.file is None else Source.LINES,
            model=model,
            operation=OPERATIONS[format],
            body=body if said.file is None else await self._input(request, said.file),
            provider=named or default,
            explicit=bool(named),
            mode=mode_of(request),
            idempotency_key=request.headers.get(b"idempotency-key", b"").decode("latin-1"),
            headers={name.decode(): value.decode("latin-1") for name, value in forwarded(request.headers).items()},
            about=About(name=said.name, input_file=said.file or "", inlined=said.file is None),
        )

    async def _input(self, request: Request, name: str) -> Path:
        try:
            return await self._files.path(request.who.owner, bare_file_id(name))
        except Refused:
            raise _wrong("batch.inputConfig.fileName", f"there is no such file: {name}") from None

    async def _list(self, request: Request) -> Answer:
        query = parse_qs(request.query)
        if first(query, "filter"):
            raise _wrong("filter", "batches are not filtered: leave it out")
        limit = number(query, "pageSize", 50) or 50
        token = first(query, "pageToken")
        try:
            page = await self._service.list(request.who.owner, min(limit, MOST_LISTED), after=bare_id(token))
        except Refused:
            raise _wrong("pageToken", f"is not one of ours: {token!r}") from None
        return _json(write_page(page.batches, page.has_more))

    async def _retrieve(self, request: Request) -> Answer:
        batch = await self._batch(request)
        if not await self._inlines(batch):
            return _json(write_batch(batch))
        return Answer(status=200, headers=_JSON, stream=Pulled(self._inlined(batch)))

    async def _inlines(self, batch: Batch) -> bool:
        """Whether the results of ``batch`` stand in it."""
        if not batch.about.inlined or batch.status is not Status.ENDED or batch.archived_at is not None:
            return False
        return await self._service.result_bytes(batch.owner, batch.id) <= MOST_INLINED

    async def _inlined(self, batch: Batch) -> AsyncIterator[bytes]:
        before, between, after = write_around(batch)
        yield before
        async for chunk in self._responses(batch):
            yield chunk
        yield between
        async for chunk in self._responses(batch):
            yield chunk
        yield after

    async def _responses(self, batch: Batch) -> AsyncIterator[bytes]:
        """The results, with commas between them."""
        comma = 1
        async for chunk in await self._service.results(batch.owner, batch.id, results_format(batch), write_inlined):
            yield chunk[comma:]
            comma = 0

    async def _cancel(self, request: Request) -> Answer:
        await self._service.cancel(request.who.owner, bare_id(request.params[0]))
        return _json(b"{}")

    async def _delete(self, request: Request) -> Answer:
        await self._service.delete(request.who.owner, bare_id(request.params[0]))
        return _json(b"{}")

    async def _batch(self, request: Request) -> Batch:
        return await self._service.get(request.who.owner, bare_id(request.params[0]))


def _body(request: Request) -> bytes:
    return Path(request.spool).read_bytes() if request.spool else request.body


def _read(body: bytes) -> Said:
    """The outside of a create. Raises Refused(400)."""
    try:
        raw = msgspec.json.decode(body, type=_Create).batch
        batch = _in_camel(raw, _Batch, "batch")
        config = _in_camel(batch.input_config, _Input, "batch.inputConfig")
    except BAD_JSON as error:
        raise refused("", error) from None
    if (config.file_name is None) == (config.requests is UNSET):
        raise _wrong("batch.inputConfig", "must have either fileName or requests")
    if len(batch.display_name) > _LONGEST_NAME:
        raise _wrong("batch.displayName", f"must have at most {_LONGEST_NAME} characters")
    return Said(batch.display_name, config.file_name)


def _in_camel(raw: Raw | UnsetType, kind: type[T], path: str) -> T:
    """``raw`` as ``kind``, with the names of its members in either case (google-genai: ``file_name``)."""
    if raw is UNSET:
        raise _wrong(path, "Field required")
    try:
        members = {camel(name): value for name, value in _members(raw).items()}
        return msgspec.json.decode(msgspec.json.encode(members), type=kind)
    except BAD_JSON as error:
        raise refused(path, error) from None


def _wrong(name: str, text: str) -> Refused:
    return Refused(400, f"{name}: {text}", code="invalid_request_error", param=name)


def _route(handler: Handler, summary: str) -> Route:
    return Route(handler=handler, fail=fail_gemini, limit=1 << 16, summary=summary)


def _json(body: bytes) -> Answer:
    return Answer(status=200, headers=_JSON, body=body)
