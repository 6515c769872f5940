"""What the unified API adds, and what may be asked of any route: extra_fields, pinned keys, packed bodies."""

import gzip
import json
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from asbru.edge.cors import pages_of
from running import Process

CHAT: dict[str, Any] = {"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 9}
MEMBERS = {"request_type": "chat_completion", "provider": "openai", "model_requested": "gpt-4o"}


@pytest.fixture(scope="module")
def client(running_gateway: Process) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=running_gateway.url, timeout=20) as client:
        yield client


def extra(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = told["extra_fields"]
    assert isinstance(found.pop("latency"), int)
    return found


def test_extra_fields_of_whole_answers(client: httpx2.Client) -> None:
    assert extra(client.post("/v1/chat/completions", json=CHAT).json()) == MEMBERS
    claude = {**CHAT, "model": "anthropic/claude-sonnet-4-5"}
    told = extra(client.post("/v1/chat/completions", json=claude).json())
    assert told == {**MEMBERS, "provider": "anthropic", "model_requested": "claude-sonnet-4-5"}
    embed = {"model": "acme/text-embedding-3-small", "input": "x"}
    assert extra(client.post("/v1/embeddings", json=embed).json())["request_type"] == "embedding"


def test_no_extra_fields_elsewhere(client: httpx2.Client) -> None:
    for path in ("/openai/v1/chat/completions", "/openai/chat/completions", "/litellm/v1/chat/completions"):
        assert "extra_fields" not in client.post(path, json=CHAT).json()
        assert "extra_fields" not in client.post(path, json={**CHAT, "stream": True}).text


@pytest.mark.parametrize("model", ["openai/gpt-4o", "anthropic/claude-sonnet-4-5"])
def test_extra_fields_of_streams(model: str, client: httpx2.Client) -> None:
    told = client.post("/v1/chat/completions", json={**CHAT, "model": model, "stream": True}).text
    frames = [json.loads(line[6:]) for line in told.splitlines() if line.startswith("data: {")]
    assert [frame["extra_fields"]["chunk_index"] for frame in frames] == list(range(len(frames)))
    assert frames[0]["extra_fields"]["request_type"] == "chat_completion_stream"
    assert told.endswith("data: [DONE]\n\n")


def test_reranking_is_billed_by_the_search(client: httpx2.Client, running_gateway: Process) -> None:
    """As Cohere tells, and as Bedrock, which does not tell, bills."""
    documents = [f"document {n}" for n in range(101)]
    for model in ("cohere/rerank-v3.5", "bedrock/cohere.rerank-v3-5:0"):
        answer = client.post("/v1/rerank", json={"model": model, "query": "document 5", "documents": documents})
        assert answer.status_code == 200, answer.text
        (path,) = [each for each in running_gateway.log.parent.rglob("*.db") if each.stat().st_size]
        found: list[tuple[str, int]] = []
        deadline = time.monotonic() + 10
        while not found and time.monotonic() < deadline:
            with sqlite3.connect(path) as store:
                at = (answer.headers["request-id"],)
                found = store.execute("SELECT usage, cost FROM logs WHERE id = ?", at).fetchall()
        assert [(json.loads(usage)["searches"], cost) for usage, cost in found] == [(2, 4_000_000)]


def test_extra_fields_of_failures(client: httpx2.Client) -> None:
    told = client.post("/v1/chat/completions", json={**CHAT, "temperature": "hot"}).json()
    assert told["is_bifrost_error"] is False
    assert told["extra_fields"] == {
        "provider": "openai",
        "model_requested": "openai/gpt-4o",
        "request_type": "chat_completion",
    }


def test_a_key_by_name_or_id(client: httpx2.Client) -> None:
    for header in ("x-bf-api-key", "x-bf-api-key-id"):
        assert client.post("/v1/chat/completions", json=CHAT, headers={header: "o1"}).status_code == 200
        refused = client.post("/openai/v1/chat/completions", json=CHAT, headers={header: "nobody's"})
        assert refused.status_code == 400
        assert refused.json()["error"]["param"] == header
        assert "no supported key found with" in refused.json()["error"]["message"]
        assert "nobody's" in refused.json()["error"]["message"]
        passed = client.get("/openai_passthrough/v1/models", headers={header: "nobody's"})
        assert (passed.status_code, passed.json()["error"]["param"]) == (400, header)
    assert client.get("/openai_passthrough/v1/models", headers={"x-bf-api-key": "o1"}).status_code == 200


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "identity": bytes,
}


@pytest.mark.parametrize("coding", PACKED)
def test_packed_bodies(coding: str, client: httpx2.Client) -> None:
    for more in ({}, {"user": "x" * 600_000}):
        packed = PACKED[coding](json.dumps({**CHAT, **more}).encode())
        for _ in range(3):
            headers = {"content-encoding": coding, "content-type": "application/json"}
            answer = client.post("/v1/chat/completions", content=packed, headers=headers)
            assert answer.status_code == 200, answer.text


