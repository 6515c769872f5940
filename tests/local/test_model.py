"""The local model, for real: started, asked in its three dialects, streamed, overloaded, orphaned, refused a port."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any

import pytest

from asbru import local

DEADLINE = 30.0
QUESTION = [{"role": "user", "content": "What is the capital of Norway?"}]


@pytest.fixture(scope="module")
def model() -> Iterator[local.Model]:
    model = local.launch()
    assert local.wait_ready(model.port, time.monotonic() + DEADLINE)
    yield model
    model.stop()


def post(model: local.Model, path: str, body: dict[str, Any]) -> bytes:
    request = urllib.request.Request(model.base_url + path, json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
        data: bytes = answer.read()
        return data


def gone(pid: int) -> bool:
    """Whether process ``pid`` has ended within the deadline (a zombie has)."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_the_extra_is_installed() -> None:
    assert local.available()
    assert local.weights().stat().st_size > 90_000_000


def test_a_chat_is_answered(model: local.Model) -> None:
    body = {"model": local.MODEL, "messages": QUESTION, "max_tokens": 24, "temperature": 0}
    reply = json.loads(post(model, "/chat/completions", body))
    assert "Oslo" in reply["choices"][0]["message"]["content"]
    assert reply["model"] == local.MODEL
    assert reply["usage"]["prompt_tokens"] > 10
    assert 0 < reply["usage"]["completion_tokens"] <= 24


def test_a_message_is_answered(model: local.Model) -> None:
    asked = {"model": local.MODEL, "messages": QUESTION, "max_tokens": 4, "temperature": 0}
    reply = json.loads(post(model, "/messages", asked))
    assert reply["type"] == "message"
    assert reply["content"][0]["text"]
    assert reply["stop_reason"] == "max_tokens"
    assert reply["usage"]["output_tokens"] == 4


def test_a_response_is_answered(model: local.Model) -> None:
    reply = json.loads(post(model, "/responses", {"model": local.MODEL, "input": "Hello", "max_output_tokens": 8}))
    assert reply["output"][0]["content"][0]["text"]


@pytest.mark.parametrize(
    ("path", "end"),
    [("/chat/completions", b"data: [DONE]"), ("/messages", b"event: message_stop")],
    ids=["chat", "msg"],
)
def test_a_stream_comes_in_pieces_and_ends(model: local.Model, path: str, end: bytes) -> None:
    body = {"model": local.MODEL, "messages": QUESTION, "max_tokens": 12, "stream": True}
    stream = post(model, path, body)
    assert stream.count(b"data: ") >= 10
    assert end in stream


def test_the_model_is_listed(model: local.Model) -> None:
    with urllib.request.urlopen(model.base_url + "/models", timeout=DEADLINE) as answer:
        listed = json.load(answer)
    assert [row["id"] for row in listed["data"]] == [local.MODEL]


def test_a_prompt_beyond_the_context_is_refused(model: local.Model) -> None:
    body = {"model": local.MODEL, "messages": [{"role": "user", "content": "bridge " * (local.CONTEXT + 1)}]}
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(model, "/chat/completions", body)
    assert refused.value.code == 400


def test_idle_connections_do_not_lock_others_out(model: local.Model) -> None:
    idle = [HTTPConnection("127.0.0.1", model.port, timeout=DEADLINE) for _ in range(64)]
    try:
        for connection in idle:
            connection.request("GET", "/health")
            connection.getresponse().read()
        with ThreadPoolExecutor(16) as pool:
            body = {"model": local.MODEL, "messages": QUESTION, "max_tokens": 1}
            replies = list(pool.map(lambda _: post(model, "/chat/completions", body), range(16)))
    finally:
        for connection in idle:
            connection.close()
    assert all(json.loads(reply)["usage"]["completion_tokens"] == 1 for reply in replies)


def test_only_the_loopback_listens(model: local.Model) -> None:
    needle = f":{model.port:04X}"
    listening = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table) as rows:
            listening += [row.split()[1] for row in rows if needle in row.split()[1] and row.split()[3] == "0A"]
    assert listening == [f"0100007F{needle}"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "term"])
def test_a_killed_parent_takes_the_child_with_it(number: int) -> None:
    script = (
        "import time; from asbru import local; model = local.launch();"
        "assert local.wait_ready(model.port, time.monotonic() + 30); print(model.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(parent.pid, number)
    parent.wait(DEADLINE)
    parent.stdout.close()
    assert gone(child)


def test_stop_ends_the_child_and_may_be_repeated() -> None:
    model = local.launch()
    model.stop()
    model.stop()
    assert gone(model.pid)


def test_a_failing_child_says_why() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "asbru.local", "--port", str(port)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 1
    assert "couldn't bind" in done.stderr
    assert "the local model does not start" in done.stderr


def test_a_child_that_serves_says_nothing() -> None:
    command = [sys.executable, "-m", "asbru.local", "--port", str(local._free_port())]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_waiting_for_nothing_ends_at_the_deadline() -> None:
    started = time.monotonic()
    assert not local.wait_ready(local._free_port(), started + 0.2)
    assert time.monotonic() - started < 5
