"""What the real APIs refuse, the mock refuses, in their words."""

import json
from typing import Any

import pytest

from mock_thread import RunningMock

CHAT: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
MESSAGE: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "hi"}],
}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
USE = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}


def chat(**members: Any) -> dict[str, Any]:
    return {**CHAT, **members}


def turns(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": "hi"}, *messages]


OPENAI_MISTAKES: list[tuple[dict[str, Any], str, str | None]] = [
    (chat(xyz=1), "Unrecognized request argument supplied: xyz", None),
    (chat(top_k=3), "Unrecognized request argument supplied: top_k", None),
    (chat(max_tokens="5"), "Invalid type for 'max_tokens': expected integer, but got string instead.", "max_tokens"),
    (chat(max_tokens=0), "Invalid value for 'max_tokens'", "max_tokens"),
    (chat(temperature=3), "Invalid value for 'temperature'", "temperature"),
    ({"model": "gpt-4o"}, "Missing required parameter: 'messages'.", "messages"),
    (chat(messages=[]), "Invalid value for 'messages'", "messages"),
    (chat(messages=[{"role": "user"}]), "Missing required parameter: 'messages[0].content'.", "messages[0].content"),
    (chat(messages=[{"role": "robot", "content": "x"}]), "Invalid value for 'messages[0].role'", "messages[0].role"),
    (
        chat(messages=turns({"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {}}]})),
        "Unknown parameter: 'messages[1].content[0].cache_control'.",
        "messages[1].content[0].cache_control",
    ),
    (chat(stream_options={"include_usage": True}), "only allowed when 'stream' is enabled", "stream_options"),
    (chat(tool_choice="auto"), "'tool_choice' is only allowed when 'tools' are specified.", "tool_choice"),
    (chat(parallel_tool_calls=True), "'parallel_tool_calls' is only allowed", "parallel_tool_calls"),
    (chat(model="gpt-5-mini", max_tokens=5), "Use 'max_completion_tokens' instead.", "max_tokens"),
    (chat(stop=["a", "b", "c", "d", "e"]), "array too long", "stop"),
    (
        chat(messages=turns({"role": "assistant", "content": None, "tool_calls": [CALL]})),
        "must be followed by",
        "messages",
    ),
    (
        chat(messages=turns({"role": "tool", "tool_call_id": "c1", "content": "x"})),
        "role 'tool' must be",
        "messages.[1].role",
    ),
]


@pytest.mark.parametrize(("body", "message", "param"), OPENAI_MISTAKES)
def test_openai_refuses(mock: RunningMock, body: dict[str, Any], message: str, param: str | None) -> None:
    status, _, answer = mock.ask("POST", "/v1/chat/completions", body, authorization="Bearer sk-a")
    error = json.loads(answer)["error"]
    assert (status, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert message in error["message"]


ANTHROPIC_MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"xyz": 1}, "xyz: Extra inputs are not permitted"),
    ({"response_format": {"type": "json_object"}}, "response_format: Extra inputs are not permitted"),
    ({"context_management": {}}, "context_management: Extra inputs are not permitted"),
    ({"max_tokens": None}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": 0}, "max_tokens: "),
    ({"temperature": 1.5}, "temperature: "),
    ({"messages": []}, "messages: at least one message is required"),
    ({"messages": [{"role": "system", "content": "x"}]}, 'messages.0: Unexpected role "system".'),
    ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content: Input should be a valid string or list"),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, "messages.0.content.0.text: "),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages.0.content.0.type: "),
    ({"messages": turns({"role": "assistant", "content": [USE]})}, ""),
    (
        {"messages": turns({"role": "assistant", "content": [USE]}, {"role": "user", "content": "x"})},
        "were found without",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t9"}]}]},
        "unexpected `tool_use_id`",
    ),
    ({"tools": [{"name": "look"}]}, "tools.0.custom.input_schema: Field required"),
    ({"tool_choice": {"type": "tool", "name": "nope"}}, "Tool 'nope' not found in provided tools"),
    ({"thinking": {"type": "enabled", "budget_tokens": 10}}, "thinking.budget_tokens: "),
    ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, "must be greater than `thinking.budget_tokens`"),
]


@pytest.mark.parametrize(("members", "message"), ANTHROPIC_MISTAKES)
def test_anthropic_refuses(mock: RunningMock, members: dict[str, Any], message: str) -> None:
    status, _, answer = mock.ask(
        "POST", "/v1/messages", {**MESSAGE, **members}, x_api_key="sk-a", anthropic_version="2023-06-01"
    )
    if not message:
        assert status == 200, "an assistant message may come last"
        return
    error = json.loads(answer)["error"]
    assert (status, error["type"]) == (400, "invalid_request_error")
    assert message in error["message"]


def test_a_beta_member_needs_a_beta_header(mock: RunningMock) -> None:
    headers = {"x_api_key": "a", "anthropic_version": "2023-06-01", "anthropic_beta": "context-management-2025-06-27"}
    assert mock.ask("POST", "/v1/messages", {**MESSAGE, "context_management": {}}, **headers)[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "word"),
    [
        ("/v1/chat/completions", CHAT, {}, 401, "provide an API key"),
        ("/v1/chat/completions", CHAT, {"x_api_key": "sk-a"}, 401, "provide an API key"),
        ("/v1/chat/completions", chat(model="openai/gpt-4o"), {"authorization": "Bearer a"}, 404, "model_not_found"),
        ("/v1/messages", MESSAGE, {"anthropic_version": "1"}, 401, "authentication_error"),
        ("/v1/messages", MESSAGE, {"x_api_key": "a"}, 400, "anthropic-version: header is required"),
        (
            "/v1/messages",
            {**MESSAGE, "model": "anthropic/claude-sonnet-4-5"},
            {"authorization": "Bearer a", "anthropic_version": "2026-10-21"},
            404,
            "not_found_error",
        ),
        ("/v1/chat/completions", b"{nope", {"authorization": "Bearer a"}, 400, "could not parse"),
        ("/v1/nothing", {}, {"authorization": "Bearer a"}, 404, "/v1/nothing"),
    ],
)
def test_the_door(mock: RunningMock, path: str, body: object, headers: dict[str, str], status: int, word: str) -> None:
    answered, _, answer = mock.ask("POST", path, body, **headers)
    assert answered == status
    assert word in answer.decode()


