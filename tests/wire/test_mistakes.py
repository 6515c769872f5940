"""What a caller can get wrong is answered with 400 and the path of the offending member; nothing else is ever raised."""

import copy
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire_kit import ANTHROPIC, OPENAI, STAMP, ask, asking, told

from asbru.model.failure import Failure, Refused
from asbru.model.names import Format
from asbru.wire import AnyCodec, Envelope, Frame

OPENAI_BODY: dict[str, Any] = {
    "model": "m",
    "max_tokens": 9,
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": "u"}}]},
        {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "x"},
    ],
    "tools": [{"type": "function", "function": {"name": "f"}}],
}
ANTHROPIC_BODY: dict[str, Any] = {
    "model": "m",
    "max_tokens": 9,
    "system": [{"type": "text", "text": "s"}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "?"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "x"}]}],
        },
        {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "u"}}]},
        {"role": "user", "content": [{"type": "document", "source": {"type": "text", "data": "d"}}]},
    ],
    "tools": [{"name": "f", "input_schema": {"type": "object"}}],
}
GONE = object()
Mistake = tuple[str, Any, str]

OPENAI_MISTAKES: list[Mistake] = [
    ("messages", GONE, "messages"),
    ("messages", "hello", "messages"),
    ("messages", None, "messages"),
    ("messages.0", 5, "messages.0"),
    ("messages.0.role", GONE, "messages.0.role"),
    ("messages.0.role", 5, "messages.0.role"),
    ("messages.0.role", "king", "messages.0.role"),
    ("messages.0.content", GONE, "messages.0.content"),
    ("messages.0.content", 5, "messages.0.content"),
    ("messages.0.content", None, "messages.0.content"),
    ("messages.0.content.0", "x", "messages.0.content.0"),
    ("messages.0.content.0.type", GONE, "messages.0.content.0.type"),
    ("messages.0.content.0.type", 5, "messages.0.content.0.type"),
    ("messages.0.content.0.text", GONE, "messages.0.content.0.text"),
    ("messages.0.content.0.text", [], "messages.0.content.0.text"),
    ("messages.0.content.1.image_url", "u", "messages.0.content.1.image_url"),
    ("messages.0.content.1.image_url.url", 5, "messages.0.content.1.image_url.url"),
    ("messages.0.content.1", {"type": "input_audio", "input_audio": {}}, "messages.0.content.1.input_audio.data"),
    ("messages.0.content.1", {"type": "file", "file": {}}, "messages.0.content.1.file"),
    ("messages.0.content.1", {"type": "file", "file": {"file_data": "x"}}, "messages.0.content.1.file"),
    ("messages.1.images", {}, "messages.1.images"),
    ("messages.1.images", [{"image_url": 5}], "messages.1.images.0.image_url"),
    ("messages.1.tool_calls", {}, "messages.1.tool_calls"),
    ("messages.1.tool_calls.0.id", GONE, "messages.1.tool_calls.0.id"),
    ("messages.1.tool_calls.0.function.arguments", {}, "messages.1.tool_calls.0.function.arguments"),
    ("messages.2.tool_call_id", GONE, "messages.2.tool_call_id"),
    ("max_tokens", "9", "max_tokens"),
    ("max_completion_tokens", 1.5, "max_completion_tokens"),
    ("temperature", "warm", "temperature"),
    ("stop", [1], "stop.0"),
    ("tools.0", 5, "tools.0"),
    ("tools.0.type", GONE, "tools.0.type"),
    ("tools.0.function", GONE, "tools.0.function"),
    ("tools.0.function.name", 5, "tools.0.function.name"),
    ("tool_choice", "maybe", "tool_choice"),
    ("tool_choice", 5, "tool_choice"),
    ("tool_choice", {"type": "function"}, "tool_choice"),
    ("response_format", {"type": "xml"}, "response_format.type"),
    ("response_format", {"type": "json_schema"}, "response_format.type"),
    ("response_format", {"type": "json_schema", "json_schema": {}}, "response_format.json_schema.name"),
    ("reasoning_effort", 3, "reasoning_effort"),
    ("stream_options", [], "stream_options"),
]
ANTHROPIC_MISTAKES: list[Mistake] = [
    ("messages", GONE, "messages"),
    ("max_tokens", GONE, "max_tokens"),
    ("max_tokens", "9", "max_tokens"),
    ("messages.0.role", "tool", "messages.0.role"),
    ("messages.0.content", GONE, "messages.0.content"),
    ("messages.0.content", None, "messages.0.content"),
    ("messages.0.content.0.type", GONE, "messages.0.content.0.type"),
    ("messages.0.content.0.text", 5, "messages.0.content.0.text"),
    ("messages.0.content.0.cache_control", "x", "messages.0.content.0.cache_control"),
    ("messages.1.content.0.input", GONE, "messages.1.content.0.input"),
    ("messages.1.content.0.input", "x", "messages.1.content.0.input"),
    ("messages.1.content.0.id", 5, "messages.1.content.0.id"),
    ("messages.2.content.0.tool_use_id", GONE, "messages.2.content.0.tool_use_id"),
    ("messages.2.content.0.content", 5, "messages.2.content.0.content"),
    ("messages.2.content.0.content.0.text", GONE, "messages.2.content.0.content.0.text"),
    ("messages.3.content.0.source", GONE, "messages.3.content.0.source"),
    ("messages.3.content.0.source.type", "ftp", "messages.3.content.0.source.type"),
    ("messages.3.content.0.source.url", GONE, "messages.3.content.0.source.url"),
    ("messages.4.content.0.source.data", GONE, "messages.4.content.0.source.data"),
    ("messages.4.content.0.source.type", "tape", "messages.4.content.0.source.type"),
    ("system.0.type", GONE, "system.0.type"),
    ("system", 5, "system"),
    ("tools.0.input_schema", GONE, "tools.0.input_schema"),
    ("tools.0.name", GONE, "tools.0.name"),
    ("tool_choice", {}, "tool_choice.type"),
    ("tool_choice", {"type": "some"}, "tool_choice.type"),
    ("tool_choice", {"type": "tool"}, "tool_choice.name"),
    ("thinking", {"type": "enabled"}, "thinking.budget_tokens"),
    ("thinking", "on", "thinking"),
    ("output_config", {"format": {"type": "xml", "schema": {}}}, "output_config.format.type"),
    ("output_config", {"format": {"type": "json_schema"}}, "output_config.format.schema"),
    ("metadata", {"user_id": 5}, "metadata.user_id"),
    ("service_tier", "flex", "service_tier"),
    ("stop_sequences", "x", "stop_sequences"),
    ("temperature", "warm", "temperature"),
]


