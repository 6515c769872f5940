"""Webhooks: signed, unwrapped by OpenAI's SDK, tried again through restarts, and never sent to inner addresses."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from openai import InvalidWebhookSignatureError, OpenAI
from test_batch_controls import UNIFIED, ask, body_of, talk
from test_batch_course import until

from conftest import config_for
from running import Process, gateway

SECRET = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQ="


class Receiver:
    """Takes webhooks. ``answers``: statuses to give, the last again and again."""

    def __init__(self) -> None:
        self.answers = [200]
        self.got: list[tuple[dict[str, str], bytes]] = []
        taken = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                taken.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                status = taken.answers.pop(0) if len(taken.answers) > 1 else taken.answers[0]
                self.send_response(status)
                if status == 302:
                    self.send_header("location", taken.url)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?x=1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def about(self, id: str) -> list[tuple[dict[str, str], dict[str, Any]]]:
        """What came about one batch."""
        read = [(headers, json.loads(body)) for headers, body in tuple(self.got)]
        return [(headers, event) for headers, event in read if event["data"]["id"] == id]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def config(mock_provider: Process, **webhook: Any) -> dict[str, Any]:
    return {**config_for(mock_provider.url), "asbru": {"webhook": {"secret": SECRET, **webhook}}}


@pytest.fixture(scope="module")
def telling(mock_provider: Process, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A gateway of two workers that may call this machine."""
    settings = config(mock_provider, allow_private_addresses=True)
    process = gateway(tmp_path_factory.mktemp("hooks"), settings, "--workers", "2")
    process.start()
    yield process
    process.stop()


def make(url: Process, hook: str, *asked: dict[str, Any]) -> str:
    sent = {"x-bf-batch-mode": "live", "x-bf-batch-webhook": hook}
    status, told = ask(url, "POST", UNIFIED, body_of(UNIFIED, *asked), sent)
    assert status == 200, told
    return str(told["id"])


def test_openai_s_sdk_unwraps_what_comes(telling: Process, receiver: Receiver) -> None:
    id = make(telling, receiver.url, talk("one"), talk("[[mock:status=400;error=no]]"))
    [(headers, told)] = until(lambda: receiver.about(id))
    raw = next(body for _, body in receiver.got)
    event: Any = OpenAI(api_key="k").webhooks.unwrap(raw, headers, secret=SECRET)
    assert (event.type, event.data.id, event.id) == ("batch.completed", id, headers["webhook-id"])
    assert told["data"]["request_counts"] == {"total": 2, "completed": 1, "failed": 1}
    assert told["data"]["extra_fields"]["cost"]["nano_dollars"] > 0
    with pytest.raises(InvalidWebhookSignatureError):
        OpenAI(api_key="k").webhooks.unwrap(raw + b" ", headers, secret=SECRET)


def test_what_is_not_taken_is_told_again(telling: Process, receiver: Receiver) -> None:
    """Also after a redirect, which is not followed."""
    receiver.answers = [302, 200]
    id = make(telling, receiver.url, talk("again"))
    until(lambda: len(receiver.about(id)) == 2)
    (first, event), (second, again) = receiver.about(id)
    assert event == again
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) >= int(first["webhook-timestamp"]) + 4


def test_a_canceled_batch_says_so(telling: Process, receiver: Receiver) -> None:
    id = make(telling, receiver.url, *(talk(f"[[mock:delay=0.3]] {n}") for n in range(2_000)))
    assert ask(telling, "POST", f"{UNIFIED}/{id}/cancel")[0] == 200
    [(_, told)] = until(lambda: receiver.about(id))
    assert told["type"] == "batch.cancelled"


def test_a_killed_gateway_tells_it_after_its_restart(
    mock_provider: Process, receiver: Receiver, tmp_path: Path
) -> None:
    running = gateway(tmp_path, config(mock_provider, url=receiver.url))
    try:
        running.start()
        receiver.answers = [500]
        id = ask(running, "POST", UNIFIED, body_of(UNIFIED, talk("kill")), {"x-bf-batch-mode": "live"})[1]["id"]
        until(lambda: receiver.about(id))
        running.kill()
        receiver.answers = [204]
        running.start()
        seen = len(receiver.about(id))
        until(lambda: len(receiver.about(id)) > seen)
    finally:
        running.stop()


INNER = (
    "http://127.0.0.1/x",
    "http://localhost:80/x",
    "http://169.254.169.254/latest",
    "http://[::1]/",
    "http://10.0.0.1",
)


@pytest.mark.parametrize("hook", INNER)
def test_inner_addresses_are_refused_at_once(mock_provider: Process, guarded: Process, hook: str) -> None:
    sent = {"x-bf-batch-webhook": hook}
    status, told = ask(guarded, "POST", UNIFIED, body_of(UNIFIED, talk("x")), sent)
    assert status == 400
    assert "x-bf-batch-webhook" in told["error"]["message"]


@pytest.fixture(scope="module")
def guarded(mock_provider: Process, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    process = gateway(tmp_path_factory.mktemp("guarded"), config(mock_provider))
    process.start()
    yield process
    process.stop()


def test_without_a_secret_there_are_no_webhooks(running_gateway: Process) -> None:
    sent = {"x-bf-batch-webhook": "https://hooks.example.com/x"}
    status, told = ask(running_gateway, "POST", UNIFIED, body_of(UNIFIED, talk("x")), sent)
    assert status == 400
    assert "asbru.webhook.secret" in told["error"]["message"]
