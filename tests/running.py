"""Real processes for tests: a gateway, a scripted provider, on free ports, ended by their process ids."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

START = 20.0
"""Seconds a process gets until it answers."""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Process:
    """``asbru …`` in a process group of its own; ``url`` answers once start() has returned."""

    def __init__(self, arguments: list[str], port: int, log: Path, env: dict[str, str] | None = None) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        self._arguments = arguments
        self._env = {**_bare_environment(), **(env or {})}
        self._child: subprocess.Popen[bytes] | None = None

    def add_env(self, **more: str) -> None:
        """More for its environment, from the next start on."""
        self._env |= more

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                start_new_session=True,
            )
        deadline = time.monotonic() + START
        while not self._answers():
            if self._child.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self._arguments} did not start:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.02)

    def command(self) -> list[str]:
        """What is run."""
        return [sys.executable, "-m", "asbru", *self._arguments]

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    @property
    def pid(self) -> int:
        """The process id of the supervisor."""
        assert self._child is not None
        return self._child.pid

    def kill(self) -> None:
        """kill -9 of the whole process group: nothing gets to say goodbye."""
        assert self._child is not None
        os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait(10)

    def stop(self) -> int:
        """SIGTERM and wait; the exit status."""
        child = self._child
        if child is None or child.poll() is not None:
            return child.returncode if child else 0
        child.terminate()
        try:
            return child.wait(40)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


def gateway(directory: Path, config: dict[str, Any], *options: str, port: int = 0) -> Process:
    """A gateway with ``config`` on an app dir below ``directory``; not started yet."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "config.json"
    path.write_text(json.dumps(config))
    port = port or free_port()
    arguments = ["serve", "--port", str(port), "--app-dir", str(directory / "app"), "--config", str(path), *options]
    if "--local" not in options:
        arguments.append("--no-local")
    return Process(arguments, port, directory / "gateway.log")


def scripted_provider(directory: Path, *options: str) -> Process:
    """An ``asbru mock``; not started yet."""
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    return Process(["mock", "--port", str(port), *options], port, directory / "mock.log")


def _bare_environment() -> dict[str, str]:
    """The environment without what would configure a gateway or an SDK."""
    prefixes = ("OPENAI_", "ANTHROPIC_", "ASBRU_", "HTTP_PROXY", "HTTPS_PROXY", "LOG_")
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(prefixes)}
