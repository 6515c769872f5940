"""Streamed Converse replies: read however they are cut, translated, and read again by botocore."""

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import botocore.session
import msgspec
import pytest
from botocore.eventstream import EventStream
from botocore.parsers import EventStreamJSONParser
from test_streams import codec_of
from wire_kit import ANTHROPIC, HERE, OPENAI, STAMP, asking, meaning, plain, written
from wire_kit import events as sse_events

from asbru.model.chat import Image, Opaque, Reply, Text, Thinking, ToolCall
from asbru.model.events import Close, Delta, Done, Event, Open, Start, fold, unfold
from asbru.model.failure import Broken, Failure, Overloaded, Upstream
from asbru.model.names import Format, Framing
from asbru.model.usage import Usage
from asbru.wire import CODECS, AnyCodec
from asbru.wire.aws import EventCutter, write_event, write_exception
from asbru.wire.framing import CUTTERS
from asbru.wire.one_by_one import OneByOne
from asbru.wire.sse import Frame

CONVERSE = CODECS[Format.BEDROCK_CONVERSE]
FILES = sorted((HERE / "streams" / "bedrock").glob("*.json"))
OTHERS = sorted((HERE / "streams").glob("*.sse"))
ROUNDS = 20


def stream(events: list[list[Any]]) -> bytes:
    return b"".join(write_event(Frame(name, msgspec.json.encode(payload))) for name, payload in events)


def told(path: Path) -> tuple[bytes, Reply]:
    """The bytes of a stream, and the whole reply that it must make."""
    file = msgspec.json.decode(path.read_bytes())
    return stream(file["events"]), CONVERSE.read_reply(msgspec.json.encode(file["reply"]))


def read(pieces: list[bytes], codec: AnyCodec = CONVERSE) -> list[Event]:
    cutter, reader = CUTTERS[codec.framing](), codec.reader()
    found = [event for piece in pieces for frame in cutter.feed(piece) for event in reader.feed(frame)]
    found += [event for frame in cutter.flush() for event in reader.feed(frame)]
    assert reader.done == isinstance(found[-1], Done)
    return found


def cut(body: bytes, dice: random.Random) -> list[bytes]:
    places = sorted({0, len(body), *(dice.randrange(len(body)) for _ in range(dice.randrange(1, 40)))})
    return [body[start:end] for start, end in pairwise(places)]


