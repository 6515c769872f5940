"""S3's words: addresses, keys, XML both ways, and Amazon's chunked bodies, cut anywhere."""

import re

import pytest

from asbru.model.failure import Refused
from asbru.model.files import File
from asbru.wire import s3
from asbru.wire.aws_chunked import decoded
from asbru.wire.s3 import Listed

FILE = File(id="01x", owner="", name="n", size=5, created_at=1_700_000_000.5)


@pytest.mark.parametrize(
    ("text", "bucket", "key"),
    [
        ("s3://abc/k", "abc", "k"),
        ("s3://a-b.c/a/b/", "a-b.c", "a/b/"),
        ("s3://abc", "abc", ""),
        ("s3://abc/", "abc", ""),
        ("s3://abc/é x", "abc", "é x"),
    ],
)
def test_addresses(text: str, bucket: str, key: str) -> None:
    found = s3.read_uri(text, "uri")
    assert (found.bucket, found.key) == (bucket, key)
    assert str(found) == f"s3://{bucket}/{key}"


@pytest.mark.parametrize(
    "text", ["", "http://abc/k", "s3:///k", "s3://AB/k", "s3://a/k", "s3://abc/\x00", "s3://abc/" + "k" * 1_025]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(Refused, match="uri: ") as caught:
        s3.read_uri(text, "uri")
    assert (caught.value.status, caught.value.param) == (400, "uri")


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("more", ["", "k&1"])
def test_lists(version: int, more: str) -> None:
    listed = Listed(
        bucket="abc", prefix="p<", delimiter="/", most=7, objects=[("k&1", FILE)], folded=["p</x/"], more=more
    )
    text = s3.write_listed(listed, version, "start").decode()
    assert '<Key>k&amp;1</Key><LastModified>2023-11-14T22:13:20.500Z</LastModified><ETag>"file-01x"</ETag>' in text
    assert "<Prefix>p&lt;</Prefix>" in text
    assert "<CommonPrefixes><Prefix>p&lt;/x/</Prefix></CommonPrefixes>" in text
    assert f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>" in text
    if version == 2:
        assert "<KeyCount>2</KeyCount><ContinuationToken>start</ContinuationToken>" in text
        tokens = re.findall("<NextContinuationToken>(.*)</NextContinuationToken>", text)
        assert [s3.key_of(token) for token in tokens] == ([more] if more else [])
    else:
        assert "<Marker>start</Marker>" in text
        assert ("<NextMarker>k&amp;1</NextMarker>" in text) is bool(more)


def test_a_plain_list_has_no_delimiter() -> None:
    text = s3.write_listed(Listed(bucket="abc", prefix="", delimiter="", most=7, objects=[], folded=[], more=""), 2, "")
    assert b"Delimiter" not in text
    assert b"ContinuationToken" not in text


def test_other_answers() -> None:
    assert b"<Name>abc</Name>" in s3.write_buckets(["abc"])
    assert b"<LocationConstraint " in s3.write_location("eu-north-1")
    assert b"<UploadId>u</UploadId>" in s3.write_started("abc", "k", "u")
    assert b'<ETag>"file-01x"</ETag>' in s3.write_completed("abc", "k", FILE)
    assert b"<CopyObjectResult " in s3.write_copied(FILE)
    assert b"<Deleted><Key>a&amp;b</Key></Deleted>" in s3.write_deletes(["a&b"])
    assert s3.http_date(0.0) == b"Thu, 01 Jan 1970 00:00:00 GMT"


def test_parts_and_keys_are_read() -> None:
    parts = b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part><Part><PartNumber> 3 </PartNumber></Part>"
    assert s3.read_parts(parts) == [1, 3]
    assert s3.read_deletes(b"<Delete><Object><Key>a&amp;b</Key></Object><Object><Key>c</Key></Object></Delete>") == [
        "a&b",
        "c",
    ]


@pytest.mark.parametrize(
    ("read", "body", "code"),
    [
        (s3.read_parts, b"", "MalformedXML"),
        (s3.read_parts, b"<PartNumber>2</PartNumber><PartNumber>1</PartNumber>", "InvalidPartOrder"),
        (s3.read_parts, b"<PartNumber>2</PartNumber><PartNumber>2</PartNumber>", "InvalidPartOrder"),
        (s3.read_deletes, b"<Delete/>", "MalformedXML"),
        (s3.read_deletes, b"<Key>k</Key>" * 1_001, "MalformedXML"),
        (lambda body: s3.key_of(body.decode()), "é".encode(), "InvalidArgument"),
        (lambda body: s3.key_of(body.decode()), b"_w==", "InvalidArgument"),
    ],
)
def test_what_cannot_be_read(read: object, body: bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        read(body)  # type: ignore[operator]
    assert (caught.value.status, caught.value.code) == (400, code)


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Refused(404, "m"), "NoSuchKey"),
        (Refused(404, "m", code="not_found_error"), "NoSuchKey"),
        (Refused(404, "m", code="NoSuchUpload"), "NoSuchUpload"),
        (Refused(400, "m"), "InvalidRequest"),
        (Refused(418, "m"), "InvalidRequest"),
        (Refused(500, "m"), "InternalError"),
    ],
)
def test_failures(failure: Refused, code: str) -> None:
    assert s3.write_failure(failure, "r<1").endswith(
        f"<Error><Code>{code}</Code><Message>m</Message><RequestId>r&lt;1</RequestId></Error>".encode()
    )


PLAIN = b"hello \r\n world" * 30
CODED = b"5\r\nhello\r\n%x;chunk-signature=ab\r\n%b\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n" % (
    len(PLAIN),
    PLAIN,
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_chunked_bodies_cut_anywhere(size: int) -> None:
    pieces = [CODED[at : at + size] for at in range(0, len(CODED), size)]
    assert b"".join(decoded(pieces)) == b"hello" + PLAIN


def test_the_last_empty_line_may_be_missing() -> None:
    assert b"".join(decoded([b"2\r\nab\r\n0\r\n"])) == b"ab"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"5\r\nhel",
        b"5\r\nhello\r\n",
        b"5\r\nhello\r\n0",
        b"x\r\n",
        b"\r\n",
        b"11111111111111111\r\n",
        b"fffffffffff\r\n",
        b"0\r\n\r\nmore\r\n",
        b"1" * 2_000,
    ],
)
def test_what_is_not_chunked(body: bytes) -> None:
    with pytest.raises(Refused, match="aws-chunked") as caught:
        list(decoded([body]))
    assert (caught.value.status, caught.value.code) == (400, "IncompleteBody")
