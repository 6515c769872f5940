"""Amazon's event stream: what botocore reads and writes, cut anywhere, and never more than the limit."""

import base64
import contextlib
import random
import struct
from itertools import pairwise
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from asbru.model.failure import Broken, Overloaded, Rejected, Upstream
from asbru.model.names import Framing
from asbru.wire import Frame
from asbru.wire.aws import (
    MOST_HEADERS,
    ChunkCutter,
    EventCutter,
    write_chunk,
    write_event,
    write_exception,
    write_headers,
    write_message,
)
from asbru.wire.framing import CUTTERS, MARKS, MEDIA_TYPES, WRITERS

NAMES = st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=20)
FRAMES = st.lists(st.builds(Frame, NAMES, st.binary(max_size=200)), max_size=6)
THROTTLED = write_exception("throttlingException", b'{"message":"slow down"}')
HELLO = write_event(Frame("messageStart", b'{"role":"assistant"}'))


def cut(body: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({0, len(body), *(place % (len(body) + 1) for place in places)})
    return [body[start:end] for start, end in pairwise(ends)]


@given(FRAMES, st.lists(st.integers(0, 10_000), max_size=30))
def test_what_is_written_is_read_however_it_is_cut(frames: list[Frame], places: list[int]) -> None:
    body = b"".join(map(write_event, frames))
    cutter = EventCutter()
    assert [frame for piece in cut(body, places) for frame in cutter.feed(piece)] == [
        frame for frame in frames if frame.event != "initial-response"
    ]
    assert cutter.flush() == []


@given(FRAMES)
def test_botocore_reads_what_we_write(frames: list[Frame]) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(b"".join(map(write_event, frames)) + THROTTLED)
    told = [(message.headers, message.payload) for message in buffer]
    assert [(headers[":event-type"], payload) for headers, payload in told[:-1]] == [(f.event, f.data) for f in frames]
    assert all(headers[":message-type"] == "event" for headers, _ in told[:-1])
    assert told[-1][0][":message-type"] == "exception"
    assert told[-1][0][":exception-type"] == "throttlingException"


@given(st.lists(st.binary(max_size=100), max_size=5), st.lists(st.integers(0, 10_000), max_size=10))
def test_chunks_carry_bytes(payloads: list[bytes], places: list[int]) -> None:
    body = b"".join(write_chunk(Frame("ignored", payload)) for payload in payloads)
    cutter = ChunkCutter()
    read = [frame for piece in cut(body, places) for frame in cutter.feed(piece)]
    assert read == [Frame("", payload) for payload in payloads if payload != b"[DONE]"]


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=10))
def test_garbage_is_refused_or_waited_for(body: bytes, places: list[int]) -> None:
    for cutter in (EventCutter(), ChunkCutter()):
        with contextlib.suppress(Upstream):
            for piece in cut(body, places):
                cutter.feed(piece)
            cutter.flush()


def test_one_wrong_byte_is_found() -> None:
    dice = random.Random(7)
    body = HELLO * 3
    for _ in range(300):
        at = dice.randrange(len(body))
        spoilt = body[:at] + bytes([body[at] ^ (1 << dice.randrange(8))]) + body[at + 1 :]
        cutter = EventCutter()
        with pytest.raises(Broken, match="cannot be read"):
            # What came before the wrong byte is told first.
            assert len(cutter.feed(spoilt)) <= 2
            cutter.flush()


def prelude(total: int, headers: int) -> bytes:
    lengths = struct.pack(">II", total, headers)
    return lengths + struct.pack(">I", crc32(lengths))


@pytest.mark.parametrize(
    ("total", "headers"),
    [(1 << 31, 0), (101, 0), (15, 0), (40, 30), (MOST_HEADERS + 40, MOST_HEADERS + 1), (0, 0)],
)
def test_lengths_are_bounded(total: int, headers: int) -> None:
    with pytest.raises(Broken, match="cannot be read"):
        EventCutter(limit=100 if total == 101 else 1 << 20).feed(prelude(total, headers))


def test_a_message_in_bytes_is_not_looked_at_twice() -> None:
    """Byte by byte, a megabyte takes no longer than it must: each feed looks at the message's length only."""
    body = write_event(Frame("contentBlockDelta", b"x" * (1 << 18)))
    cutter = EventCutter()
    assert [frame for n in range(len(body)) for frame in cutter.feed(body[n : n + 1])] == [
        Frame("contentBlockDelta", b"x" * (1 << 18))
    ]


def test_an_exception_is_a_failure() -> None:
    with pytest.raises(Overloaded, match="slow down") as told:
        EventCutter().feed(THROTTLED)
    assert (told.value.status, told.value.code) == (429, "ThrottlingException")


