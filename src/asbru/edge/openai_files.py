"""OpenAI's files over HTTP: uploads of callers, and the result files of batches."""

from collections.abc import Mapping
from functools import partial
from urllib.parse import parse_qs

import msgspec
from msgspec import Raw

from asbru.batch import BatchService
from asbru.edge.batches import first, number
from asbru.edge.failures import fail_openai
from asbru.edge.files import FileService, NewFile
from asbru.edge.pulled import Pulled
from asbru.edge.request import Handler, Request, Route
from asbru.edge.uploads import LIMIT, with_form
from asbru.model.failure import Refused
from asbru.model.files import File
from asbru.model.http import Answer
from asbru.store.files import Wanted
from asbru.store.items import Which
from asbru.wire.multipart import Form
from asbru.wire.openai.batches import read_file_id, result_file, results_format, write_result
from asbru.wire.openai.files import PURPOSES, bare_file_id, write_file, write_file_deleted, write_files

_JSON = {b"content-type": b"application/json"}
_LINES = {b"content-type": b"application/jsonl"}
_BYTES = {b"content-type": b"application/octet-stream"}
MOST = 10_000
SOONEST, LATEST = 3_600, 30 * 86_400
"""Seconds that ``expires_after`` may say; files of purpose batch are kept for LATEST when it does not."""


class OpenAIFiles:
    """Handlers by operation."""

    def __init__(self, files: FileService, batches: BatchService) -> None:
        self._files = files
        self._batches = batches
        self.create = Route(
            handler=self._create, fail=fail_openai, limit=LIMIT, spool=True, summary="Upload a file (a form)"
        )
        self.list = _route(self._list, "List files")
        self.retrieve = _route(self._retrieve, "What is known of a file")
        self.delete = _route(self._delete, "Delete a file")
        self.content = _route(self._content, "The bytes of a file, or the results of a batch")

    async def _create(self, request: Request) -> Answer:
        return _json(write_file(await with_form(request, self._files.call, partial(self._keep, request.who.owner))))

    async def _keep(self, owner: str, form: Form) -> File:
        part = form.file("file")
        purpose = _text(form.members, "purpose")
        if purpose not in PURPOSES:
            raise _wrong("purpose", f"must be one of {', '.join(PURPOSES)}, this is {purpose!r}")
        new = NewFile(
            owner=owner,
            name=part.filename or "file",
            purpose=purpose,
            media_type=part.media_type,
            life=_life(form.members, purpose),
        )
        return await self._files.add(new, part.content.pieces())

    async def _list(self, request: Request) -> Answer:
        query = parse_qs(request.query)
        limit, order, after = number(query, "limit", MOST), first(query, "order") or "desc", first(query, "after")
        if not 1 <= limit <= MOST:
            raise _wrong("limit", f"must be between 1 and {MOST}, this is {limit}")
        if order not in ("asc", "desc"):
            raise _wrong("order", f"must be asc or desc, this is {order!r}")
        wanted = Wanted(
            limit=limit,
            after=bare_file_id(after) or after,
            oldest_first=order == "asc",
            purpose=first(query, "purpose"),
        )
        page = await self._files.page(request.who.owner, wanted)
        return _json(write_files(page.files, page.has_more))

    async def _retrieve(self, request: Request) -> Answer:
        public = request.params[0]
        found = read_file_id(public)
        if found is None:
            return _json(write_file(await self._files.get(request.who.owner, bare_file_id(public))))
        id, errors = found
        file = result_file(await self._batches.get(request.who.owner, id), errors)
        if file is None:
            raise Refused(404, f"No such File object: {public}", code="not_found_error", param="id")
        return _json(write_file(file))

    async def _delete(self, request: Request) -> Answer:
        public = request.params[0]
        if read_file_id(public) is not None:
            raise _wrong("id", "results are part of their batch, and are removed with it")
        id = bare_file_id(public)
        await self._files.delete(request.who.owner, id)
        return _json(write_file_deleted(id))

    async def _content(self, request: Request) -> Answer:
        public = request.params[0]
        found = read_file_id(public)
        if found is None:
            content = await self._files.content(request.who.owner, bare_file_id(public))
            return Answer(status=200, headers=_BYTES, stream=Pulled(content))
        id, errors = found
        batch = await self._batches.get(request.who.owner, id)
        which: Which = "failed" if errors else "succeeded"
        write = partial(write_result, batch=id)
        lines = await self._batches.results(request.who.owner, id, results_format(batch), write, which)
        return Answer(status=200, headers=_LINES, stream=Pulled(lines))


def _life(members: Mapping[str, Raw], purpose: str) -> float | None:
    """Seconds that a file is kept. Raises Refused(400)."""
    text = _text(members, "expires_after[seconds]")
    if not text:
        return LATEST if purpose == "batch" else None
    if not text.isdecimal() or not SOONEST <= int(text[:9]) <= LATEST:
        raise _wrong("expires_after.seconds", f"must be between {SOONEST} and {LATEST}, this is {text!r}")
    return int(text)


def _text(members: Mapping[str, Raw], name: str) -> str:
    raw = members.get(name)
    value = msgspec.json.decode(raw) if raw is not None else ""
    if not isinstance(value, str):
        raise _wrong(name, "must be given once")
    return value


def _wrong(name: str, text: str) -> Refused:
    return Refused(400, f"{name}: {text}", code="invalid_request_error", param=name)


def _route(handler: Handler, summary: str) -> Route:
    return Route(handler=handler, fail=fail_openai, limit=1 << 16, summary=summary)


def _json(body: bytes) -> Answer:
    return Answer(status=200, headers=_JSON, body=body)
