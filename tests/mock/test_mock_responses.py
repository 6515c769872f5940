"""What OpenAI's Responses refuse, the mock refuses, in its words; what it keeps, and for whom."""

import json
from typing import Any

import pytest

from mock_thread import RunningMock

ASKED: dict[str, Any] = {"model": "gpt-4o-mini", "input": "hi"}
CALL = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "x"}


def asked(**members: Any) -> dict[str, Any]:
    return {**ASKED, **members}


MISTAKES: list[tuple[dict[str, Any], str, str | None]] = [
    (asked(messages=[]), "Unknown parameter: 'messages'.", "messages"),
    (asked(response_format={}), "has moved to 'text.format'", "response_format"),
    (asked(stream_options={"include_usage": True}), "Unknown parameter", "stream_options.include_usage"),
    (asked(stream_options={"include_obfuscation": True}), "only allowed when 'stream'", "stream_options"),
    (asked(max_output_tokens=5), "Invalid value for 'max_output_tokens'", "max_output_tokens"),
    (asked(temperature=3), "Invalid value for 'temperature'", "temperature"),
    (asked(include=["everything"]), "Invalid value for 'include[0]'", "include[0]"),
    ({"model": "gpt-4o"}, 'One of "input"', "input"),
    (asked(input=5), "Invalid type for 'input'", "input"),
    (asked(input=[{"role": "king", "content": "x"}]), "Invalid value for 'input[0].role'", "input[0].role"),
    (asked(input=[{"role": "user"}]), "Missing required parameter: 'input[0].content'.", "input[0].content"),
    (
        asked(input=[{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]),
        "input[0].content[0]",
        "input[0].content[0].type",
    ),
    (asked(input=[{"type": "message_from_mars"}]), "Invalid value: 'message_from_mars'.", "input[0]"),
    (asked(input=[OUTPUT]), "No tool call found for function call output with call_id c1.", "input"),
    (asked(input=[CALL]), "No tool output found for function call c1.", "input"),
    (asked(input=[{"type": "reasoning", "summary": [], "encrypted_content": "x"}]), "could not be verified", None),
    (asked(tools=[{"type": "function"}]), "Missing required parameter: 'tools[0].name'.", "tools[0].name"),
    (asked(tools=[{"type": "hammer"}]), "Invalid value: 'hammer'.", "tools[0].type"),
    (asked(text={"format": {"type": "json_schema", "schema": {}}}), "'text.format.name'", "text.format.name"),
    (asked(previous_response_id="resp_x"), "Previous response with id 'resp_x' not found.", "previous_response_id"),
]


@pytest.mark.parametrize(("body", "message", "param"), MISTAKES)
def test_it_refuses(mock: RunningMock, body: dict[str, Any], message: str, param: str | None) -> None:
    status, _, answer = mock.ask("POST", "/v1/responses", body, authorization="Bearer sk-a")
    error = json.loads(answer)["error"]
    assert (status, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert message in error["message"]


@pytest.mark.parametrize(
    "item", [{"type": "item_reference", "id": "rs_1"}, {"type": "reasoning", "id": "rs_1", "summary": []}]
)
def test_items_that_it_does_not_keep(mock: RunningMock, item: dict[str, Any]) -> None:
    status, _, answer = mock.ask("POST", "/v1/responses", asked(input=[item]), authorization="Bearer sk-a")
    assert status == 404
    assert "rs_1" in json.loads(answer)["error"]["message"]


def test_it_takes_what_the_api_takes(mock: RunningMock) -> None:
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"type": "reasoning", "summary": [], "encrypted_content": "gAAAAABmock1"},
        {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "x"}]},
        CALL,
        OUTPUT,
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {}},
    ]
    tools = [{"type": "web_search"}, {"type": "function", "name": "look", "parameters": {}, "strict": True}]
    status, _, answer = mock.ask("POST", "/v1/responses", asked(input=items, tools=tools), authorization="Bearer a")
    assert status == 200, answer


def test_a_model_that_only_responses_has(mock: RunningMock) -> None:
    body = {"model": "gpt-5-codex", "messages": [{"role": "user", "content": "hi"}]}
    status, _, answer = mock.ask("POST", "/v1/chat/completions", body, authorization="Bearer a")
    assert status == 404
    assert b"only supported in v1/responses" in answer
    assert mock.ask("POST", "/v1/responses", asked(model="gpt-5-codex"), authorization="Bearer a")[0] == 200


def test_what_is_kept_is_its_owners(mock: RunningMock) -> None:
    made = json.loads(mock.ask("POST", "/v1/responses", ASKED, authorization="Bearer a")[2])
    path = f"/v1/responses/{made['id']}"
    assert mock.ask("GET", path, authorization="Bearer b")[0] == 404
    assert json.loads(mock.ask("GET", path, authorization="Bearer a")[2]) == made
    items = json.loads(mock.ask("GET", f"{path}/input_items", authorization="Bearer a")[2])
    assert items["data"][0]["content"][0]["text"] == "hi"
    assert mock.ask("POST", f"{path}/cancel", b"", authorization="Bearer a")[0] == 400
    more = asked(previous_response_id=made["id"], input=[])
    assert mock.ask("POST", "/v1/responses", more, authorization="Bearer a")[0] == 200
    assert mock.ask("POST", "/v1/responses", more, authorization="Bearer b")[0] == 400
    assert mock.ask("DELETE", path, authorization="Bearer a")[0] == 200
    assert mock.ask("GET", path, authorization="Bearer a")[0] == 404


def test_tokens_are_words(mock: RunningMock) -> None:
    body = asked(input="one two three", instructions="four five")
    told = json.loads(mock.ask("POST", "/v1/responses/input_tokens", body, authorization="Bearer a")[2])
    assert told == {"object": "response.input_tokens", "input_tokens": 5}


@pytest.mark.parametrize(
    ("finish", "status"), [("length", "incomplete"), ("content_filter", "incomplete"), ("refusal", "completed")]
)
def test_how_it_ends(mock: RunningMock, finish: str, status: str) -> None:
    body = asked(input=f"hi [[mock:finish={finish};text=no]]")
    told = json.loads(mock.ask("POST", "/v1/responses", body, authorization="Bearer a")[2])
    assert told["status"] == status
    streamed = mock.ask("POST", "/v1/responses", {**body, "stream": True}, authorization="Bearer a")[2].decode()
    assert f"event: response.{status}" in streamed
