"""Uploads in parts, as S3's clients send what is large: parts are files until they are put together.

Rule 1. All that an upload is lies in the store: any worker takes any part, and a crash loses none.
Rule 2. What is not completed is forgotten after a week.
"""

from collections.abc import AsyncIterator, Iterable, Sequence

import msgspec

from asbru.edge.files import FileService, NewFile
from asbru.model.failure import Refused
from asbru.model.files import File
from asbru.model.http import Answer
from asbru.store.files import UPLOADS
from asbru.wire import s3

_WEEK = 7 * 86_400.0
_MOST_PARTS = 10_000
_read = msgspec.json.Decoder(NewFile).decode


class S3Uploads:
    """An upload's id is that of the file which says what it is to become."""

    def __init__(self, files: FileService) -> None:
        self._files = files

    async def begin(self, new: NewFile) -> str:
        """A new upload; its id."""
        note = NewFile(owner=new.owner, name="upload", life=_WEEK, place=f"{UPLOADS}{self._files.new_id()}/")
        await self._files.add(note, [msgspec.json.encode(new)])
        return note.place.removeprefix(UPLOADS).rstrip("/")

    async def part(self, owner: str, at: tuple[str, int], pieces: Iterable[bytes]) -> Answer:
        """Keep a part; one of the same number is replaced. Raises Refused(404, 400)."""
        upload, number = at
        if not 1 <= number <= _MOST_PARTS:
            raise Refused(400, f"partNumber: must be between 1 and {_MOST_PARTS}", code="InvalidArgument")
        await self._note(owner, upload)
        new = NewFile(owner=owner, name="part", life=_WEEK, place=_part(upload, number))
        file = await self._files.add(new, pieces)
        return Answer(status=200, headers={b"etag": s3.etag(file).encode()})

    async def complete(self, owner: str, upload: str, numbers: Sequence[int]) -> File:
        """The object that the parts make. Raises Refused(404, 400)."""
        note = await self._note(owner, upload)
        new = _read(b"".join([piece async for piece in await self._files.content(owner, note.id)]))
        parts = {file.place: file for file in await self._parts(owner, upload)}
        chosen = [parts.get(_part(upload, number)) for number in numbers]
        if None in chosen:
            raise Refused(400, "One or more of the specified parts could not be found.", code="InvalidPart")
        file = await self._files.add_from(new, self._joined(owner, [part for part in chosen if part is not None]))
        await self._forget(owner, [*parts.values(), note])
        return file

    async def abort(self, owner: str, upload: str) -> None:
        """Forget it. Raises Refused(404)."""
        note = await self._note(owner, upload)
        await self._forget(owner, [*await self._parts(owner, upload), note])

    async def _note(self, owner: str, upload: str) -> File:
        try:
            return await self._files.placed(owner, f"{UPLOADS}{upload}/")
        except Refused:
            raise Refused(404, "The specified multipart upload does not exist.", code="NoSuchUpload") from None

    async def _parts(self, owner: str, upload: str) -> list[File]:
        start = f"{UPLOADS}{upload}/"
        return await self._files.places(owner, (start + "0", start + ":"), _MOST_PARTS)

    async def _joined(self, owner: str, parts: Sequence[File]) -> AsyncIterator[bytes]:
        for part in parts:
            async for piece in await self._files.content(owner, part.id):
                yield piece

    async def _forget(self, owner: str, files: Iterable[File]) -> None:
        for file in files:
            await self._files.delete(owner, file.id)


def _part(upload: str, number: int) -> str:
    return f"{UPLOADS}{upload}/{number:05d}"
