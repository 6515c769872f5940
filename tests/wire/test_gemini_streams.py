"""Gemini's streams: read however they are cut, translated both ways, and read by Google's own SDK."""

import random
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from google import genai
from google.genai import types
from msgspec import Raw
from test_streams import cut
from test_taps import cuttings, through
from wire_kit import ANTHROPIC, GEMINI, HERE, OPENAI, RESPONSES, STAMP, asking, meaning, written

from asbru.model.chat import GOOGLE_SEAL, Citation, Opaque, Refusal, Reply, Text, Thinking, ToolCall
from asbru.model.events import Close, Delta, Done, Event, Open, Start, fold, unfold
from asbru.model.failure import Broken, Overloaded, Upstream
from asbru.model.names import Finish, Format
from asbru.model.usage import Usage
from asbru.wire import AnyCodec, Framer
from asbru.wire.passing import LIMIT
from asbru.wire.sse import END, Frame

STREAMS = sorted((HERE / "streams" / "gemini").glob("*.sse"))
FAILING = sorted((HERE / "streams" / "gemini" / "failing").glob("*.sse"))
ROUNDS = 20


def name(path: Path) -> str:
    return path.stem


def read(codec: AnyCodec, pieces: list[bytes]) -> tuple[list[Event], bool]:
    """The events of a stream that is over, and whether its end was seen."""
    framer, reader = Framer(), codec.reader()
    found = [event for piece in pieces for frame in framer.feed(piece) for event in reader.feed(frame)]
    found += [event for frame in framer.flush() for event in reader.feed(frame)]
    if not reader.done:
        found += reader.feed(END)
    return found, reader.done


def told(path: Path) -> list[Event]:
    return read(GEMINI, [path.read_bytes()])[0]


def stream(events: list[Event]) -> bytes:
    return written(GEMINI.writer(STAMP, asking(GEMINI)), events)


@pytest.mark.parametrize("path", STREAMS, ids=name)
def test_a_stream_folds_to_the_whole_reply(path: Path) -> None:
    found, done = read(GEMINI, [path.read_bytes()])
    assert done
    assert meaning(fold(found)) == meaning(GEMINI.read_reply(path.with_suffix(".json").read_bytes()))


@pytest.mark.parametrize("path", STREAMS, ids=name)
def test_cuts_do_not_matter(path: Path) -> None:
    body = path.read_bytes()
    expected = meaning(fold(told(path)))
    dice = random.Random(path.name)
    for pieces in [[body[n : n + 1] for n in range(len(body))], *(cut(body, dice) for _ in range(ROUNDS))]:
        assert meaning(fold(read(GEMINI, pieces)[0])) == expected


@pytest.mark.parametrize("path", STREAMS, ids=name)
def test_what_is_written_reads_the_same(path: Path) -> None:
    found = told(path)
    again, done = read(GEMINI, [stream(found)])
    assert done
    first, second = fold(found), fold(again)
    expected, seen = (meaning(reply, "id", "created", "finish") for reply in (first, second))
    if path.stem == "grounding":
        expected["parts"][0]["citations"] = seen["parts"][0]["citations"]
        assert len(seen["parts"][0]["citations"]) == 3
    assert seen == expected
    assert second.finish == first.finish


@pytest.mark.parametrize("there", [OPENAI, ANTHROPIC], ids=lambda codec: codec.format)
@pytest.mark.parametrize("path", [path for path in STREAMS if path.stem != "image"], ids=name)
def test_a_stream_survives_translation_and_the_way_back(path: Path, there: AnyCodec) -> None:
    """What clients of other formats keep comes back to Google as it was, signatures on their parts."""
    found = told(path)
    over = read(there, [written(there.writer(STAMP, asking(there)), found)])[0]
    back = fold(read(GEMINI, [stream(over)])[0])
    first = fold(found)

    def kept(parts: tuple[Any, ...]) -> list[Any]:
        texts = "".join(part.text for part in parts if isinstance(part, Text))
        calls = [part for part in parts if isinstance(part, ToolCall)]
        thoughts = "".join(part.text for part in parts if isinstance(part, Thinking))
        signatures = [part.signature for part in parts if isinstance(part, Thinking) and part.signature]
        return [texts, [(call.id, call.name, bytes(call.arguments)) for call in calls], thoughts, signatures]

    assert kept(back.parts) == kept(first.parts)
    assert (back.usage.input, back.usage.output) == (first.usage.input, first.usage.output)
    assert back.finish == first.finish


