"""What ``asbru-batches`` shows: of every batch that has ended its records and their manifest, made as they are read."""

from collections.abc import AsyncIterator
from functools import partial

from asbru.batch import BatchService
from asbru.batch.records import Records
from asbru.edge.own_buckets import Shown, Thing
from asbru.model.batches import Batch, Status
from asbru.model.failure import Refused
from asbru.model.files import File
from asbru.wire.bedrock.job_records import write_manifest
from asbru.wire.bedrock.jobs import read_id

RECORDS, MANIFEST = "records.jsonl.out", "manifest.json.out"
_PAGE = 250


def shown_batches(service: BatchService, records: Records) -> Shown:
    """The bucket."""
    return Shown(partial(_page, service), partial(_thing, service, records))


async def _page(service: BatchService, owner: str, at: tuple[str, str, int]) -> list[tuple[str, File]]:
    prefix, after, most = at
    found: list[tuple[str, File]] = []
    async for batch in _batches(service, owner, (prefix.partition("/")[0], after.partition("/")[0])):
        if _readable(batch):
            named = [(f"{batch.id}/{name}", _file(batch, name)) for name in (MANIFEST, RECORDS)]
            found += [(key, file) for key, file in named if key.startswith(prefix) and key > after]
        if len(found) >= most:
            break
    return found[:most]


async def _batches(service: BatchService, owner: str, at: tuple[str, str]) -> AsyncIterator[Batch]:
    """The batch that the prefix names, or all, from that of the last key on: their ids are in the order of time."""
    prefix, after = at
    if read_id(prefix):
        try:
            yield await service.get(owner, prefix)
        except Refused:
            return
        return
    start = read_id(after)
    if start:
        yield await service.get(owner, start)
    more = True
    while more:
        page = await service.ordered(owner, start, _PAGE, oldest_first=True)
        for batch in page.batches:
            yield batch
            start = batch.id
        more = page.has_more


async def _thing(service: BatchService, records: Records, owner: str, key: str) -> Thing:
    id, _, name = key.partition("/")
    batch = await service.get(owner, read_id(id))
    if name not in (RECORDS, MANIFEST) or not _readable(batch):
        raise Refused(404, "The specified key does not exist.", code="NoSuchKey")
    if name == RECORDS:
        return Thing(_file(batch, name), lambda span: records.read(owner, batch.id))
    return Thing(_file(batch, name), partial(_slice, write_manifest(batch)))


async def _slice(body: bytes, span: tuple[int, int] | None) -> AsyncIterator[bytes]:
    async def pieces() -> AsyncIterator[bytes]:
        yield body[span[0] : span[1]] if span else body

    return pieces()


def _readable(batch: Batch) -> bool:
    return batch.status is Status.ENDED and batch.archived_at is None


def _file(batch: Batch, name: str) -> File:
    """The records' size is not known before they are read."""
    return File(
        id=f"{batch.id}-{name.partition('.')[0]}",
        owner=batch.owner,
        name=name,
        size=len(write_manifest(batch)) if name == MANIFEST else -1,
        created_at=batch.ended_at or batch.created_at,
        media_type="application/jsonl",
    )
