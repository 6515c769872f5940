"""Streamed replies: read however they are cut, translated, and read again by the vendors' own SDKs."""

import random
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import anthropic
import httpx2
import msgspec
import openai
import pytest
from openai.types.chat import ChatCompletion
from wire_kit import ANTHROPIC, COHERE, GEMINI, HERE, OPENAI, RESPONSES, STAMP, asking, events, meaning, written

from asbru.model.chat import Image, Opaque, Reply, Text, Thinking, ToolCall
from asbru.model.events import Delta, Done, Event, Open, Start, fold
from asbru.model.failure import Broken, Overloaded, Upstream
from asbru.model.names import Format
from asbru.wire import AnyCodec, Framer, Stamp

STREAMS = sorted((HERE / "streams").glob("*.sse"))
FAILING = sorted((HERE / "streams" / "failing").glob("*.sse"))
DIALECTS = {"anthropic": ANTHROPIC, "cohere": COHERE, "responses": RESPONSES}
ROUNDS = 30


def codec_of(path: Path) -> AnyCodec:
    """By the file's name; what is not named after a dialect of its own is compatible with OpenAI's."""
    return DIALECTS.get(path.name.split("-")[0], OPENAI)


def read_in_pieces(codec: AnyCodec, pieces: list[bytes]) -> tuple[list[Event], bool]:
    framer, reader = Framer(), codec.reader()
    found = [event for piece in pieces for frame in framer.feed(piece) for event in reader.feed(frame)]
    found += [event for frame in framer.flush() for event in reader.feed(frame)]
    return found, reader.done


def cut(body: bytes, dice: random.Random) -> list[bytes]:
    places = sorted({0, len(body), *(dice.randrange(len(body)) for _ in range(dice.randrange(1, 40)))})
    return [body[start:end] for start, end in pairwise(places)]


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.name)
def test_a_stream_folds_to_the_whole_reply(path: Path) -> None:
    codec = codec_of(path)
    expected = codec.read_reply(path.with_suffix(".json").read_bytes())
    found, done = read_in_pieces(codec, [path.read_bytes()])
    assert done
    assert meaning(fold(found)) == meaning(expected)


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.name)
def test_cuts_do_not_matter(path: Path) -> None:
    codec, body = codec_of(path), path.read_bytes()
    expected = meaning(fold(read_in_pieces(codec, [body])[0]))
    dice = random.Random(path.name)
    cuttings = [[body[n : n + 1] for n in range(len(body))], *(cut(body, dice) for _ in range(ROUNDS))]
    for pieces in cuttings:
        assert meaning(fold(read_in_pieces(codec, pieces)[0])) == expected


def carried(reply: Reply) -> dict[str, Any]:
    """What the other format can say: one answer, no opaque parts, no pictures, neighbouring texts as one, no probabilities, no stop
    sequence.
    """
    parts: list[Any] = []
    for part in reply.parts:
        if isinstance(part, Opaque | Image):
            continue
        if isinstance(part, Text):
            part = msgspec.structs.replace(part, logprobs=())
        if isinstance(part, ToolCall):
            part = msgspec.structs.replace(part, custom=False)
        if isinstance(part, Text) and parts and isinstance(parts[-1], Text):
            parts[-1] = Text(parts[-1].text + part.text, citations=parts[-1].citations + part.citations)
        else:
            parts.append(part)
    return meaning(
        msgspec.structs.replace(reply, parts=tuple(parts), others=()),
        "id",
        "created",
        "finish",
        "stop_sequence",
        "usage",
    )


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.name)
def test_a_stream_survives_translation(path: Path) -> None:
    here = codec_of(path)
    there = OPENAI if here is ANTHROPIC else ANTHROPIC
    found = events(here, path.read_bytes())
    body = written(there.writer(STAMP, asking(there)), found)
    again = fold(events(there, body))
    original = fold(found)
    if "refusal" in path.name and here in (OPENAI, RESPONSES):
        assert again.parts == (Text("I will not."),)
        return
    assert carried(again) == carried(msgspec.structs.replace(original, model=original.model or STAMP.model))
    assert (again.usage.input, again.usage.output) == (original.usage.input, original.usage.output)
    assert again.usage.cache_read == original.usage.cache_read
    assert again.usage.reasoning == original.usage.reasoning