@pytest.mark.parametrize("there", [OPENAI, RESPONSES], ids=lambda codec: codec.format)
def test_a_picture_comes_back_with_its_signature(there: AnyCodec) -> None:
    found = told(HERE / "streams" / "gemini" / "image.sse")
    over = read(there, [written(there.writer(STAMP, asking(there)), found)])[0]
    assert set(fold(read(GEMINI, [stream(over)])[0]).parts) == set(fold(found).parts)


@pytest.mark.parametrize("path", STREAMS, ids=name)
def test_bytes_pass_and_usage_is_read(path: Path) -> None:
    body, expected = path.read_bytes(), fold(told(path)).usage
    for pieces in cuttings(body, path.name):
        tap = GEMINI.tap(True)
        assert through(tap, pieces) == body
        assert tap.usage == expected
        assert tap.done
        assert not tap.failed


FAILURES: dict[str, tuple[type[Upstream], int, str]] = {
    "error": (Overloaded, 503, "overloaded"),
    "error-at-once": (Overloaded, 503, "overloaded"),
    "error-without-code": (Overloaded, 429, "Quota"),
    "garbage": (Broken, 502, "cannot be read"),
    "wrong-types": (Broken, 502, "cannot be read"),
}


@pytest.mark.parametrize("path", FAILING, ids=name)
def test_a_stream_that_fails(path: Path) -> None:
    body = path.read_bytes()
    for pieces in cuttings(body, path.name):
        tap = GEMINI.tap(True)
        assert through(tap, pieces) == body
        assert tap.failed == path.stem.startswith("error")
        assert not tap.done
    if path.stem == "cut":
        found, done = read(GEMINI, [body])
        assert not done
        assert not any(isinstance(event, Done) for event in found)
        return
    kind, status, words = FAILURES[path.stem]
    with pytest.raises(kind) as failed:
        read(GEMINI, [body])
    assert failed.value.status == status
    assert words in failed.value.message
    assert failed.value.retry_after == (7 if "without" in path.stem else None)


def test_nothing_more_is_told_after_the_end() -> None:
    reader = GEMINI.reader()
    for frame in Framer().feed((HERE / "streams" / "gemini" / "text.sse").read_bytes()):
        reader.feed(frame)
    assert reader.feed(END)
    assert reader.done
    assert reader.feed(END) == ()


def google_reads(body: bytes) -> list[types.GenerateContentResponse]:
    """The chunks as Google's own SDK reads them."""
    answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    options = types.HttpOptions(client_args={"transport": httpx.MockTransport(lambda request: answer)})
    client = genai.Client(api_key="x", http_options=options)
    return list(client.models.generate_content_stream(model="m", contents="?"))


@pytest.mark.parametrize("path", STREAMS, ids=name)
def test_googles_sdk_reads_what_we_write(path: Path) -> None:
    found = told(path)
    whole = fold(found)
    chunks = google_reads(stream(found))
    candidates = [each for chunk in chunks for each in chunk.candidates or () if not each.index]
    parts = [part for each in candidates if each.content for part in each.content.parts or ()]
    texts = "".join(part.text or "" for part in parts if not part.thought)
    assert texts == "".join(part.text for part in whole.parts if isinstance(part, Text))
    calls = [part.function_call for part in parts if part.function_call]
    assert [(call.id, call.name, call.args) for call in calls] == [
        (part.id, part.name, msgspec.json.decode(part.arguments)) for part in whole.parts if isinstance(part, ToolCall)
    ]
    last = chunks[-1]
    assert last.candidates
    assert last.candidates[0].finish_reason is not None
    assert last.usage_metadata is not None
    assert last.usage_metadata.total_token_count == whole.usage.input + whole.usage.output
    assert {chunk.response_id for chunk in chunks} == {STAMP.id}


EVENTS: list[Event] = [Start(id="1", model="m"), Open(0, Text("")), Delta(index=0, text="Two"), Close(0)]


def test_a_failure_in_the_middle_is_an_error_chunk() -> None:
    writer = GEMINI.writer(STAMP, asking(GEMINI))
    body = written(writer, EVENTS) + writer.fail(Overloaded(529, "Busy.", code="overloaded_error", retry_after=2))
    with pytest.raises(genai.errors.APIError, match="Busy") as read_by_sdk:
        google_reads(body)
    assert (read_by_sdk.value.code, read_by_sdk.value.status) == (529, "UNAVAILABLE")
    with pytest.raises(Overloaded, match="Busy") as failed:
        read(GEMINI, [body])
    assert (failed.value.status, failed.value.retry_after) == (529, 2)


