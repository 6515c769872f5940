"""Several answers from a provider that gives one: it is asked as often, and its answers are one reply."""

import json
from typing import Any

import pytest
from test_playbooks import ANTHROPIC_REPLY, Stage, ok

from asbru.model.failure import Overloaded
from asbru.model.names import Format

ASKED: dict[str, Any] = {"model": "anthropic/claude-x", "messages": [{"role": "user", "content": "Hi"}], "n": 3}


def test_each_answer_is_asked_for() -> None:
    stage = Stage(*[ok({**ANTHROPIC_REPLY, "content": [{"type": "text", "text": word}]}) for word in "abc"])
    answer = stage.ask(Format.OPENAI_CHAT, ASKED)
    told = json.loads(answer.body)
    assert [(choice["index"], choice["message"]["content"]) for choice in told["choices"]] == list(enumerate("abc"))
    assert len(stage.calls) == 3
    assert {bytes(call.body) for call in stage.calls} == {bytes(stage.calls[0].body)}  # type: ignore[arg-type]
    assert b"x-asbru-lost" not in answer.headers
    assert (told["usage"]["prompt_tokens"], told["usage"]["completion_tokens"]) == (21, 9)
    (record,) = stage.records
    assert (record.usage.input, record.usage.output) == (21, 9)


def test_a_stream_of_several_comes_when_all_are_there() -> None:
    stage = Stage(*[ok({**ANTHROPIC_REPLY, "content": [{"type": "text", "text": word}]}) for word in "ab"])
    answer = stage.ask(Format.OPENAI_CHAT, {**ASKED, "n": 2, "stream": True})
    assert all("stream" not in json.loads(bytes(call.body)) for call in stage.calls)  # type: ignore[arg-type]
    assert answer.headers[b"content-type"].startswith(b"text/event-stream")
    frames = [json.loads(line[6:]) for line in answer.body.split(b"\n") if line.startswith(b"data: {")]
    said = [(each["index"], each["delta"].get("content")) for frame in frames for each in frame["choices"]]
    assert [pair for pair in said if pair[1]] == [(0, "a"), (1, "b")]
    assert answer.body.endswith(b"data: [DONE]\n\n")


def test_one_that_fails_fails_all() -> None:
    stage = Stage(ok(ANTHROPIC_REPLY), *[Overloaded(429, "Slow down.") for _ in range(9)])
    with pytest.raises(Overloaded, match="Slow down"):
        stage.ask(Format.OPENAI_CHAT, {**ASKED, "n": 2})
