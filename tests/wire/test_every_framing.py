"""However a stream is cut, its frames are the same; whatever comes, nothing is kept without a limit, nor takes long."""

import contextlib
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise
from time import process_time
from typing import Any

import pytest
from good_bodies import FORM, FORM_KIND, does, envelope_of, good_streams
from hostile import DEEP, FUZZ, TEXTS
from hypothesis import given
from hypothesis import strategies as st

from asbru.model.failure import Failure, Refused, Upstream
from asbru.model.names import Format, Framing
from asbru.wire import CODECS, Frame
from asbru.wire.aws_chunked import decoded
from asbru.wire.framing import CUTTERS, MARKS, MEDIA_TYPES, WRITERS
from asbru.wire.multipart import Form, related
from asbru.wire.passing import Passing, frames_of

FRAMED = [framing for framing in Framing if framing is not Framing.BYTES]
STREAMED = [format for format in CODECS if good_streams(format) and CODECS[format].framing is not Framing.BYTES]
NAMES = st.text("abcXYZ-_.", max_size=9)
DATA = st.binary(max_size=80).map(lambda data: data.replace(b"\n", b"").replace(b"\r", b"")) | st.sampled_from(TEXTS)
CUTS = st.lists(st.integers(0, 4000), max_size=12)
LONG = 60.0
"""Seconds of this process for all codecs together, under coverage too; something quadratic would take minutes."""