def test_a_packed_upload(client: httpx2.Client) -> None:
    plain = httpx2.Request("POST", "http://x/", files={"file": ("a.wav", b"RIFF" * 9000)}, data={"model": "whisper-1"})
    body = plain.read()
    headers = {"content-type": plain.headers["content-type"], "content-encoding": "gzip"}
    answer = client.post("/openai/v1/audio/transcriptions", content=gzip.compress(body), headers=headers)
    assert answer.json()["text"] == "36000 bytes"


PLAIN = gzip.compress(b"{}", mtime=0)


@pytest.mark.parametrize(
    ("coding", "body", "status", "names"),
    [
        ("br", b"x", 415, "br is not unpacked here"),
        ("zstd", b"x", 415, "zstd is not unpacked here"),
        ("gzip, gzip", b"x", 415, "gzip, gzip is not unpacked here"),
        ("gzip", b"no gzip", 400, "cannot be unpacked"),
        ("gzip", PLAIN[:-3], 400, "cut"),
        ("gzip", PLAIN + b"more", 400, "something follows"),
        ("gzip", b"", 400, "cut"),
        ("deflate", zlib.compress(bytes(101 << 20), 1), 413, "larger than"),
    ],
    ids=["br", "zstd", "twice", "none", "cut", "followed", "empty", "bomb"],
)
def test_packed_bodies_that_are_refused(
    coding: str, body: bytes, status: int, names: str, client: httpx2.Client
) -> None:
    for path in ("/v1/chat/completions", "/openai/v1/audio/transcriptions"):
        answer = client.post(path, content=body, headers={"content-encoding": coding})
        assert (answer.status_code, names in answer.json()["error"]["message"]) == (status, True), answer.text


def test_all_pages_may_ask_when_the_operator_says_so() -> None:
    assert pages_of(["https://a.example", "*"]).may(b"https://evil.example")


@pytest.mark.parametrize(
    ("said", "told"), [("trace-1:2/3", True), ("x" * 128, True), ("x" * 129, False), ("a b", False), ("", False)]
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/no", "/v1/containers?provider=openai"])
def test_the_clients_own_id(path: str, said: str, told: bool, client: httpx2.Client) -> None:
    """It is said back; ours stays beside it."""
    answer = client.post(path, json=CHAT, headers={"x-request-id": said})
    ours = answer.headers["request-id"]
    assert ours.startswith("req_")
    assert answer.headers["x-request-id"] == (said if told else ours)


PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "x-stainless-os"}


@pytest.mark.parametrize(
    "origin",
    [
        *("http://localhost:3000", "https://localhost", "http://127.0.0.1:80", "http://[::1]:9"),
        *("https://a.pages.example", "https://a.b.pages.example", "http://pages.example:8443"),
    ],
)
def test_pages_of_this_machine_and_of_allowed_origins(origin: str, client: httpx2.Client) -> None:
    told = client.options("/v1/chat/completions", headers={"origin": origin, **PREFLIGHT})
    assert (told.status_code, told.headers["access-control-allow-origin"]) == (200, origin)
    assert "x-stainless-os" in told.headers["access-control-allow-headers"]
    for path, body, status in (
        ("/v1/chat/completions", CHAT, 200),
        ("/v1/chat/completions", {}, 400),
        ("/v1/no", {}, 404),
    ):
        answer = client.post(path, json=body, headers={"origin": origin})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, origin)
    stream = client.post("/v1/chat/completions", json={**CHAT, "stream": True}, headers={"origin": origin})
    assert (stream.status_code, stream.headers["access-control-allow-origin"]) == (200, origin)


@pytest.mark.parametrize(
    "origin",
    [
        *("https://evil.example", "http://localhost.evil.example", "null", "http://localhost:1/x"),
        *("https://pages.example", "https://.pages.example", "http://a.pages.example", "https://a.pages.example:1"),
        *("https://apages.example", "http://pages.example", "http://pagesxexample:8443"),
    ],
)
def test_pages_of_others(origin: str, client: httpx2.Client) -> None:
    assert client.options("/v1/models", headers={"origin": origin, **PREFLIGHT}).status_code == 403
    answer = client.post("/v1/chat/completions", json=CHAT, headers={"origin": origin})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_packed_body_of_a_page(client: httpx2.Client) -> None:
    headers = {"origin": "http://localhost", "content-encoding": "gzip", "content-type": "application/json"}
    answer = client.post("/v1/chat/completions", content=gzip.compress(json.dumps(CHAT).encode()), headers=headers)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "http://localhost")
