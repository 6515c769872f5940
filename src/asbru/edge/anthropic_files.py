"""Anthropic's files over HTTP."""

import contextlib
from functools import partial
from urllib.parse import parse_qs

import msgspec

from asbru.edge.batches import first, number
from asbru.edge.failures import fail_anthropic
from asbru.edge.files import FileService, NewFile
from asbru.edge.pulled import Pulled
from asbru.edge.request import Handler, Request, Route
from asbru.edge.uploads import LIMIT, with_form
from asbru.model.failure import Refused
from asbru.model.files import File
from asbru.model.http import Answer
from asbru.store.files import Wanted
from asbru.wire.anthropic.files import PAGE, write_file, write_file_deleted, write_files
from asbru.wire.multipart import Form
from asbru.wire.openai.files import bare_file_id

_JSON = {b"content-type": b"application/json"}
MOST = 1_000
_MOST_IDS = 100
_LONGEST = 10 * 365 * 86_400


class AnthropicFiles:
    """Handlers by operation."""

    def __init__(self, files: FileService) -> None:
        self._files = files
        self.create = Route(
            handler=self._create, fail=fail_anthropic, limit=LIMIT, spool=True, summary="Upload a file (a form)"
        )
        self.list = _route(self._list, "List files")
        self.retrieve = _route(self._retrieve, "What is known of a file")
        self.delete = _route(self._delete, "Delete a file")
        self.content = _route(self._content, "The bytes of a file")

    async def _create(self, request: Request) -> Answer:
        return _json(write_file(await with_form(request, self._files.call, partial(self._keep, request.who.owner))))

    async def _keep(self, owner: str, form: Form) -> File:
        part = form.file("file")
        life = form.members.get("expires_in_seconds")
        new = NewFile(
            owner=owner,
            name=part.filename or "file",
            media_type=part.media_type,
            life=None if life is None else _seconds(msgspec.json.decode(life)),
        )
        return await self._files.add(new, part.content.pieces())

    async def _list(self, request: Request) -> Answer:
        query = parse_qs(request.query)
        if ids := query.get("ids[]") or query.get("ids"):
            return await self._named(request.who.owner, ids)
        limit, before = number(query, "limit", 20), first(query, "before_id")
        after = first(query, "after_id") or first(query, "page").removeprefix(PAGE)
        if not 1 <= limit <= MOST:
            raise Refused(400, f"limit: must be between 1 and {MOST}, this is {limit}", param="limit")
        wanted = Wanted(limit=limit, after=bare_file_id(after) or after, before=bare_file_id(before) or before)
        page = await self._files.page(request.who.owner, wanted)
        return _json(write_files(page.files, page.has_more))

    async def _named(self, owner: str, ids: list[str]) -> Answer:
        """Those of ``ids`` that there are."""
        if len(ids) > _MOST_IDS:
            raise Refused(400, f"ids: must be at most {_MOST_IDS}, these are {len(ids)}", param="ids")
        found: list[File] = []
        for id in dict.fromkeys(ids):
            with contextlib.suppress(Refused):
                found.append(await self._files.get(owner, bare_file_id(id)))
        return _json(write_files(found, False))

    async def _retrieve(self, request: Request) -> Answer:
        return _json(write_file(await self._files.get(request.who.owner, bare_file_id(request.params[0]))))

    async def _delete(self, request: Request) -> Answer:
        id = bare_file_id(request.params[0])
        await self._files.delete(request.who.owner, id)
        return _json(write_file_deleted(id))

    async def _content(self, request: Request) -> Answer:
        id = bare_file_id(request.params[0])
        file = await self._files.get(request.who.owner, id)
        kind = (file.media_type or "application/octet-stream").encode("latin-1", "replace")
        content = await self._files.content(request.who.owner, id)
        return Answer(status=200, headers={b"content-type": kind}, stream=Pulled(content))


def _seconds(said: object) -> int:
    if not isinstance(said, str) or not said.isdecimal() or not 0 < int(said[:10]) <= _LONGEST:
        raise Refused(400, f"expires_in_seconds: must be between 1 and {_LONGEST}", param="expires_in_seconds")
    return int(said)


def _route(handler: Handler, summary: str) -> Route:
    return Route(handler=handler, fail=fail_anthropic, limit=1 << 16, summary=summary)


def _json(body: bytes) -> Answer:
    return Answer(status=200, headers=_JSON, body=body)
