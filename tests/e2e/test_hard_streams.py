"""Streams that are many, slow, never read, or cut, through a whole gateway: nothing leaks, hangs or crashes."""

import http.client
import json
import os
import re
import resource
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import config_for
from mock_thread import RunningMock
from running import Process, gateway, scripted_provider

STREAMS = 1_000
CLIENTS = 3
MEGABYTES = 150
"""For a worker with so many streams (design.md section 3)."""
LANES = {
    "splice openai": ("/openai/v1/chat/completions", "acme/m"),
    "splice anthropic": ("/anthropic/v1/messages", "claudish/m"),
    "openai to anthropic": ("/openai/v1/chat/completions", "claudish/m"),
    "anthropic to openai": ("/anthropic/v1/messages", "acme/m"),
}


class Stage:
    """A gateway of one worker, in front of a mock."""

    def __init__(self, running: Process, mock: RunningMock) -> None:
        self.port = running.port
        self.mock = mock
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        self.worker = int(children[0])

    def memory(self) -> int:
        """Resident megabytes of the worker."""
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.worker}/status").read_text())
        assert found
        return int(found[1]) // 1024

    def files(self) -> int:
        """Open descriptors of the worker."""
        return len(os.listdir(f"/proc/{self.worker}/fd"))

    def running(self) -> int:
        """Requests that the mock has under way."""
        return int(self.mock.stats()["running"])


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("streams")
    provider = scripted_provider(folder / "mock")
    provider.start()
    config = config_for(provider.url)
    for name in ("acme", "claudish"):
        row = config["providers"][name]
        network = {**row["network_config"], "stream_idle_timeout_in_seconds": 1}
        config["providers"][f"hasty-{name}"] = {**row, "network_config": network}
    running = gateway(folder / "gateway", config)
    running.start()
    try:
        yield Stage(running, RunningMock(provider.port))
    finally:
        assert running.stop() == 0
        provider.stop()


def request(lane: str, text: str, kind: str = "") -> bytes:
    """A streamed request on ``lane``. ``kind``: "hasty-" for a provider that may be silent for a second only."""
    path, model = LANES[lane]
    model = kind + model
    turn = {"role": "user", "content": text}
    body = json.dumps({"model": model, "max_tokens": 4_000_000, "stream": True, "messages": [turn]}).encode()
    return b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
        path.encode(),
        len(body),
        body,
    )


def until(holds: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ended(received: bytes | bytearray) -> bool:
    return received.endswith(b"\r\n0\r\n\r\n")


def test_a_thousand_slow_streams(stage: Stage) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4_096), hard), hard))
    words = "one two three four five six seven eight"
    before = stage.files()
    lanes = [list(LANES)[n % 4] for n in range(STREAMS)]
    received = [bytearray() for _ in lanes]
    selector = selectors.DefaultSelector()
    peak = 0
    for n, lane in enumerate(lanes):
        client = socket.create_connection(("127.0.0.1", stage.port))
        client.sendall(request(lane, f"{words} [[mock:first=4;pace=0.3]]"))
        client.setblocking(False)
        selector.register(client, selectors.EVENT_READ, n)
    until(lambda: stage.running() >= STREAMS * 0.9)
    deadline = time.monotonic() + 60
    while selector.get_map():
        assert time.monotonic() < deadline
        for key, _ in selector.select(0.5):
            piece = key.fileobj.recv(65_536)  # type: ignore[union-attr]
            received[key.data] += piece
            if not piece or ended(received[key.data]):
                selector.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]
        peak = max(peak, stage.memory())
    assert stage.mock.stats()["peak"] >= STREAMS * 0.9
    assert peak < MEGABYTES
    for lane, got in zip(lanes, received, strict=True):
        assert got.startswith(b"HTTP/1.1 200"), bytes(got[:300])
        assert ended(got)
        assert said(bytes(got)) == f"echo: {words}", lane
    until(lambda: stage.running() == 0)
    # The clients' connections are gone; those to the provider are kept for a while.
    until(lambda: stage.files() <= before + STREAMS + 20)


def said(received: bytes) -> str:
    """The text in the deltas of either dialect."""
    text = ""
    for line in re.findall(rb"data: (\{.*\})", received):
        event = json.loads(line)
        if event.get("type") == "content_block_delta":
            text += event["delta"].get("text", "")
        elif event.get("choices"):
            text += event["choices"][0]["delta"].get("content") or ""
    return text.strip()


@pytest.mark.parametrize("lane", LANES)
def test_a_client_that_never_reads_slows_the_provider_and_is_let_go(stage: Stage, lane: str) -> None:
    before = stage.memory()
    clients = []
    for _ in range(CLIENTS):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.connect(("127.0.0.1", stage.port))
        client.sendall(request(lane, "[[mock:big=16000000]]"))
        clients.append(client)
    until(lambda: stage.running() == CLIENTS)
    time.sleep(1.0)  # Time in which much more could have come than the buffers of the kernel hold.
    assert stage.memory() - before < 25
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=5)
    connection.request("GET", "/health")
    assert connection.getresponse().status == 200, "others are served"
    connection.close()
    for client in clients:
        client.close()
    until(lambda: stage.running() == 0, 3)


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("fault", ["cut=4", "stallafter=4", "errorafter=4", "garbage"])
def test_a_provider_that_stops_in_the_middle(stage: Stage, lane: str, fault: str) -> None:
    """The client gets what came, an error event, and a clean end or a closed connection; never silence for ever."""
    client = socket.create_connection(("127.0.0.1", stage.port), timeout=10)
    client.sendall(request(lane, f"one two three four five six [[mock:{fault};pace=0.05]]", "hasty-"))
    received = b""
    while not ended(received):
        piece = client.recv(65_536)
        if not piece:
            break
        received += piece
    assert received.startswith(b"HTTP/1.1 200")
    assert b'"error"' in received
    assert b"[DONE]" not in received.partition(b'"error"')[0]
    assert b"message_stop" not in received
    assert b"req_req_" not in received
    until(lambda: stage.running() == 0, 3)
