"""Three gateways on one PostgreSQL: work on one is worked on by all, and a restart of the database loses nothing."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import config_for
from postgres_server import PostgresServer
from running import Process, gateway

BATCHES = "/anthropic/v1/messages/batches"


def call(url: str, body: Any = None, mode: str = "live") -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"content-type": "application/json", "x-bf-batch-mode": mode})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def requests(count: int) -> dict[str, Any]:
    message = {"role": "user", "content": "hello"}
    params = {"model": "openai/gpt-4o", "max_tokens": 9, "messages": [message]}
    return {"requests": [{"custom_id": f"c{n}", "params": params} for n in range(count)]}


def ended(url: str, id: str) -> Any:
    deadline = time.monotonic() + 60
    while (batch := call(f"{url}{BATCHES}/{id}"))["processing_status"] != "ended":
        assert time.monotonic() < deadline, batch
        time.sleep(0.05)
    return batch


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def gateways(
    own_server: PostgresServer, mock_provider: Process, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Process]]:
    config = {**config_for(mock_provider.url), **own_server.config(own_server.database())}
    made = [gateway(tmp_path_factory.mktemp(f"gateway{n}"), config) for n in range(3)]
    for each in made:
        each.start()
    yield made
    for each in made:
        each.stop()


def test_a_batch_of_one_gateway_is_read_on_another(gateways: list[Process]) -> None:
    one, two, three = gateways
    id_ = call(one.url + BATCHES, requests(900))["id"]
    assert ended(two.url, id_)["request_counts"]["succeeded"] == 900
    with urllib.request.urlopen(f"{three.url}{BATCHES}/{id_}/results", timeout=30) as answer:
        assert len(answer.read().splitlines()) == 900


def test_a_file_of_one_gateway_feeds_a_batch_on_another(gateways: list[Process]) -> None:
    one, two, three = gateways
    message = {"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": message}
    parts = (
        '--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        '--b\r\ncontent-disposition: form-data; name="file"; filename="x.jsonl"\r\n\r\n'
        f"{json.dumps(line)}\r\n--b--\r\n"
    )
    headers = {"content-type": "multipart/form-data; boundary=b"}
    with urllib.request.urlopen(
        urllib.request.Request(f"{one.url}/openai/v1/files", parts.encode(), headers), timeout=30
    ) as answer:
        file = json.load(answer)["id"]
    create = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    id_ = call(f"{two.url}/openai/v1/batches", create, mode="native")["id"]
    deadline = time.monotonic() + 60
    while (batch := call(f"{three.url}/openai/v1/batches/{id_}"))["status"] != "completed":
        assert time.monotonic() < deadline, batch
        time.sleep(0.1)
    assert batch["request_counts"]["completed"] == 1


def test_while_the_database_is_away_callers_are_told_to_try_again(
    gateways: list[Process], own_server: PostgresServer
) -> None:
    one, two, _ = gateways
    id_ = call(one.url + BATCHES, requests(300))["id"]
    own_server.stop()
    with pytest.raises(urllib.error.HTTPError) as caught:
        call(two.url + BATCHES, requests(1))
    assert caught.value.code == 503
    assert caught.value.headers["retry-after"]
    assert json.load(caught.value)["error"]["type"] == "overloaded_error"
    message = {"model": "openai/gpt-4o", "max_tokens": 9, "messages": [{"role": "user", "content": "still there?"}]}
    assert "still there?" in call(f"{one.url}/openai/v1/chat/completions", message)["choices"][0]["message"]["content"]
    own_server.start()
    assert ended(two.url, id_)["request_counts"]["succeeded"] == 300
    assert ended(one.url, call(two.url + BATCHES, requests(2))["id"])["request_counts"]["succeeded"] == 2
