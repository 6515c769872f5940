"""Every row against a stand-in as strict as its vendor: path, credential, quirks, streams, errors, lists of models."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from stand_in import LISTED, Seen, StandIn, stand_in
from vendors import VENDORS, WIDE, Vendor

from asbru.providers import CATALOG
from running import gateway

ELSEWHERE = {
    "openai": "the matrix of SDKs",
    "anthropic": "the matrix of SDKs",
    "local": "tests/local",
    "elevenlabs": "its own dialect",
    "bedrock": "its own dialect",
    "cohere": "its own dialect",
    "gemini": "its own dialect",
    "vertex": "tests/providers/test_vertex.py",
}
"""Rows whose scenarios are somewhere else."""
EVERY = pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
HELLO = [{"role": "user", "content": "Weather?"}]


def configured(vendor: Vendor, at: str) -> dict[str, Any]:
    """Its object in ``providers``: at the stand-in, below the path that its base URL has."""
    config = vendor.config
    if not config and vendor.host:
        base = urlsplit(CATALOG[vendor.name].base_url).path if "{" not in CATALOG[vendor.name].base_url else ""
        assert CATALOG[vendor.name].base_url.startswith((vendor.host, "{"))
        config = {} if "{" in CATALOG[vendor.name].base_url else {"network_config": {"base_url": f"{{at}}{base}"}}
    network = {**config.get("network_config", {}), "max_retries": 0}
    key = {"name": vendor.name, "value": f"sk-{vendor.name}", **vendor.key}
    whole = {**config, "network_config": network, "keys": [key]}
    read: dict[str, Any] = json.loads(json.dumps(whole).replace("{at}", at))
    return read


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway in front of all vendors."""
    with stand_in() as at:
        config = {"providers": {vendor.name: configured(vendor, at) for vendor in VENDORS}}
        process = gateway(tmp_path_factory.mktemp("vendors"), config)
        process.start()
        yield process.url
        process.stop()


