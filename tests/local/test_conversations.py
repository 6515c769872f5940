"""The same conversations on the real model through the official SDKs of every dialect: they hear the same words."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import anthropic
import boto3
import cohere
import openai
import pytest
from google import genai
from google.genai import types

from running import Process, free_port

MODEL = "local/smollm2-135m"
Turns = Sequence[tuple[str, str]]
CONVERSATIONS: dict[str, tuple[str, Turns]] = {
    "question": ("", [("user", "What is the capital of Norway?")]),
    "told how": ("You answer with one word.", [("user", "What colour is the sky?")]),
    "many turns": (
        "You are a helpful assistant.",
        [
            ("user", "My name is Ada."),
            ("assistant", "Nice to meet you, Ada."),
            ("user", "What is my name?"),
        ],
    ),
}
MOST = 24


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway with the local model, and nothing else."""
    path, port = tmp_path_factory.mktemp("local"), free_port()
    options = ["serve", "--port", str(port), "--app-dir", str(path / "app"), "--local"]
    process = Process(options, port, path / "gateway.log", {})
    process.start()
    yield process.url
    process.stop()


def by_openai(url: str, system: str, turns: Turns, stream: bool) -> str:
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="any")
    messages = [{"role": role, "content": text} for role, text in ([("system", system)] if system else []) + [*turns]]
    asked = {"model": MODEL, "messages": messages, "max_tokens": MOST, "temperature": 0}
    if not stream:
        reply = client.chat.completions.create(**asked)  # type: ignore[call-overload]
        assert reply.usage.completion_tokens > 0
        return str(reply.choices[0].message.content)
    chunks = client.chat.completions.create(stream=True, **asked)  # type: ignore[call-overload]
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def by_responses(url: str, system: str, turns: Turns, stream: bool) -> str:
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="any")
    asked: dict[str, Any] = {
        "model": MODEL,
        "input": [{"role": role, "content": text} for role, text in turns],
        "max_output_tokens": MOST,
        "temperature": 0,
        **({"instructions": system} if system else {}),
    }
    if not stream:
        reply = client.responses.create(**asked)
        assert reply.usage
        assert reply.usage.output_tokens > 0
        assert client.responses.retrieve(reply.id).output_text == reply.output_text
        return str(reply.output_text)
    events = client.responses.create(stream=True, **asked)
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


def by_anthropic(url: str, system: str, turns: Turns, stream: bool) -> str:
    client = anthropic.Anthropic(base_url=f"{url}/anthropic", api_key="any")
    messages = [{"role": role, "content": text} for role, text in turns]
    asked = {"model": MODEL, "messages": messages, "max_tokens": MOST, "extra_body": {"temperature": 0}}
    if system:
        asked["system"] = system
    if not stream:
        reply = client.messages.create(**asked)  # type: ignore[call-overload]
        assert reply.usage.output_tokens > 0
        return str(reply.content[0].text)
    with client.messages.stream(**asked) as events:  # type: ignore[arg-type]
        return "".join(events.text_stream)


def by_boto3(url: str, system: str, turns: Turns, stream: bool) -> str:
    client = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=f"{url}/bedrock",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    asked = {
        "modelId": MODEL,
        "messages": [{"role": role, "content": [{"text": text}]} for role, text in turns],
        "inferenceConfig": {"maxTokens": MOST, "temperature": 0},
        **({"system": [{"text": system}]} if system else {}),
    }
    if not stream:
        reply = client.converse(**asked)
        assert reply["usage"]["outputTokens"] > 0
        return str(reply["output"]["message"]["content"][0]["text"])
    events = client.converse_stream(**asked)["stream"]
    return "".join(event.get("contentBlockDelta", {}).get("delta", {}).get("text", "") for event in events)


def by_genai(url: str, system: str, turns: Turns, stream: bool) -> str:
    client = genai.Client(api_key="any", http_options=types.HttpOptions(base_url=f"{url}/genai"))
    contents: list[Any] = [
        types.Content(role="model" if role == "assistant" else role, parts=[types.Part(text=text)])
        for role, text in turns
    ]
    config = types.GenerateContentConfig(max_output_tokens=MOST, temperature=0, system_instruction=system or None)
    if not stream:
        return str(client.models.generate_content(model=MODEL, contents=contents, config=config).text)
    pieces = client.models.generate_content_stream(model=MODEL, contents=contents, config=config)
    return "".join(piece.text or "" for piece in pieces)


def by_cohere(url: str, system: str, turns: Turns, stream: bool) -> str:
    client = cohere.ClientV2(base_url=f"{url}/cohere", api_key="any")
    messages = [{"role": role, "content": text} for role, text in ([("system", system)] if system else []) + [*turns]]
    asked: dict[str, Any] = {"model": MODEL, "messages": messages, "max_tokens": MOST, "temperature": 0}
    if not stream:
        return "".join(part.text for part in client.chat(**asked).message.content or [] if part.type == "text")
    events = client.chat_stream(**asked)
    return "".join(event.delta.message.content.text or "" for event in events if event.type == "content-delta")  # type: ignore[union-attr]


SDKS: dict[str, Callable[[str, str, Turns, bool], str]] = {
    "openai": by_openai,
    "openai, responses": by_responses,
    "anthropic": by_anthropic,
    "boto3": by_boto3,
    "google-genai": by_genai,
    "cohere": by_cohere,
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_every_sdk_hears_the_same(name: str, url: str) -> None:
    system, turns = CONVERSATIONS[name]
    heard = {(sdk, stream): ask(url, system, turns, stream) for sdk, ask in SDKS.items() for stream in (False, True)}
    assert len(set(heard.values())) == 1, heard
    assert len(next(iter(heard.values()))) > 3
