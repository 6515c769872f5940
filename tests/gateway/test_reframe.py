"""The same format in another framing: payloads are lifted as they are, however the bytes arrive."""

import json
import random
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec import Struct

from asbru.gateway.bending import merge
from asbru.gateway.exchange import Exchange
from asbru.gateway.lanes import Lane, open_lane
from asbru.model.failure import Broken, Failure, Overloaded
from asbru.model.names import Format, Framing
from asbru.model.usage import Usage
from asbru.providers import CATALOG, Quirks
from asbru.wire import CODECS
from asbru.wire.aws import ChunkCutter, write_chunk, write_exception
from asbru.wire.bedrock.invoke import take
from asbru.wire.codec import AnyCodec
from asbru.wire.envelope import Envelope
from asbru.wire.sse import Frame, Framer

STREAMS = sorted((Path(__file__).parents[1] / "wire" / "streams").glob("anthropic-*.sse"))
BEDROCK = next(each for each in CATALOG["bedrock"].serves if each.format is Format.ANTHROPIC_MESSAGES)
SAID = {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], "stream": True}


class Far(Struct):
    """A far end that speaks Anthropic's format."""

    framing: Framing
    quirks: Quirks
    format: Format = Format.ANTHROPIC_MESSAGES


BEDROCKS = Far(Framing.AWS_CHUNKS, merge(Quirks(), BEDROCK.quirks))
ANTHROPICS = Far(Framing.SSE, merge(Quirks(), Quirks()))


def anthropic_client(far: Far, headers: dict[bytes, bytes] | None = None) -> Lane:
    codec = CODECS[Format.ANTHROPIC_MESSAGES]
    envelope = Envelope(json.dumps({"model": "claude", **SAID, "fallbacks": ["a/b"]}).encode())
    x = Exchange(id="req_1", codec=codec, envelope=envelope, peek=codec.peek(envelope), headers=headers or {})
    return open_lane(x, "anthropic.claude", far)


def invoking_client(far: Far) -> Lane:
    body = {"anthropic_version": "bedrock-2023-05-31", **SAID}
    del body["stream"]
    envelope = Envelope(json.dumps(body).encode())
    codec: AnyCodec = take(envelope, "claude", stream=True).codec
    x = Exchange(id="req_1", codec=codec, envelope=envelope, peek=codec.peek(envelope))
    return open_lane(x, "claude-there", far)


def frames(path: Path) -> list[Frame]:
    framer = Framer()
    return framer.feed(path.read_bytes()) + framer.flush()


def cut(body: bytes, dice: random.Random) -> list[bytes]:
    places = sorted({0, len(body), *(dice.randrange(len(body)) for _ in range(dice.randrange(1, 20)))})
    return [body[start:end] for start, end in pairwise(places)]


def carried(lane: Lane, pieces: list[bytes]) -> bytes:
    return b"".join(map(lane.feed, pieces)) + lane.finish()


def test_lanes_by_format_and_framing() -> None:
    assert anthropic_client(ANTHROPICS).name == "splice"
    assert anthropic_client(BEDROCKS).name == "reframe"
    assert invoking_client(ANTHROPICS).name == "reframe"
    assert invoking_client(BEDROCKS).name == "splice"


def test_what_bedrock_says_elsewhere_goes_there() -> None:
    lane = anthropic_client(BEDROCKS, {b"anthropic-beta": b"a, b", b"anthropic-version": b"2023-06-01"})
    said = {name: value for name, value in SAID.items() if name != "stream"}
    assert json.loads(lane.request()) == {
        **said,
        "anthropic_version": "bedrock-2023-05-31",
        "anthropic_beta": ["a", "b"],
    }
    assert lane.lost == ()
    assert json.loads(invoking_client(ANTHROPICS).request()) == {**SAID, "model": "claude-there"}
    assert json.loads(invoking_client(BEDROCKS).request()) == {**said, "anthropic_version": "bedrock-2023-05-31"}


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_payloads_come_out_as_they_went_in(path: Path) -> None:
    told, dice = frames(path), random.Random(path.name)
    body = b"".join(write_chunk(frame) for frame in told)
    usages = set()
    for _ in range(20):
        lane = anthropic_client(BEDROCKS)
        assert Framer().feed(carried(lane, cut(body, dice))) == told
        usages.add(lane.usage)
        lane = invoking_client(ANTHROPICS)
        out = ChunkCutter().feed(carried(lane, cut(path.read_bytes(), dice)))
        assert [frame.data for frame in out] == [frame.data for frame in told]
        usages.add(lane.usage)
        lane = invoking_client(BEDROCKS)
        assert carried(lane, cut(body, dice)) == body
        usages.add(lane.usage)
        assert 0 < lane.frames <= len(told)
    assert len(usages) == 1
    assert usages != {Usage()}


START = Frame("message_start", b'{"type":"message_start","message":{"usage":{"input_tokens":3}}}')
BUSY = Frame("error", b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}')
SSE_START = b"event: message_start\ndata: %b\n\n" % START.data
SSE_BUSY = b"event: error\ndata: %b\n\n" % BUSY.data
THROTTLED = write_exception("throttlingException", b'{"message":"busy"}')


def ends(lane: Lane, pieces: list[bytes]) -> Failure:
    with pytest.raises((Overloaded, Broken)) as told:
        carried(lane, pieces)
    return told.value


@pytest.mark.parametrize("begun", [False, True])
def test_an_error_on_the_way_is_a_failure(begun: bool) -> None:
    """Before the first frame it may be tried elsewhere; later it is told in the client's words."""
    cases = [
        (anthropic_client(BEDROCKS), write_chunk(START), THROTTLED),
        (anthropic_client(BEDROCKS), write_chunk(START), write_chunk(BUSY)),
        (invoking_client(ANTHROPICS), SSE_START, SSE_BUSY),
    ]
    for lane, start, failure in cases:
        told = ends(lane, [start, failure] if begun else [failure])
        assert told.message == "busy"
        assert b"busy" in lane.fail(told)
    told = ends(anthropic_client(BEDROCKS), [write_chunk(START) + THROTTLED])
    assert told.status == 429
    with pytest.raises(Overloaded, match="busy"):
        ChunkCutter().feed(invoking_client(ANTHROPICS).fail(told))
    assert anthropic_client(BEDROCKS).fail(told).startswith(b"event: error\n")


@pytest.mark.parametrize(
    ("lane", "body"),
    [
        (anthropic_client(BEDROCKS), write_chunk(START)),
        (anthropic_client(BEDROCKS), write_chunk(START) + b"\0\0\0"),
        (invoking_client(ANTHROPICS), SSE_START),
        (invoking_client(BEDROCKS), write_chunk(START)),
    ],
)
def test_a_cut_stream_does_not_look_finished(lane: Lane, body: bytes) -> None:
    assert ends(lane, [body]).code == "stream_cut"


def test_an_error_that_its_reader_does_not_know() -> None:
    told = ends(anthropic_client(BEDROCKS), [write_chunk(Frame("", b'{"type":"error"}'))])
    assert told.status == 502
