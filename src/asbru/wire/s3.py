"""S3's answers, errors and lists, as far as files need them (botocore, s3 2006-03-01; XML without attributes).

Rule 1. What is written is read by parsers of others: every text is escaped.
Rule 2. The one body that is read, that of DeleteObjects, is read for its keys alone.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.utils import formatdate
from html import escape, unescape

from msgspec import Struct

from asbru.model.failure import Failure, Refused
from asbru.model.files import File
from asbru.wire.openai.files import public_file_id

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_KEY = re.compile(r"<Key>([^<]*)</Key>")
_PART = re.compile(r"<PartNumber>\s*(\d{1,5})\s*</PartNumber>")
_BUCKET = re.compile(r"[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]")
_URI = re.compile(r"s3://([^/]+)(?:/(.*))?", re.DOTALL)
LONGEST_KEY = 1_024

_CODES = {
    401: "AccessDenied",
    403: "AccessDenied",
    404: "NoSuchKey",
    405: "MethodNotAllowed",
    411: "MissingContentLength",
    412: "PreconditionFailed",
    413: "EntityTooLarge",
    416: "InvalidRange",
    429: "SlowDown",
    501: "NotImplemented",
    503: "ServiceUnavailable",
}
_OURS = frozenset({"invalid_request_error", "not_found_error", "request_too_large", "api_error", ""})
"""Codes of other dialects', which say no more than the status."""


class Uri(Struct, frozen=True):
    """``s3://bucket/key``; ``key`` may be "" or end with a slash."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def read_uri(text: str, param: str) -> Uri:
    """A URI. Raises Refused(400) naming ``param``."""
    found = _URI.fullmatch(text)
    if found is None or not is_bucket(found[1]):
        raise Refused(400, f"{param}: must be s3://bucket/key, this is {text!r}", param=param)
    key = found[2] or ""
    check_key(key, param)
    return Uri(found[1], key)


def is_bucket(name: str) -> bool:
    """Whether a bucket may have this name."""
    return _BUCKET.fullmatch(name) is not None


def check_key(key: str, param: str) -> None:
    """Raises Refused(400) for what cannot be a key."""
    if len(key.encode("utf-8", "replace")) > LONGEST_KEY:
        raise Refused(400, f"{param}: a key has at most {LONGEST_KEY} bytes", code="KeyTooLongError", param=param)
    if not all(char.isprintable() for char in key):
        raise Refused(400, f"{param}: a key has printable characters only", code="InvalidArgument", param=param)


class Listed(Struct, frozen=True, kw_only=True):
    """A page of a bucket's objects: keys, and what the delimiter has folded. ``more``: where the next page begins, ""
    for the last.
    """

    bucket: str
    prefix: str
    delimiter: str
    most: int
    objects: Sequence[tuple[str, File]]
    folded: Sequence[str]
    more: str


def etag(file: File) -> str:
    """What S3 calls the version of an object: here the file's id, under which other dialects know it."""
    return f'"{public_file_id(file.id)}"'


def http_date(at: float) -> bytes:
    """``Last-Modified``."""
    return formatdate(at, usegmt=True).encode()


def token_of(key: str) -> str:
    """A key as a continuation token."""
    return base64.urlsafe_b64encode(key.encode()).decode()


def key_of(token: str) -> str:
    """The key in a continuation token. Raises Refused(400)."""
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise Refused(400, "The continuation token provided is incorrect", code="InvalidArgument") from None


def write_listed(listed: Listed, version: int, start: str) -> bytes:
    """What ListObjects (1) or ListObjectsV2 (2) answers. ``start``: the token or marker that was given."""
    rows = [
        _row("Name", listed.bucket),
        _row("Prefix", listed.prefix),
        _row("MaxKeys", listed.most),
        _row("IsTruncated", "true" if listed.more else "false"),
    ]
    if listed.delimiter:
        rows.append(_row("Delimiter", listed.delimiter))
    if version == 2:
        rows.append(_row("KeyCount", len(listed.objects) + len(listed.folded)))
        rows += [_row("ContinuationToken", start)] if start else []
        rows += [_row("NextContinuationToken", token_of(listed.more))] if listed.more else []
    else:
        rows.append(_row("Marker", start))
        rows += [_row("NextMarker", listed.more)] if listed.more else []
    rows += [_object(key, file) for key, file in listed.objects]
    rows += [_wrap("CommonPrefixes", _row("Prefix", prefix)) for prefix in listed.folded]
    return _document("ListBucketResult", rows)


