"""A caller that does not give up: whatever is broken now is asked again later."""

import json
import time
import urllib.error
import urllib.request
from typing import Any

PATIENCE = 300.0


def call(url: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    """One request, its JSON."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"content-type": "application/json", **(headers or {})})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def insist(urls: list[str], path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    """The JSON that any of the gateways gives, once one can. A mistake of ours (4xx) is raised."""
    deadline = time.monotonic() + PATIENCE
    n = 0
    while True:
        try:
            return call(urls[n % len(urls)] + path, body, headers)
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise AssertionError(f"{path}: {error.code} {error.read()!r}") from error
            reason: Exception = error
        except (OSError, ValueError) as error:
            reason = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{path}: nobody answers: {reason}")
        n += 1
        time.sleep(0.1)


def lines(urls: list[str], path: str) -> list[Any]:
    """The JSON lines of a results file, read whole or again."""
    deadline = time.monotonic() + PATIENCE
    n = 0
    while True:
        try:
            with urllib.request.urlopen(urls[n % len(urls)] + path, timeout=60) as answer:
                return [json.loads(line) for line in answer.read().splitlines()]
        except (OSError, ValueError, urllib.error.HTTPError):
            if time.monotonic() > deadline:
                raise
            n += 1
            time.sleep(0.2)
