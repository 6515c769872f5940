"""Vertex AI against a stand-in for Google: its tokens, and its paths by project, region and maker."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from stand_in import chat, messages
from vendors import Vendor

from running import gateway

HELLO = [{"role": "user", "content": "Weather?"}]
PROJECT = "/v1/projects/p-1/locations/global"
CLAUDE = f"{PROJECT}/publishers/anthropic/models/claude-sonnet-4-5@20250929"
GEMINI = f"{PROJECT}/publishers/google/models/gemini-2.5-pro"
SAID = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Rain."}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7},
    "modelVersion": "gemini-2.5-pro",
    "responseId": "r1",
}
PEM = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    .decode()
)


class Google(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[tuple[str, dict[str, Any]]]] = []
    tokens: ClassVar[list[str]] = []

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""

    def do_GET(self) -> None:
        models = [{"name": "publishers/google/models/gemini-2.5-pro", "versionId": "default"}]
        if self.path == "/v1/publishers/google/models":
            self._send(200, "application/json", json.dumps({"publisherModels": models}).encode())
        else:
            self._refuse(404, "NOT_FOUND", f"no such path: {self.path}")

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/token":
            self.tokens.append(f"ya29.{len(self.tokens)}")
            told = {"access_token": self.tokens[-1], "expires_in": 3600, "token_type": "Bearer"}
            self._send(200, "application/json", json.dumps(told).encode())
        elif self.headers.get("authorization") != f"Bearer {self.tokens[-1] if self.tokens else ''}":
            self._refuse(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        else:
            self.seen.append((self.path, json.loads(raw)))
            self._speak(json.loads(raw))

    def _speak(self, body: dict[str, Any]) -> None:
        if ":rawPredict" in self.path or ":streamRawPredict" in self.path:
            if body.get("anthropic_version") != "vertex-2023-10-16" or "model" in body:
                self._refuse(400, "INVALID_ARGUMENT", "anthropic_version: Field required")
            elif bool(body.get("stream")) != self.path.endswith(":streamRawPredict"):
                self._refuse(400, "INVALID_ARGUMENT", "stream and its path do not fit")
            else:
                self._send(200, *messages({**body, "model": "claude"}))
        elif self.path == f"{GEMINI}:generateContent":
            self._send(200, "application/json", json.dumps(SAID).encode())
        elif self.path == f"{GEMINI}:streamGenerateContent?alt=sse":
            self._send(200, "text/event-stream", f"data: {json.dumps(SAID)}\r\n\r\n".encode())
        elif self.path == f"{PROJECT}/endpoints/openapi/chat/completions":
            self._send(200, *chat(Vendor(name="vertex", host=""), body))
        else:
            self._refuse(404, "NOT_FOUND", f"no such path: {self.path}")

    def _refuse(self, status: int, word: str, words: str) -> None:
        told = {"error": {"code": status, "message": words, "status": word}}
        self._send(status, "application/json", json.dumps(told).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway in front of it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Google)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    at = f"http://127.0.0.1:{server.server_address[1]}"
    account = {"type": "service_account", "client_email": "me@x", "private_key": PEM, "token_uri": f"{at}/token"}
    said = {"project_id": "p-1", "region": "global", "auth_credentials": json.dumps(account)}
    vertex = {
        "keys": [{"name": "v", "vertex_key_config": said, "models": ["*"]}],
        "network_config": {"base_url": at, "max_retries": 0},
    }
    process = gateway(tmp_path_factory.mktemp("vertex"), {"providers": {"vertex": vertex}})
    process.start()
    yield process.url
    process.stop()
    server.shutdown()


def ask(url: str, body: object) -> tuple[int, bytes]:
    Google.seen.clear()
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/anthropic/v1/messages", "/v1/chat/completions"])
def test_claude(path: str, stream: bool, address: str) -> None:
    said = {"model": "vertex/claude-sonnet-4-5@20250929", "max_tokens": 9, "messages": HELLO, "stream": stream}
    status, body = ask(address + path, said)
    assert status == 200, body
    assert b"Rain." in body
    ((where, got),) = Google.seen
    assert where.replace("%40", "@") == CLAUDE + (":streamRawPredict" if stream else ":rawPredict")
    assert (got["max_tokens"], got.get("stream", False)) == (9, stream)


def test_other_makers_models(address: str) -> None:
    said = {"model": "vertex/meta/llama-4-maverick-17b-128e-instruct-maas", "messages": HELLO}
    status, body = ask(f"{address}/v1/chat/completions", said)
    assert status == 200, body
    assert Google.seen[0][1]["model"] == "meta/llama-4-maverick-17b-128e-instruct-maas"


def test_one_token_for_everything(address: str) -> None:
    for _ in range(3):
        said = {"model": "vertex/claude-x", "max_tokens": 9, "messages": HELLO}
        assert ask(f"{address}/anthropic/v1/messages", said)[0] == 200
    assert Google.tokens == ["ya29.0"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/anthropic/v1/messages", "/v1/chat/completions"])
def test_gemini(path: str, stream: bool, address: str) -> None:
    said = {"model": "vertex/gemini-2.5-pro", "max_tokens": 9, "messages": HELLO, "stream": stream}
    status, body = ask(address + path, said)
    assert status == 200, body
    assert b"Rain." in body
    ((where, got),) = Google.seen
    assert where == GEMINI + (":streamGenerateContent?alt=sse" if stream else ":generateContent")
    assert got["generationConfig"]["maxOutputTokens"] == 9


def test_an_error_in_googles_words(address: str) -> None:
    said = {"model": "vertex/gemini-wrong", "messages": HELLO}
    status, body = ask(f"{address}/v1/chat/completions", said)
    assert (status, "no such path" in json.loads(body)["error"]["message"]) == (404, True)


def test_a_list_of_models(address: str) -> None:
    with urllib.request.urlopen(f"{address}/v1/models?provider=vertex", timeout=20) as answer:
        assert [model["id"] for model in json.loads(answer.read())["data"]] == ["vertex/gemini-2.5-pro"]
