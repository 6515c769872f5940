# One case per line, as in a table.
"""S3 as far as files need it: what is written, botocore reads; what is read, is checked; chunked bodies cut anywhere."""

from itertools import pairwise
from typing import Any

import botocore.session
import pytest
from botocore.parsers import create_parser
from hypothesis import given, settings
from hypothesis import strategies as st
from test_batch_shapes import FILE

from asbru.model.failure import Failure, Refused
from asbru.wire import s3
from asbru.wire.aws_chunked import decoded

MODEL = botocore.session.get_session().get_service_model("s3")


def parsed(operation: str, body: bytes, status: int = 200) -> Any:
    shape = MODEL.operation_model(operation).output_shape
    return create_parser("rest-xml").parse({"body": body, "headers": {}, "status_code": status}, shape)


def listed(**more: Any) -> s3.Listed:
    given: dict[str, Any] = {
        "bucket": "asbru-files", "prefix": "a<b", "delimiter": "/", "most": 2, "objects": [("a<b/&x", FILE)],
        "folded": ["a<b/c/"], "more": "a<b/d",
    }  # fmt: skip
    return s3.Listed(**{**given, **more})


def test_pages_of_a_bucket() -> None:
    page = parsed("ListObjectsV2", s3.write_listed(listed(), 2, "t"))
    assert (page["Name"], page["Prefix"], page["KeyCount"], page["IsTruncated"]) == ("asbru-files", "a<b", 2, True)
    assert (page["ContinuationToken"], s3.key_of(page["NextContinuationToken"])) == ("t", "a<b/d")
    (one,) = page["Contents"]
    assert (one["Key"], one["Size"], one["ETag"]) == ("a<b/&x", 7, s3.etag(FILE))
    assert [each["Prefix"] for each in page["CommonPrefixes"]] == ["a<b/c/"]
    last = parsed("ListObjectsV2", s3.write_listed(listed(more="", delimiter=""), 2, ""))
    assert (last["IsTruncated"], "NextContinuationToken" in last, "Delimiter" in last) == (False, False, False)
    older = parsed("ListObjects", s3.write_listed(listed(), 1, "m"))
    assert (older["Marker"], older["NextMarker"]) == ("m", "a<b/d")
    assert "NextMarker" not in parsed("ListObjects", s3.write_listed(listed(more=""), 1, ""))


def test_other_answers() -> None:
    assert [one["Name"] for one in parsed("ListBuckets", s3.write_buckets(["a", "b"]))["Buckets"]] == ["a", "b"]
    assert b">eu-north-1<" in s3.write_location("eu-north-1")
    started = parsed("CreateMultipartUpload", s3.write_started("b", "k&", "u"))
    assert (started["Bucket"], started["Key"], started["UploadId"]) == ("b", "k&", "u")
    assert parsed("CompleteMultipartUpload", s3.write_completed("b", "k", FILE))["ETag"] == s3.etag(FILE)
    assert parsed("CopyObject", s3.write_copied(FILE))["CopyObjectResult"]["ETag"] == s3.etag(FILE)
    assert [one["Key"] for one in parsed("DeleteObjects", s3.write_deletes(["a", "<b>"]))["Deleted"]] == ["a", "<b>"]
    assert s3.http_date(0.0) == b"Thu, 01 Jan 1970 00:00:00 GMT"


@pytest.mark.parametrize(
    ("status", "code", "shown"),
    [
        (404, "not_found_error", "NoSuchKey"),
        (404, "NoSuchBucket", "NoSuchBucket"),
        (400, "", "InvalidRequest"),
        (500, "api_error", "InternalError"),
        (503, "", "ServiceUnavailable"),
    ],
)
def test_failures(status: int, code: str, shown: str) -> None:
    body = s3.write_failure(Failure(status, "a < b", code=code), "r")
    told = parsed("ListBuckets", body, status)
    assert (told["Error"]["Code"], told["Error"]["Message"]) == (shown, "a < b")
    assert body.endswith(b"<RequestId>r</RequestId></Error>")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "s3://",
        "s3:///k",
        "s3://A/k",
        "s3://a",
        "http://bucket/k",
        "s3://b_d/k",
        "s3://bucket/\x00",
        "s3://bucket/" + "å" * 600,
    ],
)
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(Refused) as told:
        s3.read_uri(text, "inputDataConfig")
    assert (told.value.status, told.value.param) == (400, "inputDataConfig")


@pytest.mark.parametrize(
    ("text", "bucket", "key"),
    [("s3://bucket", "bucket", ""), ("s3://my.bucket/", "my.bucket", ""), ("s3://bucket/a/b c", "bucket", "a/b c")],
)
def test_places(text: str, bucket: str, key: str) -> None:
    uri = s3.read_uri(text, "x")
    assert (uri.bucket, uri.key, str(uri)) == (bucket, key, f"s3://{bucket}/{key}")


@pytest.mark.parametrize("token", ["x", "_w=="])
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(Refused, match="continuation token"):
        s3.key_of(token)


def test_what_is_to_be_put_together_or_deleted() -> None:
    assert s3.read_parts(b"<Part><PartNumber>1</PartNumber></Part><Part><PartNumber> 3 </PartNumber></Part>") == [1, 3]
    for body, code in (
        (b"", "MalformedXML"),
        (b"<PartNumber>2</PartNumber><PartNumber>1</PartNumber>", "InvalidPartOrder"),
    ):
        with pytest.raises(Refused) as told:
            s3.read_parts(body)
        assert told.value.code == code
    assert s3.read_deletes(b"<Object><Key>a&amp;b</Key></Object>") == ["a&b"]
    for body in (b"", b"<Key>a</Key>" * 1001):
        with pytest.raises(Refused, match="1 to 1000 keys"):
            s3.read_deletes(body)


CHUNKED = (
    b"5;chunk-signature=abc\r\nhello\r\nA\r\n0123456789\r\n0;chunk-signature=x\r\nx-amz-checksum-crc32:AA==\r\n\r\n"
)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.integers(0, len(CHUNKED)), max_size=20))
def test_chunks_are_read_however_they_are_cut(places: list[int]) -> None:
    ends = sorted({0, len(CHUNKED), *places})
    assert b"".join(decoded(CHUNKED[a:b] for a, b in pairwise(ends))) == b"hello0123456789"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "it is cut"), (b"5\r\nhel", "it is cut"), (b"5\r\nhello\r\n", "it is cut"), (b"5", "it is cut"),
        (b"x\r\n", "has no size"), (b"\r\n", "has no size"), (b"-5\r\n", "has no size"), (b"1" * 17 + b"\r\n", "has no size"),
        (b"f" * 16 + b"\r\n", "too large"), (b"5" * 1025, "has no end"), (b"0\r\n\r\nmore\r\n", "behind its end"),
    ],
)  # fmt: skip
def test_what_is_not_chunked(body: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why) as told:
        list(decoded([body]))
    assert (told.value.status, told.value.code) == (400, "IncompleteBody")


@settings(derandomize=True, deadline=None)
@given(st.binary(max_size=60) | st.text("0123456789abcdef;\r\n", max_size=40).map(str.encode))
def test_garbage_is_refused_or_read(body: bytes) -> None:
    try:
        assert len(b"".join(decoded([body]))) <= len(body)
    except Refused as refusal:
        assert refusal.status == 400  # noqa: PT017 (nothing else may be raised)
