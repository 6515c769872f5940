"""Vertex AI against a stand-in for Google: its tokens, and its paths by project, region and maker."""

import base64
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
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials
from stand_in import No, chat, messages
from vendors import Vendor

from asbru.mock import gemini
from asbru.mock.dialect import Stamp
from asbru.mock.said import Said
from asbru.model.failure import Refused
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
        elif self.path == f"{PROJECT}/endpoints/openapi/chat/completions":
            self._send(200, *chat(Vendor(name="vertex", host=""), body))
        else:
            try:
                self._send(200, *googles(self.path, body))
            except No as no:
                self._refuse(no.status, "NOT_FOUND" if no.status == 404 else "INVALID_ARGUMENT", str(no.body))

    def _refuse(self, status: int, word: str, words: str) -> None:
        told = {"error": {"code": status, "message": words, "status": word}}
        self._send(status, "application/json", json.dumps(told).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def googles(path: str, body: dict[str, Any]) -> tuple[str, bytes]:
    """What Google's own models answer below the project. Raises No for what they would refuse."""
    name, _, verb = path.removeprefix(f"{PROJECT}/publishers/google/models/").partition(":")
    if (name, verb.partition("?")[0]) in (("gemini-wrong", "generateContent"), ("gemini-wrong", "countTokens")):
        raise No(404, f"no such path: {path}")
    if verb in ("generateContent", "streamGenerateContent?alt=sse"):
        try:
            asked = gemini.ask(json.dumps(body).encode(), name, False)
        except Refused as refused:
            raise No(400, refused.message) from None
        told = SAID if "tts" not in name else json.loads(gemini.write(asked, Said(text="Rain."), STAMP))
        written = json.dumps(told)
        if verb == "generateContent":
            return "application/json", written.encode()
        return "text/event-stream", f"data: {written}\r\n\r\n".encode()
    if verb == "predict":
        told = {"predictions": [predicted(name, each) for each in body.get("instances", [])]}
    elif verb == "fetchPredictOperation":
        told = {"name": body.get("operationName"), "done": True, "response": FILMED}
    else:
        told = {
            "countTokens": COUNTED,
            "embedContent": EMBEDDED,
            "predictLongRunning": {"name": f"{path[4:].partition(':')[0]}/operations/op-1"},
        }.get(verb)
    if told is None:
        raise No(404, f"no such path: {path}")
    if strange := set(body) - MEMBERS[verb]:
        raise No(400, f"Unknown name: {strange}")
    return "application/json", json.dumps(told).encode()


MEMBERS = {
    "countTokens": {"contents", "systemInstruction", "tools", "generationConfig", "instances", "model"},
    "predict": {"instances", "parameters"},
    "embedContent": {"content", "taskType", "title", "outputDimensionality", "autoTruncate", "embedContentConfig"},
    "predictLongRunning": {"instances", "parameters"},
    "fetchPredictOperation": {"operationName"},
}
COUNTED = {"totalTokens": 7, "totalBillableCharacters": 20}
EMBEDDED = {"embedding": {"values": [0.5, -0.5]}, "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}}
FILMED = {"videos": [{"gcsUri": "gs://b/v.mp4", "mimeType": "video/mp4"}]}
PICTURE = base64.b64encode(b"png").decode()
STAMP = Stamp(id="r1", at=1, model="gemini-2.5-flash-tts")


def predicted(name: str, instance: dict[str, Any]) -> dict[str, Any]:
    """One prediction: a picture of a prompt, or the numbers of a text."""
    if name.startswith("imagen"):
        if set(instance) != {"prompt"}:
            raise No(400, f"an instance is a prompt: {instance}")
        return {"bytesBase64Encoded": PICTURE, "mimeType": "image/png"}
    if "content" not in instance or set(instance) - {"content", "task_type", "title"}:
        raise No(400, f"an instance is a text: {instance}")
    return {"embeddings": {"values": [0.5, -0.5], "statistics": {"token_count": 3, "truncated": False}}}


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


@pytest.fixture
def client(address: str) -> genai.Client:
    """google-genai as it is used with Vertex AI, with a project, a region and a token of its own."""
    Google.seen.clear()
    options = types.HttpOptions(base_url=f"{address}/genai", retry_options=types.HttpRetryOptions(attempts=1))
    token = Credentials(token="ya29.theirs")  # type: ignore[no-untyped-call]
    return genai.Client(
        vertexai=True, project="theirs", location="us-central1", credentials=token, http_options=options
    )


def asked() -> str:
    """What Google was asked last, below our project."""
    path = Google.seen[-1][0]
    assert path.startswith(f"{PROJECT}/publishers/google/models/")
    return path.removeprefix(f"{PROJECT}/publishers/google/models/")


def test_googles_own_client(client: genai.Client) -> None:
    assert client.models.generate_content(model="gemini-2.5-pro", contents="Weather?").text == "Rain."
    assert asked() == "gemini-2.5-pro:generateContent"
    pieces = client.models.generate_content_stream(model="gemini-2.5-pro", contents="Weather?")
    assert "".join(piece.text or "" for piece in pieces) == "Rain."
    assert asked() == "gemini-2.5-pro:streamGenerateContent?alt=sse"
    assert client.models.count_tokens(model="gemini-2.5-pro", contents="Weather?").total_tokens == 7
    assert asked() == "gemini-2.5-pro:countTokens"
    vectors = client.models.embed_content(model="text-embedding-005", contents=["a", "b"]).embeddings
    assert vectors
    assert [each.values for each in vectors] == [[0.5, -0.5]] * 2
    assert asked() == "text-embedding-005:predict"
    vectors = client.models.embed_content(model="gemini-embedding-2-preview", contents="a").embeddings
    assert vectors
    assert (vectors[0].values, asked()) == ([0.5, -0.5], "gemini-embedding-2-preview:embedContent")
    with pytest.raises(errors.ClientError, match="no such path"):
        client.models.generate_content(model="gemini-wrong", contents="Weather?")


def test_pictures_sound_and_films_of_googles_own_client(client: genai.Client) -> None:
    pictures = client.models.generate_images(model="imagen-4.0-generate-001", prompt="rain").generated_images
    assert pictures
    assert pictures[0].image
    assert (pictures[0].image.image_bytes, asked()) == (b"png", "imagen-4.0-generate-001:predict")
    voice = types.VoiceConfig(prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name="Kore"))
    config = types.GenerateContentConfig(
        response_modalities=["AUDIO"], speech_config=types.SpeechConfig(voice_config=voice)
    )
    spoken = client.models.generate_content(model="gemini-2.5-flash-tts", contents="Rain.", config=config)
    assert spoken.parts
    assert spoken.parts[0].inline_data
    assert spoken.parts[0].inline_data.mime_type == "audio/L16;codec=pcm;rate=24000"
    begun = client.models.generate_videos(
        model="veo-3.1-generate-001", source=types.GenerateVideosSource(prompt="rain")
    )
    assert asked() == "veo-3.1-generate-001:predictLongRunning"
    assert begun.name == f"{PROJECT[4:]}/publishers/google/models/veo-3.1-generate-001/operations/op-1"
    done = client.operations.get(begun)
    assert asked() == "veo-3.1-generate-001:fetchPredictOperation"
    assert done.result
    assert done.result.generated_videos
    assert done.result.generated_videos[0].video
    assert done.result.generated_videos[0].video.uri == "gs://b/v.mp4"


def test_other_dialects_at_googles_models(address: str) -> None:
    status, body = ask(f"{address}/v1/embeddings", {"model": "vertex/text-embedding-005", "input": ["a", "b"]})
    assert status == 200, body
    assert [each["embedding"] for each in json.loads(body)["data"]] == [[0.5, -0.5]] * 2
    assert (asked(), json.loads(body)["usage"]["prompt_tokens"]) == ("text-embedding-005:predict", 6)
    status, body = ask(f"{address}/v1/embeddings", {"model": "vertex/gemini-embedding-2-preview", "input": "a"})
    assert status == 200, body
    assert (json.loads(body)["data"][0]["embedding"], asked()) == (
        [0.5, -0.5],
        "gemini-embedding-2-preview:embedContent",
    )
    said = {"model": "vertex/imagen-4.0-generate-001", "prompt": "rain", "n": 1}
    status, body = ask(f"{address}/v1/images/generations", said)
    assert status == 200, body
    assert (json.loads(body)["data"][0]["b64_json"], asked()) == (PICTURE, "imagen-4.0-generate-001:predict")
    said = {"model": "vertex/gemini-2.5-flash-tts", "input": "Rain.", "voice": "Kore"}
    status, body = ask(f"{address}/v1/audio/speech", said)
    assert (status, body[:4], asked()) == (200, b"RIFF", "gemini-2.5-flash-tts:generateContent")
    said = {"model": "vertex/gemini-2.5-pro", "messages": HELLO}
    status, body = ask(f"{address}/anthropic/v1/messages/count_tokens", said)
    assert (status, json.loads(body)["input_tokens"], asked()) == (200, 7, "gemini-2.5-pro:countTokens")
    status, body = ask(f"{address}/v1/responses", {"model": "vertex/gemini-2.5-pro", "input": "Weather?"})
    assert (status, json.loads(body)["output"][-1]["content"][0]["text"]) == (200, "Rain.")


TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]


def test_a_strict_request(address: str) -> None:
    """The stand-in reads bodies as strictly as the scripted Google."""
    said = {
        "model": "vertex/gemini-2.5-pro",
        "messages": [{"role": "system", "content": "Be brief."}, *HELLO],
        "tools": TOOLS,
        "tool_choice": "required",
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
        "temperature": 0.5,
        "stop": ["."],
        "reasoning_effort": "low",
    }
    status, body = ask(f"{address}/v1/chat/completions", said)
    assert status == 200, body
    got = Google.seen[0][1]
    assert got["toolConfig"]["functionCallingConfig"]["mode"] == "ANY"
    assert got["systemInstruction"]["parts"] == [{"text": "Be brief."}]


def test_an_error_in_googles_words(address: str) -> None:
    said = {"model": "vertex/gemini-wrong", "messages": HELLO}
    status, body = ask(f"{address}/v1/chat/completions", said)
    assert (status, "no such path" in json.loads(body)["error"]["message"]) == (404, True)


def test_a_list_of_models(address: str) -> None:
    with urllib.request.urlopen(f"{address}/v1/models?provider=vertex", timeout=20) as answer:
        assert [model["id"] for model in json.loads(answer.read())["data"]] == ["vertex/gemini-2.5-pro"]