def ask(url: str, body: object = None) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in lower case, body; what the vendors see of it begins anew."""
    StandIn.seen.clear()
    form = isinstance(body, bytes)
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    kind = "multipart/form-data; boundary=x" if form else "application/json"
    request = urllib.request.Request(url, data, {"content-type": kind})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read()


def seen() -> Seen:
    (one,) = StandIn.seen
    return one


def test_every_row_has_its_scenarios() -> None:
    assert {vendor.name for vendor in VENDORS if vendor.name in CATALOG} == CATALOG.keys() - ELSEWHERE.keys()


@EVERY
def test_a_wide_request_of_openais(vendor: Vendor, address: str) -> None:
    status, headers, body = ask(f"{address}/v1/chat/completions", {"model": f"{vendor.name}/{vendor.asked}", **WIDE})
    assert status == 200, body
    assert json.loads(body)["choices"][0]["message"]["content"] == "Rain."
    assert tuple(filter(None, headers.get("x-asbru-lost", "").split(", "))) == vendor.lost
    got = seen()
    assert (got.path, got.body["model"]) == (vendor.chat, vendor.named)
    assert vendor.told.items() <= got.body.items()
    kept = {name: WIDE[name] for name in ("temperature", "parallel_tool_calls")}
    assert kept.items() <= got.body.items()


@EVERY
def test_a_stream_of_openais(vendor: Vendor, address: str) -> None:
    said = {"model": f"{vendor.name}/{vendor.asked}", "messages": HELLO, "stream": True}
    status, _, body = ask(f"{address}/v1/chat/completions", said)
    assert status == 200, body
    assert body.endswith(b"data: [DONE]\n\n")
    assert body.count(b'"Rain."') == 1
    asked = seen().body.get("stream_options", {}).get("include_usage", False)
    assert asked is not vendor.usage


@EVERY
def test_a_message_of_anthropics(vendor: Vendor, address: str) -> None:
    said = {"model": f"{vendor.name}/{vendor.asked}", "max_tokens": 9, "messages": HELLO, "system": "Be brief."}
    status, _, body = ask(f"{address}/anthropic/v1/messages", said)
    assert status == 200, body
    told = json.loads(body)
    assert (told["content"][0]["text"], told["usage"]["output_tokens"]) == ("Rain.", 2)
    expected = vendor.messages if vendor.messages and vendor.name != "azure" else vendor.chat
    assert (seen().path, seen().body["model"]) == (expected, vendor.named)


@EVERY
def test_a_stream_of_anthropics(vendor: Vendor, address: str) -> None:
    said = {"model": f"{vendor.name}/{vendor.asked}", "max_tokens": 9, "messages": HELLO, "stream": True}
    status, _, body = ask(f"{address}/anthropic/v1/messages", said)
    assert status == 200, body
    events = [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: ")]
    assert (events[0]["type"], events[-1]["type"]) == ("message_start", "message_stop")
    assert [event["usage"]["output_tokens"] for event in events if event["type"] == "message_delta"] == [2]


@EVERY
@pytest.mark.parametrize(("model", "words"), [("wrong", "no such model"), ("busy", "too busy")])
def test_an_error_in_the_vendors_words(vendor: Vendor, model: str, words: str, address: str) -> None:
    if vendor.name in ("huggingface", "vllm"):  # Their keys serve one model: it is the key that says no.
        words = "no keys found that support model"
    said = {"model": f"{vendor.name}/{model}", "messages": HELLO}
    status, headers, body = ask(f"{address}/v1/chat/completions", said)
    assert words in json.loads(body)["error"]["message"]
    if words == "too busy":
        assert (status, headers["retry-after"]) == (429, "7")
    elif words == "no such model":
        assert status == vendor.status
    status, _, body = ask(f"{address}/anthropic/v1/messages", {**said, "max_tokens": 9})
    told = json.loads(body)
    assert told["type"] == "error"
    assert words in told["error"]["message"]


@EVERY
def test_a_list_of_models(vendor: Vendor, address: str) -> None:
    status, _, body = ask(f"{address}/v1/models?provider={vendor.name}")
    assert status == 200, body
    listed = {model["id"] for model in json.loads(body)["data"]}
    name, prefix = vendor.credential
    assert seen().path == vendor.models
    assert name.startswith("?") or seen().headers[name] == f"{prefix}sk-{vendor.name}"
    only = {f"{vendor.name}/{vendor.asked}"} if vendor.name in ("huggingface", "vllm") else set()
    assert listed >= (only or {f"{vendor.name}/{name}" for name in LISTED})


@pytest.mark.parametrize("vendor", [each for each in VENDORS if each.embeddings], ids=lambda vendor: vendor.name)
def test_vectors(vendor: Vendor, address: str) -> None:
    model = {"azure": "e-1", "vllm": "m-1"}.get(vendor.name, "e-2")
    said = {"model": f"{vendor.name}/{model}", "input": "x", "dimensions": 2, "encoding_format": "float", "user": "me"}
    status, headers, body = ask(f"{address}/v1/embeddings", said)
    assert status == 200, body
    assert json.loads(body)["data"][0]["embedding"] == [0.5, -0.5]
    got = seen()
    assert got.path == vendor.embeddings
    assert ("user" in got.body) == ("user" not in headers.get("x-asbru-lost", ""))


@EVERY
def test_a_text_to_go_on_with(vendor: Vendor, address: str) -> None:
    """By the vendor's own completions where it has them, else as a chat."""
    said = {"model": f"{vendor.name}/{vendor.completing if vendor.completions else vendor.asked}", "prompt": "Weather?"}
    status, _, body = ask(f"{address}/v1/completions", said)
    assert status == 200, body
    expected = ("Weather? Rain.", vendor.completions) if vendor.completions else ("Rain.", vendor.chat)
    assert (json.loads(body)["choices"][0]["text"], seen().path) == expected


@EVERY
def test_a_response(vendor: Vendor, address: str) -> None:
    said = {"model": f"{vendor.name}/{vendor.asked}", "input": "Weather?"}
    status, _, body = ask(f"{address}/v1/responses", said)
    assert status == 200, body
    assert json.loads(body)["output"][-1]["content"][0]["text"] == "Rain."
    expected = vendor.responses if vendor.responses and vendor.name != "perplexity" else vendor.chat
    assert (seen().path, seen().body["model"]) == (expected, vendor.named)


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat/completions", "/anthropic/v1/messages"])
def test_other_makers_models_at_perplexity_are_asked_by_responses(path: str, address: str) -> None:
    words = {"input": "Weather?"} if path == "/v1/responses" else {"messages": HELLO, "max_tokens": 9}
    status, _, body = ask(address + path, {"model": "perplexity/openai/gpt-5.2", **words})
    assert (status, b"Rain." in body) == (200, True), body
    assert (seen().path, seen().body["model"]) == ("/v1/responses", "openai/gpt-5.2")


@pytest.mark.parametrize("vendor", [each for each in VENDORS if each.rerank], ids=lambda vendor: vendor.name)
def test_reranking(vendor: Vendor, address: str) -> None:
    said = {"model": f"{vendor.name}/{vendor.asked}", "query": "rain", "documents": ["sun", "rain"], "top_n": 1}
    status, _, body = ask(f"{address}/v1/rerank", said)
    assert status == 200, body
    assert [(each["index"], each["relevance_score"]) for each in json.loads(body)["results"]] == [(1, 0.9)]
    assert (seen().path, seen().body["documents"]) == (vendor.rerank, ["sun", "rain"])