def with_mistake(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(body)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    inner: Any = changed
    for step in steps:
        inner = inner[step]
    if value is GONE:
        del inner[last]
    else:
        inner[last] = value
    return changed


CASES = [(OPENAI, OPENAI_BODY, *one) for one in OPENAI_MISTAKES] + [
    (ANTHROPIC, ANTHROPIC_BODY, *one) for one in ANTHROPIC_MISTAKES
]


@pytest.mark.parametrize(
    ("codec", "body", "path", "value", "param"),
    CASES,
    ids=[f"{c.family}-{path}-{value!r:.20}" for c, _, path, value, _ in CASES],
)
def test_a_mistake_is_named(codec: AnyCodec, body: dict[str, Any], path: str, value: Any, param: str) -> None:
    with pytest.raises(Refused) as failed:
        ask(codec, with_mistake(body, path, value))
    assert failed.value.status == 400
    assert failed.value.code == "invalid_request_error"
    assert failed.value.param == param
    assert failed.value.message.startswith(f"{param}: ")


@pytest.mark.parametrize(("codec", "body"), [(OPENAI, OPENAI_BODY), (ANTHROPIC, ANTHROPIC_BODY)])
def test_without_a_mistake_it_reads(codec: AnyCodec, body: dict[str, Any]) -> None:
    assert len(ask(codec, body).turns) >= 3


def test_a_missing_member_is_told_in_anthropics_words() -> None:
    with pytest.raises(Refused, match=r"^max_tokens: Field required$"):
        ask(ANTHROPIC, {"model": "m", "messages": []})


def test_unknown_members_are_bounded() -> None:
    flood = {"type": "url", "url": "u", **{f"x{n}": 1 for n in range(50)}}
    body = with_mistake(ANTHROPIC_BODY, "messages.3.content.0.source", flood)
    with pytest.raises(Refused, match="too many unknown members"):
        ask(ANTHROPIC, body)


def test_unknown_members_with_odd_names_are_refused_or_set_aside() -> None:
    for name in ("`", "a` - at `$.b", "", "\n", "ключ"):
        body = with_mistake(ANTHROPIC_BODY, "messages.3.content.0.source." + "url", "u")
        body["messages"][3]["content"][0]["source"][name] = 1
        try:
            read = ask(ANTHROPIC, body)
        except Refused as failed:
            assert failed.param.startswith("messages.3.content.0")  # noqa: PT017 (either is right, nothing else is)
        else:
            assert any(key.startswith("messages.3.content.0.source") for key in read.extra)


def test_results_within_results_do_not_recurse() -> None:
    deep: Any = "x"
    for _ in range(300):
        deep = [{"type": "tool_result", "tool_use_id": "a", "content": deep}]
    body = with_mistake(ANTHROPIC_BODY, "messages.2.content", deep)
    read = ask(ANTHROPIC, body)
    assert OPENAI.write_ask(read).lost == ("messages.2.content.0.content.0: tool_result",)


def test_bytes_that_are_not_text_are_refused() -> None:
    body = b'{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f",'
    body += b'"input":{"a":"\xff"}}]}]}'
    with pytest.raises(Refused) as failed:
        ask(ANTHROPIC, body)
    assert failed.value.param == "messages.0.content.0.input"
    with pytest.raises(Refused):
        ask(OPENAI, b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}')


NAMES = st.sampled_from(
    [
        "model",
        "messages",
        "role",
        "content",
        "type",
        "text",
        "tools",
        "function",
        "name",
        "arguments",
        "tool_calls",
        "id",
        "tool_call_id",
        "image_url",
        "url",
        "source",
        "data",
        "media_type",
        "input",
        "input_schema",
        "thinking",
        "signature",
        "choices",
        "delta",
        "message",
        "index",
        "usage",
        "prompt_tokens",
        "created",
        "stop",
        "finish_reason",
        "error",
        "content_block",
        "cache_control",
        "ttl",
        "citations",
        "file",
        "file_data",
        "response_format",
        "json_schema",
        "schema",
        "tool_choice",
        "allowed_tools",
        "mode",
        "system",
        "max_tokens",
        "stream",
        "partial_json",
        "completion_tokens",
        "stop_reason",
        "is_error",
    ]
)
WORDS = st.sampled_from(
    [
        "user",
        "assistant",
        "tool",
        "system",
        "text",
        "image",
        "image_url",
        "tool_use",
        "tool_result",
        "thinking",
        "document",
        "function",
        "custom",
        "file",
        "base64",
        "url",
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "error",
        "auto",
        "any",
        "text_delta",
        "input_json_delta",
        "json_schema",
        "stop",
        "tool_calls",
        "allowed_tools",
        "citations_delta",
        "data:;base64,x",
        "[DONE]",
    ]
)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=6),
    max_leaves=25,
)
OBJECTS = st.dictionaries(NAMES, ANYTHING, max_size=8)
FUZZ = settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@cache
def seeds(codec_format: Format) -> list[Any]:
    """Good bodies, for breaking."""
    return [
        msgspec.json.decode(section.body)
        for folder in ("corpus", "replies")
        for file in told(folder)
        for section in file.sections
        if section.codec.format is codec_format
    ]


