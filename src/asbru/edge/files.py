"""Files that callers give us: kept, listed, read back, whatever the dialect.

Rule 1. Bytes go from the spooled request to the file in a thread, piece by piece, and are synced before the row is
there.
Rule 2. Whoever asks is an owner; what belongs to others does not exist for them.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from asbru.model.failure import Refused, Unavailable
from asbru.model.files import File
from asbru.store import Store, files
from asbru.store.db import Conflict
from asbru.store.depot import Depot
from asbru.store.files import FilePage, Wanted
from asbru.store.store import SPOOL

_PIECE = 256 << 10


class NewFile(Struct, frozen=True, kw_only=True):
    """What is told about a file with its bytes. ``life``: seconds it is kept, None for ever. ``id``: chosen by the
    client, "" for one of ours.

    ``place``, ``metadata``: of a file that has one (``model.files.File``); it takes that of the one that was there.
    """

    owner: str
    name: str
    purpose: str = ""
    media_type: str = ""
    life: float | None = None
    id: str = ""
    place: str = ""
    metadata: Mapping[str, str] = {}


class FileService:
    """``new_id``: 26 letters and digits, growing with time. ``call``: runs something slow in a thread."""

    def __init__(self, store: Store, new_id: Callable[[], str]) -> None:
        self._store = store
        self.new_id = new_id
        self.call = store.call

    async def add(self, new: NewFile, pieces: Iterable[bytes]) -> File:
        """Keep a file; it is durable when this returns. Raises Refused(409) for a chosen id that is taken, and what
        ``pieces`` raises; nothing is kept then.
        """
        id = new.id or self.new_id()
        try:
            size = await self._store.call(partial(_write, self._store.files, id, pieces))
        except FileExistsError:
            raise _taken(id) from None
        return await self._added(id, new, size)

    def scratch(self) -> Path:
        """Where something can be put together; the caller removes it."""
        return self._store.app_dir / SPOOL / f"scratch-{self.new_id()}"

    async def add_from(self, new: NewFile, pieces: AsyncIterator[bytes]) -> File:
        """As ``add``, of pieces that come by themselves."""
        id, depot = new.id or self.new_id(), self._store.files
        try:
            file = await self._store.call(partial(depot.draft, id))
        except FileExistsError:
            raise _taken(id) from None
        try:
            async for piece in pieces:
                await self._store.call(partial(file.write, piece))
            size = file.tell()
            await self._store.call(partial(depot.keep, id, file))
        except FileExistsError:
            file.close()
            raise _taken(id) from None
        except BaseException:
            file.close()
            await self._unlink(id)
            raise
        return await self._added(id, new, size)

    async def _added(self, id: str, new: NewFile, size: int) -> File:
        now = self._store.clock()
        file = File(
            id=id,
            owner=new.owner,
            name=new.name,
            size=size,
            created_at=now,
            purpose=new.purpose,
            media_type=new.media_type,
            expires_at=None if new.life is None else now + new.life,
            place=new.place,
            metadata=new.metadata,
        )
        if not file.place:
            await self._store.write(lambda db: files.add(db, file))
        elif old := await self._put(file):
            await self._unlink(old)
        return file

    async def _put(self, file: File) -> str:
        """The id of what was at the file's place. Whoever comes second finds what the first has put there."""
        try:
            return await self._store.write(lambda db: files.put(db, file))
        except Conflict:
            return await self._store.write(lambda db: files.put(db, file))

    async def placed(self, owner: str, place: str) -> File:
        """The file at a place. Raises Refused(404)."""
        now = self._store.clock()
        file = await self._store.read(lambda db: files.placed(db, owner, place, now))
        if file is None:
            raise Refused(404, "The specified key does not exist.", code="NoSuchKey")
        return file

    async def places(self, owner: str, span: tuple[str, str], limit: int) -> list[File]:
        """Files at places from one to before another, in the order of their places."""
        now = self._store.clock()
        return await self._store.read(lambda db: files.places(db, owner, span, limit, now))

    async def get(self, owner: str, id: str) -> File:
        """One file. Raises Refused(404)."""
        now = self._store.clock()
        file = await self._store.read(lambda db: files.find(db, owner, id, now))
        if file is None:
            raise _absent()
        return file

    async def page(self, owner: str, wanted: Wanted) -> FilePage:
        """A page of files. Raises Refused(400) for a cursor that nobody knows."""
        now = self._store.clock()
        page = await self._store.read(lambda db: files.page(db, owner, wanted, now))
        if page is None:
            raise Refused(400, "after: no such file", code="invalid_request_error", param="after")
        return page

    async def delete(self, owner: str, id: str) -> None:
        """Remove a file. Raises Refused(404)."""
        if not await self._store.write(lambda db: files.delete(db, owner, id)):
            raise _absent()
        await self._unlink(id)

    async def _unlink(self, id: str) -> None:
        with suppress(OSError, Unavailable):
            await self._store.call(partial(self._store.files.remove, id))

    async def path(self, owner: str, id: str) -> Path:
        """Where the bytes of a file are, for reading. Raises Refused(404)."""
        return await self._store.call(partial(self._store.files.path, (await self.get(owner, id)).id))

    async def content(self, owner: str, id: str, span: tuple[int, int] | None = None) -> AsyncIterator[bytes]:
        """The bytes of a file, or those from one place to before another. Raises Refused(404) at once."""
        found = await self.get(owner, id)
        file = await self._store.call(partial(self._store.files.open, found.id))
        return self._pieces(file, span or (0, found.size))

    async def _pieces(self, file: BinaryIO, span: tuple[int, int]) -> AsyncIterator[bytes]:
        at, end = span
        try:
            await self._store.call(partial(file.seek, at))
            while piece := await self._store.call(partial(file.read, min(_PIECE, end - at))):
                at += len(piece)
                yield piece
        finally:
            await self._store.call(file.close)


def _write(depot: Depot, id: str, pieces: Iterable[bytes]) -> int:
    """Write a file, durably; its size."""
    file = depot.draft(id)
    try:
        size = sum(file.write(piece) for piece in pieces)
        depot.keep(id, file)
    except FileExistsError:
        file.close()
        raise
    except BaseException:
        file.close()
        with suppress(OSError, Unavailable):
            depot.remove(id)
        raise
    return size


def _taken(id: str) -> Refused:
    return Refused(409, f"There is a file {id} already.", code="ALREADY_EXISTS", param="name")


def _absent() -> Refused:
    return Refused(404, "There is no such file.", code="not_found_error", param="id")
