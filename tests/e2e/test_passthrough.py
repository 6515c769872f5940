"""What passes through as it is: single operations and whole APIs, byte for byte, without the client's credentials."""

import json
import socket
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from raw_upstream import RawUpstream, chunked, parsed, whole

from people_kit import key, register
from running import Process, gateway

SECRETS = {
    "authorization": "Bearer sk-mine", "x-api-key": "mine", "x-goog-api-key": "mine", "api-key": "mine",
    "cookie": "a=mine", "proxy-authorization": "mine", "xi-api-key": "mine", "x-bf-vk": "sk-bf-mine",
}  # fmt: skip
EVENTS = (
    b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\nda',
    b'ta: {"id":"c","choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":"stop"}]}\n\n',
    b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\ndata: [DONE]\n\n',
)


@pytest.fixture(scope="module")
def upstream() -> Iterator[RawUpstream]:
    with RawUpstream() as raw:
        yield raw


@pytest.fixture(scope="module")
def passing(upstream: RawUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    def provider(path: str, **more: Any) -> dict[str, Any]:
        keys = [{"name": name, "value": f"sk-{name}", "weight": 1} for name in ("first", "second")]
        return {"keys": keys, "network_config": {"base_url": upstream.url + path, "max_retries": 0}, **more}

    custom = {"base_provider_type": "openai", "allowed_requests": {"chat_completion": True}}
    config = {
        "providers": {
            "openai": provider("/deep/v1"),
            "anthropic": provider("/v1"),
            "gemini": provider("/v1beta"),
            "narrow": provider("/v1", custom_provider_config=custom),
        }
    }
    folder = tmp_path_factory.mktemp("passing")
    register(folder / "app", key("mine"))
    process = gateway(folder, config)
    process.start()
    yield process
    process.stop()


@pytest.fixture
def client(passing: Process, upstream: RawUpstream) -> Iterator[httpx2.Client]:
    upstream.requests.clear()
    upstream.say = whole("200 OK", b"{}", "content-type: application/json")
    with httpx2.Client(base_url=passing.url, timeout=20) as client:
        yield client


def last(upstream: RawUpstream) -> tuple[str, dict[str, str], bytes]:
    return parsed(upstream.requests[-1])


@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        ("GET", "/openai_passthrough/v1/models", "/deep/v1/models"),
        ("GET", "/openai_passthrough/models?limit=2&after=a%2Fb", "/deep/v1/models?limit=2&after=a%2Fb"),
        ("PUT", "/openai_passthrough/v2/x%2Fy", "/deep/v2/x%2Fy"),
        ("DELETE", "/openai_passthrough/a//b/../c", "/deep/v1/a/c"),
        ("DELETE", "/openai_passthrough/%2e%2e/%2E%2E/etc", "/etc"),
        ("PATCH", "/openai_passthrough/x?key=mine&a=1", "/deep/v1/x?a=1"),
        ("OPTIONS", "/openai_passthrough/x", "/deep/v1/x"),
        ("HEAD", "/openai_passthrough/x", "/deep/v1/x"),
        ("POST", "/anthropic_passthrough/v1/messages?beta=true", "/v1/messages?beta=true"),
        (
            "POST",
            "/genai_passthrough/v1/models/m:generateContent?key=mine&alt=sse",
            "/v1/models/m:generateContent?alt=sse",
        ),
        ("POST", "/genai_passthrough/upload/v1beta/files", "/upload/v1beta/files"),
        ("GET", "/openai_passthrough/http://elsewhere.invalid/v1", "/deep/v1/http:/elsewhere.invalid/v1"),
        ("GET", "/openai_passthrough/@elsewhere.invalid/", "/deep/v1/@elsewhere.invalid/"),
    ],
)
def test_paths(method: str, path: str, target: str, client: httpx2.Client, upstream: RawUpstream) -> None:
    answer = client.send(httpx2.Request(method, str(client.base_url).rstrip("/") + path, content=b""))
    if target == "/etc":
        # The dots climbed out of the prefix before any route was looked for: nothing was passed on.
        assert (answer.status_code, upstream.requests) == (404, [])
        return
    line, headers, _ = last(upstream)
    assert line == f"{method} {target} HTTP/1.1"
    assert headers["host"] == upstream.url.removeprefix("http://")
    assert answer.status_code == 200


def test_credentials_stay_here(client: httpx2.Client, upstream: RawUpstream) -> None:
    told = {"user-agent": "me/1", "openai-beta": "x=v2", "x-bf-eh-x-more": "1", "x-bf-eh-authorization": "Bearer mine"}
    client.post("/openai_passthrough/v1/x", headers={**SECRETS, **told, "accept-encoding": "gzip"}, content=b"{}")
    _, headers, body = last(upstream)
    assert "mine" not in json.dumps(headers)
    assert headers["authorization"] == "Bearer sk-first"
    assert (headers["user-agent"], headers["openai-beta"], headers["x-more"]) == ("me/1", "x=v2", "1")
    assert "accept-encoding" not in headers
    assert body == b"{}"
    client.post("/anthropic_passthrough/v1/x", headers=SECRETS, content=b"\x00\xff raw")
    _, headers, body = last(upstream)
    assert "mine" not in json.dumps(headers)
    assert headers["x-api-key"] == "sk-first"
    assert headers["anthropic-version"]
    assert body == b"\x00\xff raw"
    client.post("/genai_passthrough/v1beta/x?key=mine", headers=SECRETS)
    line, headers, _ = last(upstream)
    assert "mine" not in line + json.dumps(headers)
    assert "sk-first" in line + json.dumps(headers)


