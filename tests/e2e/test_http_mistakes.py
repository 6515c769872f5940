"""Raw HTTP mistakes against a running gateway: each is a 4xx in the caller's dialect, and nothing is stored.

All rows of spec batch.md section 14 are here, but for those of virtual keys, which there are none of yet.
"""

import http.client
import json
import time
from pathlib import Path
from typing import Any

import pytest

from conftest import config_for
from running import Process, gateway

BATCHES = "/anthropic/v1/messages/batches"
PARAMS = {"model": "acme/m", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}
ITEM = {"custom_id": "a", "params": PARAMS}


def ask(
    gateway: Process, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], Any]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    connection.request(method, path, body or None, {"content-type": "application/json", **(headers or {})})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, json.loads(text) if text else None


def requests(*items: Any) -> bytes:
    return json.dumps({"requests": list(items)}).encode()


CREATE = [
    ("invalid JSON", b'{"requests": [', 400, "JSON"),
    ("not an object", b"[]", 400, "object"),
    ("empty body", b"", 400, ""),
    ("no requests", b"{}", 400, "requests"),
    ("requests is null", b'{"requests": null}', 400, "requests"),
    ("requests is no list", b'{"requests": {}}', 400, "requests"),
    ("empty requests", b'{"requests": []}', 400, "requests"),
    ("item is no object", requests(1), 400, "requests.0"),
    ("custom_id missing", requests(ITEM, {"params": PARAMS}), 400, "requests.1.custom_id"),
    ("custom_id empty", requests({**ITEM, "custom_id": ""}), 400, "requests.0.custom_id"),
    ("custom_id a number", requests({**ITEM, "custom_id": 7}), 400, "requests.0.custom_id"),
    ("custom_id too long", requests({**ITEM, "custom_id": "x" * 65}), 400, "requests.0.custom_id"),
    ("custom_id bad characters", requests({**ITEM, "custom_id": "a b"}), 400, "requests.0.custom_id"),
    ("custom_id line feed", requests({**ITEM, "custom_id": "a\n"}), 400, "requests.0.custom_id"),
    ("custom_id twice", requests(ITEM, ITEM), 400, "requests.1.custom_id"),
    ("params missing", requests({"custom_id": "a"}), 400, "requests.0.params"),
    ("params null", requests({"custom_id": "a", "params": None}), 400, "requests.0.params"),
    ("params no object", requests({"custom_id": "a", "params": []}), 400, "requests.0.params"),
    ("model missing", requests({"custom_id": "a", "params": {"max_tokens": 1}}), 400, "requests.0.params.model"),
    ("model no string", requests({"custom_id": "a", "params": {**PARAMS, "model": 5}}), 400, "requests.0.params.model"),
    ("stream", requests({"custom_id": "a", "params": {**PARAMS, "stream": True}}), 400, "requests.0.params.stream"),
    ("max_tokens 0", requests({**ITEM, "params": {**PARAMS, "max_tokens": 0}}), 400, "requests.0.params.max_tokens"),
    ("speed", requests({"custom_id": "a", "params": {**PARAMS, "speed": "fast"}}), 400, "requests.0.params.speed"),
    ("params not UTF-8", requests(ITEM).replace(b'"x"', b'"\xff"'), 400, "requests.0.params"),
    ("custom_id not UTF-8", requests(ITEM).replace(b'"a"', b'"\xff"'), 400, "requests.0.custom_id"),
    ("a lone surrogate", requests({**ITEM, "custom_id": "\ud800"}), 400, "JSON"),
    ("over 100,000", requests(*[ITEM] * 100_001), 400, "requests: at most 100000"),
    ("a mistake in a large body", requests({**ITEM, "params": {**PARAMS, "x": "y" * (5 << 20)}}, 7), 400, "requests.1"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "word"), [case[1:] for case in CREATE], ids=[case[0] for case in CREATE])
def test_create_mistakes(body: bytes, status: int, word: str, running_gateway: Process) -> None:
    before = ask(running_gateway, "GET", f"{BATCHES}?limit=1")[2]["first_id"]
    got, headers, answer = ask(running_gateway, "POST", BATCHES, body)
    assert got == status
    assert answer["type"] == "error"
    assert answer["error"]["type"] == "invalid_request_error"
    assert word in answer["error"]["message"]
    assert answer["request_id"] == headers["request-id"]
    assert headers["x-should-retry"] == "false"
    assert ask(running_gateway, "GET", f"{BATCHES}?limit=1")[2]["first_id"] == before


