"""What a caller of Responses can get wrong is answered with 400 and the path of the member; nothing else is raised."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_mistakes import ANYTHING, FUZZ, GONE, bodies, with_mistake
from wire_kit import ANTHROPIC, HERE, OPENAI, RESPONSES, STAMP, ask, asking

from asbru.model.failure import Failure, Refused
from asbru.model.names import Format
from asbru.wire import CODECS, Envelope, Frame
from asbru.wire.openai.responses_history import (
    input_items,
    numbered,
    output_items,
    referred,
    with_items,
    without_ours,
)
from asbru.wire.openai.responses_kept import (
    Wanted,
    response_of,
    whole_of,
    write_deleted,
    write_items,
    write_stream,
)
from asbru.wire.openai.responses_object import response_id_of

BODY: dict[str, Any] = {
    "model": "m",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "?"}, {"type": "input_image", "image_url": "u"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "x"},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": [{"type": "input_text", "text": "x"}]},
    ],
    "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}},
    "reasoning": {"effort": "low"},
}
Mistake = tuple[str, Any, str]
MISTAKES: list[Mistake] = [
    ("input", 5, "input"),
    ("input.0", 5, "input.0"),
    ("input.0", {}, "input.0.type"),
    ("input.0", {"type": 5}, "input.0.type"),
    ("input.0.role", "king", "input.0.role"),
    ("input.0.role", 5, "input.0.role"),
    ("input.0.content", GONE, "input.0.content"),
    ("input.0.content", None, "input.0.content"),
    ("input.0.content.0", "x", "input.0.content.0"),
    ("input.0.content.0.type", GONE, "input.0.content.0.type"),
    ("input.0.content.0.text", GONE, "input.0.content.0.text"),
    ("input.0.content.0.text", 5, "input.0.content.0.text"),
    ("input.0.content.1.image_url", GONE, "input.0.content.1"),
    ("input.0.content.1.image_url", {}, "input.0.content.1.image_url"),
    ("input.0.content.1", {"type": "input_file"}, "input.0.content.1"),
    ("input.0.content.1", {"type": "input_file", "file_data": "x"}, "input.0.content.1"),
    ("input.0.content.1", {"type": "input_audio", "input_audio": {}}, "input.0.content.1.input_audio.data"),
    ("input.0.content.1", {"type": "output_text", "text": "x", "annotations": 5}, "input.0.content.1.annotations"),
    ("input.0.content.1", {"type": "refusal"}, "input.0.content.1.refusal"),
    ("input.1", {"type": "image_generation_call", "id": "ig_1", "result": 5}, "input.1.result"),
    ("input.1.summary", "x", "input.1.summary"),
    ("input.1.summary.0.text", 5, "input.1.summary.0.text"),
    ("input.1.encrypted_content", 5, "input.1.encrypted_content"),
    ("input.2.call_id", GONE, "input.2.call_id"),
    ("input.2.name", 5, "input.2.name"),
    ("input.2.arguments", {}, "input.2.arguments"),
    ("input.3.call_id", GONE, "input.3.call_id"),
    ("input.3.output", GONE, "input.3.output"),
    ("input.3.output.0.text", 5, "input.3.output.0.text"),
    ("instructions", 5, "instructions"),
    ("instructions", [{"role": "user", "content": "x"}], "instructions"),
    ("max_output_tokens", "9", "max_output_tokens"),
    ("temperature", "warm", "temperature"),
    ("include", ["x", 5], "include.1"),
    ("tools.0", 5, "tools.0"),
    ("tools.0.type", GONE, "tools.0.type"),
    ("tools.0.name", GONE, "tools.0.name"),
    ("tools.0.strict", "very", "tools.0.strict"),
    ("tool_choice", "maybe", "tool_choice"),
    ("tool_choice", 5, "tool_choice"),
    ("tool_choice", {"type": "function"}, "tool_choice.name"),
    ("text", 5, "text"),
    ("text.format", 5, "text.format"),
    ("text.format.type", "xml", "text.format.type"),
    ("text.format.name", GONE, "text.format.name"),
    ("text.format.schema", GONE, "text.format.schema"),
    ("reasoning", "hard", "reasoning"),
    ("reasoning.effort", 5, "reasoning.effort"),
    ("store", "no", "store"),
    ("conversation", "conv_1", "conversation"),
    ("prompt", {"id": "pmpt_1"}, "prompt"),
]


@pytest.mark.parametrize(
    ("path", "value", "param"), MISTAKES, ids=[f"{path}-{value!r:.20}" for path, value, _ in MISTAKES]
)
def test_a_mistake_is_named(path: str, value: Any, param: str) -> None:
    with pytest.raises(Refused) as failed:
        ask(RESPONSES, with_mistake(BODY, path, value))
    assert failed.value.status == 400
    assert failed.value.code == "invalid_request_error"
    assert failed.value.param == param
    assert failed.value.message.startswith(f"{param}: ")


def test_without_a_mistake_it_reads() -> None:
    assert len(ask(RESPONSES, BODY).turns) == 3


@pytest.mark.parametrize(
    ("members", "status", "code", "param"),
    [
        ({"input": None}, 400, "missing_required_parameter", "input"),
        ({"previous_response_id": "resp_x"}, 400, "previous_response_not_found", "previous_response_id"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, 404, "not_found_error", "input.0.id"),
        ({"input": [{"id": "msg_1"}]}, 404, "not_found_error", "input.0.id"),
    ],
)
def test_what_is_not_known_here(members: dict[str, Any], status: int, code: str, param: str) -> None:
    with pytest.raises(Refused) as failed:
        ask(RESPONSES, {**BODY, **members})
    assert (failed.value.status, failed.value.code, failed.value.param) == (status, code, param)


def test_a_choice_of_tools_without_names_is_kept_apart() -> None:
    choice = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp"}]}
    read = ask(RESPONSES, {**BODY, "tool_choice": choice})
    assert read.tool_choice is None
    assert "tool_choice" in OPENAI.write_ask(read).lost


def test_an_assistant_who_says_nothing_that_responses_know_says_nothing() -> None:
    read = ask(OPENAI, {"model": "m", "messages": [{"role": "assistant", "content": [{"type": "video", "v": 1}]}]})
    out = RESPONSES.write_ask(read)
    assert msgspec.json.decode(out.body)["input"] == []
    assert out.lost == ("messages.0.content.0: video",)


# Whatever comes, only failures are raised.


def only_failures(body: bytes) -> None:
    for target in (OPENAI, ANTHROPIC, RESPONSES, CODECS[Format.OPENAI_INPUT_TOKENS]):
        for source in {RESPONSES.format: RESPONSES, target.format: target}.values():
            try:
                target.write_ask(source.read_ask(Envelope(body)))
            except Failure as failure:
                assert isinstance(failure, Refused)  # noqa: PT017 (every other class is wrong here)
    try:
        RESPONSES.write_reply(RESPONSES.read_reply(body), STAMP)
    except Failure:
        pass
    reader, writer = RESPONSES.reader(), RESPONSES.writer(STAMP, asking(RESPONSES))
    try:
        for event in (*reader.feed(Frame("", body)), *reader.feed(Frame("x", body))):
            writer.send(event)
    except Failure:
        pass
    try:
        envelope = Envelope(body)
        RESPONSES.put(envelope, "m", True)
        for item in input_items(envelope.members) or ():
            referred(item)
        CODECS[Format.OPENAI_INPUT_TOKENS].peek(envelope)
    except Failure:
        pass
    RESPONSES.read_usage(body)
    RESPONSES.tap(False).feed(b"data: " + body + b"\n\n")


@FUZZ
@given(bodies(RESPONSES))
def test_responses_raise_failures_only(body: bytes) -> None:
    only_failures(body)


@FUZZ
@given(st.binary(max_size=60))
def test_garbage_raises_failures_only(body: bytes) -> None:
    only_failures(body)


EVENTS = (
    *("response.output_text.delta", "response.function_call_arguments.delta", "response.refusal.delta"),
    *("response.reasoning_summary_text.delta", "response.reasoning_text.delta", "response.content_part.done"),
    *("response.output_text.annotation.added", "response.output_item.added", "response.output_item.done"),
    *("response.created", "response.completed"),
)
ITEMS = st.sampled_from(
    [
        {"type": "message", "content": [{"type": "output_text", "text": "x", "annotations": [5, {"url": "u"}]}]},
        {"type": "message", "content": [{"type": "refusal", "refusal": "no"}, {"type": "new"}]},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{"},
        {"type": "function_call"},
        {"type": "reasoning", "summary": [{"text": "x"}], "encrypted_content": "y"},
        {"type": "web_search_call"},
    ]
)


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    frames = []
    for _ in range(draw(st.integers(1, 8))):
        frames.append(
            msgspec.json.encode(
                {
                    "type": draw(st.sampled_from(EVENTS)),
                    "output_index": draw(st.integers(0, 2)),
                    "content_index": draw(st.integers(0, 1)),
                    "summary_index": draw(st.integers(0, 1)),
                    "delta": draw(st.one_of(st.text(max_size=3), ANYTHING)),
                    "item": draw(st.one_of(ITEMS, ANYTHING)),
                    "part": draw(st.sampled_from([{"type": "output_text", "text": "x"}, None, {"type": "refusal"}])),
                    "annotation": draw(ANYTHING),
                    "response": draw(st.sampled_from([{"id": "r"}, {"id": "r", "output": []}, {"usage": {}}])),
                }
            )
        )
    return frames


@FUZZ
@given(streams())
def test_odd_streams_raise_failures_only(frames: list[bytes]) -> None:
    for target in (OPENAI, ANTHROPIC, RESPONSES):
        reader, writer = RESPONSES.reader(), target.writer(STAMP, asking(target))
        try:
            for frame in frames:
                for event in reader.feed(Frame("", frame)):
                    writer.send(event)
        except Failure:
            continue


# What was said before.


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def test_input_as_items() -> None:
    assert input_items({}) == []
    assert input_items({"input": raw(None)}) == []
    assert input_items({"input": raw(5)}) is None
    [item] = input_items({"input": raw("hi")}) or []
    assert msgspec.json.decode(item)["content"] == [{"type": "input_text", "text": "hi"}]
    assert input_items({"input": raw([{"a": 1}])}) == [raw({"a": 1})]


def test_items_stand_for_the_id_of_what_was_before() -> None:
    envelope = Envelope(b'{"model":"m","previous_response_id":"resp_1","input":"hi","store":false}')
    whole = with_items(envelope, [raw(1)], "previous_response_id")
    assert whole.splice() == b'{"model":"m","input":[1],"store":false}'
    assert b"previous_response_id" in envelope.splice()


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ({"type": "item_reference", "id": "msg_0a1_2"}, ("resp_0a1", 2)),
        ({"id": "rs_0a1_0"}, ("resp_0a1", 0)),
        ({"type": "item_reference", "id": "msg_68af"}, None),
        ({"type": "message", "id": "msg_0a1_2", "role": "user"}, None),
        ({"role": "user", "id": "msg_0a1_2"}, None),
        ({"type": "item_reference", "id": "msg_0a1_2", "x": "x" * 2000}, None),
        ({"type": "item_reference"}, None),
        (5, None),
    ],
)
def test_what_an_item_refers_to(item: Any, found: tuple[str, int] | None) -> None:
    assert referred(raw(item)) == found


def test_reasoning_of_others_stays_here() -> None:
    ours = {"type": "reasoning", "summary": [], "encrypted_content": "asbru1:s:c2ln"}
    theirs = {"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}
    words = {"role": "user", "content": "What is asbru1:s: for?"}
    items = raw([ours, theirs, words, 5])
    assert msgspec.json.decode(without_ours(items)) == [theirs, words, 5]
    for passed in (raw([theirs]), raw("asbru1:s:"), raw({"a": "asbru1:r:"})):
        assert without_ours(passed) is passed
    envelope = Envelope(msgspec.json.encode({"model": "x/m", "input": [ours, words]}))
    put = RESPONSES.put(envelope, "m", False)
    assert msgspec.json.decode(envelope.splice(put)) == {"model": "m", "input": [words]}


def test_items_are_listed_with_ids() -> None:
    items = [
        raw({"role": "user", "content": "hi"}),
        raw({"type": "function_call_output", "id": "fco_1", "output": "x"}),
    ]
    listed = msgspec.json.decode(msgspec.json.encode(numbered(items, "resp_7")))
    assert listed == [
        {"role": "user", "content": [{"type": "input_text", "text": "hi"}], "type": "message", "id": "item_7_0"},
        {"type": "function_call_output", "id": "fco_1", "output": "x"},
    ]
    newest = Wanted(limit=1, after="", oldest_first=False)
    page = msgspec.json.decode(write_items(items, "resp_7", newest) or b"")
    assert (page["first_id"], page["last_id"], page["has_more"]) == ("fco_1", "fco_1", True)
    page = msgspec.json.decode(write_items(items, "resp_7", Wanted(limit=9, after="fco_1", oldest_first=False)) or b"")
    assert (page["first_id"], page["has_more"]) == ("item_7_0", False)
    page = msgspec.json.decode(write_items(items, "resp_7", Wanted(limit=9, after="fco_1", oldest_first=True)) or b"")
    assert (page["data"], page["first_id"], page["last_id"]) == ([], None, None)
    assert write_items(items, "resp_7", Wanted(limit=9, after="nowhere", oldest_first=True)) is None


def test_a_kept_response_is_told_again() -> None:
    body = (HERE / "streams" / "responses-tools.json").read_bytes().replace(b"resp_68af", b"resp_01test")
    whole = write_stream(body, -1)
    frames = whole.split(b"\n\n")[:-1]
    assert write_stream(body, 2) == b"".join(frame + b"\n\n" for frame in frames[3:])
    told = response_of(frames[-1].partition(b"data: ")[2])
    assert whole_of(whole) == told
    assert whole_of(body) == body
    assert write_deleted("resp_1") == b'{"id":"resp_1","object":"response","deleted":true}'
    assert response_id_of("req_1") == "resp_1"
    assert [msgspec.json.decode(item)["type"] for item in output_items(told)] == [
        "message",
        "function_call",
        "function_call",
    ]
