"""Every dialect's stream as a streamed response: read by OpenAI's own SDK, and the same as the whole response."""

from pathlib import Path
from typing import Any

import httpx2
import msgspec
import openai
import pytest
from msgspec import Raw
from openai.types.responses import Response, ResponseStreamEvent
from test_streams import STREAMS, codec_of, replay
from wire_kit import HERE, RESPONSES, STAMP, asking, events, frames, meaning, written

from asbru.model.chat import OPENAI_SEAL, Image, Opaque, Refusal, Reply, Text, Thinking, ToolCall, is_sealed
from asbru.model.events import Close, Delta, Done, Event, Open, Start, fold, unfold
from asbru.model.failure import Broken, Overloaded
from asbru.model.names import Finish, Format
from asbru.model.usage import Usage
from asbru.wire import Stamp
from asbru.wire.openai.responses_reasoning import opened
from asbru.wire.passing import LIMIT

BAD_SIZE = 17 << 20


def client_of(body: bytes) -> openai.OpenAI:
    return openai.OpenAI(api_key="x", http_client=httpx2.Client(transport=replay(body)))


def read_raw(body: bytes) -> list[ResponseStreamEvent]:
    return list(client_of(body).responses.create(model="m", input="?", stream=True))


def read_by_helper(body: bytes) -> Response:
    with client_of(body).responses.stream(model="m", input="?") as stream:
        return stream.get_final_response()


def as_response(found: list[Event]) -> bytes:
    return written(RESPONSES.writer(STAMP, asking(RESPONSES)), found)


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.name)
def test_the_sdk_reads_what_we_write(path: Path) -> None:
    found = events(codec_of(path), path.read_bytes())
    body = as_response(found)
    told = read_raw(body)
    assert [event.sequence_number for event in told] == list(range(len(told)))
    assert [event.type for event in told[:2]] == ["response.created", "response.in_progress"]
    last = told[-1]
    assert last.type in ("response.completed", "response.incomplete")
    if last.type == "response.completed":
        assert read_by_helper(body).output_text == last.response.output_text
    assert last.response.to_dict() == Response.construct(**whole(fold(found))).to_dict()


def whole(reply: Reply) -> dict[str, Any]:
    """The same as a whole response. A stream has no members that only another's reply had."""
    reply = msgspec.structs.replace(reply, extra={})
    body: dict[str, Any] = msgspec.json.decode(RESPONSES.write_reply(reply, STAMP).body)
    return body


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.name)
def test_items_and_parts_are_announced_ended_and_numbered(path: Path) -> None:
    body = as_response(events(codec_of(path), path.read_bytes()))
    told = [msgspec.json.decode(frame.data) for frame in frames(body)]
    output = told[-1]["response"]["output"]
    added = [event["item"]["id"] for event in told if event["type"] == "response.output_item.added"]
    ended = {event["output_index"]: event["item"] for event in told if event["type"] == "response.output_item.done"}
    assert [item["id"] for item in output] == added or path.name.startswith("responses")
    assert [ended[n] for n in range(len(output))] == output
    parts = [event["type"].split(".")[-1] for event in told if event["type"].startswith("response.content_part")]
    assert parts.count("added") == parts.count("done")


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.name)
def test_a_stream_comes_back(path: Path) -> None:
    original = fold(events(codec_of(path), path.read_bytes()))
    again = fold(events(RESPONSES, as_response(events(codec_of(path), path.read_bytes()))))
    apart = ("id", "model", "created", "usage", "finish", "stop_sequence", "parts", "others")
    assert meaning(again, *apart) == meaning(original, *apart)
    kept = [part for part in original.parts if not isinstance(part, Opaque) or codec_of(path) is RESPONSES]
    assert [type(part) for part in again.parts] == [type(part) for part in kept]
    assert [part.text for part in again.parts if isinstance(part, Text | Refusal)] == [
        part.text for part in kept if isinstance(part, Text | Refusal)
    ]
    assert [part for part in again.parts if isinstance(part, ToolCall)] == [
        part for part in kept if isinstance(part, ToolCall)
    ]
    # A response's own reasoning comes back under our id.
    assert [(part.text, opened(part)[1]) for part in again.parts if isinstance(part, Thinking)] == [
        (part.text, opened(part)[1]) for part in kept if isinstance(part, Thinking)
    ]


def test_the_parsed_helper_reads_structured_output() -> None:
    from pydantic import BaseModel

    class Place(BaseModel):
        city: str

    found = list(unfold(Reply(id="", model="m", parts=(Text('{"city":"Oslo"}'),), origin=Format.ANTHROPIC_MESSAGES)))
    with client_of(as_response(found)).responses.stream(model="m", input="?", text_format=Place) as stream:
        assert stream.get_final_response().output_parsed == Place(city="Oslo")


def test_calls_may_overlap_and_a_message_may_stay_open() -> None:
    found: list[Event] = [
        Start(id="", model="m"),
        Open(0, Text("")),
        Open(1, ToolCall(id="a", name="f", arguments=Raw(b""))),
        Open(2, ToolCall(id="b", name="g", arguments=Raw(b'{"x":'))),
        Delta(index=0, text="One"),
        Delta(index=2, arguments="1}"),
        Delta(index=1, arguments="{}"),
        Close(0),
        Close(2),
        Done(finish=Finish.TOOL_CALLS),
    ]
    response = read_by_helper(as_response(found))
    assert [item.type for item in response.output] == ["message", "function_call", "function_call"]
    assert response.output_text == "One"
    calls = [(item.call_id, item.arguments) for item in response.output if item.type == "function_call"]
    assert calls == [("a", "{}"), ("b", '{"x":1}')]


