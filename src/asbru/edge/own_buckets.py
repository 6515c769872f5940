"""The gateway's own buckets: names before the keys of files, and two that show what other dialects made.

Rule 1. A bucket that ``asbru.s3.buckets`` names lies on S3 and is not looked at here: which of both is meant is never
guessed.
Rule 2. Lists are in the order of the keys, as S3's are.
"""

from collections.abc import AsyncIterator, Awaitable, Callable

from msgspec import Struct

from asbru.edge.files import FileService
from asbru.model.failure import Refused
from asbru.model.files import File
from asbru.store.files import Wanted
from asbru.wire import s3
from asbru.wire.openai.files import bare_file_id, public_file_id
from asbru.wire.s3 import Listed

FILES = "asbru-files"
"""Files of other dialects, by id."""
BATCHES = "asbru-batches"
"""Results of batches."""

_PAGE = 1_000
_MOST_BUCKETS = 1_000
_NEXT, _LAST = "\x01", "\U0010ffff"
"""Behind a key: what comes right after it, and what comes after all that begin with it."""

Read = Callable[[tuple[int, int] | None], Awaitable[AsyncIterator[bytes]]]


class Thing(Struct, frozen=True):
    """An object. ``file``: what is known of it (``size`` -1: not before it is read). ``read``: its bytes, or those of a
    span.
    """

    file: File
    read: Read


class Shown(Struct, frozen=True):
    """A bucket that is made of something else. ``page``: keys behind one, with a prefix, and their files. ``thing``:
    the object of a key. Both are asked with an owner.
    """

    page: Callable[[str, tuple[str, str, int]], Awaitable[list[tuple[str, File]]]]
    thing: Callable[[str, str], Awaitable[Thing]]


class OwnBuckets:
    """``elsewhere``: whether a bucket lies on S3. ``batches``: what is shown of batches."""

    def __init__(self, files: FileService, elsewhere: Callable[[str], bool], batches: Shown) -> None:
        self._files = files
        self._elsewhere = elsewhere
        self._shown = {FILES: Shown(self._file_page, self._file_thing), BATCHES: batches}

    def checked(self, bucket: str) -> str:
        """``bucket``. Raises Refused(400) when it is no name, or lies on S3."""
        if not s3.is_bucket(bucket):
            raise Refused(400, "The specified bucket is not valid.", code="InvalidBucketName")
        if self._elsewhere(bucket):
            raise Refused(400, f"Bucket {bucket} lies on S3 (asbru.s3.buckets): use it there.", code="InvalidRequest")
        return bucket

    def writable(self, bucket: str) -> str:
        """``bucket``. Raises Refused(400, 403)."""
        if self.checked(bucket) in self._shown:
            raise Refused(403, f"Bucket {bucket} can only be read.", code="AccessDenied")
        return bucket

    async def names(self, owner: str) -> list[str]:
        """Buckets that have objects, and those that are always there."""
        found, after = list(self._shown), "/"
        while len(found) < _MOST_BUCKETS and (page := await self._files.places(owner, (after, _LAST), 1)):
            bucket = page[0].place.partition("/")[0]
            found.append(bucket)
            after = bucket + "0"
        return sorted(found)

    async def page(self, owner: str, bucket: str, at: tuple[str, str, int]) -> list[tuple[str, File]]:
        """Objects whose keys have a prefix and come after a key, at most so many: ``at`` says these."""
        if bucket in self._shown:
            return await self._shown[bucket].page(owner, at)
        prefix, after, most = at
        start = place_of(bucket, prefix if after < prefix else after + _NEXT if after else "")
        files = await self._files.places(owner, (start, place_of(bucket, prefix) + _LAST), most)
        return [(file.place.partition("/")[2], file) for file in files]

    async def listed(self, owner: str, bucket: str, asked: tuple[str, str, str, int]) -> Listed:
        """A page as S3 lists it: ``asked`` says prefix, delimiter, after which key, and how many."""
        prefix, delimiter, after, most = asked
        objects: list[tuple[str, File]] = []
        folded: list[str] = []
        more = ""
        while page := await self.page(owner, bucket, (prefix, after, _PAGE)):
            for key, file in page:
                head = _folded(key, prefix, delimiter)
                if head and folded and folded[-1] == head:
                    continue
                if len(objects) + len(folded) >= most:
                    more = after if most else ""
                    break
                if head:
                    folded.append(head)
                else:
                    objects.append((key, file))
                after = head + _LAST if head else key
            if more or len(page) < _PAGE or not most:
                break
        return Listed(
            bucket=bucket, prefix=prefix, delimiter=delimiter, most=most, objects=objects, folded=folded, more=more
        )

    async def thing(self, owner: str, bucket: str, key: str) -> Thing:
        """An object. Raises Refused(404)."""
        if bucket in self._shown:
            return await self._shown[bucket].thing(owner, key)
        return self._thing(owner, await self._files.placed(owner, place_of(bucket, key)))

    def _thing(self, owner: str, file: File) -> Thing:
        return Thing(file, lambda span: self._files.content(owner, file.id, span))

    async def remove(self, owner: str, bucket: str, key: str) -> None:
        """Remove an object; one that is not there is well removed. Raises Refused(403)."""
        try:
            thing = await self.thing(owner, bucket, key)
        except Refused:
            return
        if bucket != FILES:
            self.writable(bucket)
        await self._files.delete(owner, thing.file.id)

    async def _file_page(self, owner: str, at: tuple[str, str, int]) -> list[tuple[str, File]]:
        """Files without a place, in the order of their ids, which is that of their making."""
        prefix, after, most = at
        found: list[tuple[str, File]] = []
        cursor = bare_file_id(after)
        while len(found) < most and _LAST not in after:
            page = await self._files.page(owner, Wanted(limit=most, after=cursor, oldest_first=True))
            named = [(public_file_id(file.id), file) for file in page.files if not file.place]
            found += [each for each in named if each[0].startswith(prefix)]
            if not page.has_more:
                break
            cursor = page.files[-1].id
        return found[:most]

    async def _file_thing(self, owner: str, key: str) -> Thing:
        return self._thing(owner, await self._files.get(owner, bare_file_id(key)))


def place_of(bucket: str, key: str) -> str:
    """Where a file with this bucket and key lies."""
    return f"{bucket}/{key}"


def _folded(key: str, prefix: str, delimiter: str) -> str:
    """What the delimiter leaves of a key, "" when it is not in it."""
    if not delimiter:
        return ""
    at = key.find(delimiter, len(prefix))
    return key[: at + len(delimiter)] if at >= 0 else ""