@pytest.mark.parametrize("there", [OPENAI, RESPONSES, GEMINI], ids=lambda codec: codec.format)
@pytest.mark.parametrize("path", [path for path in STREAMS if "picture" in path.name], ids=lambda path: path.name)
def test_pictures_travel_in_streams(path: Path, there: AnyCodec) -> None:
    found = events(codec_of(path), path.read_bytes())
    again = fold([*events(there, written(there.writer(STAMP, asking(there)), found)), Done()])
    assert again.parts == fold(found).parts
    assert any(isinstance(part, Image) for part in again.parts)


def test_translation_keeps_signatures_both_ways() -> None:
    path = HERE / "streams" / "anthropic-thinking.sse"
    found = events(ANTHROPIC, path.read_bytes())
    to_openai = written(OPENAI.writer(STAMP, asking(OPENAI)), found)
    back = written(ANTHROPIC.writer(STAMP, asking(ANTHROPIC)), events(OPENAI, to_openai))
    thoughts = [part for part in fold(events(ANTHROPIC, back)).parts if isinstance(part, Thinking)]
    assert thoughts == [Thinking(text="Odin rides.", signature="c2ln"), Thinking(redacted="b3BhcXVl")]


def replay(body: bytes) -> httpx2.MockTransport:
    headers = {"content-type": "text/event-stream"}
    return httpx2.MockTransport(lambda request: httpx2.Response(200, headers=headers, content=body))


def openai_reads(body: bytes) -> ChatCompletion:
    client = openai.OpenAI(api_key="x", http_client=httpx2.Client(transport=replay(body)))
    with client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "?"}]) as stream:
        try:
            return stream.get_final_completion()
        except (openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError) as error:
            return cast(ChatCompletion, error.completion)


def anthropic_reads(body: bytes) -> anthropic.types.Message:
    client = anthropic.Anthropic(api_key="x", http_client=httpx2.Client(transport=replay(body)))
    with client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "?"}]) as stream:
        return stream.get_final_message()


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.name)
def test_the_openai_sdk_reads_what_we_write(path: Path) -> None:
    if "custom" in path.name:
        # Its own collector of streams (openai 3.54, lib/_parsing) fails on calls of custom tools.
        return
    found = events(codec_of(path), path.read_bytes())
    whole = fold(found)
    read = openai_reads(written(OPENAI.writer(STAMP, asking(OPENAI)), found))
    expected = msgspec.json.decode(OPENAI.write_reply(whole, STAMP).body)
    message, wanted = read.choices[0].message, expected["choices"][0]["message"]
    assert (message.content or "") == (wanted["content"] or "")
    assert message.refusal == wanted["refusal"]
    assert read.choices[0].finish_reason == expected["choices"][0]["finish_reason"]
    assert read.id == expected["id"]
    assert read.model == expected["model"]
    assert read.usage is not None
    assert read.usage.model_dump(exclude_none=True) == expected["usage"]
    calls = [(c.id, c.function.name, c.function.arguments) for c in message.tool_calls or () if c.type == "function"]
    assert calls == [(c["id"], c["function"]["name"], c["function"]["arguments"]) for c in wanted.get("tool_calls", ())]


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.name)
def test_the_anthropic_sdk_reads_what_we_write(path: Path) -> None:
    found = events(codec_of(path), path.read_bytes())
    whole = fold(found)
    read = anthropic_reads(written(ANTHROPIC.writer(STAMP, asking(ANTHROPIC)), found))
    expected = msgspec.json.decode(ANTHROPIC.write_reply(whole, STAMP).body)
    told = [block.model_dump(exclude_none=True) for block in read.content]
    wanted = [{name: value for name, value in block.items() if value is not None} for block in expected["content"]]
    assert told == wanted
    assert read.stop_reason == expected["stop_reason"]
    assert read.stop_sequence == expected["stop_sequence"]
    assert read.id == expected["id"]
    usage = {name: value for name, value in expected["usage"].items() if name != "cache_creation"}
    told_usage = read.usage.model_dump(exclude_none=True)
    assert {name: told_usage[name] for name in usage} == usage


