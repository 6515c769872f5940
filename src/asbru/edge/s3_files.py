"""Files as S3 has them, for clients with ``endpoint_url=…/bedrock/files`` (path style): buckets that need no making.

Rule 1. A bucket is a name before the key; it is there as long as it has objects. Its objects are files like those of
any other dialect: the ETag is the file's id, so that it can be found, read and fed to a batch there.
Rule 2. ``asbru-files`` holds the files of other dialects by id, ``asbru-batches`` the results of every batch as Bedrock
writes them; both can only be read.
Rule 3. The signature is not checked: it is made with the caller's AWS credentials, which the gateway does not have.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from urllib.parse import parse_qs, unquote

from asbru.edge.batches import first, number
from asbru.edge.failures import fail_s3
from asbru.edge.files import FileService, NewFile
from asbru.edge.own_buckets import OwnBuckets, Thing, place_of
from asbru.edge.pulled import Pulled
from asbru.edge.request import Handler, Request, Route
from asbru.edge.s3_uploads import S3Uploads
from asbru.edge.uploads import LIMIT
from asbru.model.failure import Refused
from asbru.model.files import File
from asbru.model.http import Answer
from asbru.wire import s3
from asbru.wire.aws_chunked import decoded

_XML = {b"content-type": b"application/xml"}
_MOST = 1_000
_RANGE = re.compile(rb"bytes=(\d{0,18})-(\d{0,18})")
_META = b"x-amz-meta-"
_PIECE = 256 << 10


class S3Files:
    """Handlers by path. ``mine``: whether a bucket is the gateway's own, or lies on S3."""

    def __init__(self, files: FileService, own: OwnBuckets) -> None:
        self._files = files
        self._own = own
        self._uploads = S3Uploads(files)
        self.buckets = _route(self._buckets, "List buckets")
        self.list = _route(self._list, "List the objects of a bucket")
        self.make = _route(self._make, "Make a bucket: there is nothing to do")
        self.head_bucket = _route(self._make, "Whether there is a bucket")
        self.drop = _route(self._drop, "Remove an empty bucket")
        self.many = _route(self._many, "Delete many objects", 2 << 20)
        self.get = _route(self._get, "The bytes of an object")
        self.head = _route(self._get, "What is known of an object")
        self.delete = _route(self._delete, "Delete an object")
        self.post = _route(self._post, "Begin or complete an upload in parts", 2 << 20)
        self.put = Route(
            handler=self._put, fail=fail_s3, limit=LIMIT, spool=True, summary="Put an object", kind="text/plain"
        )

    async def _buckets(self, request: Request) -> Answer:
        return _xml(s3.write_buckets(await self._own.names(request.who.owner)))

    async def _make(self, request: Request) -> Answer:
        bucket = self._own.checked(request.params[0])
        return Answer(status=200, headers={b"location": f"/{bucket}".encode()})

    async def _drop(self, request: Request) -> Answer:
        bucket = self._own.writable(request.params[0])
        if await self._own.page(request.who.owner, bucket, ("", "", 1)):
            raise Refused(409, "The bucket you tried to delete is not empty", code="BucketNotEmpty")
        return Answer(status=204)

    async def _list(self, request: Request) -> Answer:
        bucket = self._own.checked(request.params[0])
        query = parse_qs(request.query, keep_blank_values=True)
        if "location" in query:
            return _xml(s3.write_location(""))
        version = 2 if first(query, "list-type") == "2" else 1
        most = min(number(query, "max-keys", _MOST), _MOST)
        prefix, delimiter = first(query, "prefix"), first(query, "delimiter")
        start = first(query, "continuation-token" if version == 2 else "marker")
        after = s3.key_of(start) if version == 2 and start else start or first(query, "start-after")
        listed = await self._own.listed(request.who.owner, bucket, (prefix, delimiter, after, most))
        return _xml(s3.write_listed(listed, version, start))

    async def _get(self, request: Request) -> Answer:
        bucket, key = self._place(request)
        thing = await self._own.thing(request.who.owner, bucket, key)
        _matches(request, thing.file)
        span = None if thing.file.size < 0 else _range(request.headers.get(b"range", b""), thing.file.size)
        headers = {**_described(thing.file), b"accept-ranges": b"bytes"}
        if span is None:
            length = None if thing.file.size < 0 else thing.file.size
            return Answer(status=200, headers=headers, stream=await self._pulled(thing, request), length=length)
        headers[b"content-range"] = b"bytes %d-%d/%d" % (span[0], span[1] - 1, thing.file.size)
        pulled = await self._pulled(thing, request, span)
        return Answer(status=206, headers=headers, stream=pulled, length=span[1] - span[0])

    async def _pulled(self, thing: Thing, request: Request, span: tuple[int, int] | None = None) -> Pulled | None:
        """The bytes; of a HEAD nothing is opened."""
        return None if request.method == "HEAD" else Pulled(await thing.read(span))

    async def _put(self, request: Request) -> Answer:
        try:
            bucket, key = self._place(request)
            self._own.writable(bucket)
            if b"x-amz-copy-source" in request.headers:
                return await self._copied(request, place_of(bucket, key))
            pieces = _pieces(request)
            query = parse_qs(request.query)
            if upload := first(query, "uploadId"):
                part = number(query, "partNumber", 0)
                return await self._uploads.part(request.who.owner, (upload, part), pieces)
            file = await self._files.add(_new(request, place_of(bucket, key)), pieces)
            return Answer(status=200, headers={b"etag": s3.etag(file).encode()})
        finally:
            if request.spool:
                with suppress(OSError):
                    os.unlink(request.spool)

    async def _copied(self, request: Request, place: str) -> Answer:
        source = unquote(request.headers[b"x-amz-copy-source"].decode("latin-1")).lstrip("/")
        bucket, _, key = source.partition("/")
        thing = await self._own.thing(request.who.owner, self._own.checked(bucket), key)
        new = _new(request, place)
        kept = NewFile(owner=new.owner, name=new.name, media_type=thing.file.media_type, place=place,
                       metadata=new.metadata or thing.file.metadata)  # fmt: skip
        file = await self._files.add_from(kept, await thing.read(None))
        return _xml(s3.write_copied(file))

    async def _post(self, request: Request) -> Answer:
        bucket, key = self._place(request)
        self._own.writable(bucket)
        query = parse_qs(request.query, keep_blank_values=True)
        if "uploads" in query:
            upload = await self._uploads.begin(_new(request, place_of(bucket, key)))
            return _xml(s3.write_started(bucket, key, upload))
        if upload := first(query, "uploadId"):
            numbers = s3.read_parts(request.body)
            file = await self._uploads.complete(request.who.owner, upload, numbers)
            return _xml(s3.write_completed(bucket, key, file))
        raise Refused(405, "The specified method is not allowed against this resource.")

    async def _delete(self, request: Request) -> Answer:
        bucket, key = self._place(request)
        owner = request.who.owner
        if upload := first(parse_qs(request.query), "uploadId"):
            await self._uploads.abort(owner, upload)
            return Answer(status=204)
        if b"if-match" in request.headers:
            _matches(request, (await self._own.thing(owner, bucket, key)).file)
        await self._own.remove(owner, bucket, key)
        return Answer(status=204)

    async def _many(self, request: Request) -> Answer:
        bucket = self._own.checked(request.params[0])
        if "delete" not in parse_qs(request.query, keep_blank_values=True):
            raise Refused(405, "The specified method is not allowed against this resource.")
        keys = s3.read_deletes(request.body)
        for key in keys:
            await self._own.remove(request.who.owner, bucket, key)
        return _xml(s3.write_deletes(keys))

    def _place(self, request: Request) -> tuple[str, str]:
        bucket, key = request.params
        s3.check_key(key, "Key")
        return self._own.checked(bucket), key


