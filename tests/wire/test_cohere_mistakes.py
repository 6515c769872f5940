"""What a caller of Cohere's chat can get wrong is named; what a provider sends is read or refused, nothing else."""

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_mistakes import ANYTHING, FUZZ, GONE, OBJECTS, WORDS, bodies, with_mistake
from wire_kit import ANTHROPIC, COHERE, OPENAI, STAMP, ask, asking

from asbru.model.failure import Broken, Failure, Overloaded, Refused
from asbru.wire import AnyCodec, Envelope, Frame

BODY: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": "u"}}]},
        {
            "role": "assistant",
            "tool_plan": "I look.",
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "document", "document": {"data": {"text": "x"}}}]},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
    "documents": [{"id": "d", "data": {"text": "x"}}],
}
MISTAKES: list[tuple[str, Any, str]] = [
    ("messages", GONE, "messages"),
    ("messages", "hello", "messages"),
    ("messages.0", 5, "messages.0"),
    ("messages.0.role", GONE, "messages.0.role"),
    ("messages.0.role", "king", "messages.0.role"),
    ("messages.0.content", GONE, "messages.0.content"),
    ("messages.0.content", 5, "messages.0.content"),
    ("messages.0.content.0", "x", "messages.0.content.0"),
    ("messages.0.content.0.type", GONE, "messages.0.content.0.type"),
    ("messages.0.content.0.text", 5, "messages.0.content.0.text"),
    ("messages.0.content.1.image_url", "u", "messages.0.content.1.image_url"),
    ("messages.0.content.1.image_url.url", 5, "messages.0.content.1.image_url.url"),
    ("messages.0.content.1", {"type": "thinking"}, "messages.0.content.1.thinking"),
    ("messages.1.tool_plan", 5, "messages.1.tool_plan"),
    ("messages.1.tool_calls.0.id", GONE, "messages.1.tool_calls.0.id"),
    ("messages.1.tool_calls.0.function", GONE, "messages.1.tool_calls.0.function"),
    ("messages.1.tool_calls.0.function.arguments", {}, "messages.1.tool_calls.0.function.arguments"),
    ("messages.2.tool_call_id", GONE, "messages.2.tool_call_id"),
    ("messages.2.content.0.document", GONE, "messages.2.content.0.document"),
    ("messages.2.content.0.document.data", GONE, "messages.2.content.0.document.data"),
    ("messages.2.content.0.document.data", 5, "messages.2.content.0.document.data"),
    ("messages.2.content.0.document.data.text", 5, "messages.2.content.0.document.data"),
    ("documents", "x", "documents"),
    ("documents.0", 5, "documents.0"),
    ("documents.0.data", GONE, "documents.0.data"),
    ("documents.0.data", [], "documents.0.data"),
    ("documents.0.id", 5, "documents.0.id"),
    ("tools.0", 5, "tools.0"),
    ("tools.0.function", GONE, "tools.0.function"),
    ("tools.0.function.name", GONE, "tools.0.function.name"),
    ("tool_choice", "AUTO", "tool_choice"),
    ("tool_choice", {}, "tool_choice"),
    ("response_format", {"type": "xml"}, "response_format.type"),
    ("response_format", {}, "response_format.type"),
    ("thinking", {"type": "maybe"}, "thinking.type"),
    ("thinking", {"type": "enabled", "token_budget": "x"}, "thinking.token_budget"),
    ("p", "x", "p"),
    ("k", 1.5, "k"),
    ("max_tokens", "9", "max_tokens"),
    ("stop_sequences", "x", "stop_sequences"),
]


@pytest.mark.parametrize(("path", "value", "param"), MISTAKES, ids=[f"{p}-{v!r:.20}" for p, v, _ in MISTAKES])
def test_a_mistake_is_named(path: str, value: Any, param: str) -> None:
    with pytest.raises(Refused) as failed:
        ask(COHERE, with_mistake(BODY, path, value))
    assert (failed.value.status, failed.value.code, failed.value.param) == (400, "invalid_request_error", param)
    assert failed.value.message.startswith(f"{param}: ")


def test_without_a_mistake_it_reads() -> None:
    assert len(ask(COHERE, BODY).turns) == 3


