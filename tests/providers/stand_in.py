"""A server that stands in for every vendor at once: it knows them by their keys, and is as strict as they are."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct
from vendors import VENDORS, Vendor

USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
ANTHROPIC_USAGE = {"input_tokens": 5, "output_tokens": 2}
BY_KEY = {f"sk-{vendor.name}": vendor for vendor in VENDORS}
LISTED = ("m-1", "listed/m-2")


class Seen(Struct):
    """One request that a vendor got: its path with the query, headers in lower case, body."""

    vendor: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class No(Exception):
    """Status and body of a refusal."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


class StandIn(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[Seen]] = []

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["content-length"])))

    def _answer(self, raw: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            form = headers.get("content-type", "").startswith("multipart/")
            kind, text = answer(self.path, headers, fields(raw) if form else json.loads(raw or b"{}"))
            self._send(200, kind, text)
        except No as no:
            self._send(no.status, "application/json", json.dumps(no.body).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        if status == 429:
            self.send_header("retry-after", "7")
        self.end_headers()
        self.wfile.write(body)


def vendor_of(path: str, headers: dict[str, str]) -> tuple[Vendor, tuple[str, str]]:
    """Whose key came, and where it was."""
    query = {f"?{name}": value for name, value in parse_qsl(urlsplit(path).query)}
    for name, value in {**headers, **query}.items():
        for prefix in ("Bearer ", "Key ", "Token ", ""):
            vendor = BY_KEY.get(value.removeprefix(prefix)) if value.startswith(prefix) else None
            if vendor:
                return vendor, (name, prefix)
    raise No(401, {"error": {"message": "no key", "type": "authentication_error"}})


def answer(path: str, headers: dict[str, str], body: dict[str, Any]) -> tuple[str, bytes]:
    """Media type and body. Raises No as the vendor would."""
    vendor, found = vendor_of(path, headers)
    StandIn.seen.append(Seen(vendor.name, path, headers, body))
    anthropic = path == vendor.messages
    if found != (vendor.messages_credential if anthropic else vendor.credential):
        raise No(401, {"error": {"message": f"key in {found}", "type": "authentication_error"}})
    if path == vendor.models:
        models = [{"id": name, "object": "model", "created": 1, "owned_by": "x"} for name in LISTED]
        told: Any = models if vendor.bare_list else {"object": "list", "data": models}
        return "application/json", json.dumps(told).encode()
    refuse_models(vendor, body)
    if path in (vendor.images, vendor.speech, vendor.transcriptions, vendor.translations):
        return media(vendor, path, body)
    if path == vendor.rerank:
        results = [{"index": 1, "relevance_score": 0.9}]
        return "application/json", json.dumps({"id": "r", "model": body["model"], "results": results}).encode()
    if path == vendor.responses:
        return responses(body)
    if path == vendor.completions:
        choice = {"index": 0, "text": f"{body['prompt']} Rain.", "logprobs": None, "finish_reason": "stop"}
        told = {"id": "c1", "object": "text_completion", "created": 1, "model": body["model"], "choices": [choice]}
        return "application/json", json.dumps({**told, "usage": USAGE}).encode()
    if path not in (vendor.chat, vendor.messages, vendor.embeddings):
        raise No(404, refusal(vendor, f"no such path: {path}"))
    if not anthropic:
        refuse_members(vendor, body)
    if path == vendor.embeddings:
        vectors = [{"object": "embedding", "index": 0, "embedding": [0.5, -0.5]}]
        return "application/json", json.dumps(
            {"object": "list", "data": vectors, "model": "e", "usage": USAGE}
        ).encode()
    if anthropic:
        if headers.get("anthropic-version") != "2023-06-01":
            raise No(400, refusal(vendor, "anthropic-version"))
        return messages(body)
    return chat(vendor, body)


def fields(raw: bytes) -> dict[str, Any]:
    """The texts of a form."""
    found = re.findall(rb'name="(\w+)"\r\n(?:[\w-]+: [^\r]*\r\n)*\r\n([^\r]*)\r\n', raw)
    return {name.decode(): value.decode() for name, value in found}


def media(vendor: Vendor, path: str, body: dict[str, Any]) -> tuple[str, bytes]:
    """A picture, sound, or its words."""
    if path == vendor.speech:
        return "audio/mpeg", b"sound"
    told = {"created": 1, "data": [{"b64_json": "eA=="}]} if path == vendor.images else {"text": "Rain."}
    refuse_members(vendor, body)
    return "application/json", json.dumps(told).encode()


def refusal(vendor: Vendor, words: str) -> Any:
    """The vendor's error body with ``words`` in it."""
    return json.loads(json.dumps(vendor.refusal).replace('"{}"', json.dumps(words)))


def refuse_models(vendor: Vendor, body: dict[str, Any]) -> None:
    """Raises No for the models that ask for it."""
    if body.get("model") == "busy":
        raise No(429, refusal(vendor, "too busy"))
    if body.get("model") == "wrong":
        raise No(vendor.status, refusal(vendor, "no such model"))


def call_ids(said: list[dict[str, Any]]) -> Iterator[str]:
    """The ids of tool calls in messages."""
    for message in said:
        calls = message.get("tool_calls")
        made = [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
        yield from (str(call["id"]) for call in made if "id" in call)
        if "tool_call_id" in message:
            yield str(message["tool_call_id"])


def refuse_members(vendor: Vendor, body: dict[str, Any]) -> None:
    """Raises No for what the vendor does not know."""
    spoken = [message for message in body.get("messages", ()) if message["role"] != "tool"]
    said = set(body) | {name for message in spoken for name in message}
    if said & vendor.members:
        raise No(vendor.status, refusal(vendor, f"unknown: {sorted(said & vendor.members)}"))
    for call in call_ids(body.get("messages", ())) if vendor.call_ids else ():
        if not re.fullmatch(vendor.call_ids, call):
            raise No(400, refusal(vendor, f"Tool call id was {call}"))
    roles = {message["role"] for message in body.get("messages", ())}
    if roles & vendor.roles:
        raise No(vendor.status, refusal(vendor, f"unknown roles: {sorted(roles & vendor.roles)}"))


def chat(vendor: Vendor, body: dict[str, Any]) -> tuple[str, bytes]:
    """A chat completion, whole or streamed."""
    head = {"id": "c1", "created": 1, "model": body["model"]}
    message = {"role": "assistant", "content": "Rain."}
    if not body.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        told = {**head, "object": "chat.completion", "choices": [choice], "usage": USAGE}
        return "application/json", json.dumps(told).encode()
    head["object"] = "chat.completion.chunk"
    asked = (body.get("stream_options") or {}).get("include_usage")
    last: dict[str, Any] = {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    chunks: list[dict[str, Any]] = [
        {**head, "choices": [{"index": 0, "delta": message, "finish_reason": None}]},
        {**last, "usage": USAGE} if vendor.usage else last,
    ]
    if asked:
        chunks.append({**head, "choices": [], "usage": USAGE})
    text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    return "text/event-stream", (text + ("data: [DONE]\n\n" if vendor.done else "")).encode()


def responses(body: dict[str, Any]) -> tuple[str, bytes]:
    """A response, whole."""
    part = {"type": "output_text", "text": "Rain.", "annotations": []}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    usage = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
    told = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": body["model"]}
    return "application/json", json.dumps({**told, "output": [item], "usage": usage}).encode()


def messages(body: dict[str, Any]) -> tuple[str, bytes]:
    """Anthropic's message, whole or streamed."""
    head: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"]}
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    if not body.get("stream"):
        told = {**head, "content": [{"type": "text", "text": "Rain."}], **end, "usage": ANTHROPIC_USAGE}
        return "application/json", json.dumps(told).encode()
    start = {**head, "content": [], "stop_reason": None, "stop_sequence": None, "usage": ANTHROPIC_USAGE}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Rain."}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": end, "usage": ANTHROPIC_USAGE},
        {"type": "message_stop"},
    ]
    text = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return "text/event-stream", text.encode()


@contextmanager
def stand_in() -> Iterator[str]:
    """Its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
