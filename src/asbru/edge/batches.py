"""Anthropic's six batch operations over HTTP.

Rule 1. What a batch is, and who may see it, is ``batch.service``'s business; here are only paths, queries and dialects.
Rule 2. ``results_url`` always leads back through this gateway: to the host that the client itself used.
Rule 3. Both ways of paging are served: ``limit``, ``before_id``, ``after_id`` (the SDK) and ``page_size``,
``page_token``.
"""

import os
from pathlib import Path
from urllib.parse import parse_qs

from asbru.batch import BatchService, CreateCommand
from asbru.edge.batch_controls import made, mode_of, yes
from asbru.edge.failures import fail_anthropic
from asbru.edge.inference import forwarded
from asbru.edge.pulled import Pulled
from asbru.edge.reached import reached
from asbru.edge.request import Handler, Request, Route
from asbru.model.batches import Batch
from asbru.model.failure import Refused
from asbru.model.http import Answer
from asbru.model.names import Format
from asbru.wire.anthropic.batches import bare_id, public_id, write_batch, write_deleted, write_page, write_result

CREATE_LIMIT = 257 << 20
"""Most bytes of a create body: Anthropic's 256 MB (batch.md section 2), read generously; the intake is exact."""

_DIALECT = "anthropic"
_LIST = "/v1/messages/batches"
_PARTIAL = "partial"
_JSON = {b"content-type": b"application/json"}
_LINES = {b"content-type": b"application/x-ndjson"}


class AnthropicBatches:
    """Handlers by operation. ``public_url``: where clients reach the gateway; "": the host they used."""

    def __init__(self, service: BatchService, public_url: str) -> None:
        self._service = service
        self._public_url = public_url
        self.create = Route(handler=self._create, fail=fail_anthropic, limit=CREATE_LIMIT, spool=True)
        self.list = _route(self._list)
        self.retrieve = _route(self._retrieve)
        self.cancel = _route(self._cancel)
        self.results = _route(self._results)
        self.delete = _route(self._delete)

    async def _create(self, request: Request) -> Answer:
        named = request.headers.get(b"x-model-provider", b"").decode("latin-1")
        command = CreateCommand(
            who=request.who,
            format=Format.ANTHROPIC_MESSAGES,
            body=Path(request.spool) if request.spool else request.body,
            provider=named or _DIALECT,
            explicit=bool(named),
            mode=mode_of(request),
            idempotency_key=request.headers.get(b"idempotency-key", b"").decode("latin-1"),
            headers={name.decode(): value.decode("latin-1") for name, value in forwarded(request.headers).items()},
        )
        try:
            return await made(self._service, request, command, lambda batch: self.answer(request, batch))
        finally:
            if request.spool:
                os.unlink(request.spool)

    async def _list(self, request: Request) -> Answer:
        query = parse_qs(request.query)
        limit = number(query, "limit" if "limit" in query else "page_size", 20)
        before, after = first(query, "before_id"), first(query, "after_id") or first(query, "page_token")
        # What is no id of ours stays as it is, and is then refused as a cursor that nobody knows.
        page = await self._service.list(request.who.owner, limit, bare_id(before) or before, bare_id(after) or after)
        return _json(write_page(page.batches, page.has_more, lambda batch: self._url(request, batch)))

    async def _retrieve(self, request: Request) -> Answer:
        return self.answer(request, await self._service.get(request.who.owner, bare_id(request.params[0])))

    async def _cancel(self, request: Request) -> Answer:
        return self.answer(request, await self._service.cancel(request.who.owner, bare_id(request.params[0])))

    async def _delete(self, request: Request) -> Answer:
        id = bare_id(request.params[0])
        await self._service.delete(request.who.owner, id)
        return _json(write_deleted(id))

    async def _results(self, request: Request) -> Answer:
        id = bare_id(request.params[0])
        owner, format = request.who.owner, Format.ANTHROPIC_MESSAGES
        if not yes(_PARTIAL, first(parse_qs(request.query), _PARTIAL)):
            lines = await self._service.results(owner, id, format, write_result)
            return Answer(status=200, headers=_LINES, stream=Pulled(lines))
        batch, lines = await self._service.results_so_far(owner, id, format, write_result)
        headers = {**_LINES, b"x-asbru-batch-status": batch.status.encode()}
        return Answer(status=200, headers=headers, stream=Pulled(lines))

    def answer(self, request: Request, batch: Batch) -> Answer:
        """One batch."""
        return _json(write_batch(batch, self._url(request, batch)))

    def _url(self, request: Request, batch: Batch) -> str:
        """Where the results of ``batch`` are, as this client can reach it."""
        path = f"{_LIST}/{public_id(batch.id)}/results"
        here = reached(request, self._public_url)
        return here + request.path.partition(_LIST)[0] + path if here else path


def _route(handler: Handler) -> Route:
    return Route(handler=handler, fail=fail_anthropic, limit=1 << 16)


def _json(body: bytes) -> Answer:
    return Answer(status=200, headers=_JSON, body=body)


def first(query: dict[str, list[str]], name: str) -> str:
    """The first value of a query parameter, "" when it is not there."""
    return query.get(name, [""])[0]


def number(query: dict[str, list[str]], name: str, default: int) -> int:
    """A query parameter as a number. Raises Refused(400) when it is none."""
    text = first(query, name)
    if not text:
        return default
    if not text.isdecimal() or len(text) > 9:
        raise Refused(400, f"{name}: must be a number, this is {text!r}", code="invalid_request_error", param=name)
    return int(text)
