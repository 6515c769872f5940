"""A scripted provider in a thread of the test's own process, on a free port: up in milliseconds."""

import asyncio
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from asbru.mock import Mock, MockOptions
from asbru.mock.script import Script
from asbru.mock.serve import bind, serve_on


class RunningMock:
    """``url``: where it listens, without a slash at its end."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body. Header names are written with underscores."""
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, data, named, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def stats(self, query: str = "") -> dict[str, Any]:
        """What it saw."""
        found: dict[str, Any] = json.loads(self.ask("GET", f"/mock/stats{query}")[2])
        return found

    def reset(self) -> None:
        """As new."""
        assert self.ask("POST", "/mock/reset", b"")[0] == 200

    def script(self, **members: object) -> None:
        """Follow a new script."""
        status, _, body = self.ask("POST", "/mock/script", members)
        assert status == 200, body


@contextmanager
def mock_in_thread(options: MockOptions, script: Script | None = None) -> Iterator[RunningMock]:
    """A running mock."""
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    loop = asyncio.new_event_loop()
    task: asyncio.Task[None] = loop.create_task(serve_on(listener, Mock(options, script)))

    def work() -> None:
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            pass
        finally:
            loop.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield RunningMock(port)
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)


@pytest.fixture(scope="session")
def shared_mock() -> Iterator[RunningMock]:
    """One mock for many tests."""
    with mock_in_thread(MockOptions(record=True)) as running:
        yield running


@pytest.fixture
def mock(shared_mock: RunningMock) -> RunningMock:
    """The shared mock, as new."""
    shared_mock.reset()
    return shared_mock
