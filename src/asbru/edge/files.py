"""Files that callers give us: kept, listed, read back, whatever the dialect.

Rule 1. Bytes go from the spooled request to the file in a thread, piece by piece, and are synced before the row is
there.
Rule 2. Whoever asks is an owner; what belongs to others does not exist for them.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

from msgspec import Struct

from asbru.model.failure import Refused
from asbru.model.files import File
from asbru.store import Store, files
from asbru.store.blobs import sync_folder
from asbru.store.files import FilePage, Wanted
from asbru.store.store import FILES, SPOOL

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
            size = await self._store.call(partial(_write, self._path(id), pieces))
        except FileExistsError:
            raise Refused(409, f"There is a file {id} already.", code="ALREADY_EXISTS", param="name") from None
        return await self._added(id, new, size)

    def scratch(self) -> Path:
        """Where something can be put together; the caller removes it."""
        return self._store.app_dir / SPOOL / f"scratch-{self.new_id()}"

    async def add_from(self, new: NewFile, pieces: AsyncIterator[bytes]) -> File:
        """As ``add``, of pieces that come by themselves."""
        id = self.new_id()
        path = self._path(id)
        file = await self._store.call(lambda: path.open("xb"))
        try:
            with file:
                async for piece in pieces:
                    await self._store.call(partial(file.write, piece))
                size = file.tell()
                await self._store.call(partial(_synced, file, path.parent))
        except BaseException:
            path.unlink(missing_ok=True)
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
        elif old := await self._store.write(lambda db: files.put(db, file)):
            await self._unlink(old)
        return file

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
        with suppress(OSError):
            await self._store.call(self._path(id).unlink)

    async def path(self, owner: str, id: str) -> Path:
        """Where the bytes of a file are, for reading. Raises Refused(404)."""
        return self._path((await self.get(owner, id)).id)

    async def content(self, owner: str, id: str, span: tuple[int, int] | None = None) -> AsyncIterator[bytes]:
        """The bytes of a file, or those from one place to before another. Raises Refused(404) at once."""
        file = await self.get(owner, id)
        handle = await self._store.call(partial(os.open, self._path(file.id), os.O_RDONLY | os.O_CLOEXEC))
        return self._pieces(handle, span or (0, file.size))

    async def _pieces(self, handle: int, span: tuple[int, int]) -> AsyncIterator[bytes]:
        at, end = span
        try:
            while piece := await self._store.call(partial(os.pread, handle, min(_PIECE, end - at), at)):
                at += len(piece)
                yield piece
        finally:
            os.close(handle)

    def _path(self, id: str) -> Path:
        return self._store.app_dir / FILES / id


def _write(path: Path, pieces: Iterable[bytes]) -> int:
    """Write a file and sync it; its size."""
    size = 0
    with path.open("xb") as file:
        try:
            for piece in pieces:
                size += file.write(piece)
            _synced(file, path.parent)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return size


def _synced(file: IO[bytes], folder: Path) -> None:
    file.flush()
    os.fdatasync(file.fileno())
    sync_folder(folder)


def _absent() -> Refused:
    return Refused(404, "There is no such file.", code="not_found_error", param="id")