def broken(draw: st.DrawFn, value: Any) -> Any:
    """``value`` with one member, at any depth, replaced by anything."""
    if isinstance(value, dict) and value and draw(st.integers(0, 3)):
        name = draw(st.sampled_from(sorted(value)))
        return {**value, name: broken(draw, value[name])}
    if isinstance(value, list) and value and draw(st.integers(0, 3)):
        n = draw(st.integers(0, len(value) - 1))
        return [*value[:n], broken(draw, value[n]), *value[n + 1 :]]
    return draw(ANYTHING)


@st.composite
def bodies(draw: st.DrawFn, codec: AnyCodec) -> bytes:
    if draw(st.booleans()):
        return msgspec.json.encode(draw(OBJECTS))
    return msgspec.json.encode(broken(draw, draw(st.sampled_from(seeds(codec.format)))))


def only_failures(codec: AnyCodec, body: bytes) -> None:
    """Reads and writes whatever can be read; anything but a Failure fails the test."""
    for target in (OPENAI, ANTHROPIC):
        try:
            target.write_ask(codec.read_ask(Envelope(body)))
        except Failure as failure:
            assert isinstance(failure, Refused)  # noqa: PT017 (every other class is wrong here)
        try:
            target.write_reply(codec.read_reply(body), STAMP)
        except Failure:
            pass
        try:
            reader, writer = codec.reader(), target.writer(STAMP, asking(target))
            for event in (*reader.feed(Frame("", body)), *reader.feed(Frame("x", body))):
                writer.send(event)
        except Failure:
            pass
    codec.read_usage(body)
    codec.tap(False).feed(b"data: " + body + b"\n\n")
    codec.write_failure(codec.read_failure(400, {}, body), "")