def test_keys_are_answered_as_the_script_says(mock: RunningMock) -> None:
    mock.script(keys={"sk-good": 200, "sk-poor": 429, "sk-barred": 403, "sk-gone": 401})
    answers = {
        key: mock.ask("POST", "/v1/chat/completions", CHAT, authorization=f"Bearer {key}")[0]
        for key in ("sk-good", "sk-poor", "sk-barred", "sk-gone", "sk-other")
    }
    assert answers == {"sk-good": 200, "sk-poor": 429, "sk-barred": 403, "sk-gone": 401, "sk-other": 401}


def test_models_exist_as_the_script_says(mock: RunningMock) -> None:
    mock.script(models=["gpt-4o", "claude-*"])
    answers = [
        mock.ask("POST", "/v1/chat/completions", chat(model=model), authorization="Bearer a")[0]
        for model in ("gpt-4o", "claude-opus", "gpt-4")
    ]
    assert answers == [200, 200, 404]


@pytest.mark.parametrize(
    ("script", "word"),
    [
        ({"rulez": []}, "rulez"),
        ({"rules": [{"reply": {"statuss": 1}}]}, "statuss"),
        ({"fail": {"fire": 0.1}}, "fire"),
    ],
)
def test_a_wrong_script_is_refused(mock: RunningMock, script: dict[str, Any], word: str) -> None:
    status, _, answer = mock.ask("POST", "/mock/script", script)
    assert status == 400
    assert word in answer.decode()


def test_an_unknown_directive_is_refused(mock: RunningMock) -> None:
    body = chat(messages=[{"role": "user", "content": "[[mock:explode=1]]"}])
    status, _, answer = mock.ask("POST", "/v1/chat/completions", body, authorization="Bearer a")
    assert status == 400
    assert "explode" in answer.decode()


EMBEDDING_MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"input": ""}, "'$.input' is invalid"),
    ({"input": []}, "'$.input' is invalid"),
    ({"input": ["a", [1]]}, "'$.input' is invalid"),
    ({"input": ["a"] * 2049}, "'$.input' is invalid"),
    ({"input": "a", "dimensions": 0}, "Invalid value for 'dimensions'"),
    ({"input": "a", "input_type": "x"}, "Unrecognized request argument supplied: input_type"),
    ({"input": "a", "encoding_format": "int8"}, "Invalid value for 'encoding_format'"),
    ({}, "Missing required parameter: 'input'."),
]


@pytest.mark.parametrize(("members", "message"), EMBEDDING_MISTAKES)
def test_openai_embeddings_refuse(mock: RunningMock, members: dict[str, Any], message: str) -> None:
    body = {"model": "text-embedding-3-small", **members}
    status, _, answer = mock.ask("POST", "/v1/embeddings", body, authorization="Bearer sk-a")
    assert status == 400
    assert message in json.loads(answer)["error"]["message"]