def _new(request: Request, place: str) -> NewFile:
    metadata = {
        name.removeprefix(_META).decode("latin-1"): value.decode("latin-1")
        for name, value in request.headers.items()
        if name.startswith(_META)
    }
    return NewFile(
        owner=request.who.owner,
        name=place.rpartition("/")[2] or place,
        purpose="batch" if place.endswith(".jsonl") else "",
        media_type=request.headers.get(b"content-type", b"").decode("latin-1"),
        place=place,
        metadata=metadata,
    )


def _pieces(request: Request) -> Iterator[bytes]:
    """The body, without the coding that Amazon's SDKs put around it."""
    coding = request.headers.get(b"content-encoding", b"") + request.headers.get(b"x-amz-content-sha256", b"")
    plain = _read(request.spool) if request.spool else iter([request.body])
    return decoded(plain) if b"aws-chunked" in coding or b"STREAMING-" in coding else plain


def _read(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        yield from iter(partial(file.read, _PIECE), b"")


def _matches(request: Request, file: File) -> None:
    """``If-Match``. Raises Refused(412)."""
    wanted = request.headers.get(b"if-match", b"*")
    if wanted != b"*" and s3.etag(file).strip('"').encode() not in wanted:
        raise Refused(412, "At least one of the pre-conditions you specified did not hold")


def _range(value: bytes, size: int) -> tuple[int, int] | None:
    """From where to where; None for all. Raises Refused(416)."""
    found = _RANGE.fullmatch(value)
    if found is None or not (found[1] or found[2]):
        return None
    start = int(found[1]) if found[1] else max(size - int(found[2]), 0)
    end = min(int(found[2]) + 1, size) if found[1] and found[2] else size
    if start >= end:
        raise Refused(416, "The requested range is not satisfiable")
    return start, end


def _described(file: File) -> dict[bytes, bytes]:
    kind = file.media_type or "binary/octet-stream"
    metadata: Mapping[str, str] = file.metadata
    return {
        b"content-type": kind.encode("latin-1", "replace"),
        b"etag": s3.etag(file).encode(),
        b"last-modified": s3.http_date(file.created_at),
        **{_META + name.encode("latin-1"): value.encode("latin-1") for name, value in metadata.items()},
    }


def _xml(body: bytes) -> Answer:
    return Answer(status=200, headers=_XML, body=body)


def _route(handler: Handler, summary: str, limit: int = 1 << 16) -> Route:
    return Route(handler=handler, fail=fail_s3, limit=limit, summary=summary, kind="application/xml")
