"""Batches in the flex tier: what is asked, what it costs, and what happens when there is no room."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import config_for
from mock_thread import RunningMock
from running import Process, gateway

MESSAGES = "/anthropic/v1/messages/batches"


@pytest.fixture
def flexing(mock: RunningMock, tmp_path: Path) -> Iterator[Process]:
    """A gateway in front of ``mock``, which is as new."""
    config = config_for(f"http://127.0.0.1:{mock.port}")
    for provider in config["providers"].values():
        provider["network_config"] = {**provider["network_config"], "max_retries": 0}
    process = gateway(tmp_path, config)
    process.start()
    yield process
    process.stop()


def ask(url: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def talk(model: str, text: str) -> dict[str, Any]:
    asked = {"model": model, "max_tokens": 40, "messages": [{"role": "user", "content": text}]}
    return {"custom_id": model.replace("/", "_").replace(".", "_").replace(":", "_"), "params": asked}


def batch(gateway: Process, mode: str, *asked: dict[str, Any]) -> dict[str, Any]:
    """Make one, and wait for its end; the unified view of it."""
    headers = {"x-bf-batch-mode": mode}
    status, told = ask(gateway.url + MESSAGES, {"requests": list(asked)}, **headers)
    assert status == 200, told
    id_ = json.loads(told)["id"].replace("msgbatch_", "batch_")
    deadline = time.monotonic() + 30
    while True:
        found: dict[str, Any] = json.loads(ask(f"{gateway.url}/v1/batches/{id_}")[1])
        if found["status"] == "completed":
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def cost(found: dict[str, Any]) -> int:
    told: int = found["extra_fields"]["cost"]["nano_dollars"]
    return told


def sent(mock: RunningMock, path: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(mock.stats()["last"][path]["body"])
    return told


def test_the_tier_is_asked_for_and_costs_what_batches_do(flexing: Process, mock: RunningMock) -> None:
    text = "word " * 400
    live = batch(flexing, "live", talk("openai/gpt-5-mini", text))
    assert "service_tier" not in sent(mock, "/v1/chat/completions")
    flex = batch(flexing, "flex", talk("openai/gpt-5-mini", text))
    assert sent(mock, "/v1/chat/completions")["service_tier"] == "flex"
    assert flex["request_counts"]["completed"] == live["request_counts"]["completed"] == 1
    assert cost(live) > 0
    assert cost(flex) == pytest.approx(cost(live) / 2, rel=0.01)


def test_every_provider_is_asked_in_its_own_words(flexing: Process, mock: RunningMock) -> None:
    asked = [talk("gemini/gemini-2.5-flash", "hello"), talk("bedrock/amazon.nova-pro-v1:0", "hello")]
    assert batch(flexing, "flex", *asked)["request_counts"]["completed"] == 2
    last = {path: told["body"] for path, told in mock.stats()["last"].items()}
    (google,) = (json.loads(body) for path, body in last.items() if path.endswith(":generateContent"))
    (amazon,) = (json.loads(body) for path, body in last.items() if path.endswith("/converse"))
    assert (google["serviceTier"], amazon["serviceTier"]) == ("flex", {"type": "flex"})


def test_when_there_is_no_room_the_standard_tier_has_to_do(flexing: Process, mock: RunningMock) -> None:
    mark = "[[mock:status=429;code=resource_unavailable;times=1;id=full]]"
    text = "word " * 400 + mark
    flex = batch(flexing, "flex", talk("openai/gpt-5-mini", text))
    assert flex["request_counts"]["completed"] == 1
    assert "service_tier" not in sent(mock, "/v1/chat/completions")
    live = batch(flexing, "live", talk("openai/gpt-5-mini", text))
    assert cost(flex) == cost(live)


@pytest.mark.parametrize("model", ["openai/gpt-4o", "anthropic/claude-haiku-4-5", "acme/some-model"])
def test_models_without_the_tier_are_refused(flexing: Process, model: str) -> None:
    headers = {"x-bf-batch-mode": "flex"}
    good, bad = talk("openai/gpt-5-mini", "x"), talk(model, "x")
    status, told = ask(flexing.url + MESSAGES, {"requests": [good, bad]}, **headers)
    assert status == 400
    assert "requests.1.params.model: provider" in json.loads(told)["error"]["message"]
    assert "has no flex tier" in json.loads(told)["error"]["message"]
