"""A plain HTTP client of a running gateway, for the command line."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

_TIMEOUT = 300.0
_CHUNK = 1 << 16


class GatewayError(Exception):
    """The gateway refused, or is not there; the text says which."""


class GatewayClient:
    """``url``: where the gateway listens. Raises GatewayError."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def call(
        self, method: str, path: str, body: IO[bytes] | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """One request; the decoded JSON of its answer."""
        with self._open(method, path, body, headers) as answer:
            return json.load(answer)

    def copy(self, path: str, to: IO[bytes]) -> None:
        """The body of a GET, in pieces."""
        with self._open("GET", path) as answer:
            while chunk := answer.read(_CHUNK):
                to.write(chunk)

    def progress(self, batch_id: str, batch: Mapping[str, Any]) -> tuple[int, int]:
        """(items done, items in all). OpenAI's view of the batch counts while it runs; Anthropic's only at the end."""
        counts = self.call("GET", f"/openai/v1/batches/batch_{batch_id.removeprefix('msgbatch_')}")["request_counts"]
        total = sum(batch["request_counts"].values())
        return (total if batch["processing_status"] == "ended" else counts["completed"] + counts["failed"]), total

    def _open(
        self, method: str, path: str, body: IO[bytes] | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        request = Request(self._url + path, data=body, method=method, headers=dict(headers or {}))  # noqa: S310
        if body is not None:
            request.add_header("content-type", "application/json")
            request.add_header("content-length", str(body.seek(0, 2)))
            body.seek(0)
        try:
            return urlopen(request, timeout=_TIMEOUT)  # noqa: S310  (the address is the operator's own)
        except HTTPError as error:
            raise GatewayError(f"{error.code}: {_message(error.read())}") from None
        except URLError as error:
            raise GatewayError(f"no gateway answers at {self._url}: {error.reason}") from None


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode("utf-8", "replace")


@contextmanager
def spool_requests(lines: IO[bytes]) -> Iterator[IO[bytes]]:
    """A create body made of JSONL lines, in a temporary file: any number of lines in little memory."""
    with lines, tempfile.TemporaryFile() as body:
        body.write(b'{"requests":[')
        first = True
        for line in lines:
            if line := line.strip():
                body.write(line if first else b",\n" + line)
                first = False
        body.write(b"]}")
        body.seek(0)
        yield body
