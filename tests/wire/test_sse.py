"""Server-sent events, by the words of the standard and however they are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.model.failure import Broken
from asbru.wire import Frame, Framer, write_frame

CASES: dict[str, tuple[bytes, list[Frame]]] = {
    "usual": (b"data: a\n\n", [Frame("", b"a")]),
    "named": (b"event: ping\ndata: a\n\n", [Frame("ping", b"a")]),
    "name after data": (b"data: a\nevent: ping\n\n", [Frame("ping", b"a")]),
    "several": (b"data: a\n\ndata: b\n\n", [Frame("", b"a"), Frame("", b"b")]),
    "lines are joined": (b"data: a\ndata: b\ndata:\n\n", [Frame("", b"a\nb\n")]),
    "only one space is taken": (b"data:  a\n\ndata:b\n\n", [Frame("", b" a"), Frame("", b"b")]),
    "colons in data": (b"data: a: b\n\n", [Frame("", b"a: b")]),
    "comments": (b": hello\n\n: again\ndata: a\n:\n\n", [Frame("", b"a")]),
    "ids and retries": (b"id: 1\nretry: 5\ndata: a\n\n", [Frame("", b"a")]),
    "unknown fields": (b"dat: x\ndata: a\nDATA: y\n\n", [Frame("", b"a")]),
    "no data, no event": (b"event: ping\n\ndata: a\n\n", [Frame("", b"a")]),
    "empty data": (b"data\n\ndata:\n\n", [Frame("", b""), Frame("", b"")]),
    "empty lines": (b"\n\n\ndata: a\n\n\n\ndata: b\n\n\n", [Frame("", b"a"), Frame("", b"b")]),
    "crlf": (b"event: e\r\ndata: a\r\n\r\ndata: b\r\n\r\n", [Frame("e", b"a"), Frame("", b"b")]),
    "cr": (b"event: e\rdata: a\r\rdata: b\r\r", [Frame("e", b"a"), Frame("", b"b")]),
    "mixed ends": (b"event: e\r\ndata: a\ndata: b\r\n\ndata: c\r\r\n", [Frame("e", b"a\nb"), Frame("", b"c")]),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [Frame("", b"a")]),
    "byte order mark later": (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [Frame("", b"a")]),
    "a name that is not UTF-8": (b"event: \xff\ndata: a\n\n", [Frame("\N{REPLACEMENT CHARACTER}", b"a")]),
    "cut": (b"data: a\n\ndata: b\n", [Frame("", b"a")]),
    "nothing": (b"", []),
}


@pytest.mark.parametrize(("body", "frames"), CASES.values(), ids=CASES.keys())
def test_frames(body: bytes, frames: list[Frame]) -> None:
    assert Framer().feed(body) == frames


@pytest.mark.parametrize(("body", "frames"), CASES.values(), ids=CASES.keys())
def test_frames_byte_by_byte(body: bytes, frames: list[Frame]) -> None:
    framer = Framer()
    assert [frame for n in range(len(body)) for frame in framer.feed(body[n : n + 1])] == frames


def test_a_frame_is_told_as_soon_as_it_ends() -> None:
    framer = Framer()
    assert framer.feed(b"data: a\r\r") == [Frame("", b"a")]
    assert framer.feed(b"\ndata: b\r\n\r") == [Frame("", b"b")]
    assert framer.feed(b"\ndata: c\n\n") == [Frame("", b"c")]


def test_the_last_frame_may_lack_its_end() -> None:
    framer = Framer()
    assert framer.feed(b"data: a\n\ndata: [DONE]") == [Frame("", b"a")]
    assert framer.flush() == [Frame("", b"[DONE]")]
    assert framer.flush() == []


def test_frames_are_bounded() -> None:
    framer = Framer(limit=100)
    assert framer.feed(b"data: " + b"x" * 80 + b"\n\n") == [Frame("", b"x" * 80)]
    with pytest.raises(Broken) as told:
        for _ in range(20):
            framer.feed(b"data: xxxx\n")
    assert told.value.code == "frame_too_large"


LINE_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
PIECES = st.lists(
    st.one_of(
        st.sampled_from([b"data: ", b"data:", b"event: e", b": c", b"a", b"\n", b"\r", b"\xef\xbb\xbf"]), LINE_ENDS
    ),
    max_size=30,
).map(b"".join)


@given(PIECES, st.lists(st.integers(0, 200), max_size=8))
def test_cuts_do_not_matter(body: bytes, places: list[int]) -> None:
    framer = Framer()
    ends = sorted({*(min(place, len(body)) for place in places), len(body)})
    pieces = [body[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    assert [frame for piece in pieces for frame in framer.feed(piece)] == Framer().feed(body)


@given(st.lists(st.tuples(st.sampled_from(["", "ping", "e"]), st.text(min_size=1).filter(str.isprintable)), max_size=9))
def test_what_is_written_is_read(told: list[tuple[str, str]]) -> None:
    body = b"".join(write_frame(event, data.encode()) for event, data in told)
    assert Framer().feed(body) == [Frame(event, data.encode()) for event, data in told]