def test_every_first_offence_is_named_at_once(running_gateway: Process) -> None:
    items = [{"custom_id": "ok", "params": PARAMS}, {"custom_id": "b b", "params": PARAMS}, {"custom_id": "c"}]
    _, _, answer = ask(running_gateway, "POST", BATCHES, requests(*items))
    assert "requests.1.custom_id" in answer["error"]["message"]
    assert "requests.2.params" in answer["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        ({"x-model-provider": "antropic"}, "anthropic"),
        ({"x-bf-batch-mode": "fast"}, "x-bf-batch-mode"),
        ({"x-model-provider": "claudish", "x-bf-batch-mode": "nativ"}, "native"),
        ({"x-model-provider": "claudish", "x-bf-batch-mode": "native"}, "has no batch API that can be used here"),
    ],
)
def test_header_mistakes(headers: dict[str, str], word: str, running_gateway: Process) -> None:
    item = {"custom_id": "a", "params": {**PARAMS, "model": "m"}}
    status, _, answer = ask(running_gateway, "POST", BATCHES, requests(item), headers)
    assert status == 400
    assert word in answer["error"]["message"]


def wait(gateway: Process, id: str) -> None:
    deadline = time.monotonic() + 30
    while ask(gateway, "GET", f"{BATCHES}/{id}")[2]["processing_status"] != "ended":
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_is_too_early_and_what_is_too_late(running_gateway: Process) -> None:
    slow = {**PARAMS, "messages": [{"role": "user", "content": "[[mock:delay=0.5]]"}]}
    id_ = ask(running_gateway, "POST", BATCHES, requests({"custom_id": "a", "params": slow}))[2]["id"]
    path = f"{BATCHES}/{id_}"
    assert ask(running_gateway, "GET", path)[2]["results_url"] is None
    early = [ask(running_gateway, "GET", f"{path}/results"), ask(running_gateway, "DELETE", path)]
    wait(running_gateway, id_)
    late = ask(running_gateway, "POST", f"{path}/cancel")
    for status, headers, answer in (*early, late):
        assert status == 400
        assert answer["error"]["type"] == "invalid_request_error"
        assert "ended" in answer["error"]["message"]
        assert headers["x-should-retry"] == "false"
    assert ask(running_gateway, "DELETE", path)[0] == 200
    assert ask(running_gateway, "DELETE", path)[0] == 404


def test_an_unknown_provider_named_after_the_create_changes_nothing(running_gateway: Process) -> None:
    """The header is needed for the create only; the seed sends it along with everything."""
    id_ = ask(running_gateway, "POST", BATCHES, requests(ITEM))[2]["id"]
    assert ask(running_gateway, "GET", f"{BATCHES}/{id_}", headers={"x-model-provider": "nobody"})[0] == 200


def test_different_models_of_one_other_provider_are_no_mistake(running_gateway: Process) -> None:
    items = [{"custom_id": f"c{n}", "params": {**PARAMS, "model": f"m-{n}"}} for n in range(3)]
    status, _, batch = ask(running_gateway, "POST", BATCHES, requests(*items), {"x-model-provider": "acme"})
    assert status == 200
    wait(running_gateway, batch["id"])
    found = ask(running_gateway, "GET", f"{BATCHES}/{batch['id']}")[2]
    assert found["request_counts"]["succeeded"] == 3


def test_more_than_256_mb_is_refused_before_it_is_sent(running_gateway: Process) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running_gateway.port, timeout=30)
    connection.putrequest("POST", BATCHES)
    connection.putheader("content-length", str(300_000_000))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert json.loads(answer.read())["error"]["type"] == "request_too_large"
    connection.close()