def _object(key: str, file: File) -> str:
    rows = (
        _row("Key", key),
        _row("LastModified", _time(file.created_at)),
        _row("ETag", etag(file)),
        _row("Size", max(file.size, 0)),
        _row("StorageClass", "STANDARD"),
    )
    return _wrap("Contents", "".join(rows))


def write_buckets(names: Iterable[str]) -> bytes:
    """What ListBuckets answers."""
    at = _row("CreationDate", _time(0.0))
    rows = "".join(_wrap("Bucket", _row("Name", name) + at) for name in names)
    owner = _wrap("Owner", _row("ID", "asbru") + _row("DisplayName", "asbru"))
    return _document("ListAllMyBucketsResult", [owner, _wrap("Buckets", rows)])


def write_location(region: str) -> bytes:
    """What GetBucketLocation answers."""
    return _prologue(f'<LocationConstraint xmlns="{_NAMESPACE}">{escape(region)}</LocationConstraint>')


def write_started(bucket: str, key: str, upload: str) -> bytes:
    """What CreateMultipartUpload answers."""
    rows = [_row("Bucket", bucket), _row("Key", key), _row("UploadId", upload)]
    return _document("InitiateMultipartUploadResult", rows)


def write_completed(bucket: str, key: str, file: File) -> bytes:
    """What CompleteMultipartUpload answers."""
    rows = [_row("Bucket", bucket), _row("Key", key), _row("ETag", etag(file))]
    return _document("CompleteMultipartUploadResult", rows)


def write_copied(file: File) -> bytes:
    """What CopyObject answers."""
    return _document("CopyObjectResult", [_row("ETag", etag(file)), _row("LastModified", _time(file.created_at))])


def read_parts(body: bytes) -> list[int]:
    """The numbers in a CompleteMultipartUpload. Raises Refused(400) for none, or a wrong order."""
    numbers = [int(found) for found in _PART.findall(body.decode("utf-8", "replace"))]
    if not numbers:
        raise Refused(400, "The XML you provided was not well-formed: it names no part", code="MalformedXML")
    if numbers != sorted(set(numbers)):
        raise Refused(400, "The list of parts was not in ascending order.", code="InvalidPartOrder")
    return numbers


def read_deletes(body: bytes) -> list[str]:
    """The keys in a DeleteObjects. Raises Refused(400)."""
    keys = [unescape(found) for found in _KEY.findall(body.decode("utf-8", "replace"))]
    if not 1 <= len(keys) <= 1_000:
        raise Refused(400, "The XML you provided must name 1 to 1000 keys", code="MalformedXML")
    return keys


def write_deletes(keys: Iterable[str]) -> bytes:
    """What DeleteObjects answers."""
    return _document("DeleteResult", [_wrap("Deleted", _row("Key", key)) for key in keys])


def write_failure(failure: Failure, request_id: str) -> bytes:
    """The body of an error."""
    rows = [_row("Code", code_of(failure)), _row("Message", failure.message), _row("RequestId", request_id)]
    return _prologue(f"<Error>{''.join(rows)}</Error>")


def code_of(failure: Failure) -> str:
    """S3's word for a failure."""
    if failure.code not in _OURS:
        return failure.code
    return _CODES.get(failure.status, "InvalidRequest" if failure.status < 500 else "InternalError")


def _document(name: str, rows: Iterable[str]) -> bytes:
    return _prologue(f'<{name} xmlns="{_NAMESPACE}">{"".join(rows)}</{name}>')


def _prologue(text: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def _row(name: str, value: object) -> str:
    return _wrap(name, escape(str(value), quote=False))


def _wrap(name: str, inner: str) -> str:
    return f"<{name}>{inner}</{name}>"


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