FAILURES: dict[str, tuple[type[Upstream], int, str]] = {
    "openai-error": (Broken, 502, "The server had an error."),
    "openai-rate-limited": (Overloaded, 429, "Slow down."),
    "openai-garbage": (Broken, 502, "cannot be read"),
    "openai-wrong-types": (Broken, 502, "cannot be read"),
    "responses-error": (Broken, 502, "The server had an error."),
    "responses-error-nested": (Overloaded, 429, "Slow down."),
    "responses-failed": (Overloaded, 503, "Busy."),
    "responses-garbage": (Broken, 502, "cannot be read"),
    "responses-call-not-begun": (Broken, 502, "not begun"),
    "responses-goes-on": (Broken, 502, "has ended"),
    "anthropic-error": (Overloaded, 529, "Overloaded"),
    "anthropic-garbage": (Broken, 502, "cannot be read"),
    "anthropic-out-of-order": (Broken, 502, "not begun"),
    "anthropic-begins-twice": (Broken, 502, "out of order"),
    "cohere-error": (Broken, 502, "It broke."),
    "cohere-timeout": (Broken, 504, "TIMEOUT"),
    "cohere-plain-error": (Broken, 502, "Too many requests"),
    "cohere-garbage": (Broken, 502, "cannot be read"),
    "cohere-out-of-order": (Broken, 502, "not open"),
    "cohere-call-out-of-order": (Broken, 502, "not open"),
}


@pytest.mark.parametrize("path", FAILING, ids=lambda path: path.name)
def test_a_stream_that_fails(path: Path) -> None:
    codec = codec_of(path)
    if path.stem not in FAILURES:
        assert path.stem.endswith("-cut")
        found, done = read_in_pieces(codec, [path.read_bytes()])
        assert not done
        assert not any(isinstance(event, Done) for event in found)
        return
    kind, status, words = FAILURES[path.stem]
    with pytest.raises(kind) as told:
        read_in_pieces(codec, [path.read_bytes()])
    assert told.value.status == status
    assert words in told.value.message


def test_usage_is_told_only_when_asked() -> None:
    found = events(OPENAI, (HERE / "streams" / "openai-text.sse").read_bytes())
    asked = written(OPENAI.writer(STAMP, asking(OPENAI)), found)
    not_asked = written(OPENAI.writer(STAMP, asking(OPENAI, include_usage=False)), found)
    assert b'"choices":[],"usage":{' in asked
    assert b"usage" not in not_asked
    assert asked.endswith(b"data: [DONE]\n\n")
    assert not_asked.endswith(b"data: [DONE]\n\n")


def test_a_failure_in_the_middle_is_an_error_event() -> None:
    failure = Overloaded(529, "Busy.", code="overloaded_error")
    for codec, reads in ((OPENAI, openai_reads), (ANTHROPIC, anthropic_reads)):
        writer = codec.writer(STAMP, asking(codec))
        body = written(writer, [Start(id="", model="m"), Open(0, Text("")), Delta(index=0, text="Two")])
        body += writer.fail(failure)
        with pytest.raises((openai.APIError, anthropic.APIError), match="Busy"):
            reads(body)
        with pytest.raises(Overloaded, match="Busy"):
            events(codec, body)


def test_ids_and_models_come_from_the_stamp() -> None:
    found: list[Event] = [Start(id="upstream", model=""), Done()]
    body = written(OPENAI.writer(Stamp(id="7", at=5, model="told"), asking(OPENAI)), found)
    start = events(OPENAI, body)[0]
    assert start == Start(id="chatcmpl-7", model="told", created=5, origin=Format.OPENAI_CHAT)
    start = events(ANTHROPIC, written(ANTHROPIC.writer(Stamp(id="7", at=5, model="told"), asking(ANTHROPIC)), found))[0]
    assert start == Start(id="msg_7", model="told", origin=Format.ANTHROPIC_MESSAGES)


def test_anthropic_blocks_never_overlap() -> None:
    found = events(OPENAI, (HERE / "streams" / "openai-overlapping-tools.sse").read_bytes())
    body = written(ANTHROPIC.writer(STAMP, asking(ANTHROPIC)), found)
    order = [line.split(b'"index":')[1][:1] for line in body.split(b"\n") if b'"index":' in line]
    assert order == sorted(order)