def test_what_has_no_word_of_googles_is_passed_over() -> None:
    strange = Opaque(format=Format.ANTHROPIC_MESSAGES, kind="server_tool_use", raw=Raw(b"{}"))
    cited = Text("", citations=(Citation(format=Format.OPENAI_CHAT, raw=Raw(b"{}"), quote="no url"),))
    found: list[Event] = [
        *EVENTS[:3],
        Delta(index=0, part=cited),
        Delta(index=0),
        Close(0),
        Open(1, strange),
        Close(1),
        Open(2, Thinking(redacted="b3BhcXVl")),
        Close(2),
        Open(3, Refusal("")),
        Delta(index=3, text="no"),
        Close(3),
        Open(4, ToolCall(id="", name="f", arguments=Raw(b""))),
        Close(4),
        Done(finish=Finish.REFUSAL, usage=Usage(input=3, output=2)),
    ]
    again = fold(read(GEMINI, [stream(found)])[0])
    assert [type(part) for part in again.parts] == [Text, Thinking, Text, ToolCall]
    assert again.parts[1] == Thinking(redacted="b3BhcXVl")
    assert again.finish is Finish.CONTENT_FILTER
    assert again.usage == Usage(input=3, output=2)


def test_a_signature_of_another_vendor_comes_back() -> None:
    reply = ANTHROPIC.read_reply(
        b'{"id":"1","model":"m","content":[{"type":"thinking","thinking":"Hm.","signature":"c2ln"},'
        b'{"type":"redacted_thinking","data":"b3BhcXVl"},{"type":"text","text":"Yes."}],"stop_reason":"end_turn"}'
    )
    again = fold(read(GEMINI, [stream(list(unfold(reply)))])[0])
    assert again.parts == (Thinking(text="Hm.", signature="c2ln"), Thinking(redacted="b3BhcXVl"), Text("Yes."))


def test_a_frame_that_does_not_end_is_not_kept_for_ever() -> None:
    tap = GEMINI.tap(True)
    chunk = b"x" * 65536
    for piece in [b"data: ", *[chunk] * 40]:
        assert tap.feed(piece) == piece
    tap.feed(b"\n\n" + (HERE / "streams" / "gemini" / "text.sse").read_bytes())
    tap.finish()
    assert tap.done
    assert 40 * len(chunk) > LIMIT


@pytest.mark.parametrize("words", [b'\\"finishReason\\"', b"finishReason", b'\\"error\\"', b"blockReason"])
def test_words_that_look_like_ends_are_only_words(words: bytes) -> None:
    tap = GEMINI.tap(True)
    tap.feed(b'data: {"candidates":[{"content":{"parts":[{"text":"%s"}]}}]}\n\n' % words)
    tap.feed(
        b'data: {"candidates":[{"content":{"parts":[{"functionCall":{"args":{"finishReason":1,"error":2}}}]}}]}\n\n'
    )
    tap.feed(b'data: {"error": \n\n')
    assert not tap.done
    assert not tap.failed
    assert tap.usage == Usage()


def test_frames_without_data_and_citations_of_another_kind() -> None:
    cited = b'{"candidates":[{"content":{"parts":[{"text":"x"}]},"citationMetadata":{"citations":[{"uri":"https://example.org"}]},"finishReason":"STOP"}]}'
    reader = GEMINI.reader()
    found = [*reader.feed(Frame("", b"")), *reader.feed(Frame("", cited)), *reader.feed(END)]
    assert [one.url for part in fold(found).parts if isinstance(part, Text) for one in part.citations] == [
        "https://example.org"
    ]


def test_a_signature_on_a_thought_is_told_after_it() -> None:
    thinking = Thinking(text="Hm.", signature=f"{GOOGLE_SEAL}thought:c2ln")
    reply = Reply(id="", model="m", parts=(thinking,), origin=Format.GEMINI_GENERATE)
    body = stream(list(unfold(reply)))
    assert b'{"thought":true,"thoughtSignature":"c2ln"}' in body
    assert fold(read(GEMINI, [body])[0]).parts == (thinking,)


def test_a_last_frame_that_lacks_its_end_is_read() -> None:
    tap = GEMINI.tap(True)
    tap.feed(b'data: {"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3}}')
    tap.finish()
    assert tap.done
    assert tap.usage == Usage(input=3)
