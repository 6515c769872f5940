"""Where the records of Bedrock's jobs are read, and their results put: buckets on S3, and the gateway's own.

Rule 1. A bucket that ``asbru.s3.buckets`` names lies on S3; every other is the gateway's own. What callers can reach
with the gateway's credentials is what the operator has named.
"""

from collections.abc import AsyncIterator
from fnmatch import fnmatchcase

from msgspec import Struct

from asbru.edge.files import FileService, NewFile
from asbru.edge.own_buckets import OwnBuckets, place_of
from asbru.model.failure import Failure, Refused, Upstream
from asbru.upstream.objects import Objects, Site
from asbru.wire.s3 import Uri

_MOST_FILES = 1_000


class Source(Struct, frozen=True):
    """An input file. ``read``: its bytes, once."""

    name: str
    read: AsyncIterator[bytes]


class S3Places:
    """Buckets on S3. ``site`` None: there are none. ``patterns``: shell patterns of their names."""

    def __init__(self, site: Site | None, patterns: tuple[str, ...]) -> None:
        self._site = site
        self._patterns = patterns
        self._open: dict[str, Objects] = {}

    def has(self, bucket: str) -> bool:
        """Whether a bucket lies there."""
        return self._site is not None and any(fnmatchcase(bucket, pattern) for pattern in self._patterns)

    def __call__(self, bucket: str) -> Objects:
        """A bucket that lies there."""
        assert self._site is not None
        if bucket not in self._open:
            self._open[bucket] = Objects(self._site, bucket)
        return self._open[bucket]


class Buckets:
    """All of them."""

    def __init__(self, s3: S3Places, own: OwnBuckets, files: FileService) -> None:
        self._s3 = s3
        self._own = own
        self._files = files

    async def inputs(self, owner: str, uri: Uri) -> list[str]:
        """The keys of the input at ``uri``: one file, or every ``.jsonl`` in a folder. Raises Refused(400)."""
        if uri.key and not uri.key.endswith("/"):
            return [uri.key]
        keys = [key async for key in self._keys(owner, uri) if key.endswith(".jsonl")]
        if not keys:
            raise _refused(f"there is no .jsonl file below {uri}")
        return sorted(keys)

    async def _keys(self, owner: str, uri: Uri) -> AsyncIterator[str]:
        count = 0
        if self._s3.has(uri.bucket):
            try:
                async for found in self._s3(uri.bucket).list(uri.key):
                    yield found.key
                    count += 1
                    if count > _MOST_FILES:
                        break
            except Upstream as failure:
                raise told(failure) from None
        else:
            bucket = self._own.checked(uri.bucket)
            for key, _ in await self._own.page(owner, bucket, (uri.key, "", _MOST_FILES + 1)):
                yield key
                count += 1
        if count > _MOST_FILES:
            raise _refused(f"there are more than {_MOST_FILES} files below {uri}")

    async def read(self, owner: str, bucket: str, key: str) -> AsyncIterator[bytes]:
        """An input file. Raises Refused at once when it cannot be read."""
        try:
            if self._s3.has(bucket):
                return await self._s3(bucket).get(key)
            return await (await self._own.thing(owner, self._own.checked(bucket), key)).read(None)
        except Upstream as failure:
            raise told(failure) from None
        except Refused as refused:
            raise _refused(f"s3://{bucket}/{key}: {refused.message}") from None

    def check_output(self, bucket: str) -> None:
        """Raises Refused(400) when nothing can be put into ``bucket``."""
        if self._s3.has(bucket):
            return
        try:
            self._own.writable(bucket)
        except Refused as refused:
            name = "outputDataConfig.s3OutputDataConfig.s3Uri"
            raise Refused(400, f"{name}: {refused.message}", code="ValidationException", param=name) from None

    async def write(self, owner: str, at: tuple[str, str], pieces: AsyncIterator[bytes]) -> None:
        """Put an object at bucket and key. Raises Failure."""
        bucket, key = at
        if self._s3.has(bucket):
            await self._s3(bucket).put(key, pieces)
            return
        name = key.rpartition("/")[2]
        new = NewFile(owner=owner, name=name, purpose="batch_output", media_type="application/jsonl",
                      place=place_of(self._own.writable(bucket), key))  # fmt: skip
        await self._files.add_from(new, pieces)


def told(failure: Failure) -> Refused:
    """A bucket that cannot be read, as a mistake of the caller's: who named it must open it to the gateway."""
    if 400 <= failure.status < 500 and failure.status != 429:
        return _refused(failure.message)
    return Refused(503, failure.message, code="ServiceUnavailableException", retry_after=failure.retry_after)


def _refused(text: str) -> Refused:
    name = "inputDataConfig.s3InputDataConfig.s3Uri"
    return Refused(400, f"{name}: {text}", code="ValidationException", param=name)
