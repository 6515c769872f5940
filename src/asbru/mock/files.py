"""OpenAI's Files: uploaded in multipart, listed, read and deleted, each seen by its own key only."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Protocol
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from asbru.edge.request import Request
from asbru.mock.frames import Frames, Pace, in_pieces
from asbru.mock.talk import Talker
from asbru.model.failure import Refused
from asbru.model.http import Answer

JSON = {b"content-type": b"application/json"}
PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
Operation = tuple[str, str, Callable[[Request, str], Coroutine[Any, Any, Answer]]]


class Operating(Protocol):
    """Whoever answers operations other than talking."""

    def operations(self) -> Iterator[Operation]:
        """Method, path and handler of each."""


class Stored(Struct, kw_only=True):
    """One file. ``owner`` is the key that made it."""

    id: str
    owner: str
    filename: str
    purpose: str
    created_at: int
    content: bytes

    def written(self) -> dict[str, Any]:
        """The file object."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "expires_at": self.created_at + 30 * 86400 if self.purpose == "batch" else None,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": None,
        }


def written(value: object) -> Answer:
    """200 with ``value`` as JSON."""
    return Answer(status=200, headers=JSON, body=msgspec.json.encode(value))


class Files:
    """The files of all keys at one provider. ``base``: their path. ``purpose``: what files for batches are called."""

    def __init__(self, talker: Talker, base: str = "/v1/files", purpose: str = "batch") -> None:
        self._talker = talker
        self._base = base
        self._purpose = purpose
        self._together = purpose == "batch-api"
        self._files: dict[str, Stored] = {}

    def operations(self) -> Iterator[Operation]:
        """Method, path and handler of each."""
        base = self._base
        yield "POST", f"{base}/upload" if self._together else base, self.upload
        yield "GET", base, self.every
        yield "GET", f"{base}/{{id}}", self.retrieve
        yield "GET", f"{base}/{{id}}/content", self.content
        yield "DELETE", f"{base}/{{id}}", self.delete

    def reset(self) -> None:
        """Forget all files."""
        self._files.clear()

    def has(self, name: str) -> bool:
        """Whether there is such a file, whoever's it is."""
        return name in self._files

    def add(self, owner: str, filename: str, purpose: str, content: bytes, name: str = "") -> Stored:
        """Keep a new file, called ``name``."""
        name = name or f"file-{self._talker.serial.next()}"
        at = int(self._talker.clock())
        self._files[name] = Stored(
            id=name, owner=owner, filename=filename, purpose=purpose, created_at=at, content=content
        )
        return self._files[name]

    def find(self, name: str, owner: str) -> Stored:
        """The file. Raises Refused(404) for one that is not this key's."""
        stored = self._files.get(name)
        if stored is None or stored.owner != owner:
            raise Refused(404, f"No such File object: {name}", param="id")
        return stored

    async def upload(self, request: Request, key: str) -> Answer:
        """Keep an uploaded file."""
        fields = multipart(request.headers.get(b"content-type", b""), request.body)
        for name in ("file", "purpose", *(("file_name",) if self._together else ())):
            if name not in fields:
                raise Refused(
                    400, f"Missing required parameter: '{name}'.", code="missing_required_parameter", param=name
                )
        purpose = fields["purpose"].content.decode("utf-8", "replace")
        purposes = (*PURPOSES, self._purpose)
        if purpose not in purposes or (self._together and purpose == "batch"):
            raise Refused(400, f"'{purpose}' is not one of {list(purposes)} - 'purpose'", param="purpose")
        file = fields["file"]
        if not file.filename:
            raise Refused(400, "Invalid type for 'file': expected a file, but got a string instead.", param="file")
        if purpose == self._purpose and not file.filename.endswith(".jsonl"):
            raise Refused(400, "Invalid file format for Batch API. Must be .jsonl")
        if not file.content:
            raise Refused(400, "File is empty.", param="file")
        return written(self.add(key, file.filename, purpose, file.content).written())

    async def every(self, request: Request, key: str) -> Answer:
        """Newest first; ``purpose``, ``limit`` and ``after`` as the real API has them."""
        query = parse_qs(request.query)
        purpose = query.get("purpose", [""])[0]
        mine = [file for file in reversed(self._files.values()) if file.owner == key and purpose in ("", file.purpose)]
        rows = [file.written() for file in mine]
        return written({"data": rows} if self._together else page(rows, query, 10000))

    async def retrieve(self, request: Request, key: str) -> Answer:
        """The file object."""
        return written(self.find(request.params[0], key).written())

    async def content(self, request: Request, key: str) -> Answer:
        """The bytes, in pieces that end anywhere."""
        content = self.find(request.params[0], key).content
        headers = {b"content-type": b"application/octet-stream"}
        return Answer(status=200, headers=headers, stream=Frames(in_pieces(content), Pace()))

    async def delete(self, request: Request, key: str) -> Answer:
        """Forget the file."""
        name = self.find(request.params[0], key).id
        del self._files[name]
        return written({"id": name, "object": "file", "deleted": True})


def page(rows: list[dict[str, Any]], query: dict[str, list[str]], most: int) -> dict[str, Any]:
    """One page of ``rows``, by ``limit`` (1 to ``most``) and ``after``."""
    try:
        limit = int(query.get("limit", ["20"])[0])
    except ValueError:
        limit = 0
    if not 1 <= limit <= most:
        raise Refused(
            400, f"Invalid 'limit': expected an integer from 1 to {most}.", param="limit", code="invalid_value"
        )
    if after := query.get("after", [""])[0]:
        place = next((n for n, row in enumerate(rows) if row["id"] == after), None)
        rows = [] if place is None else rows[place + 1 :]
    shown = rows[:limit]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(rows) > limit,
    }


class Field(Struct):
    """One part of a form. ``filename``: "" for a plain field."""

    filename: str
    content: bytes


def multipart(content_type: bytes, body: bytes) -> dict[str, Field]:
    """The parts of a form by name, the last of each. Raises Refused(400) for a form that is not whole."""
    return dict(parts(content_type, body))


def parts(content_type: bytes, body: bytes) -> list[tuple[str, Field]]:
    """The parts of a form with their names (RFC 7578). Raises Refused(400) for one that is not whole."""
    kind, *options = [part.strip() for part in content_type.split(b";")]
    boundary = next((part[9:].strip(b'"') for part in options if part.lower().startswith(b"boundary=")), b"")
    if kind.lower() != b"multipart/form-data" or not boundary:
        raise Refused(400, "Invalid content type: expected multipart/form-data with a boundary.")
    mark = b"--" + boundary
    fields: list[tuple[str, Field]] = []
    at = body.find(mark)
    while at >= 0 and not body.startswith(b"--", at + len(mark)):
        end = body.find(b"\r\n" + mark, at + len(mark))
        gap = body.find(b"\r\n\r\n", at)
        if end < 0 or gap < 0 or gap > end:
            break
        name, filename = _disposition(body[at:gap])
        fields.append((name, Field(filename, body[gap + 4 : end])))
        at = end + 2
    else:
        if at >= 0:
            return fields
    raise Refused(400, "Invalid multipart form: a part or the closing boundary is missing.")


def _disposition(head: bytes) -> tuple[str, str]:
    """``name`` and ``filename`` of a part."""
    line = next((row for row in head.split(b"\r\n") if row.lower().startswith(b"content-disposition:")), b"")
    pairs = dict(part.strip().partition(b"=")[::2] for part in line.split(b";")[1:])
    return tuple(pairs.get(name, b"").strip(b'"').decode("utf-8", "replace") for name in (b"name", b"filename"))  # type: ignore[return-value]