def test_documents_without_a_user_are_a_turn() -> None:
    body = {"model": "m", "messages": [{"role": "system", "content": "s"}], "documents": ["x"]}
    assert len(ask(COHERE, body).turns) == 2


@pytest.mark.parametrize("document", ['"\\ud800"', '"x'])
def test_a_document_that_is_no_text(document: str) -> None:
    body = b'{"model":"m","messages":[],"documents":[%s]}' % document.encode()
    with pytest.raises(Refused):
        COHERE.read_ask(Envelope(body))


@pytest.mark.parametrize("members", [{}, {"model": 5}, {"model": "m", "stream": "yes"}])
def test_routing_needs_a_model_and_a_boolean(members: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        COHERE.peek(Envelope(msgspec.json.encode(members)))


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"message": 5}',
        b'{"message": {"content": [5]}}',
        b'{"message": {"tool_calls": {}}}',
        b'{"message": {}, "finish_reason": "ERROR"}',
        b'{"message": {}, "finish_reason": "TIMEOUT"}',
        b"nonsense",
    ],
)
def test_a_reply_that_is_none(body: bytes) -> None:
    with pytest.raises(Broken):
        COHERE.read_reply(body)


def test_errors_both_ways() -> None:
    failure = COHERE.read_failure(429, {b"retry-after": b"3"}, b'{"message":"slow down","id":"x"}')
    assert isinstance(failure, Overloaded)
    assert (failure.status, failure.message, failure.retry_after) == (429, "slow down", 3)
    refused = Refused(400, "p: too much", code="invalid_request_error", param="p")
    assert msgspec.json.decode(COHERE.write_failure(refused, "req_1")) == {
        "id": "req_1",
        "message": "p: too much",
        "type": "invalid_request_error",
        "code": "invalid_request_error",
    }


TARGETS = (OPENAI, ANTHROPIC, COHERE)


def only_failures(codec: AnyCodec, body: bytes, targets: tuple[AnyCodec, ...]) -> None:
    for target in targets:
        try:
            target.write_ask(codec.read_ask(Envelope(body)))
        except Failure as failure:
            assert isinstance(failure, Refused)  # noqa: PT017 (every other class is wrong here)
        try:
            target.write_reply(codec.read_reply(body), STAMP)
        except Failure:
            pass
    codec.read_usage(body)
    codec.tap(False).feed(b"data: " + body + b"\n\n")
    codec.write_failure(codec.read_failure(400, {}, body), "")


@FUZZ
@given(bodies(COHERE))
def test_cohere_raises_failures_only(body: bytes) -> None:
    only_failures(COHERE, body, TARGETS)


@FUZZ
@given(bodies(OPENAI), bodies(ANTHROPIC))
def test_others_raise_failures_only_on_their_way_to_cohere(openai: bytes, anthropic: bytes) -> None:
    only_failures(OPENAI, openai, (COHERE,))
    only_failures(ANTHROPIC, anthropic, (COHERE,))


KINDS = st.sampled_from(
    [
        "message-start",
        "content-start",
        "content-delta",
        "content-end",
        "tool-plan-delta",
        "tool-call-start",
        "tool-call-delta",
        "tool-call-end",
        "citation-start",
        "citation-end",
        "message-end",
        "debug",
    ]
)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "content": st.fixed_dictionaries({}, optional={"type": WORDS, "text": WORDS, "thinking": WORDS}) | ANYTHING,
        "tool_plan": WORDS,
        "tool_calls": st.fixed_dictionaries({"id": WORDS, "function": OBJECTS}) | ANYTHING,
        "citations": st.fixed_dictionaries({"content_index": st.integers(-1, 2)}) | ANYTHING,
    },
)
EVENTS = st.fixed_dictionaries(
    {"type": KINDS, "index": st.integers(0, 1), "delta": st.fixed_dictionaries({"message": MESSAGES}) | OBJECTS}
)


@FUZZ
@given(st.lists(EVENTS, min_size=1, max_size=7))
def test_odd_streams_raise_failures_only(told: list[dict[str, Any]]) -> None:
    for target in TARGETS:
        reader, writer = COHERE.reader(), target.writer(STAMP, asking(target))
        try:
            for event in copy.deepcopy(told):
                for read in reader.feed(Frame("", msgspec.json.encode(event))):
                    writer.send(read)
        except Failure:
            continue
