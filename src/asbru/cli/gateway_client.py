"""A plain HTTP client of a running gateway, for the command line."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

_TIMEOUT = 300.0
_CHUNK = 1 << 16


class GatewayError(Exception):
    """The gateway refused, or is not there (``status`` 0); the text says which."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class GatewayClient:
    """``url``: where the gateway listens. ``key``: a virtual key, "" for none. Raises GatewayError."""

    def __init__(self, url: str, key: str = "") -> None:
        self._url = url.rstrip("/")
        self._key = key

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

    def path_of(self, batch_id: str) -> str:
        """Where the unified API has a batch, in whatever dialect its id is written."""
        return f"/v1/batches/batch_{batch_id.rpartition('_')[2]}"

    def events(self, batch_id: str) -> Iterator[Any]:
        """A batch each time something has changed, as the gateway tells it."""
        try:
            with self._open("GET", f"{self.path_of(batch_id)}/events") as answer:
                for line in answer:
                    if line.startswith(b"data: "):
                        yield json.loads(line[6:])
        except (OSError, HTTPException) as error:
            raise GatewayError(f"the gateway broke off: {error}") from None

    def _open(
        self, method: str, path: str, body: IO[bytes] | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        sent = {**(headers or {}), **({"x-bf-vk": self._key} if self._key else {})}
        request = Request(self._url + path, data=body, method=method, headers=sent)  # noqa: S310
        if body is not None:
            request.add_header("content-type", "application/json")
            request.add_header("content-length", str(body.seek(0, 2)))
            body.seek(0)
        try:
            return urlopen(request, timeout=_TIMEOUT)  # noqa: S310  (the address is the operator's own)
        except HTTPError as error:
            raise GatewayError(f"{error.code}: {_message(error.read())}", error.code) from None
        except URLError as error:
            raise GatewayError(f"no gateway answers at {self._url}: {error.reason}") from None


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode("utf-8", "replace")


@contextmanager
def spool_requests(lines: IO[bytes]) -> Iterator[tuple[IO[bytes], bool]]:
    """A create body made of JSONL lines, in a temporary file: any number of lines in little memory. And whether the
    lines are Anthropic's (``params``), as the first one says.
    """
    with lines, tempfile.TemporaryFile() as body:
        body.write(b'{"requests":[')
        first = b""
        for line in lines:
            if line := line.strip():
                body.write(b",\n" + line if first else line)
                first = first or line
        body.write(b"]}")
        body.seek(0)
        yield body, _has_params(first)


def _has_params(line: bytes) -> bool:
    try:
        found = json.loads(line)
    except ValueError:
        return True
    return not isinstance(found, dict) or "body" not in found
