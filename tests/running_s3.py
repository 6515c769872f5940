"""A real S3 for tests: moto's server, on a free port, with the buckets that a test wants."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from running import START, free_port


class S3:
    """moto in a process of its own; it keeps nothing."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, buckets: Iterable[str]) -> None:
        """Start it, wait until it answers, and make the buckets."""
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "MOTO_S3_CUSTOM_ENDPOINTS": self.url},
                start_new_session=True,
            )
        deadline = time.monotonic() + START
        while not self._answers():
            if self._child.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"moto did not start:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.05)
        for bucket in buckets:
            self.request("PUT", f"/{bucket}")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/moto-api/data.json", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """One request as any client of S3 makes it; moto checks no signature."""
        headers = {
            "authorization": "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/s3/aws4_request",
            "content-type": "application/octet-stream",
        }
        asked = urllib.request.Request(self.url + path, body or None, headers, method=method)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return bytes(answer.read())

    def stop(self) -> None:
        """End it."""
        if self._child is not None and self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait(10)
