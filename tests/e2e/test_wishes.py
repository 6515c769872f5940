"""What headers ask for beside the body: bodies as they went and came, members for the provider, credentials of one's
own.
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from openai import AzureOpenAI, OpenAI
from raw_upstream import RawUpstream, chunked, parsed, whole

from running import Process, gateway

CHAT: dict[str, Any] = {"model": "openai/gpt-x", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 9}
SAID = b'{"id": "c1", "n": 1.0, "choices": [\n{"index": 0, "message": {"role": "assistant", "content": "Rain."}}]}'
CLAUDES: dict[str, Any] = {
    "id": "m", "type": "message", "role": "assistant", "model": "claude-x", "stop_reason": "end_turn",
    "stop_sequence": None, "content": [{"type": "text", "text": "Rain."}],
    "usage": {"input_tokens": 5, "output_tokens": 2},
}  # fmt: skip
NOVAS = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Rain."}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 5, "outputTokens": 2, "totalTokens": 7},
}
PIECES = (
    b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"Ra"}}]}\n\nda',
    b'ta: {"id":"c","choices":[{"index":0,"delta":{"content":"in."},"finish_reason":"stop"}]}\n\n',
    b"data: [DONE]\n\n",
)
KIND = "content-type: application/json"
BOTH = {"x-bf-send-back-raw-request": "true", "x-bf-send-back-raw-response": "true"}
EXTRA = {"x-bf-passthrough-extra-params": "true"}


@pytest.fixture(scope="module")
def upstream() -> Iterator[RawUpstream]:
    with RawUpstream() as raw:
        yield raw


@pytest.fixture(scope="module")
def open_gateway(upstream: RawUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """One where callers may bring keys, and where provider ``telling`` shows all."""

    def provider(**more: Any) -> dict[str, Any]:
        network = {"base_url": upstream.url + "/v1", "max_retries": 0}
        return {"keys": [{"name": "kept", "value": "sk-kept"}], "network_config": network, **more}

    azure = {"endpoint": upstream.url, "deployments": {"m": "prod"}}
    custom = {"base_provider_type": "openai"}
    config = {
        "client": {"allow_direct_keys": True},
        "providers": {
            "openai": provider(),
            "anthropic": provider(),
            "telling": provider(custom_provider_config=custom, send_back_raw_request=True, send_back_raw_response=True),
            "bedrock": provider(network_config={"base_url": upstream.url, "max_retries": 0}),
            "azure": {"keys": [{"name": "kept", "value": "az-kept", "azure_key_config": azure, "models": ["*"]}]},
        },
    }
    process = gateway(tmp_path_factory.mktemp("wishes"), config)
    process.start()
    yield process
    process.stop()


@pytest.fixture
def client(open_gateway: Process, upstream: RawUpstream) -> Iterator[httpx2.Client]:
    upstream.requests.clear()
    upstream.say = whole("200 OK", SAID, KIND)
    with httpx2.Client(base_url=open_gateway.url, timeout=20) as client:
        yield client


def sent(upstream: RawUpstream) -> tuple[str, dict[str, str], Any]:
    """Path, headers and body of what the provider got last."""
    line, headers, body = parsed(upstream.requests[-1])
    return line.split(" ")[1], headers, json.loads(body)


def shown(answer: httpx2.Response) -> dict[str, Any]:
    members = answer.json()["extra_fields"]
    return {name: members[name] for name in members if name.startswith("raw_")}


def test_bodies_as_they_went_and_came(client: httpx2.Client, upstream: RawUpstream) -> None:
    answer = client.post("/v1/chat/completions", json=CHAT, headers=BOTH)
    assert shown(answer) == {"raw_request": sent(upstream)[2], "raw_response": json.loads(SAID)}
    assert answer.content.startswith(SAID[:-1])
    assert shown(
        client.post("/v1/chat/completions", json=CHAT, headers={"x-bf-send-back-raw-request": "TRUE"})
    ).keys() == {"raw_request"}
    assert shown(client.post("/v1/chat/completions", json=CHAT)) == {}
    upstream.say = whole("200 OK", json.dumps(CLAUDES).encode(), KIND)
    answer = client.post("/v1/chat/completions", json={**CHAT, "model": "anthropic/claude-x"}, headers=BOTH)
    assert shown(answer) == {"raw_request": sent(upstream)[2], "raw_response": CLAUDES}
    assert answer.json()["choices"][0]["message"]["content"] == "Rain."


def test_bodies_of_a_failure(client: httpx2.Client, upstream: RawUpstream) -> None:
    for body, told in ((b'{"error": {"message": "no"}}', {"error": {"message": "no"}}), (b"\xffno", "\ufffdno")):
        upstream.say = whole("400 Bad Request", body, KIND)
        answer = client.post("/v1/chat/completions", json=CHAT, headers=BOTH)
        assert (answer.status_code, shown(answer)) == (400, {"raw_request": sent(upstream)[2], "raw_response": told})
    assert shown(client.post("/v1/chat/completions", json=CHAT)) == {}


@pytest.mark.parametrize("model", ["openai/gpt-x", "telling/gpt-x"])
def test_bodies_of_a_stream(model: str, client: httpx2.Client, upstream: RawUpstream) -> None:
    upstream.say = chunked(*PIECES)
    headers = BOTH if model.startswith("openai") else {}
    told = client.post("/v1/chat/completions", json={**CHAT, "model": model, "stream": True}, headers=headers).text
    first, second = [json.loads(line[6:])["extra_fields"] for line in told.splitlines() if line.startswith("data: {")]
    assert first["raw_request"] == sent(upstream)[2]
    assert "raw_request" not in second
    plain = b"".join(PIECES).decode().split("\n\n")
    assert [first["raw_response"], second["raw_response"]] == [each.removeprefix("data: ") for each in plain[:2]]
    assert told.endswith("data: [DONE]\n\n")


def test_what_the_operator_says_holds_until_the_caller_says_otherwise(client: httpx2.Client) -> None:
    asked = {**CHAT, "model": "telling/gpt-x"}
    assert shown(client.post("/v1/chat/completions", json=asked)).keys() == {"raw_request", "raw_response"}
    headers = {"x-bf-send-back-raw-response": "false"}
    assert shown(client.post("/v1/chat/completions", json=asked, headers=headers)).keys() == {"raw_request"}
    assert "extra_fields" not in client.post("/openai/v1/chat/completions", json=asked, headers=BOTH).json()


def test_members_for_the_provider(client: httpx2.Client, upstream: RawUpstream) -> None:
    extra = {"top_a": 1, "metadata": {"b": {"c": 1}, "d": 2}}
    asked = {**CHAT, "metadata": {"b": {"e": "3"}}, "extra_params": extra}
    assert client.post("/v1/chat/completions", json=asked, headers=EXTRA).status_code == 200
    got = sent(upstream)[2]
    assert (got["top_a"], got["metadata"]) == (1, {"b": {"e": "3", "c": 1}, "d": 2})
    assert "extra_params" not in got
    client.post("/v1/chat/completions", json=asked)
    assert (sent(upstream)[2]["extra_params"], sent(upstream)[2].get("top_a")) == (extra, None)
    upstream.say = whole("200 OK", json.dumps(CLAUDES).encode(), KIND)
    answer = client.post("/v1/chat/completions", json={**asked, "model": "anthropic/claude-x"}, headers=EXTRA)
    assert (answer.status_code, sent(upstream)[2]["top_a"]) == (200, 1)
    assert "extra_params" not in answer.headers.get("x-asbru-lost", "")
    sdk = OpenAI(base_url=f"{client.base_url}/v1", api_key="k", default_headers=EXTRA)
    upstream.say = whole("200 OK", SAID, KIND)
    sdk.chat.completions.create(
        model="openai/gpt-x", messages=CHAT["messages"], extra_body={"extra_params": {"deep": {"a": None}}}
    )
    assert sent(upstream)[2]["deep"] == {"a": None}


def nested(depth: int) -> Any:
    told: Any = 1
    for _ in range(depth):
        told = {"a": told}
    return told


def test_members_that_lie_deep(client: httpx2.Client, upstream: RawUpstream) -> None:
    for depth in (3, 9, 400):
        asked = {**CHAT, "x": nested(depth), "extra_params": {"x": nested(depth)}}
        assert client.post("/v1/chat/completions", json=asked, headers=EXTRA).status_code == 200
        assert sent(upstream)[2]["x"] == nested(depth)


@pytest.mark.parametrize(
    ("headers", "body", "status", "param"),
    [
        ({"x-bf-send-back-raw-response": "maybe"}, {}, 400, "x-bf-send-back-raw-response"),
        ({"x-bf-passthrough-extra-params": "1"}, {}, 400, "x-bf-passthrough-extra-params"),
        (EXTRA, {"extra_params": [1]}, 400, "extra_params"),
        (EXTRA, {"extra_params": {"model": "gpt-5"}}, 400, "extra_params.model"),
        (EXTRA, {"extra_params": {"stream": True}}, 400, "extra_params.stream"),
        ({"x-bf-bedrock-access-key": "AK"}, {}, 400, "x-bf-bedrock-secret-key"),
        ({"x-bf-bedrock-secret-key": "s"}, {}, 400, "x-bf-bedrock-access-key"),
        ({"x-bf-bedrock-region": "evil.example/"}, {}, 400, "x-bf-bedrock-region"),
        ({"x-bf-azure-endpoint": "http://127.0.0.1:1"}, {}, 400, "x-bf-azure-endpoint"),
        ({"x-bf-azure-endpoint": "https://evil.example/.openai.azure.com"}, {}, 400, "x-bf-azure-endpoint"),
        ({"api-key": "mine"}, {"model": "azure/m"}, 400, "model"),
        ({"authorization": "Bearer \u00e9".encode("latin-1")}, {}, 400, "authorization"),
    ],
)
def test_what_is_refused(
    headers: dict[str, Any], body: dict[str, Any], status: int, param: str, client: httpx2.Client, upstream: RawUpstream
) -> None:
    answer = client.post("/v1/chat/completions", json={**CHAT, **body}, headers=headers)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param), answer.text
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("headers", "model", "name", "value"),
    [
        ({"authorization": "bearer sk-mine"}, "openai/gpt-x", "authorization", "Bearer sk-mine"),
        ({"x-api-key": "sk-mine"}, "openai/gpt-x", "authorization", "Bearer sk-mine"),
        ({"x-goog-api-key": "sk-mine"}, "anthropic/claude-x", "x-api-key", "sk-mine"),
        ({"authorization": "AWS4-HMAC-SHA256 x"}, "openai/gpt-x", "authorization", "Bearer sk-kept"),
        ({}, "openai/gpt-x", "authorization", "Bearer sk-kept"),
        ({"x-bf-bedrock-api-key": "br"}, "bedrock/nova-x", "authorization", "Bearer br"),
        ({"x-bf-bedrock-api-key": "br"}, "openai/gpt-x", "authorization", "Bearer sk-kept"),
        ({"api-key": "mine", "x-bf-azure-endpoint": "UPSTREAM"}, "azure/m", "api-key", "mine"),
    ],
)
def test_a_key_of_the_callers_own(
    headers: dict[str, str], model: str, name: str, value: str, client: httpx2.Client, upstream: RawUpstream
) -> None:
    said: Any = {"anthropic": CLAUDES, "bedrock": NOVAS}.get(model.partition("/")[0], json.loads(SAID))
    headers = {each: upstream.url if text == "UPSTREAM" else text for each, text in headers.items()}
    for _ in range(2):
        upstream.say = whole("200 OK", json.dumps(said).encode(), KIND)
        answer = client.post("/v1/chat/completions", json={**CHAT, "model": model}, headers=headers)
        assert answer.status_code == 200, answer.text
        assert sent(upstream)[1][name] == value
    client.post("/v1/chat/completions", json=CHAT)
    assert sent(upstream)[1]["authorization"] == "Bearer sk-kept"


def test_a_virtual_key_is_no_key_of_a_providers(client: httpx2.Client, upstream: RawUpstream) -> None:
    for headers in ({"authorization": "Bearer sk-bf-1"}, {"x-api-key": "sk-bf-1", "authorization": "Bearer sk-mine"}):
        assert client.post("/v1/chat/completions", json=CHAT, headers=headers).status_code == 403
    assert upstream.requests == []


def test_credentials_of_aws(client: httpx2.Client, upstream: RawUpstream) -> None:
    upstream.say = whole("200 OK", json.dumps(NOVAS).encode(), KIND)
    own = {
        "x-bf-bedrock-access-key": "ASIAMINE", "x-bf-bedrock-secret-key": "s", "x-bf-bedrock-session-token": "tok",
        "x-bf-bedrock-region": "eu-north-1",
    }  # fmt: skip
    for n in range(2):
        headers = {**own, "x-bf-bedrock-access-key": f"ASIAMINE{n}"}
        answer = client.post("/v1/chat/completions", json={**CHAT, "model": "bedrock/nova-x"}, headers=headers)
        assert answer.status_code == 200, answer.text
        got = sent(upstream)[1]
        assert got["authorization"].startswith(f"AWS4-HMAC-SHA256 Credential=ASIAMINE{n}/")
        assert "/eu-north-1/bedrock/aws4_request" in got["authorization"]
        assert got["x-amz-security-token"] == "tok"


def test_fallbacks_elsewhere_use_stored_keys(client: httpx2.Client, upstream: RawUpstream) -> None:
    upstream.say = whole("401 Unauthorized", b"{}", KIND)
    asked = {**CHAT, "fallbacks": ["anthropic/claude-x"]}
    client.post("/v1/chat/completions", json=asked, headers={"authorization": "Bearer sk-mine"})
    first, second = [parsed(each)[1] for each in upstream.requests]
    assert (first["authorization"], second["x-api-key"]) == ("Bearer sk-mine", "sk-kept")
    assert "sk-mine" not in str(second)


def test_azures_own_client(client: httpx2.Client, upstream: RawUpstream) -> None:
    sdk = AzureOpenAI(
        azure_endpoint=f"{client.base_url}/openai",
        api_key="mine",
        api_version="2024-10-21",
        default_headers={"x-bf-azure-endpoint": upstream.url},
    )
    told = sdk.chat.completions.create(model="gpt-y", messages=CHAT["messages"])
    assert told.choices[0].message.content == "Rain."
    path, headers, _ = sent(upstream)
    assert (path.partition("?")[0], headers["api-key"]) == ("/openai/deployments/gpt-y/chat/completions", "mine")


@pytest.mark.parametrize("name", ["x-bf-bedrock-api-key", "x-bf-bedrock-access-key", "x-bf-azure-endpoint"])
def test_nobody_may_bring_one_unless_the_operator_says_so(name: str, running_gateway: Process) -> None:
    answer = httpx2.post(f"{running_gateway.url}/v1/chat/completions", json=CHAT, headers={name: "x"}, timeout=20)
    assert (answer.status_code, answer.json()["error"]["param"]) == (403, name)
    assert "allow_direct_keys" in answer.json()["error"]["message"]
