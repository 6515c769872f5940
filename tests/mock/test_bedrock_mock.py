# ruff: noqa: E501
# One case per line, as in a table.
"""The scripted provider refuses what Bedrock refuses, in Bedrock's words, and checks who signs."""

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from mock_thread import RunningMock

HI = [{"role": "user", "content": [{"text": "hi"}]}]
CALL = {"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}
RESULT = {"toolResult": {"toolUseId": "t", "content": [{"text": "x"}]}}
TOOLS = {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]}


def turns(*blocks: Any) -> list[dict[str, Any]]:
    return [{"role": ("user", "assistant")[n % 2], "content": list(said)} for n, said in enumerate(blocks)]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "messages"),
    ({"messages": []}, "must start with a user message"),
    ({"messages": [{"role": "assistant", "content": [{"text": "x"}]}]}, "must start with a user message"),
    ({"messages": HI + HI}, "roles must alternate"),
    ({"messages": HI, "mood": 1}, "extraneous key [mood] is not permitted"),
    ({"messages": turns([])}, "messages.0 is empty"),
    ({"messages": turns([{"text": " "}])}, "messages.0.content.0 is blank"),
    ({"messages": turns([{}])}, "must have exactly one member"),
    (
        {"messages": turns([{"text": "a", "image": {"format": "png", "source": {"bytes": "eA=="}}}])},
        "must have exactly one member",
    ),
    ({"messages": turns([{"image": {"format": "png", "source": {"bytes": "*"}}}])}, "image.source.bytes"),
    (
        {"messages": turns([{"document": {"name": "a.pdf", "format": "pdf", "source": {"bytes": "eA=="}}}])},
        "document.name",
    ),
    (
        {"messages": turns([{"document": {"name": "a", "format": "pdf", "source": {"bytes": "eA=="}}}] * 2)},
        "duplicate document names",
    ),
    ({"messages": turns([{"cachePoint": {"type": "default"}}])}, "cachePoint must follow"),
    ({"messages": turns([{"text": "a"}], [CALL], [RESULT])}, "toolConfig field must be defined"),
    ({"messages": turns([{"text": "a"}], [CALL], [{"text": "b"}]), "toolConfig": TOOLS}, "Expected toolResult blocks"),
    (
        {"messages": turns([{"text": "a"}], [{"text": "b"}], [RESULT]), "toolConfig": TOOLS},
        "Expected toolResult blocks",
    ),
    ({"messages": turns([CALL]), "toolConfig": TOOLS}, "toolUse blocks are the assistant's"),
    ({"messages": HI, "toolConfig": {"tools": []}}, "toolConfig.tools"),
    ({"messages": HI, "inferenceConfig": {"temperature": 2}}, "inferenceConfig.temperature"),
    ({"messages": HI, "inferenceConfig": {"maxTokens": 0}}, "inferenceConfig.maxTokens"),
]


@pytest.mark.parametrize(("body", "words"), REFUSED)
def test_what_converse_refuses(body: dict[str, Any], words: str, shared_mock: RunningMock) -> None:
    status, headers, told = shared_mock.ask("POST", "/model/m/converse", body, authorization="Bearer any")
    assert status == 400
    assert headers["x-amzn-errortype"].startswith("ValidationException:")
    assert words in json.loads(told)["message"]


INVOKED: list[tuple[str, dict[str, Any], str]] = [
    ("anthropic.claude", {"max_tokens": 5, "messages": HI}, "anthropic_version"),
    (
        "anthropic.claude",
        {"anthropic_version": "bedrock-2023-05-31", "model": "m", "max_tokens": 5, "messages": HI},
        "extraneous key [model]",
    ),
    (
        "anthropic.claude",
        {"anthropic_version": "bedrock-2023-05-31", "stream": True, "max_tokens": 5, "messages": HI},
        "extraneous key [stream]",
    ),
    ("anthropic.claude", {"anthropic_version": "bedrock-2023-05-31", "messages": []}, "max_tokens"),
    ("meta.llama3", {"prompt": "a", "max_tokens": 5}, "extraneous key [max_tokens]"),
    ("amazon.titan-text", {"inputText": ""}, "inputText"),
    ("amazon.titan-embed", {}, "required key [inputText]"),
    ("cohere.embed", {"texts": ["a"]}, "input_type"),
    ("cohere.embed", {"input_type": "search_query"}, "exactly one of texts and images"),
    ("cohere.rerank", {"query": "a", "documents": ["b"]}, "api_version"),
    ("amazon.nova", {"messages": HI, "inferenceConfig": {"max_tokens": 5}}, "extraneous key [max_tokens]"),
    ("unheard.of", {"prompt": "a"}, "model identifier is invalid"),
]


@pytest.mark.parametrize(("model", "body", "words"), INVOKED)
def test_what_invoked_models_refuse(model: str, body: dict[str, Any], words: str, shared_mock: RunningMock) -> None:
    status, _, told = shared_mock.ask("POST", f"/model/{model}/invoke", body, authorization="Bearer any")
    assert status == 400
    assert words in json.loads(told)["message"]


def client(mock: RunningMock, access: str = "AKIAMOCK", secret: str = "mock-secret", token: str | None = None) -> Any:
    return boto3.client(
        "bedrock-runtime", endpoint_url=mock.url, region_name="us-east-1", aws_access_key_id=access,
        aws_secret_access_key=secret, aws_session_token=token, config=Config(retries={"max_attempts": 1, "mode": "standard"}),
    )  # fmt: skip


def test_who_signs_is_checked(mock: RunningMock) -> None:
    assert client(mock).converse(modelId="m", messages=HI)["output"]["message"]["content"] == [{"text": "echo: hi"}]
    arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.x:0"
    assert client(mock).converse(modelId=arn, messages=HI)["stopReason"] == "end_turn"
    assert client(mock, access="ASIAMOCK", token="mock-session").converse(modelId="m", messages=HI)
    mock.script(keys={"AKIAGOOD": 200, "AKIAPOOR": 429})
    for access, secret, token, code in (
        ("AKIAMOCK", "wrong", None, "InvalidSignatureException"),
        ("ASIAMOCK", "mock-secret", "wrong", "UnrecognizedClientException"),
        ("AKIAMOCK", "mock-secret", None, "UnrecognizedClientException"),
        ("AKIAPOOR", "mock-secret", None, "ThrottlingException"),
    ):
        with pytest.raises(ClientError) as told:
            client(mock, access, secret, token).converse(modelId="m", messages=HI)
        assert told.value.response["Error"]["Code"] == code
    status, headers, _ = mock.ask("POST", "/model/m/converse", {"messages": HI})
    assert status == 403
    assert headers["x-amzn-errortype"].startswith("MissingAuthenticationTokenException")


@pytest.mark.parametrize("mark", ["errorafter=2", "cut=2", "garbage"])
def test_streams_that_break(mark: str, mock: RunningMock) -> None:
    asked = [{"role": "user", "content": [{"text": f"one two three [[mock:{mark}]]"}]}]
    stream = client(mock).converse_stream(modelId="m", messages=asked)["stream"]
    with pytest.raises(Exception) as told:  # noqa: PT011 - botocore's own, urllib3's or a checksum's.
        list(stream)
    assert isinstance(told.value, EventStreamError) == (mark == "errorafter=2")
