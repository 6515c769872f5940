"""Taps: the same bytes however they are cut, usage, ends and errors seen."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_streams import FAILING, STREAMS, codec_of, cut, read_in_pieces
from wire_kit import ANTHROPIC, OPENAI

from asbru.model.events import Done, Start, fold
from asbru.model.failure import Upstream
from asbru.model.usage import Usage
from asbru.wire import AnyCodec, Tap
from asbru.wire.passing import LIMIT

ROUNDS = 40
TOLD = (
    "openai-error",
    "openai-rate-limited",
    "responses-error",
    "responses-error-nested",
    "responses-failed",
    "anthropic-error",
    "cohere-error",
    "cohere-timeout",
    "cohere-plain-error",
)
"""Streams in which the provider itself tells of its error."""
USAGE_FRAME = b'data: {"id":"1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n'
CONTENT = b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"x"}}],"usage":null}\n\n'
DONE = b"data: [DONE]\n\n"


def through(tap: Tap, pieces: list[bytes]) -> bytes:
    return b"".join(tap.feed(piece) for piece in pieces) + tap.finish()


def cuttings(body: bytes, seed: str) -> list[list[bytes]]:
    dice = random.Random(seed)
    return [[body], [body[n : n + 1] for n in range(len(body))], *(cut(body, dice) for _ in range(ROUNDS))]


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.name)
def test_bytes_pass_and_usage_is_read(path: Path) -> None:
    codec, body = codec_of(path), path.read_bytes()
    expected = fold(read_in_pieces(codec, [body])[0]).usage
    for pieces in cuttings(body, path.name):
        tap = codec.tap(True)
        assert through(tap, pieces) == body
        assert tap.usage == expected
        assert tap.done
        assert not tap.failed


@pytest.mark.parametrize("path", [path for path in STREAMS if codec_of(path) is OPENAI], ids=lambda path: path.name)
def test_the_usage_frame_is_withheld(path: Path) -> None:
    body = path.read_bytes()
    expected = fold(read_in_pieces(OPENAI, [body])[0]).usage
    end = b"\r\n\r\n" if b"\r" in body else b"\n\n"
    kept = [frame for frame in body.split(end) if b'"choices":[],"usage":{' not in frame]
    for pieces in cuttings(body, path.name):
        tap = OPENAI.tap(False)
        assert through(tap, pieces) == end.join(kept)
        assert tap.usage == expected
        assert tap.done


@pytest.mark.parametrize("path", FAILING, ids=lambda path: path.name)
def test_errors_and_cuts_are_seen(path: Path) -> None:
    codec, body = codec_of(path), path.read_bytes()
    for include_usage in (True, False):
        for pieces in cuttings(body, path.name):
            tap = codec.tap(include_usage)
            assert through(tap, pieces) == body
            assert tap.failed == (path.stem in TOLD)
            assert not tap.done


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([CONTENT, USAGE_FRAME, b": ping\n\n", DONE, b"\n"]), max_size=8), st.randoms())
def test_any_order_and_any_cut(frames: list[bytes], dice: random.Random) -> None:
    body = b"".join(frames)
    tap, whole = OPENAI.tap(False), OPENAI.tap(False)
    assert through(tap, cut(body, dice) if body else []) == through(whole, [body])
    assert whole.done == (DONE in frames)
    assert (whole.usage == Usage(input=3, output=4)) == (USAGE_FRAME in frames)
    assert (tap.usage, tap.done) == (whole.usage, whole.done)


def test_words_that_look_like_ends_are_only_words() -> None:
    for text in (b"[DONE]", b"data: [DONE]", b'\\"usage\\":{}', b'\\"error\\"', b"error", b"message_stop"):
        tap = OPENAI.tap(False)
        frame = b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % text
        assert tap.feed(frame) == frame
        assert not tap.done
        assert not tap.failed
        tap = ANTHROPIC.tap(False)
        frame = b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":"%s"}}\n\n' % text
        assert tap.feed(frame) == frame
        assert not tap.done
        assert not tap.failed


def test_usage_with_content_is_not_withheld() -> None:
    tap = OPENAI.tap(False)
    frame = b'data: {"choices":[{"index":0,"delta":{}}],"usage": {"prompt_tokens":3,"completion_tokens":4}}\n\n'
    assert tap.feed(frame) == frame
    assert tap.usage == Usage(input=3, output=4)


def test_a_null_error_is_none() -> None:
    tap = OPENAI.tap(True)
    tap.feed(b'data: {"choices":[],"error":null}\n\n')
    assert not tap.failed


@pytest.mark.parametrize("codec", [OPENAI, ANTHROPIC], ids=lambda codec: codec.format)
@pytest.mark.parametrize("include_usage", [True, False])
def test_what_is_kept_is_bounded(codec: AnyCodec, include_usage: bool) -> None:
    tap = codec.tap(include_usage)
    chunk = b"x" * 65536
    sent = received = 0
    for piece in [b"data: ", *[chunk] * 40]:
        sent += len(piece)
        received += len(tap.feed(piece))
        assert sent - received <= LIMIT + len(chunk)
    received += len(tap.feed(b"\n\n")) + len(tap.finish())
    assert received == sent + 2
    body = DONE if codec is OPENAI else b'data: {"type":"message_stop"}\n\n'
    tap.feed(body)
    assert tap.done


def test_anthropic_usage_grows() -> None:
    tap = ANTHROPIC.tap(True)
    tap.feed(b'data: {"type":"message_start","message":{"usage":{"input_tokens":5,"cache_read_input_tokens":2}}}\n\n')
    assert tap.usage == Usage(input=7, cache_read=2)
    tap.feed(b'data: {"type":"message_delta","usage":{"output_tokens":9}}\n\n')
    assert tap.usage == Usage(input=7, output=9, cache_read=2)


def test_readers_agree_with_taps_on_failing() -> None:
    for path in FAILING:
        if "garbage" in path.stem or path.stem.endswith("-cut"):
            continue
        with pytest.raises(Upstream):
            read_in_pieces(codec_of(path), [path.read_bytes()])


def test_streams_have_one_start_and_one_done() -> None:
    for path in STREAMS:
        found, _ = read_in_pieces(codec_of(path), [path.read_bytes()])
        assert [type(event) for event in found].count(Start) == 1
        assert isinstance(found[0], Start)
        assert [type(event) for event in found].count(Done) == 1
        assert isinstance(found[-1], Done)


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_a_frame_passes_as_soon_as_it_ends(end: bytes) -> None:
    frame = CONTENT.removesuffix(b"\n\n") + end
    for place in range(1, len(frame)):
        tap = OPENAI.tap(False)
        assert tap.feed(frame[:place]) == b""
        assert tap.feed(frame[place:]) == frame
