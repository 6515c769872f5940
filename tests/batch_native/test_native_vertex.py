"""Vertex AI's batch jobs: what its lines say, and the whole way through a gateway, with tokens and a bucket."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from asbru.batch.native_vertex import read_row
from asbru.model.batches import Outcome
from asbru.model.names import Format
from running import Process, gateway

GEMINI, CLAUDE = Format.GEMINI_GENERATE, Format.ANTHROPIC_MESSAGES
MINE = {"request": {"labels": {"asbru_id": "j-1", "team": "a"}}}
NEITHER = "The provider gave neither a response nor an error."


def googles(code: int, message: str, status: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status}}


def claudes(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


NO = googles(400, "no", "INVALID_ARGUMENT")
SLOW = claudes("rate_limit_error", "slow")
ROWS: list[tuple[dict[str, Any], Format, int, dict[str, Any]]] = [
    ({**MINE, "status": "", "response": {"candidates": []}}, GEMINI, 200, {"candidates": []}),
    ({**MINE, "status": f"Bad Request: {json.dumps(NO)}"}, GEMINI, 400, NO),
    ({**MINE, "status": {"code": 8, "message": "slow"}}, GEMINI, 429, googles(429, "slow", "RESOURCE_EXHAUSTED")),
    ({**MINE, "status": "Oh: {oops", "response": {}}, GEMINI, 500, googles(500, "Oh: {oops", "INTERNAL")),
    ({**MINE, "status": "", "response": {}}, GEMINI, 500, googles(500, NEITHER, "INTERNAL")),
    ({"custom_id": "j-1", "response": {"type": "message"}}, CLAUDE, 200, {"type": "message"}),
    ({"custom_id": "j-1", "status": json.dumps(SLOW)}, CLAUDE, 429, SLOW),
    ({"custom_id": "j-1", "status": "boom"}, CLAUDE, 500, claudes("api_error", "boom")),
]


@pytest.mark.parametrize(("row", "format", "status", "body"), ROWS)
def test_a_line_of_results(row: Any, format: Format, status: int, body: Any) -> None:
    result = read_row(json.dumps(row).encode(), format)
    assert result is not None
    outcome = Outcome.SUCCEEDED if status == 200 else Outcome.ERRORED
    assert (result.upstream_id, result.outcome, result.status) == ("j-1", outcome, status)
    assert msgspec.json.decode(result.body) == body


@pytest.mark.parametrize("line", [b"{", b"[]", b"{}", b'{"request": {"labels": {}}, "response": {"a": 1}}'])
def test_a_line_that_is_none(line: bytes) -> None:
    assert read_row(line, GEMINI) is None


class Tokens(BaseHTTPRequestHandler):
    """Where a service account gets its token."""

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        told = json.dumps({"access_token": "ya29.mock", "expires_in": 3600, "token_type": "Bearer"}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)


@pytest.fixture
def through(mock_provider: Process, tmp_path: Path) -> Iterator[str]:
    """A gateway whose one key is a service account's, with a bucket."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Tokens)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account",
        "client_email": "me@x",
        "private_key": private.decode(),
        "token_uri": f"http://127.0.0.1:{server.server_address[1]}/token",
    }
    said = {
        "project_id": "p-1",
        "region": "global",
        "auth_credentials": json.dumps(account),
        "batch_gcs_config": {"bucket_name": "our-batches", "prefix": "here", "endpoint": mock_provider.url},
    }
    vertex = {"keys": [{"name": "v", "vertex_key_config": said}], "network_config": {"base_url": mock_provider.url}}
    process = gateway(tmp_path, {"providers": {"vertex": vertex}})
    process.start()
    yield process.url
    process.stop()
    server.shutdown()


def ask(url: str, body: Any = None, **headers: str) -> Any:
    told = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), told)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else {}


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "claude-sonnet-4-5@20250929"])
def test_through_a_gateway(through: str, mock_provider: Process, model: str) -> None:
    texts = ("hello", "[[mock:status=400;error=not this]]")
    requests = [
        {
            "custom_id": f"c{n}",
            "params": {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": text}]},
        }
        for n, text in enumerate(texts)
    ]
    base = f"{through}/anthropic/v1/messages/batches"
    made = ask(base, {"requests": requests}, x_model_provider="vertex", x_bf_batch_mode="native")
    until = time.monotonic() + 40
    while (found := ask(f"{base}/{made['id']}"))["processing_status"] != "ended":
        assert time.monotonic() < until
        time.sleep(0.1)
    assert (found["request_counts"]["succeeded"], found["request_counts"]["errored"]) == (1, 1), found
    with urllib.request.urlopen(f"{base}/{made['id']}/results", timeout=30) as answer:
        results = {row["custom_id"]: row["result"] for row in map(json.loads, answer.read().splitlines())}
    assert "hello" in results["c0"]["message"]["content"][0]["text"]
    assert "not this" in json.dumps(results["c1"]["error"])
    authorization = {"authorization": "Bearer ya29.mock"}
    while ask(f"{mock_provider.url}/storage/v1/b/our-batches/o?prefix=here/", **authorization).get("items"):
        assert time.monotonic() < until, "what lay in the bucket is removed"
        time.sleep(0.1)


def test_what_a_bucket_cannot_be(tmp_path: Path) -> None:
    said = {"project_id": "p-1", "region": "global", "batch_gcs_config": {"bucket_name": "No Bucket", "prefix": "a b"}}
    process = gateway(tmp_path, {"providers": {"vertex": {"keys": [{"name": "v", "vertex_key_config": said}]}}})
    with pytest.raises(RuntimeError, match=r"batch_gcs_config\.bucket_name: must be a bucket's name"):
        process.start()