@FUZZ
@given(bodies(OPENAI))
def test_openai_raises_failures_only(body: bytes) -> None:
    only_failures(OPENAI, body)


@FUZZ
@given(bodies(ANTHROPIC))
def test_anthropic_raises_failures_only(body: bytes) -> None:
    only_failures(ANTHROPIC, body)


@FUZZ
@given(st.binary(max_size=60))
def test_garbage_raises_failures_only(body: bytes) -> None:
    for codec in (OPENAI, ANTHROPIC):
        only_failures(codec, body)


@st.composite
def streams(draw: st.DrawFn, codec: AnyCodec) -> list[bytes]:
    kinds = ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta"]
    frames = []
    for _ in range(draw(st.integers(1, 6))):
        members = draw(OBJECTS)
        if codec is ANTHROPIC:
            members["type"] = draw(st.sampled_from([*kinds, "message_stop"]))
            members["index"] = draw(st.integers(0, 1))
            block = {"type": draw(st.sampled_from(["text", "tool_use", "thinking", "server_tool_use"])), "id": "a"}
            members["content_block"] = draw(st.one_of(ANYTHING, st.just(block)))
            members["delta"] = draw(st.one_of(OBJECTS, st.just({"type": "input_json_delta", "partial_json": '{"a'})))
        else:
            call = {"index": draw(st.integers(0, 1)), "id": draw(WORDS), "function": draw(OBJECTS)}
            members["choices"] = [{"delta": draw(st.one_of(OBJECTS, st.just({"tool_calls": [call]})))}]
            members.pop("error", None)
        frames.append(msgspec.json.encode(members))
    return [*frames, b"[DONE]"]


def survives(codec: AnyCodec, frames: list[bytes]) -> None:
    for target in (OPENAI, ANTHROPIC):
        reader, writer = codec.reader(), target.writer(STAMP, asking(target))
        try:
            for frame in frames:
                for event in reader.feed(Frame("", frame)):
                    writer.send(event)
        except Failure:
            continue


@FUZZ
@given(streams(OPENAI))
def test_odd_openai_streams_raise_failures_only(frames: list[bytes]) -> None:
    survives(OPENAI, frames)


@FUZZ
@given(streams(ANTHROPIC))
def test_odd_anthropic_streams_raise_failures_only(frames: list[bytes]) -> None:
    survives(ANTHROPIC, frames)
