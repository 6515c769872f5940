"""Tokens counted by providers that can, and estimated for those that cannot."""

import json
from typing import Any

import msgspec
import pytest
from test_playbooks import Stage, ok

from asbru.gateway.counting import DOCUMENT, IMAGE, MESSAGE, TOOLS, tokens_of
from asbru.model.chat import (
    Ask,
    Audio,
    Document,
    Image,
    Opaque,
    Output,
    Part,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from asbru.model.failure import Broken, Refused
from asbru.model.names import Format, Role
from asbru.wire import CODECS, Envelope

RAW = msgspec.Raw(b'{"a":1}!')


def counting(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Hello, world"}], **more}


def test_a_provider_that_counts_is_asked() -> None:
    stage = Stage(ok({"input_tokens": 12}))
    answer = stage.ask(Format.ANTHROPIC_COUNT_TOKENS, counting("claude-x"), "anthropic")
    (call,) = stage.calls
    assert call.head.startswith(b"POST /v1/messages/count_tokens HTTP/1.1\r\n")
    assert json.loads(bytes(call.body)) == counting("claude-x")  # type: ignore[arg-type]
    assert answer.body == b'{"input_tokens": 12}'
    assert b"x-asbru-estimated" not in answer.headers
    (record,) = stage.records
    assert (record.lane, record.cost, record.usage.input) == ("splice", 0, 0)


def test_tokens_are_counted_by_a_provider_of_another_dialect() -> None:
    stage = Stage(ok({"object": "response.input_tokens", "input_tokens": 12}), ok({"input_tokens": 13}))
    answer = stage.ask(Format.ANTHROPIC_COUNT_TOKENS, counting("openai/gpt-4o", system="Be brief."))
    assert stage.calls[0].head.startswith(b"POST /v1/responses/input_tokens HTTP/1.1\r\n")
    assert json.loads(bytes(stage.calls[0].body)) == {  # type: ignore[arg-type]
        "model": "gpt-4o",
        "instructions": "Be brief.",
        "input": [{"type": "message", "role": "user", "content": "Hello, world"}],
    }
    assert answer.body == b'{"input_tokens":12}'
    body = {"model": "anthropic/claude-x", "input": "Hello, world"}
    answer = stage.ask(Format.OPENAI_INPUT_TOKENS, body)
    assert json.loads(bytes(stage.calls[1].body)) == counting("claude-x")  # type: ignore[arg-type]
    assert json.loads(answer.body) == {"object": "response.input_tokens", "input_tokens": 13}
    with pytest.raises(Broken):
        CODECS[Format.OPENAI_INPUT_TOKENS].read_reply(b"{}")


@pytest.mark.parametrize(
    ("format_", "body", "told"),
    [
        (Format.ANTHROPIC_COUNT_TOKENS, counting("cerebras/m", system="Be brief."), "input_tokens"),
        (
            Format.OPENAI_INPUT_TOKENS,
            {
                "model": "cerebras/m",
                "instructions": "Be brief.",
                "messages": [{"role": "user", "content": "Hello, world"}],
            },
            "input_tokens",
        ),
        (
            Format.BEDROCK_COUNT_TOKENS,
            {
                "input": {
                    "converse": {
                        "system": [{"text": "Be brief."}],
                        "messages": [{"role": "user", "content": [{"text": "Hello, world"}]}],
                    }
                }
            },
            "inputTokens",
        ),
    ],
)
def test_a_provider_that_does_not_count_is_not_asked(format_: Format, body: dict[str, Any], told: str) -> None:
    stage = Stage()
    if CODECS[format_].model_in_path:
        peek = msgspec.structs.replace(CODECS[format_].peek(Envelope(b"{}")), model="cerebras/m")
        answer = stage.ask(format_, body, peek=peek)
    else:
        answer = stage.ask(format_, body)
    assert stage.calls == []
    assert {told: json.loads(answer.body)[told]} == {told: 3 + 3 + 2 * MESSAGE}
    assert answer.headers[b"x-asbru-estimated"] == b"true"
    assert answer.headers[b"x-asbru-provider"] == b"cerebras"
    (record,) = stage.records
    assert (record.lane, record.status, record.attempts, record.cost) == ("estimate", 200, 0, 0)
    assert (record.provider, record.model, record.usage.input) == ("cerebras", "m", 0)


def test_a_mistake_is_named_all_the_same() -> None:
    stage = Stage()
    with pytest.raises(Refused) as failed:
        stage.ask(Format.ANTHROPIC_COUNT_TOKENS, {**counting("openai/gpt-4o"), "messages": [5]})
    assert failed.value.param == "messages.0"
    assert stage.records[0].status == 400


def test_a_provider_that_cannot_talk_is_no_counter() -> None:
    stage = Stage()
    row = stage.gateway.snapshot.providers["openai"]
    mute = msgspec.structs.replace(row, serves=tuple(e for e in row.serves if e.format is Format.OPENAI_EMBEDDINGS))
    providers = {**stage.gateway.snapshot.providers, "openai": mute}
    stage.gateway.snapshot = msgspec.structs.replace(stage.gateway.snapshot, providers=providers)
    with pytest.raises(Refused, match="count_tokens is not supported by openai"):
        stage.ask(Format.ANTHROPIC_COUNT_TOKENS, counting("openai/gpt-4o"))


PARTS: list[tuple[Part, int]] = [
    (Text("12345678"), 2),
    (Text("1"), 1),
    (Text(""), 0),
    (Text("ключ"), 2),
    (Refusal("1234"), 1),
    (Thinking(text="12345678"), 2),
    (Image(url="u"), IMAGE),
    (Document(text="12345678"), 2),
    (Document(data="JVBE", media_type="application/pdf"), DOCUMENT),
    (Audio(data="A" * 4000, format="wav"), 4),
    (ToolCall(id="1", name="now!", arguments=RAW), MESSAGE + 3),
    (ToolResult(id="1", parts=(Text("1234"), Image(url="u"))), MESSAGE + 1 + IMAGE),
    (Opaque(format=Format.OPENAI_CHAT, kind="x", raw=RAW), 2),
]


@pytest.mark.parametrize(("part", "tokens"), PARTS, ids=lambda value: type(value).__name__)
def test_what_a_part_is_thought_to_cost(part: Part, tokens: int) -> None:
    ask = Ask(model="m", turns=(Turn(Role.USER, (part,)),), origin=Format.OPENAI_CHAT)
    assert tokens_of(ask) == MESSAGE + tokens


def test_tools_and_schemas_cost_too() -> None:
    tools = (Tool(name="now", description="Time.", schema=RAW), Tool(name="web", raw=RAW))
    ask = Ask(model="m", turns=(), tools=tools, output=Output(schema=RAW), origin=Format.OPENAI_CHAT)
    assert tokens_of(ask) == TOOLS + 4 + 2 + 2