def test_the_answer_is_not_touched(client: httpx2.Client, upstream: RawUpstream) -> None:
    body = b' { "error" : { "message" : "no\\u00e9" , "code" : "odd" } } '
    upstream.say = whole("418 Teapot", body, "x-ratelimit-limit: 5", "set-cookie: a=b", "content-type: text/odd")
    answer = client.get("/openai_passthrough/v1/x")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (418, body, "text/odd")
    assert answer.headers["x-ratelimit-limit"] == "5"
    assert "set-cookie" not in answer.headers
    upstream.say = whole("302 Found", b"", "location: https://elsewhere.invalid/")
    assert client.get("/openai_passthrough/v1/x").headers["location"] == "https://elsewhere.invalid/"
    upstream.say = whole("204 No Content", b"")
    assert client.delete("/openai_passthrough/v1/x").status_code == 204


def rows(process: Process, model: str, wanted: int) -> list[dict[str, Any]]:
    """The lines of the request log that name a model, once there are so many."""
    (path,) = [each for each in process.log.parent.rglob("*.db") if each.stat().st_size]
    deadline = time.monotonic() + 10
    while True:
        with sqlite3.connect(path) as store:
            store.row_factory = sqlite3.Row
            found = [dict(row) for row in store.execute("select * from logs where model = ? order by at", (model,))]
        if len(found) >= wanted:
            return found
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_usage_and_cost_are_recorded(client: httpx2.Client, upstream: RawUpstream, passing: Process) -> None:
    asked = {"model": "gpt-4o", "messages": []}
    told: dict[str, Any] = {"id": "c", "choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 10}}
    upstream.say = whole("200 OK", json.dumps(told).encode(), "content-type: application/json")
    assert client.post("/openai_passthrough/v1/chat/completions", json=asked).json() == told
    upstream.say = chunked(*EVENTS)
    answer = client.post("/openai_passthrough/v1/chat/completions", json={**asked, "stream": True})
    assert answer.content == b"".join(EVENTS)
    upstream.say = whole("429 Slow", b'{"error":{"code":"slow_down"}}')
    client.post("/openai_passthrough/v1/chat/completions", json=asked)
    plain, streamed, refused = rows(passing, "gpt-4o", 3)
    assert (plain["model"], plain["provider"], plain["key"], plain["lane"]) == (
        "gpt-4o",
        "openai",
        "first",
        "passthrough",
    )
    assert json.loads(plain["usage"]) == {"input": 1000, "output": 10}
    assert plain["cost"] > 0
    assert json.loads(streamed["usage"]) == {"input": 3, "output": 2}
    assert (refused["status"], refused["failure"], refused["cost"]) == (429, "slow_down", 0)
    told = {"candidates": [], "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 6}}
    upstream.say = whole("200 OK", json.dumps(told).encode(), "content-type: application/json; charset=UTF-8")
    client.post("/genai_passthrough/v1beta/models/gemini-x:generateContent", json={})
    (gemini,) = rows(passing, "gemini-x", 1)
    assert json.loads(gemini["usage"]) == {"input": 4, "output": 6}


def test_what_the_client_calls_it_is_recorded(client: httpx2.Client, upstream: RawUpstream, passing: Process) -> None:
    upstream.say = whole("200 OK", b'{"choices":[{"message":{}}]}', "content-type: application/json")
    asked = {"model": "mine-1", "messages": [{"role": "user", "content": "x"}]}
    for path in ("/openai/v1/chat/completions", "/openai_passthrough/v1/chat/completions"):
        assert client.post(path, json=asked, headers={"x-request-id": "mine"}).headers["x-request-id"] == "mine"
    assert client.post("/openai/v1/chat/completions", json=asked).status_code == 200
    told = rows(passing, "mine-1", 3)
    assert [row["asked_id"] for row in told] == ["mine", "mine", ""]
    assert len({row["id"] for row in told}) == 3


def test_a_stream_passes_piece_by_piece_and_a_cut_one_is_cut(client: httpx2.Client, upstream: RawUpstream) -> None:
    upstream.say = chunked(*EVENTS[:2], end=False)
    got: list[bytes] = []
    with (
        client.stream("POST", "/openai_passthrough/v1/chat/completions", json={"stream": True}) as answer,
        pytest.raises(httpx2.RemoteProtocolError),
    ):
        got.extend(answer.iter_raw())
    assert b"".join(got) == b"".join(EVENTS[:2])


def test_a_client_that_leaves_stops_the_provider(passing: Process, upstream: RawUpstream) -> None:
    def endless(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(2000):
            connection.sendall(b"9\r\ndata: x\n\n\r\n")
            time.sleep(0.01)

    upstream.gone.clear()
    upstream.say = endless
    with socket.create_connection(("127.0.0.1", passing.port), timeout=10) as sock:
        sock.sendall(b"GET /openai_passthrough/v1/endless HTTP/1.1\r\nHost: x\r\n\r\n")
        got = b""
        while got.count(b"data: x") < 3:
            got += sock.recv(4096)
    assert upstream.gone.wait(10)


def test_a_large_upload_and_a_large_download(client: httpx2.Client, upstream: RawUpstream) -> None:
    content = bytes(range(256)) * 20_000
    upstream.say = whole("200 OK", content, "content-type: application/octet-stream")
    answer = client.post("/openai/v1/containers/c1/files", files={"file": ("a.bin", content)})
    assert answer.content == content
    line, headers, body = last(upstream)
    assert line == "POST /deep/v1/containers/c1/files HTTP/1.1"
    assert content in body
    assert int(headers["content-length"]) == len(body)


OPERATIONS = [
    ("GET", "/v1/containers?provider=openai&limit=2", "GET /deep/v1/containers?limit=2"),
    ("GET", "/openai/v1/containers/c%2F1", "GET /deep/v1/containers/c%2F1"),
    ("DELETE", "/openai/containers/c1/files/f1", "DELETE /deep/v1/containers/c1/files/f1"),
    ("GET", "/litellm/v1/containers/c1/files/f1/content", "GET /deep/v1/containers/c1/files/f1/content"),
    ("GET", "/openai/v1/vector_stores/v1/files", "GET /deep/v1/vector_stores/v1/files"),
    ("POST", "/openai/v1/fine_tuning/jobs/j/cancel", "POST /deep/v1/fine_tuning/jobs/j/cancel"),
    ("POST", "/openai/v1/uploads", "POST /deep/v1/uploads"),
    ("GET", "/openai/v1/videos/v/content?variant=x", "GET /deep/v1/videos/v/content?variant=x"),
    ("POST", "/genai/v1beta/models/veo-3:predictLongRunning?key=mine", "POST /v1beta/models/veo-3:predictLongRunning"),
    ("GET", "/genai/v1beta/models/gemini/veo%2F3/operations/a%2Fb", "GET /v1beta/models/veo%2F3/operations/a%2Fb"),
    ("GET", "/litellm/v1beta/operations/%7Bx%7D?a=1", "GET /v1beta/operations/%7Bx%7D?a=1"),
]


@pytest.mark.parametrize(("method", "path", "line"), OPERATIONS)
def test_single_operations(method: str, path: str, line: str, client: httpx2.Client, upstream: RawUpstream) -> None:
    assert client.request(method, path).status_code == 200
    assert last(upstream)[0] == f"{line} HTTP/1.1"


def test_who_is_asked(client: httpx2.Client, upstream: RawUpstream) -> None:
    for body, headers in (({"provider": "openai"}, {}), ({}, {"x-model-provider": "openai"})):
        client.post("/v1/containers", json={"name": "a", **body}, headers=headers)
        assert (last(upstream)[0], json.loads(last(upstream)[2])) == (
            "POST /deep/v1/containers HTTP/1.1",
            {"name": "a"},
        )
    client.post(
        "/v1/moderations",
        content=b'{"model": "openai/omni", "input": "\\u00e9", "n": 1.0}',
        headers={"content-type": "application/json"},
    )
    assert last(upstream)[2] == b'{"model":"omni","input":"\\u00e9","n":1.0}'
    client.post("/openai_passthrough/v1/x", headers={"x-model-provider": "anthropic"})
    assert last(upstream)[1]["x-api-key"] == "sk-first"


@pytest.mark.parametrize(
    ("path", "headers", "status", "names"),
    [
        ("/v1/containers", {}, 400, "provider: Field required"),
        ("/v1/containers?provider=nobody", {}, 400, "provider: 'nobody' is not a provider here"),
        ("/v1/containers?provider=anthropic", {}, 400, "not supported by anthropic provider"),
        ("/v1/containers?provider=narrow", {}, 400, "container_list is not supported by narrow provider"),
        ("/v1/containers?provider=groq", {}, 400, "groq is not configured"),
        ("/openai_passthrough/x", {"x-model-provider": "nobody"}, 400, "'nobody' is not a provider here"),
        ("/openai_passthrough/x", {"x-model-provider": "narrow"}, 400, "passthrough is not supported by narrow"),
        ("/openai_passthrough", {}, 404, "Route not found"),
        ("/gemini_passthrough/x", {}, 404, "Route not found"),
    ],
)
def test_what_is_refused(
    path: str, headers: dict[str, str], status: int, names: str, client: httpx2.Client, upstream: RawUpstream
) -> None:
    answer = client.get(path, headers=headers)
    assert answer.status_code == status
    assert names in answer.json()["error"]["message"]
    assert upstream.requests == []


def test_a_provider_that_is_not_there(client: httpx2.Client, upstream: RawUpstream) -> None:
    upstream.say = lambda connection, request: connection.close()
    answer = client.get("/anthropic_passthrough/v1/x")
    assert (answer.status_code, answer.json()["type"]) == (502, "error")