def test_what_responses_have_no_word_for_is_passed_over() -> None:
    found: list[Event] = [
        Start(id="", model="m"),
        Open(0, Image(url="u")),
        Close(0),
        Open(1, Opaque(format=Format.ANTHROPIC_MESSAGES, kind="x", raw=Raw(b"{}"))),
        Delta(index=1, text="!"),
        Close(1),
        Open(2, Text("")),
        Delta(index=2, text=""),
        Delta(index=2, text="Hi"),
        Close(2),
        Done(),
    ]
    assert [item.type for item in read_by_helper(as_response(found)).output] == ["message"]


def test_a_failure_is_an_error_and_the_end_of_the_response() -> None:
    writer = RESPONSES.writer(STAMP, asking(RESPONSES))
    body = written(writer, [Start(id="", model="m"), Open(0, Text("")), Delta(index=0, text="Two")])
    body += writer.fail(Overloaded(529, "Busy.", code="overloaded_error"))
    with pytest.raises(openai.APIError, match="Busy"):
        read_raw(body)
    with pytest.raises(Overloaded, match="Busy"):
        events(RESPONSES, body)
    last = msgspec.json.decode(frames(body)[-1].data)
    assert last["type"] == "response.failed"
    assert last["response"]["status"] == "failed"
    assert last["response"]["error"] == {"code": "overloaded_error", "message": "Busy."}


def test_a_failure_of_a_stream_that_passes_is_an_error_only() -> None:
    body = RESPONSES.writer(Stamp(id="1", at=0), asking(RESPONSES)).fail(Broken(502, "Gone."))
    (frame,) = frames(body)
    assert frame.event == "error"
    assert msgspec.json.decode(frame.data)["message"] == "Gone."


def test_a_response_repeats_what_was_asked() -> None:
    asked = {"temperature": Raw(b"0.50"), "tools": Raw(b'[{"type":"function"}]'), "user": Raw(b"null")}
    writer = RESPONSES.writer(Stamp(id="1", at=5, model="told", asked=asked), asking(RESPONSES))
    body = written(writer, [Start(id="upstream", model=""), Done()])
    assert body.count(b'"temperature":0.50') == 3
    response = read_by_helper(body)
    assert (response.id, response.model, response.created_at) == ("resp_1", "told", 5)
    assert (response.tool_choice, response.user) == ("auto", None)


def test_a_failed_response_is_a_failure() -> None:
    body = b'{"id":"r","status":"failed","error":{"code":"rate_limit_exceeded","message":"Slow."},"output":[]}'
    with pytest.raises(Overloaded, match="Slow"):
        RESPONSES.read_reply(body)
    for garbage in (b"{", b'{"output":5}', b'{"id":"r"}', b'{"output":[5]}'):
        with pytest.raises(Broken):
            RESPONSES.read_reply(garbage)


def test_a_last_event_longer_than_all_that_is_kept_ends_the_stream() -> None:
    head = b'event: response.completed\ndata: {"type":"response.completed","response":{"x":"'
    for ending in (b'"}}\n\n', b""):
        tap = RESPONSES.tap(True)
        sent = b"".join(tap.feed(piece) for piece in (head, b"x" * BAD_SIZE, ending)) + tap.finish()
        assert len(sent) == len(head) + BAD_SIZE + len(ending)
        assert tap.done
        assert tap.usage == Usage()


def test_an_event_longer_than_other_taps_keep_is_read() -> None:
    tap = RESPONSES.tap(True)
    body = b'data: {"type":"response.completed","response":{"x":"%b","usage":{"input_tokens":3}}}\n\n' % (b"x" * LIMIT)
    for start in range(0, len(body), 65536):
        tap.feed(body[start : start + 65536])
    assert (tap.done, tap.usage) == (True, Usage(input=3))


def test_words_that_look_like_ends_are_only_words() -> None:
    tap = RESPONSES.tap(True)
    for text in (b"response.completed", b'\\"usage\\":{}', b'\\"error\\"', b"[DONE]"):
        tap.feed(b'data: {"type":"response.output_text.delta","delta":"%b"}\n\n' % text)
    tap.feed(b'data: {"error": nonsense "usage"\n\n')
    assert not tap.done
    assert not tap.failed


def test_the_reader_takes_signatures_in() -> None:
    path = HERE / "streams" / "responses-reasoning.sse"
    (thought,) = [part for part in fold(events(RESPONSES, path.read_bytes())).parts if isinstance(part, Thinking)]
    assert thought.text == "Odin rides.\n\nThor walks."
    assert is_sealed(thought.signature)
    assert opened(thought) == ("rs_1", "gAAAAAB")
    for broken in (OPENAI_SEAL + "!", OPENAI_SEAL + "/w=="):
        assert opened(Thinking(redacted=broken)) == ("", "")
