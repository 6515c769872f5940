"""Batches as OpenAI's clients make, watch and stop them; and the unified API's, which needs no endpoint and no model.

Rule 1. The requests come from an uploaded file, or stand in the body as ``requests`` (Bifrost's way, batch.md 6).
Rule 2. Mistakes in a file are answered at once, each by its line, where OpenAI makes a batch that has failed.
Rule 3. The provider is that of a line's ``provider/model``, then ``x-model-provider`` or ``provider``, then the path's.
"""

import os
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs

import msgspec
from msgspec import Raw, Struct

from asbru.batch import BatchService, CreateCommand
from asbru.batch.entries import Source
from asbru.edge.batch_controls import made, mode_of
from asbru.edge.batches import CREATE_LIMIT, first, number
from asbru.edge.failures import fail_openai
from asbru.edge.files import FileService
from asbru.edge.inference import forwarded
from asbru.edge.pulled import Pulled
from asbru.edge.request import Handler, Request, Route
from asbru.model.batches import About, Batch
from asbru.model.failure import Refused
from asbru.model.http import Answer
from asbru.model.names import Format
from asbru.wire.openai.batches import bare_id, results_format, write_batch, write_page, write_result
from asbru.wire.openai.files import bare_file_id
from asbru.wire.shapes import BAD_JSON, refused

_JSON = {b"content-type": b"application/json"}
_LINES = {b"content-type": b"application/jsonl"}
_WINDOW = "24h"
_AZURE = "azure"
_PAIRS, _KEY, _VALUE = 16, 64, 512
"""Most entries of ``metadata``, and most characters of their keys and values."""


class _Create(Struct, kw_only=True):
    input_file_id: str | None = None
    endpoint: str | None = None
    completion_window: str | None = None
    metadata: dict[str, str] | None = None
    requests: Raw | msgspec.UnsetType = msgspec.UNSET
    model: str | None = None
    provider: str | None = None


_read_create = msgspec.json.Decoder(_Create).decode


class OpenAIBatches:
    """Handlers by operation. ``default``: the provider of models without a prefix, "" to demand one."""

    def __init__(self, service: BatchService, files: FileService, default: str) -> None:
        self._service = service
        self._files = files
        self._default = default
        self.create = Route(
            handler=self._create,
            fail=fail_openai,
            limit=CREATE_LIMIT,
            spool=True,
            summary="Make a batch of an uploaded file, or of requests in the body",
            body=_Create,
        )
        self.list = _route(self._list, "List batches")
        self.retrieve = _route(self._retrieve, "A batch")
        self.cancel = _route(self._cancel, "Stop a batch")
        self.results = _route(self._results, "The results of a batch, a line each")

    async def _create(self, request: Request) -> Answer:
        try:
            said = await self._read(request)
            command = await self._command(request, said)
            return await made(self._service, request, command, lambda batch: self.answer(request, batch))
        finally:
            if request.spool:
                os.unlink(request.spool)

    async def _read(self, request: Request) -> _Create:
        if not request.spool:
            return _decode(request.body)
        path = Path(request.spool)
        return await self._files.call(lambda: _decode(path.read_bytes()))

    async def _command(self, request: Request, said: _Create) -> CreateCommand:
        _check(said)
        named = request.headers.get(b"x-model-provider", b"").decode("latin-1") or said.provider or ""
        named = named or first(parse_qs(request.query), "provider") or (said.model or "").partition("/")[0]
        body: Path | bytes = Path(request.spool) if request.spool else request.body
        source = Source.BODIES
        if said.input_file_id is not None:
            body, source = await self._input(request.who.owner, said.input_file_id), Source.LINES
        return CreateCommand(
            who=request.who,
            format=Format.OPENAI_CHAT,
            source=source,
            url=said.endpoint or "",
            model=said.model or "",
            body=body,
            provider=named or self._own(request),
            explicit=bool(named),
            mode=mode_of(request),
            idempotency_key=request.headers.get(b"idempotency-key", b"").decode("latin-1"),
            headers={name.decode(): value.decode("latin-1") for name, value in forwarded(request.headers).items()},
            about=About(
                metadata=said.metadata or {}, input_file=said.input_file_id or "", endpoint=said.endpoint or ""
            ),
        )

    def _own(self, request: Request) -> str:
        """The dialect's own provider: Azure's clients say ``api-version`` wherever they ask."""
        return _AZURE if self._default and first(parse_qs(request.query), "api-version") else self._default

    async def _input(self, owner: str, public: str) -> Path:
        try:
            return await self._files.path(owner, bare_file_id(public))
        except Refused:
            raise _wrong("input_file_id", f"there is no such file: {public}") from None

    async def _list(self, request: Request) -> Answer:
        query = parse_qs(request.query)
        after = first(query, "after")
        page = await self._service.list(request.who.owner, number(query, "limit", 20), after=bare_id(after) or after)
        return _json(write_page(page.batches, page.has_more, not self._default))

    async def _retrieve(self, request: Request) -> Answer:
        return self.answer(request, await self._batch(request))

    async def _cancel(self, request: Request) -> Answer:
        return self.answer(request, await self._service.cancel(request.who.owner, bare_id(request.params[0])))

    async def _results(self, request: Request) -> Answer:
        """All that there are by now: no vendor has this route, so nobody expects it to wait for the end."""
        batch = await self._batch(request)
        write = partial(write_result, batch=batch.id, unified=not self._default)
        found = await self._service.results_so_far(request.who.owner, batch.id, results_format(batch), write)
        headers = {**_LINES, b"x-asbru-batch-status": found[0].status.encode()}
        return Answer(status=200, headers=headers, stream=Pulled(found[1]))

    def answer(self, request: Request, batch: Batch) -> Answer:
        """One batch; below ``/v1`` with all that the gateway knows of it."""
        return _json(write_batch(batch, not self._default))

    async def _batch(self, request: Request) -> Batch:
        return await self._service.get(request.who.owner, bare_id(request.params[0]))


def _decode(body: bytes) -> _Create:
    try:
        return _read_create(body)
    except BAD_JSON as error:
        raise refused("", error) from None


def _check(said: _Create) -> None:
    if said.input_file_id is None and said.requests is msgspec.UNSET:
        raise _wrong("input_file_id", "Field required (or requests, in the body)")
    if said.input_file_id is not None and said.requests is not msgspec.UNSET:
        raise _wrong("requests", "cannot be used together with input_file_id")
    if said.completion_window not in (None, _WINDOW):
        raise _wrong("completion_window", f"must be {_WINDOW}, this is {said.completion_window!r}")
    metadata = said.metadata or {}
    if len(metadata) > _PAIRS:
        raise _wrong("metadata", f"must have at most {_PAIRS} entries, this has {len(metadata)}")
    for key, value in metadata.items():
        if len(key) > _KEY or len(value) > _VALUE:
            raise _wrong("metadata", f"keys must have at most {_KEY} characters, values {_VALUE}: {key[:_KEY]!r}")


def _wrong(name: str, text: str) -> Refused:
    return Refused(400, f"{name}: {text}", code="invalid_request_error", param=name)


def _route(handler: Handler, summary: str) -> Route:
    return Route(handler=handler, fail=fail_openai, limit=1 << 16, summary=summary)


def _json(body: bytes) -> Answer:
    return Answer(status=200, headers=_JSON, body=body)