def extras(reply: Reply) -> dict[str, Any]:
    return {name: msgspec.json.decode(raw) for name, raw in reply.extra.items()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_stream_folds_to_the_whole_reply(path: Path) -> None:
    body, whole = told(path)
    assert meaning(fold(read([body]))) == meaning(whole)
    assert extras(fold(read([body]))) == extras(whole)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_cuts_do_not_matter(path: Path) -> None:
    body, whole = told(path)
    dice = random.Random(path.name)
    for pieces in ([body[n : n + 1] for n in range(len(body))], *(cut(body, dice) for _ in range(ROUNDS))):
        assert meaning(fold(read(pieces))) == meaning(whole)


def carried(reply: Reply, *apart: str) -> dict[str, Any]:
    """What OpenAI's and Anthropic's streams can say: no opaque parts and images."""
    parts = tuple(part for part in reply.parts if not isinstance(part, Opaque | Image))
    return meaning(msgspec.structs.replace(reply, parts=parts), "id", "model", "created", *apart)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_anthropic_hears_what_was_said(path: Path) -> None:
    body, whole = told(path)
    again = fold(sse_events(ANTHROPIC, written(ANTHROPIC.writer(STAMP, asking(ANTHROPIC)), read([body]))))
    # A guardrail is a refusal there, and the end of a stream does not tell for how long the cache was written.
    apart = {"guardrail": ["finish"], "usage": ["usage"]}.get(path.stem, [])
    assert carried(again, *apart) == carried(whole, *apart)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_openai_hears_what_was_said(path: Path) -> None:
    body, whole = told(path)
    again = fold(sse_events(OPENAI, written(OPENAI.writer(STAMP, asking(OPENAI)), read([body]))))
    assert plain([part for part in again.parts if isinstance(part, ToolCall)]) == plain(
        [part for part in whole.parts if isinstance(part, ToolCall)]
    )
    assert "".join(part.text for part in again.parts if isinstance(part, Text)) == "".join(
        part.text for part in whole.parts if isinstance(part, Text)
    )
    assert again.usage.cache_read == whole.usage.cache_read


MODEL = botocore.session.Session().get_service_model("bedrock-runtime")
OUTPUT = MODEL.operation_model("ConverseStream").output_shape.members["stream"]


class Raw:
    """A response of urllib3's, as far as botocore's EventStream asks it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> list[bytes]:
        return [self._body]


def botocore_reads(body: bytes) -> list[dict[str, Any]]:
    return list(EventStream(Raw(body), OUTPUT, EventStreamJSONParser(), "ConverseStream"))


def whole_of(events: list[dict[str, Any]]) -> tuple[list[str], str, list[dict[str, Any]], dict[str, Any]]:
    """Names of the events, texts, calls and the end of what botocore read."""
    names = [next(iter(event)) for event in events]
    text, calls = "", list[dict[str, Any]]()
    end: dict[str, Any] = {}
    for event in events:
        ((name, value),) = event.items()
        delta = value.get("delta", {})
        text += delta.get("text", "")
        if "start" in value and "toolUse" in value["start"]:
            calls.append({**value["start"]["toolUse"], "input": ""})
        if "toolUse" in delta:
            calls[-1]["input"] += delta["toolUse"]["input"]
        if name in ("messageStop", "metadata"):
            end |= value
    return names, text, calls, end


def every_stream() -> list[Any]:
    """Whatever dialect a stream came in."""
    found = [pytest.param(read([told(path)[0]]), id=f"bedrock-{path.stem}") for path in FILES]
    for path in OTHERS:
        codec = codec_of(path)
        found.append(pytest.param(read([path.read_bytes()], codec), id=path.stem))
    return found


@pytest.mark.parametrize("found", every_stream())
def test_botocore_reads_what_we_write(found: list[Event]) -> None:
    whole = fold(found)
    events = botocore_reads(written(CONVERSE.writer(STAMP, asking(CONVERSE)), found))
    names, text, calls, end = whole_of(events)
    expected = msgspec.json.decode(CONVERSE.write_reply(whole, STAMP).body)
    blocks = expected["output"]["message"]["content"]
    assert names[0] == "messageStart"
    assert names[-2:] == ["messageStop", "metadata"]
    assert text == "".join(
        block.get("text", "") + "".join(t["text"] for t in block.get("citationsContent", {}).get("content", ()))
        for block in blocks
    )
    wanted = [block["toolUse"] for block in blocks if "toolUse" in block and "type" not in block["toolUse"]]
    assert [(call["toolUseId"], call["name"]) for call in calls] == [(c["toolUseId"], c["name"]) for c in wanted]
    assert end["stopReason"] == expected["stopReason"]
    assert end["usage"] == expected["usage"]
    indexes = [event[name]["contentBlockIndex"] for event in events for name in event if "contentBlock" in name]
    assert indexes == sorted(indexes)


@pytest.mark.parametrize("found", every_stream())
def test_what_is_written_is_read_as_what_it_was(found: list[Event]) -> None:
    again = fold(read([written(CONVERSE.writer(STAMP, asking(CONVERSE)), found)]))
    whole = fold(found)
    kept = [part for part in whole.parts if not isinstance(part, Opaque) and part not in (Text(""), Thinking())]
    said = [part for part in again.parts if part not in (Text(""), Thinking())]
    assert len(said) == len(kept)
    for one, other in zip(said, kept, strict=True):
        if isinstance(other, Thinking | Image):
            assert one == other
        if isinstance(other, ToolCall):
            assert isinstance(one, ToolCall)
            assert msgspec.json.decode(one.arguments) == msgspec.json.decode(other.arguments)
    for name in ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h"):
        assert getattr(again.usage, name) == getattr(whole.usage, name)


BEGIN = ["messageStart", {"role": "assistant"}]
FAILING: dict[str, tuple[list[list[Any]], str]] = {
    "garbage": ([["messageStart", {}], ["contentBlockDelta", {"delta": 1}]], "cannot be read"),
    "begins twice": (
        [BEGIN, *[["contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": {}}}]] * 2],
        "out of order",
    ),
    "goes on with nothing": (
        [["contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": "{"}}}]],
        "not begun",
    ),
    "usage first": ([BEGIN, ["metadata", {"usage": {}}]], "before its end"),
}


@pytest.mark.parametrize(("events", "words"), FAILING.values(), ids=FAILING.keys())
def test_a_stream_that_cannot_be_read(events: list[list[Any]], words: str) -> None:
    with pytest.raises(Broken, match=words):
        read([stream(events)])


def test_a_stream_that_is_cut_is_not_done() -> None:
    body, _ = told(HERE / "streams" / "bedrock" / "text.json")
    metadata = body.rindex(b":event-type\x07\x00\x08metadata") - 12 - 1
    for at in (20, metadata, len(body) - 1):
        reader = CONVERSE.reader()
        for frame in EventCutter().feed(body[:at]):
            reader.feed(frame)
        assert not reader.done


def test_what_comes_after_the_end_is_not_read() -> None:
    body, whole = told(HERE / "streams" / "bedrock" / "text.json")
    reader, cutter = CONVERSE.reader(), EventCutter()
    found = [event for frame in cutter.feed(body + stream([BEGIN])) for event in reader.feed(frame)]
    assert meaning(fold(found)) == meaning(whole)


def test_a_failure_in_the_middle_is_an_exception() -> None:
    writer = CONVERSE.writer(STAMP, asking(CONVERSE))
    begun = written(writer, [Start(id="", model="m"), Open(0, Text("")), Delta(index=0, text="Two")])
    for failure, kind in (
        (Overloaded(529, "Busy."), "serviceUnavailableException"),
        (Overloaded(429, "Busy."), "throttlingException"),
        (Failure(400, "Busy."), "validationException"),
        (Failure(418, "Busy."), "validationException"),
        (Broken(502, "Busy."), "internalServerException"),
    ):
        with pytest.raises(Exception, match=rf"\({kind}\).*Busy"):
            botocore_reads(begun + writer.fail(failure))
        with pytest.raises(Upstream, match="Busy"):
            read([begun + writer.fail(failure)])


# The tap.


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_tap_reads_usage_and_changes_nothing(path: Path) -> None:
    body, whole = told(path)
    dice = random.Random(path.name)
    for pieces in ([body], [body[n : n + 1] for n in range(len(body))], *(cut(body, dice) for _ in range(ROUNDS))):
        tap = CONVERSE.tap(True)
        assert b"".join(tap.feed(piece) for piece in pieces) + tap.finish() == body
        assert (tap.usage, tap.done, tap.failed) == (whole.usage, True, False)


def test_the_tap_sees_failures() -> None:
    body, _ = told(HERE / "streams" / "bedrock" / "text.json")
    exception = write_exception("throttlingException", b'{"message":"slow"}')
    for spoilt, done in (
        (exception, False),
        (body[:90] + exception, False),
        (body + exception, True),
        (b"x" * 20, False),
    ):
        tap = CONVERSE.tap(True)
        assert tap.feed(spoilt) == spoilt
        assert tap.finish() == b""
        assert tap.failed or spoilt == body[:90] + exception
        assert tap.feed(b"more") == b"more"
        assert tap.done == done or tap.failed
    tap = CONVERSE.tap(True)
    tap.feed(write_event(Frame("metadata", b"[]")))
    assert tap.usage == Usage()


# One block after another.


def test_overlapping_parts_wait_for_each_other() -> None:
    order = OneByOne()
    events: list[Event] = [
        Start(id="", model=""), Open(0, Text("")), Open(1, Text("")), Delta(index=1, text="b"), Delta(index=0, text="a"),
        Close(1), Open(2, Text("")), Close(0), Delta(index=2, text="c"), Delta(index=9, text="lost"), Done(),
    ]  # fmt: skip
    out = [each for event in events for each in order.feed(event)]
    assert out == [
        Start(id="", model=""), Open(0, Text("")), Delta(index=0, text="a"), Close(0), Open(1, Text("")),
        Delta(index=1, text="b"), Close(1), Open(2, Text("")), Delta(index=2, text="c"), Close(2), Done(),
    ]  # fmt: skip


def test_what_was_never_opened_is_passed_over() -> None:
    order = OneByOne()
    assert order.feed(Delta(index=3, text="x")) == []
    assert order.feed(Close(3)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_fold_undoes_unfold(path: Path) -> None:
    _, whole = told(path)
    assert meaning(fold(unfold(whole))) == meaning(whole)


def test_a_framing_of_its_own() -> None:
    assert CONVERSE.framing is Framing.AWS
    assert CONVERSE.model_in_path


def test_a_call_that_comes_whole() -> None:
    call = ToolCall(id="c", name="f", arguments=msgspec.Raw(b'{"a":1}'))
    events: list[Event] = [Start(id="", model=""), Open(0, call), Close(0), Done()]
    _, _, calls, _ = whole_of(botocore_reads(written(CONVERSE.writer(STAMP, asking(CONVERSE)), events)))
    assert calls == [{"toolUseId": "c", "name": "f", "input": '{"a":1}'}]
