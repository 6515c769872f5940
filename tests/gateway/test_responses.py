"""Responses through the gateway: spliced to who speaks it, translated for who does not, and the other way round."""

import json
from typing import Any

import pytest
from test_playbooks import ANTHROPIC_REPLY, Pieces, Stage, ok, status

from asbru.model.failure import Refused, Rejected
from asbru.model.http import Answer
from asbru.model.names import Format

RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1700000000,
    "status": "completed",
    "model": "gpt-5-codex",
    "output": [
        {
            "id": "msg_1",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Hello.", "annotations": []}],
        }
    ],
    "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
}
STREAM = (
    b'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_1","model":"gpt-5-codex"}}\n\n',
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"Hel"}\n\n',
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"lo"}\n\n',
    b'event: response.completed\ndata: {"type":"response.completed","response":'
    + json.dumps(RESPONSE).encode()
    + b"}\n\n",
)
MESSAGE_STREAM = (
    b'data: {"type":"message_start","message":{"id":"m","model":"claude-x","usage":{"input_tokens":7}}}\n\n',
    b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n',
    b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hej."}}\n\n',
    b'data: {"type":"content_block_stop","index":0}\n\n',
    b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}\n\n',
    b'data: {"type":"message_stop"}\n\n',
)


def response(model: str = "openai/gpt-4o", **more: Any) -> dict[str, Any]:
    return {"model": model, "input": "Hi", **more}


def sent(stage: Stage, n: int = 0) -> Any:
    body = stage.calls[n].body
    assert isinstance(body, bytes)
    return json.loads(body)


def path(stage: Stage, n: int = 0) -> bytes:
    return stage.calls[n].head.split(b" ")[1]


def test_who_speaks_it_gets_it_as_it_is() -> None:
    stage = Stage(ok(RESPONSE))
    body = response(tools=[{"type": "brand_new", "b": 1.0, "a": 2}], input=[{"type": "newest", "x": 1.50}])
    answer = stage.ask(Format.OPENAI_RESPONSES, body)
    assert path(stage) == b"/v1/responses"
    assert sent(stage) == {**body, "model": "gpt-4o"}
    assert answer.body == json.dumps(RESPONSE).encode()
    (record,) = stage.records
    assert (record.lane, record.usage.input, record.usage.output) == ("splice", 10, 5)


def test_a_stream_of_it_passes_and_its_usage_is_read() -> None:
    stage = Stage(Answer(status=200, stream=Pieces(STREAM)))
    stage.ask(Format.OPENAI_RESPONSES, response(stream=True))
    assert stage.heard.body == b"".join(STREAM)
    (record,) = stage.records
    assert (record.lane, record.usage.output, record.failure) == ("splice", 5, "")


def test_who_does_not_is_asked_in_its_own_words() -> None:
    stage = Stage(ok(ANTHROPIC_REPLY))
    asked = response("anthropic/claude-x", instructions="Be brief.", temperature=0.5, reasoning={"effort": "minimal"})
    asked |= {"text": {"format": {"type": "json_object"}}, "max_output_tokens": 9000, "background": True}
    answer = stage.ask(Format.OPENAI_RESPONSES, asked)
    assert sent(stage)["system"] == "Be brief."
    told = json.loads(answer.body)
    assert (told["id"], told["object"], told["model"]) == ("resp_1", "response", "claude-x")
    assert told["output"][0]["content"][0]["text"] == "Hej."
    assert (told["instructions"], told["temperature"], told["max_output_tokens"]) == ("Be brief.", 0.5, 9000)
    lost = answer.headers[b"x-asbru-lost"].decode().split(", ")
    assert "text.format: json_object" in lost
    assert "background" in lost
    assert stage.records[0].lane == "translate"


def test_a_stream_of_another_kind_becomes_events() -> None:
    stage = Stage(Answer(status=200, stream=Pieces(MESSAGE_STREAM)))
    stage.ask(Format.OPENAI_RESPONSES, response("anthropic/claude-x", stream=True))
    kinds = [line[7:].decode() for line in stage.heard.body.split(b"\n") if line.startswith(b"event: ")]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    assert stage.records[0].usage.output == 3


@pytest.mark.parametrize(
    "model", ["gpt-5-codex", "gpt-5.1-codex-mini", "codex-mini-latest", "o3-pro", "o1-pro-2025-03-19"]
)
def test_models_that_only_responses_has_are_asked_there(model: str) -> None:
    stage = Stage(ok(RESPONSE), Answer(status=200, stream=Pieces(STREAM)))
    asked = {"model": f"openai/{model}", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 100}
    answer = stage.ask(Format.ANTHROPIC_MESSAGES, asked)
    assert path(stage) == b"/v1/responses"
    assert sent(stage) == {
        "model": model,
        "input": [{"type": "message", "role": "user", "content": "Hi"}],
        "max_output_tokens": 100,
        "store": False,
    }
    assert json.loads(answer.body)["content"] == [{"type": "text", "text": "Hello.", "citations": None}]
    stage.ask(Format.OPENAI_CHAT, {**asked, "stream": True})
    assert stage.heard.body.endswith(b"data: [DONE]\n\n")
    assert b'"content":"Hel"' in stage.heard.body


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5", "o3", "gpt-4o-audio-preview"])
def test_other_models_are_asked_by_chat(model: str) -> None:
    stage = Stage(status(400))
    with pytest.raises(Rejected):
        stage.ask(Format.OPENAI_CHAT, {"model": f"openai/{model}", "messages": [{"role": "user", "content": "Hi"}]})
    assert path(stage) == b"/v1/chat/completions"


def test_an_id_that_nobody_knows_is_refused_where_it_must_be_read() -> None:
    stage = Stage(status(400, "Previous response with id 'resp_9' not found."))
    with pytest.raises(Refused) as failed:
        stage.ask(Format.OPENAI_RESPONSES, response("anthropic/claude-x", previous_response_id="resp_9"))
    assert failed.value.code == "previous_response_not_found"
    with pytest.raises(Rejected, match="resp_9"):
        stage.ask(Format.OPENAI_RESPONSES, response(previous_response_id="resp_9"))
    assert sent(stage)["previous_response_id"] == "resp_9"


def test_a_failure_in_the_first_event_goes_to_the_fallback() -> None:
    error = b'event: error\ndata: {"type":"error","code":"server_error","message":"Sorry.","sequence_number":0}\n\n'
    stage = Stage(
        *[Answer(status=200, stream=Pieces([error])) for _ in range(3)],
        Answer(status=200, stream=Pieces(MESSAGE_STREAM)),
    )
    stage.ask(Format.OPENAI_RESPONSES, response(stream=True, fallbacks=["anthropic/claude-x"]))
    assert b"Hej." in stage.heard.body
    assert stage.records[0].provider == "anthropic"


def test_a_cut_stream_of_it_never_looks_finished() -> None:
    for pieces in (STREAM[:2], STREAM[:1]):
        stage = Stage(Answer(status=200, stream=Pieces(pieces)))
        stage.ask(Format.OPENAI_RESPONSES, response(stream=True))
        assert b"event: error" in stage.heard.body
        assert b"response.completed" not in stage.heard.body
        assert stage.records[0].failure == "stream_cut"
