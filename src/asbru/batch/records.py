"""The results of a batch as Bedrock's records: each with the request that it answers, whatever dialect that was in.

Rule 1. Requests and replies are read a megabyte, or one item, at a time, and converted one by one.
"""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from msgspec import Struct

from asbru.batch.translate import in_format
from asbru.model.batches import Batch, ItemResult, Status
from asbru.model.failure import Refused
from asbru.store import Store, batches, items
from asbru.store.blobs import Place
from asbru.store.db import Db
from asbru.wire.bedrock.job_records import invoked_format, write_input, write_record

_PAGE = 256
_PAGE_BYTES = 1 << 20
_CHUNK = 64 << 10
_BREATHE = 16


class _Found(Struct, frozen=True):
    """An item: its result without a body, and where its request and its reply lie."""

    result: ItemResult
    ask: Place
    reply: Place


class Records:
    """Reads them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, owner: str, id: str, span: tuple[int, int] | None = None) -> AsyncIterator[bytes]:
        """The records of all items, or of those from one number to before another, in chunks of about 64 KB.

        Raises Refused at once: 404 when there is no such batch, or it is archived, 400 when it has not ended or is of a
        kind that Bedrock does not have.
        """
        found = await self._store.read(lambda db: batches.find(db, owner, id))
        if found is None:
            raise Refused(404, "There is no such batch.", code="not_found_error")
        batch, seq = found
        if batch.status is not Status.ENDED:
            raise Refused(400, "The job has not yet ended.", code="invalid_request_error")
        if batch.archived_at is not None:
            raise Refused(404, "The results are no longer kept: 29 days are over.", code="not_found_error")
        invoked_format(batch.format)
        return self._chunks(batch, seq, span or (0, batch.counts.total))

    async def _chunks(self, batch: Batch, seq: int, span: tuple[int, int]) -> AsyncIterator[bytes]:
        lines: list[bytes] = []
        size = 0
        async for line in self._lines(batch, seq, span):
            lines.append(line)
            size += len(line)
            if size >= _CHUNK:
                yield b"".join(lines)
                lines, size = [], 0
        if lines:
            yield b"".join(lines)

    async def _lines(self, batch: Batch, seq: int, span: tuple[int, int]) -> AsyncIterator[bytes]:
        wanted, at, seen = invoked_format(batch.format), batch.ended_at or 0.0, 0
        async for result, ask in self._items(seq, span):
            told = in_format(result, batch.id, at, wanted)
            yield write_record(told, write_input(ask, batch.format, wanted))
            seen += 1
            if seen % _BREATHE == 0:
                await asyncio.sleep(0)

    async def _items(self, seq: int, span: tuple[int, int]) -> AsyncIterator[tuple[ItemResult, bytes]]:
        first, end = span
        after = first - 1
        while after + 1 < end:
            page = await self._store.read(partial(_page, batch=seq, after=after, most=min(_PAGE, end - after - 1)))
            for part in _parts(page):
                places = [place for each in part for place in (each.ask, each.reply)]
                bodies = await self._store.bodies(places)
                for each, ask, reply in zip(part, bodies[::2], bodies[1::2], strict=True):
                    yield items.with_body(each.result, reply), ask
            if not page:
                return
            after = page[-1].result.n


def _page(db: Db, batch: int, after: int, most: int) -> list[_Found]:
    rows = items.read(db, batch, after, "all", most)
    asks = items.asks(db, batch, after, most)
    return [_Found(result, ask, reply) for (result, reply), ask in zip(rows, asks, strict=True)]


def _parts(page: list[_Found]) -> list[list[_Found]]:
    """``page`` cut so that the bodies of each part come to a megabyte at most, or are those of one item."""
    parts: list[list[_Found]] = []
    size = 0
    for each in page:
        length = each.ask.length + each.reply.length
        if not parts or size + length > _PAGE_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(each)
        size += length
    return parts