SAYING: dict[str, tuple[str, dict[str, str], bytes]] = {
    "images": ("/v1/images/generations", {"prompt": "rain", "response_format": "b64_json"}, b'"b64_json":'),
    "speech": ("/v1/audio/speech", {"input": "rain", "voice": "alloy"}, b"sound"),
    "transcriptions": ("/v1/audio/transcriptions", {}, b"Rain."),
    "translations": ("/v1/audio/translations", {}, b"Rain."),
}
MEDIA = [(vendor, word) for vendor in VENDORS for word in SAYING if getattr(vendor, word)]


@pytest.mark.parametrize(("vendor", "word"), MEDIA, ids=lambda each: each if isinstance(each, str) else each.name)
def test_pictures_and_sound(vendor: Vendor, word: str, address: str) -> None:
    path, said, expected = SAYING[word]
    said = {"model": f"{vendor.name}/{vendor.asked}", **said}
    status, _, body = ask(address + path, said if len(said) > 1 else form_of(said))
    assert status == 200, body
    assert expected in body.replace(b" ", b"")
    assert (seen().path, seen().body["model"]) == (getattr(vendor, word), vendor.named)


def form_of(said: dict[str, str]) -> bytes:
    """A form with a file."""
    parts = [f'--x\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{said[name]}\r\n' for name in said]
    file = '--x\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\nsound\r\n'
    return ("".join(parts) + file + "--x--\r\n").encode()


def test_claude_in_foundry_is_asked_in_its_own_format(address: str) -> None:
    said = {"model": "azure/claude-sonnet-4-5", "max_tokens": 9, "messages": HELLO}
    for url in (f"{address}/anthropic/v1/messages", f"{address}/v1/chat/completions"):
        status, _, body = ask(url, said)
        assert status == 200, body
        got = seen()
        assert (got.path, got.body["model"]) == ("/anthropic/v1/messages", "claude-sonnet-4-5")
        assert got.headers["x-api-key"] == "sk-azure"


def test_a_model_that_does_not_reason_hears_everything(address: str) -> None:
    for model, lost in (("grok-4-fast-non-reasoning", False), ("grok-3", False), ("grok-4", True)):
        said = {"model": f"xai/{model}", "messages": HELLO, "stop": ["."]}
        _, headers, _ = ask(f"{address}/v1/chat/completions", said)
        assert ("x-asbru-lost" in headers) == lost


CALLED = [
    {"role": "user", "content": "Weather?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "call_0123456789abcdef", "type": "function", "function": {"name": "weather", "arguments": "{}"}},
            {"id": "abcDEF123", "type": "function", "function": {"name": "weather", "arguments": "{}"}},
        ],
    },
    {"role": "tool", "tool_call_id": "call_0123456789abcdef", "name": "weather", "content": "Rain."},
    {"role": "tool", "tool_call_id": "abcDEF123", "content": "Rain."},
]


def test_calls_of_other_providers_get_ids_that_mistral_takes(address: str) -> None:
    status, _, body = ask(f"{address}/v1/chat/completions", {"model": "mistral/m-1", "messages": CALLED})
    assert status == 200, body
    _, assistant, first, second = seen().body["messages"]
    ids = [call["id"] for call in assistant["tool_calls"]]
    assert ids == [first["tool_call_id"], second["tool_call_id"]]
    assert (ids[1], first["name"]) == ("abcDEF123", "weather")
    assert assistant["tool_calls"][0]["function"] == {"name": "weather", "arguments": "{}"}


@pytest.mark.parametrize("calls", [None, 3, [1], [{"id": 5}], [{"function": {}}]])
def test_calls_that_cannot_be_read_are_left_to_mistral(calls: object, address: str) -> None:
    said = {"model": "mistral/m-1", "messages": [{"role": "assistant", "tool_calls": calls, "tool_call_id": 7}]}
    status, _, body = ask(f"{address}/v1/chat/completions", said)
    assert status in (200, 400), body


def test_one_server_per_key(tmp_path: Path) -> None:
    """Two keys of one provider, each with its own server and its own model."""
    with stand_in() as at:
        keys = [
            {"name": name, "value": "sk-vllm", "vllm_key_config": {"url": f"{at}{path}", "model_name": name}}
            for name, path in (("m-1", ""), ("m-2", "/elsewhere"))
        ]
        process = gateway(tmp_path, {"providers": {"vllm": {"keys": keys, "network_config": {"max_retries": 0}}}})
        process.start()
        try:
            for model, path in (("m-1", "/v1/chat/completions"), ("m-2", "/elsewhere/v1/chat/completions")):
                ask(f"{process.url}/v1/chat/completions", {"model": f"vllm/{model}", "messages": HELLO})
                assert seen().path == path
            status, _, body = ask(f"{process.url}/v1/models?provider=vllm")
            assert status == 200, body
            assert [each.path for each in StandIn.seen] == ["/v1/models", "/elsewhere/v1/models"]
            assert {model["id"] for model in json.loads(body)["data"]} == {"vllm/m-1", "vllm/m-2"}
        finally:
            process.stop()