def test_without_a_key_for_batches_native_is_refused_and_auto_runs_live(mock_provider: Process, tmp_path: Path) -> None:
    config = config_for(mock_provider.url)
    config["providers"]["openai"]["keys"][0]["use_for_batch_api"] = False
    alone = gateway(tmp_path, config)
    alone.start()
    item = {"custom_id": "a", "params": {**PARAMS, "model": "openai/gpt-4o"}}
    try:
        status, _, answer = ask(alone, "POST", BATCHES, requests(item), {"x-bf-batch-mode": "native"})
        assert status == 400
        assert "use_for_batch_api" in answer["error"]["message"]
        made = ask(alone, "POST", BATCHES, requests(item))[2]
        wait(alone, made["id"])
    finally:
        alone.stop()


OTHERS = [
    ("GET", f"{BATCHES}/msgbatch_unknown", 404, "not_found_error"),
    ("GET", f"{BATCHES}/msgbatch_unknown/results", 404, "not_found_error"),
    ("POST", f"{BATCHES}/msgbatch_unknown/cancel", 404, "not_found_error"),
    ("DELETE", f"{BATCHES}/msgbatch_unknown", 404, "not_found_error"),
    ("GET", f"{BATCHES}?limit=0", 400, "invalid_request_error"),
    ("GET", f"{BATCHES}?limit=1001", 400, "invalid_request_error"),
    ("GET", f"{BATCHES}?limit=x", 400, "invalid_request_error"),
    ("GET", f"{BATCHES}?page_size=x", 400, "invalid_request_error"),
    ("GET", f"{BATCHES}?after_id=msgbatch_nope", 400, "invalid_request_error"),
    ("GET", f"{BATCHES}?before_id=msgbatch_a&after_id=msgbatch_b", 400, "invalid_request_error"),
    ("PUT", BATCHES, 405, None),
    ("GET", "/anthropic/v1/nothing", 404, "not_found_error"),
    ("POST", "/anthropic/v1/messages", 400, "invalid_request_error"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "status", "kind"), OTHERS)
def test_other_mistakes(method: str, path: str, status: int, kind: str | None, running_gateway: Process) -> None:
    got, headers, answer = ask(running_gateway, method, path)
    assert got == status, answer
    assert answer["type"] == "error"
    assert kind is None or answer["error"]["type"] == kind
    assert headers["request-id"].startswith("req_")


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/openai/v1/chat/completions"])
@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"[1]", "object"),
        (b"{}", "model"),
        (b'{"model": 5}', "model"),
        (b'{"model": "openai/"}', "model"),
        (b'{"model": "anthropic/x", "messages": 5}', "messages"),
        (b'{"model": "anthropic/x", "messages": [{"role": "user", "content": 5}]}', "messages.0.content"),
        (b'{"model": "anthropic/x", "messages": [], "fallbacks": "x"}', "fallbacks"),
        (b'{"model": "anthropic/x", "messages": [], "fallbacks": ["nope"]}', "fallbacks.0"),
        (b'{"model": "openai/x", "stream": "yes", "messages": []}', "stream"),
    ],
)
def test_chat_mistakes(path: str, body: bytes, word: str, running_gateway: Process) -> None:
    status, headers, answer = ask(running_gateway, "POST", path, body)
    if word == "fallbacks.0" and path.startswith("/openai"):
        # Below a dialect's prefix a bare name is a model of the dialect's own provider.
        assert status >= 400
        return
    assert status == 400, answer
    assert word in answer["error"]["message"]
    assert headers["x-should-retry"] == "false"


def test_head_of_the_base_url_is_no_failure(running_gateway: Process) -> None:
    for path in ("/", "/anthropic", "/openai/v1"):
        assert ask(running_gateway, "HEAD", path)[0] == 200


def test_a_batch_that_names_its_providers_needs_no_default(mock_provider: Process, tmp_path: Path) -> None:
    """Without the provider of the dialect, only items that name none are refused, each by its place."""
    config = config_for(mock_provider.url)
    del config["providers"]["anthropic"]
    alone = gateway(tmp_path, config)
    alone.start()
    try:
        assert ask(alone, "POST", BATCHES, requests(ITEM))[0] == 200
        bare = {"custom_id": "b", "params": {**PARAMS, "model": "m"}}
        status, _, answer = ask(alone, "POST", BATCHES, requests(ITEM, bare))
    finally:
        alone.stop()
    assert status == 400
    assert "requests.1.params.model: names no provider" in answer["error"]["message"]