def cut(body: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({0, len(body), *(place % (len(body) + 1) for place in places)})
    return [body[start:end] for start, end in pairwise(ends)]


def read(framing: Framing, pieces: list[bytes]) -> tuple[list[Frame], str]:
    """The frames, and what was wrong at last."""
    cutter = CUTTERS[framing]()
    found: list[Frame] = []
    try:
        for piece in pieces:
            found += cutter.feed(piece)
        found += cutter.flush()
    except Upstream as failure:
        return found, failure.message
    return found, ""


def test_every_framing_is_whole() -> None:
    assert set(CUTTERS) == set(WRITERS) == set(MEDIA_TYPES) == set(Framing)
    assert set(MARKS) == set(FRAMED)


@pytest.mark.parametrize("framing", FRAMED)
def test_cuts_do_not_matter(framing: Framing) -> None:
    @FUZZ
    @given(st.lists(st.builds(Frame, NAMES, DATA), max_size=6), CUTS)
    def check(frames: list[Frame], places: list[int]) -> None:
        body = b"".join(map(WRITERS[framing], frames))
        whole = read(framing, [body])
        assert read(framing, cut(body, places)) == whole
        assert read(framing, [body[n : n + 1] for n in range(len(body))]) == whole
        assert whole[1] == ""

    check()


@pytest.mark.parametrize("framing", FRAMED)
def test_garbage_reads_the_same_however_it_is_cut(framing: Framing) -> None:
    good = b"".join(map(WRITERS[framing], [Frame("a", b'{"x":1}'), Frame("b", b'{"y":2}')]))

    @FUZZ
    @given(st.binary(max_size=60), st.integers(0, len(good)), st.integers(0, 9), CUTS)
    def check(garbage: bytes, at: int, gone: int, places: list[int]) -> None:
        body = good[:at] + garbage + good[at + gone :]
        assert read(framing, cut(body, places)) == read(framing, [body])

    check()


@pytest.mark.parametrize("format", STREAMED)
def test_recorded_streams_are_read_however_they_are_cut(format: Format) -> None:
    framing = CODECS[format].framing
    told = {frame.event for frames in good_streams(format) for frame in frames}

    @FUZZ
    @given(st.sampled_from(good_streams(format)), CUTS)
    def check(frames: list[Frame], places: list[int]) -> None:
        body = b"".join(map(WRITERS[framing], frames))
        whole, wrong = read(framing, [body])
        assert read(framing, cut(body, places)) == (whole, wrong)
        assert {frame.event for frame in whole} <= told | {""}
        assert not wrong

    check()


def endless(head: bytes, size: int = 64 << 10) -> Iterator[bytes]:
    """A piece of a body that never ends, 64 MB of it."""
    yield head
    for _ in range(1024):
        yield b"x" * size


def fed(feed: Callable[[bytes], Any], head: bytes) -> None:
    for piece in endless(head):
        feed(piece)


def kept_at_most(work: Callable[[], object]) -> int:
    """Most bytes that are held at once while ``work`` runs until it ends or is refused."""
    tracemalloc.start()
    try:
        with contextlib.suppress(Failure):
            work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


MOST = 40 << 20
"""Bytes; the largest frame that is kept has 16 MB, and grows by being copied. The streams below have 64 MB."""
HEADS = {Framing.SSE: b"data: ", Framing.AWS: b"\x00\x00\x00", Framing.AWS_CHUNKS: b"\x7f\xff\xff\xff\x00"}


@pytest.mark.parametrize("framing", FRAMED)
def test_a_frame_without_an_end_is_not_kept_for_ever(framing: Framing) -> None:
    cutter = CUTTERS[framing]()
    assert kept_at_most(lambda: fed(cutter.feed, HEADS[framing])) < MOST


@pytest.mark.parametrize("format", [format for format in STREAMED if CODECS[format].framing is Framing.SSE])
def test_a_tap_keeps_no_frame_without_an_end(format: Format) -> None:
    tap = CODECS[format].tap(True)
    assert kept_at_most(lambda: fed(tap.feed, b'data: {"type":"')) < MOST


def test_a_chunk_without_a_size_is_not_kept_for_ever() -> None:
    assert kept_at_most(lambda: sum(map(len, decoded(endless(b"1"))))) < MOST
    assert kept_at_most(lambda: sum(map(len, decoded(endless(b"4000000\r\n"))))) < 1 << 20


@FUZZ
@given(st.binary(max_size=80), st.integers(0, len(FORM)), st.integers(0, 30))
def test_spoilt_forms_are_read_or_refused(garbage: bytes, at: int, gone: int) -> None:
    body = FORM[:at] + garbage + FORM[at + gone :]
    for read_form in (lambda: Form(body, FORM_KIND), lambda: related(body, "multipart/related; boundary=b")):
        try:
            read_form()
        except Refused as refusal:
            assert refusal.status == 400  # noqa: PT017 (nothing else may be raised)


@FUZZ
@given(
    st.lists(st.sampled_from([b"data: a\n", b"\n", b"\r\n", b"\r", b": x", b"\n\n", b"data", b"\xff"]), max_size=12),
    CUTS,
)
def test_passing_bytes_are_neither_lost_nor_doubled(pieces: list[bytes], places: list[int]) -> None:
    body = b"".join(pieces)
    passing, passed = Passing(), b""
    for piece in cut(body, places):
        passing.feed(piece)
        passed += passing.whole
    assert passed + passing.give_up() == body
    assert b"".join(frames_of(body)) == body


FLOODS: dict[str, bytes] = {
    "brackets": b"[" * 200_000,
    "braces": b'{"a":' * 200_000,
    "deep": b'{"messages":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "many members": b"{" + b",".join(b'"x%d":%d' % (n, n) for n in range(15_000)) + b"}",
    "one member many times": b'{"a":1' + b',"a":1' * 15_000 + b"}",
    "a long number": b'{"max_tokens":' + b"9" * 200_000 + b"}",
    "a long text": b'{"model":"' + b"\\u0041" * 100_000 + b'"}',
    "spaces": b" " * 1_000_000,
    "many items": b'{"messages":['
    + b",".join([b"{}"] * 15_000)
    + b'],"contents":['
    + b",".join([b"{}"] * 15_000)
    + b"]}",
    "a form of dashes": b"--b\r\n" + b"-" * 500_000,
    "a form of quotes": b'--b\r\ncontent-disposition: form-data; name="' + b"\\" * 8_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS.keys())
def test_floods_are_answered_soon(flood: bytes) -> None:
    begun = process_time()
    for codec in CODECS.values():
        with contextlib.suppress(Refused):
            codec.peek(envelope_of(flood))
        if does(codec, "read_ask"):
            with contextlib.suppress(Refused):
                codec.read_ask(envelope_of(flood))
    assert process_time() - begun < LONG


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS.keys())
def test_floods_of_answers_are_told_soon(flood: bytes) -> None:
    begun = process_time()
    for codec in CODECS.values():
        codec.read_usage(flood)
        codec.read_failure(500, {}, flood)
        if does(codec, "read_reply"):
            with contextlib.suppress(Upstream):
                codec.read_reply(flood)
    assert process_time() - begun < LONG
