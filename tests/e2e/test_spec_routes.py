"""Every operation of the mission's OpenAPI file (Bifrost's of January 2026) in the groups of inference has a route.

``operations_2026_01.txt`` holds them by group, copied from the file; management, batches and files of the unified API
are other groups.
"""

import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from running import Process

LINES = (Path(__file__).parent / "operations_2026_01.txt").read_text().splitlines()
OPERATIONS = [line for line in LINES if not line.startswith("#")]
GROUPS = [line.removeprefix("# ") for line in LINES if line.startswith("#")]

NOBODY = ("Route not found", "is not allowed on")
"""How the answers of the router itself read."""


def asked(url: str, method: str) -> tuple[int, str]:
    """Status and body of a request without sense."""
    body = None if method in ("GET", "DELETE") else b"{}"
    request = urllib.request.Request(url, body, {"content-type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_list_is_whole() -> None:
    assert (len(OPERATIONS), len(set(OPERATIONS)), len(GROUPS)) == (139, 139, 18)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_is_answered(operation: str, running_gateway: Process) -> None:
    method, path = operation.split()
    status, body = asked(running_gateway.url + re.sub(r"\{[^}]*\}", "x-1", path), method)
    assert status != 405
    assert not any(words in body for words in NOBODY), body
    assert status < 500 or status in (502, 503), body
