"""Anthropic's token counting: the request of a message as far as it counts, and a number."""

from typing import Any

import msgspec
import pytest
from wire_kit import ANTHROPIC, OPENAI, STAMP, ask

from asbru.model.failure import Broken, Refused
from asbru.model.names import Format
from asbru.model.tokens import Counted
from asbru.wire import CODECS, Envelope

COUNT = CODECS[Format.ANTHROPIC_COUNT_TOKENS]
TOOLS = [{"name": "now", "input_schema": {"type": "object"}}]
BODY: dict[str, Any] = {
    "model": "m",
    "system": "Be brief.",
    "messages": [{"role": "user", "content": "Hello"}],
    "tools": TOOLS,
}


def test_a_request_reads_as_that_of_a_message() -> None:
    read = COUNT.read_ask(Envelope(msgspec.json.encode(BODY)))
    message = ask(ANTHROPIC, {**BODY, "max_tokens": 5})
    assert read.turns == message.turns
    assert read.tools == message.tools
    assert read.sampling.max_tokens is None


@pytest.mark.parametrize(
    ("members", "param"),
    [({"messages": 5}, "messages"), ({"messages": [{"role": "user"}]}, "messages.0.content"), ({"tools": 5}, "tools")],
)
def test_a_mistake_is_named(members: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused) as failed:
        COUNT.read_ask(Envelope(msgspec.json.encode({**BODY, **members})))
    assert failed.value.param == param


def test_only_what_counts_is_written() -> None:
    told = {
        "model": "m", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5, "temperature": 1.5,
        "stop": ["x"], "seed": 5, "user": "u", "logit_bias": {"5": 1}, "reasoning_effort": "low",
    }  # fmt: skip
    written = COUNT.write_ask(ask(OPENAI, told))
    assert set(msgspec.json.decode(written.body)) <= {"model", "messages", "thinking", "output_config"}
    assert written.lost == ()
    told["messages"] = [
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]}
    ]
    assert COUNT.write_ask(ask(OPENAI, told)).lost == ("messages.0.content.0: audio", "messages.0: empty")


def test_the_number_both_ways() -> None:
    counted = COUNT.read_reply(b'{"input_tokens": 7, "context_management": null}')
    assert (counted.input, list(counted.extra), counted.usage.input) == (7, ["context_management"], 0)
    assert COUNT.write_reply(Counted(input=7, origin=Format.OPENAI_CHAT), STAMP).body == b'{"input_tokens":7}'
    assert COUNT.read_usage(b'{"input_tokens": 7}') is None


@pytest.mark.parametrize("body", [b"{}", b"x", b'{"input_tokens": "x"}', b"[]"])
def test_no_number(body: bytes) -> None:
    with pytest.raises(Broken):
        COUNT.read_reply(body)
