"""Cohere's dialect of the mock: its SDK is answered, and what the real API refuses is refused."""

import json
from typing import Any

import cohere
import pytest
from cohere.core.api_error import ApiError

from mock_thread import RunningMock

CHAT: dict[str, Any] = {"model": "command-a", "messages": [{"role": "user", "content": "hi there"}]}
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
CALL: dict[str, Any] = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}


@pytest.fixture
def client(mock: RunningMock) -> cohere.ClientV2:
    return cohere.ClientV2("sk-a", base_url=mock.url)


def test_chat(client: cohere.ClientV2) -> None:
    told: Any = client.chat(**CHAT)
    assert told.message.content[0].text == "echo: hi there"
    assert (told.finish_reason, told.usage.billed_units.input_tokens, told.usage.tokens.input_tokens) == (
        "COMPLETE", 2, 202,
    )  # fmt: skip


def test_stream_of_a_thoughtful_call(client: cohere.ClientV2) -> None:
    asked: Any = [{"role": "user", "content": "look [[mock:tools=2;thinking=I wonder]]"}]
    kinds = [event.type for event in client.chat_stream(model="command-a", messages=asked, tools=[TOOL])]  # type: ignore[list-item]
    assert [kind for n, kind in enumerate(kinds) if not n or kinds[n - 1] != kind] == [
        "message-start", "content-start", "content-delta", "content-end", "tool-plan-delta",
        "tool-call-start", "tool-call-delta", "tool-call-end", "tool-call-start", "tool-call-delta", "tool-call-end",
        "message-end",
    ]  # fmt: skip


def test_every_kind_of_embedding(client: cohere.ClientV2) -> None:
    kinds = ["float", "int8", "uint8", "binary", "ubinary", "base64"]
    told: Any = client.embed(
        model="embed-v4.0", texts=["a"], input_type="search_query", embedding_types=kinds, output_dimension=16
    )
    found = told.embeddings
    assert (len(found.float_[0]), len(found.int8[0]), len(found.uint8[0])) == (16, 16, 16)
    assert (len(found.binary[0]), len(found.ubinary[0])) == (2, 2)
    mixed: Any = [{"content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "u"}}]}]
    assert client.embed(model="embed-v4.0", inputs=mixed, input_type="search_query").embeddings.float_


def test_models(client: cohere.ClientV2) -> None:
    assert client.models.list().models[0].endpoints == ["chat"]


MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("/v2/chat", {"xyz": 1}, "unknown field: parameter 'xyz'"),
    ("/v2/chat", {"top_p": 1}, "unknown field: parameter 'top_p'"),
    ("/v2/chat", {"p": 1.0}, "p: "),
    ("/v2/chat", {"p": "x"}, "invalid type: parameter 'p'"),
    ("/v2/chat", {"messages": []}, "messages: "),
    ("/v2/chat", {"messages": None}, "invalid type"),
    ("/v2/chat", {"messages": [{"role": "developer", "content": "x"}]}, "messages.0.role"),
    ("/v2/chat", {"tool_choice": "REQUIRED"}, "tool_choice requires tools"),
    ("/v2/chat", {"tools": [TOOL], "response_format": {"type": "json_object"}}, "not supported with"),
    (
        "/v2/chat",
        {"messages": [*CHAT["messages"], {"role": "assistant", "tool_calls": [CALL]}]},
        "missing tool results",
    ),
    ("/v2/chat", {"messages": [{"role": "tool", "tool_call_id": "c9", "content": "x"}]}, "'c9' not found"),
    ("/v2/chat", {"messages": [*CHAT["messages"], {"role": "assistant"}]}, "content or tool_calls"),
    ("/v2/embed", {"texts": ["a"]}, "input_type is required"),
    ("/v2/embed", {"input_type": "search_query"}, "exactly one of"),
    ("/v2/embed", {"input_type": "search_query", "texts": ["a"] * 97}, "texts: "),
    ("/v2/embed", {"input_type": "image", "images": ["http://x"]}, "data URIs"),
    ("/v1/embed", {"texts": ["a"], "output_dimension": 5}, "unknown field"),
    ("/v2/rerank", {"query": "?", "documents": [{"text": "a"}]}, "documents.0"),
    ("/v2/rerank", {"query": "?", "documents": ["a"], "return_documents": True}, "unknown field"),
    ("/v1/tokenize", {"text": ""}, "text: "),
    ("/v1/detokenize", {"tokens": [-1]}, "tokens.0"),
]


@pytest.mark.parametrize(("path", "members", "message"), MISTAKES)
def test_cohere_refuses(mock: RunningMock, path: str, members: dict[str, Any], message: str) -> None:
    body = {**CHAT, **members} if path == "/v2/chat" else {"model": "m", **members}
    status, _, answer = mock.ask("POST", path, body, authorization="Bearer sk-a")
    assert status == 400
    assert message in json.loads(answer)["message"]


def test_jina_refuses(mock: RunningMock) -> None:
    body = {"model": "m", "query": "?", "documents": ["a"], "top_k": 1}
    status, _, answer = mock.ask("POST", "/jina/v1/rerank", body, authorization="Bearer sk-a")
    assert (status, json.loads(answer)["error"]["message"]) == (400, "Unrecognized request argument supplied: top_k")


def test_the_door(mock: RunningMock, client: cohere.ClientV2) -> None:
    status, _, answer = mock.ask("POST", "/v2/chat", CHAT)
    assert (status, json.loads(answer)["message"]) == (401, "no api key supplied")
    with pytest.raises(ApiError) as missing:
        client.chat(**{**CHAT, "model": "cohere/command-a"})
    assert missing.value.status_code == 404
    assert mock.ask("POST", "/v2/chat", b"{nope", authorization="Bearer a")[0] == 400