def test_frames_before_an_exception_are_told_first() -> None:
    for goes_on in (True, False):
        cutter = EventCutter()
        assert cutter.feed(HELLO + THROTTLED + HELLO) == [Frame("messageStart", b'{"role":"assistant"}')]
        with pytest.raises(Overloaded):
            cutter.feed(HELLO) if goes_on else cutter.flush()


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("validationException", 400, Rejected),
        ("modelTimeoutException", 408, Rejected),
        ("modelStreamErrorException", 424, Rejected),
        ("serviceUnavailableException", 503, Overloaded),
        ("internalServerException", 500, Broken),
        ("somethingNew", 502, Broken),
        ("", 502, Broken),
    ],
)
def test_exceptions_by_name(name: str, status: int, kind: type[Upstream]) -> None:
    with pytest.raises(kind) as told:
        EventCutter().feed(write_exception(name, b'{"message":"why"}'))
    assert (told.value.status, told.value.message) == (status, "why")


def test_an_error_has_no_payload() -> None:
    headers = {":message-type": "error", ":error-code": "InternalServerException", ":error-message": "sorry"}
    with pytest.raises(Broken, match="sorry"):
        EventCutter().feed(write_message(write_headers(headers), b""))


def test_headers_of_every_type() -> None:
    others = b"".join(
        bytes([1]) + name + bytes([kind]) + value
        for name, kind, value in (
            (b"a", 0, b""), (b"b", 1, b""), (b"c", 2, b"1"), (b"d", 3, b"12"), (b"e", 4, b"1234"), (b"f", 5, b"12345678"),
            (b"g", 6, b"\0\3abc"), (b"h", 8, b"12345678"), (b"i", 9, b"1234567812345678"),
        )
    )  # fmt: skip
    block = others + write_headers({":event-type": "chunk", ":message-type": "event", "long": "x" * 600})
    assert EventCutter().feed(write_message(block, b"{}")) == [Frame("chunk", b"{}")]


@pytest.mark.parametrize(
    "block", [b"\x05ab", b"\x01a\x0b", b"\x01a", b"\x01a\x07\0\5ab", b"\x01\xff\0", b"\x01a\x07\0"]
)
def test_headers_that_are_none(block: bytes) -> None:
    with pytest.raises(Broken, match="headers"):
        EventCutter().feed(write_message(block, b"{}"))


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b'{"bytes":"*"}', b'{"bytes":"abc"}', b'{"bytes":1}', b'{"bytes":"\xc3\xa4"}']
)
def test_chunks_that_are_none(payload: bytes) -> None:
    with pytest.raises(Broken, match="base64"):
        ChunkCutter().feed(write_message(write_headers({":event-type": "chunk"}), payload))


def test_what_is_no_chunk_is_passed_over() -> None:
    body = HELLO + write_message(write_headers({":event-type": "chunk"}), b'{"bytes":"aGk=","p":"abcd"}')
    assert ChunkCutter().feed(body) == [Frame("", b"hi")]
    assert EventCutter().feed(write_message(write_headers({":event-type": "initial-response"}), b"{}")) == []


def test_every_framing_is_whole() -> None:
    frame = Frame("", b'{"a":1}')
    for framing in set(Framing) - {Framing.BYTES}:
        written = WRITERS[framing](frame) * 2
        assert CUTTERS[framing]().feed(written) == [frame] * 2
        assert written.count(MARKS[framing]) == 2
        assert MEDIA_TYPES[framing]
    assert base64.b64encode(frame.data) in WRITERS[Framing.AWS_CHUNKS](frame)


VECTORS: dict[str, tuple[bytes, list[Frame]]] = {
    "empty": (b"\x00\x00\x00\x10\x00\x00\x00\x00\x05\xc2H\xeb}\x98\xc8\xff", [Frame("", b"")]),
    "payload": (
        b"\x00\x00\x00\x1d\x00\x00\x00\x00\xfd\x52\x8c\x5a{'foo':'bar'}\xc3\x65\x39\x36",
        [Frame("", b"{'foo':'bar'}")],
    ),
    "header": (
        b"\x00\x00\x00=\x00\x00\x00 \x07\xfd\x83\x96\x0ccontent-type\x07\x00\x10application/json{'foo':'bar'}\x8d\x9c\x08\xb1",
        [Frame("", b"{'foo':'bar'}")],
    ),
}
"""Amazon's own examples, which its SDKs' tests share."""


@pytest.mark.parametrize(("body", "frames"), VECTORS.values(), ids=VECTORS.keys())
def test_amazons_examples(body: bytes, frames: list[Frame]) -> None:
    assert EventCutter().feed(body) == frames
    headers = body[12 : 12 + int.from_bytes(body[4:8], "big")]
    assert write_message(headers, frames[0].data) == body
