"""OpenAI's view of the same batches: read, cancel, and their result files.

Creating a batch in this format, and other files than results, come with the files API.
"""

from functools import partial
from urllib.parse import parse_qs

from asbru.batch import BatchService
from asbru.edge.batches import NO_OWNER, first, number
from asbru.edge.failures import fail_openai
from asbru.edge.pulled import Pulled
from asbru.edge.request import Handler, Request, Route
from asbru.model.failure import Refused
from asbru.model.http import Answer
from asbru.model.names import Format
from asbru.wire.openai.batches import bare_id, read_file_id, write_batch, write_page, write_result

_JSON = {b"content-type": b"application/json"}
_LINES = {b"content-type": b"application/jsonl"}


class OpenAIBatches:
    """Handlers by operation."""

    def __init__(self, service: BatchService) -> None:
        self._service = service
        self.list = _route(self._list)
        self.retrieve = _route(self._retrieve)
        self.cancel = _route(self._cancel)
        self.content = _route(self._content)

    async def _list(self, request: Request) -> Answer:
        query = parse_qs(request.query)
        after = first(query, "after")
        page = await self._service.list(NO_OWNER, number(query, "limit", 20), after=bare_id(after) or after)
        return _json(write_page(page.batches, page.has_more))

    async def _retrieve(self, request: Request) -> Answer:
        return _json(write_batch(await self._service.get(NO_OWNER, bare_id(request.params[0]))))

    async def _cancel(self, request: Request) -> Answer:
        return _json(write_batch(await self._service.cancel(NO_OWNER, bare_id(request.params[0]))))

    async def _content(self, request: Request) -> Answer:
        id, errors = _file_of(request)
        write = partial(write_result, batch=id)
        lines = await self._service.results(
            NO_OWNER, id, Format.OPENAI_CHAT, write, "failed" if errors else "succeeded"
        )
        return Answer(status=200, headers=_LINES, stream=Pulled(lines))


def _file_of(request: Request) -> tuple[str, bool]:
    found = read_file_id(request.params[0])
    if found is None:
        raise Refused(404, f"No such File object: {request.params[0]}", code="not_found_error", param="id")
    return found


def _route(handler: Handler) -> Route:
    return Route(handler=handler, fail=fail_openai, limit=1 << 16)


def _json(body: bytes) -> Answer:
    return Answer(status=200, headers=_JSON, body=body)
