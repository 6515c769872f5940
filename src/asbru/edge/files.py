"""Files that callers give us: kept, listed, read back, whatever the dialect.

Rule 1. Bytes go from the spooled request to the file in a thread, piece by piece, and are synced before the row is
there.
Rule 2. Whoever asks is an owner; what belongs to others does not exist for them.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from msgspec import Struct

from asbru.model.failure import Refused
from asbru.model.files import File
from asbru.store import Store, files
from asbru.store.blobs import sync_folder
from asbru.store.files import FilePage, Wanted
from asbru.store.store import FILES

_PIECE = 256 << 10


class NewFile(Struct, frozen=True, kw_only=True):
    """What is told about a file with its bytes. ``life``: seconds it is kept, None for ever. ``id``: chosen by the
    client, "" for one of ours.
    """

    owner: str
    name: str
    purpose: str = ""
    media_type: str = ""
    life: float | None = None
    id: str = ""


class FileService:
    """``new_id``: 26 letters and digits, growing with time. ``call``: runs something slow in a thread."""

    def __init__(self, store: Store, new_id: Callable[[], str]) -> None:
        self._store = store
        self._new_id = new_id
        self.call = store.call

    async def add(self, new: NewFile, pieces: Iterable[bytes]) -> File:
        """Keep a file; it is durable when this returns. Raises Refused(409) for a chosen id that is taken."""
        id, now = new.id or self._new_id(), self._store.clock()
        try:
            size = await self._store.call(partial(_write, self._path(id), pieces))
        except FileExistsError:
            raise Refused(409, f"There is a file {id} already.", code="ALREADY_EXISTS", param="name") from None
        file = File(
            id=id,
            owner=new.owner,
            name=new.name,
            size=size,
            created_at=now,
            purpose=new.purpose,
            media_type=new.media_type,
            expires_at=None if new.life is None else now + new.life,
        )
        await self._store.write(lambda db: files.add(db, file))
        return file

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
        with suppress(OSError):
            await self._store.call(self._path(id).unlink)

    async def path(self, owner: str, id: str) -> Path:
        """Where the bytes of a file are, for reading. Raises Refused(404)."""
        return self._path((await self.get(owner, id)).id)

    async def content(self, owner: str, id: str) -> AsyncIterator[bytes]:
        """The bytes of a file. Raises Refused(404) at once."""
        handle = await self._store.call(partial(os.open, await self.path(owner, id), os.O_RDONLY | os.O_CLOEXEC))
        return self._pieces(handle)

    async def _pieces(self, handle: int) -> AsyncIterator[bytes]:
        try:
            while piece := await self._store.call(partial(os.read, handle, _PIECE)):
                yield piece
        finally:
            os.close(handle)

    def _path(self, id: str) -> Path:
        return self._store.app_dir / FILES / id


def _write(path: Path, pieces: Iterable[bytes]) -> int:
    """Write a file and sync it; its size."""
    size = 0
    with path.open("xb") as file:
        for piece in pieces:
            size += file.write(piece)
        file.flush()
        os.fdatasync(file.fileno())
    sync_folder(path.parent)
    return size


def _absent() -> Refused:
    return Refused(404, "There is no such file.", code="not_found_error", param="id")
