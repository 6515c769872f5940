"""Google's files: uploaded in pieces or whole, listed, read and deleted, each seen by its own key only."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from asbru.edge.request import Request
from asbru.mock import gemini
from asbru.mock import gemini_shapes as shape
from asbru.mock.dialect import Dialect
from asbru.mock.files import Operation, written
from asbru.mock.frames import Frames, Pace, in_pieces
from asbru.mock.gemini_checks import plain, refused
from asbru.mock.strict import Mistake, read
from asbru.mock.talk import Talker
from asbru.model.failure import Refused
from asbru.model.http import Answer

BASE = "/v1beta/files"
LIFE = 48 * 3600


class Described(shape.Message):
    """What a client says of its file. Google's SDK sends the size, too."""

    name: str | None = None
    display_name: str | None = None
    mime_type: str | None = None
    size_bytes: int | None = None


class Start(shape.Message):
    """The body of a start."""

    file: Described | None = None


class Stored(Struct, kw_only=True):
    """One file. ``owner`` is the key that made it. ``made``: results of a batch."""

    id: str
    owner: str
    display_name: str
    mime_type: str
    created_at: float
    content: bytes
    made: bool = False

    def written(self, host: str) -> dict[str, Any]:
        """The file object."""
        uri = f"http://{host}{BASE}/{self.id}"
        return {
            "name": f"files/{self.id}",
            "displayName": self.display_name,
            "mimeType": self.mime_type,
            "sizeBytes": str(len(self.content)),
            "createTime": when(self.created_at),
            "updateTime": when(self.created_at),
            "expirationTime": when(self.created_at + LIFE),
            "uri": uri,
            "state": "ACTIVE",
            "source": "GENERATED" if self.made else "UPLOADED",
            **({"downloadUri": f"{uri}:download?alt=media"} if self.made else {}),
        }


class Session(Struct):
    """An upload that has begun. ``size``: what was announced."""

    owner: str
    said: Described
    size: int
    received: bytes = b""


_start = msgspec.json.Decoder(Start, strict=False)


def when(at: float) -> str:
    """A time as Google writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class GeminiFiles:
    """The files of all keys."""

    def __init__(self, talker: Talker) -> None:
        self._talker = talker
        self._files: dict[str, Stored] = {}
        self._sessions: dict[str, Session] = {}

    def operations(self) -> Iterator[Operation]:
        """Method, path and handler of each."""
        yield "GET", BASE, self.every
        yield "GET", f"{BASE}/{{id}}", self.retrieve
        yield "DELETE", f"{BASE}/{{id}}", self.delete
        yield "GET", f"{BASE}/{{id}}:download", self.download

    def rows(self) -> Iterator[tuple[str, str, Dialect, Any]]:
        """Uploads, whose pieces need no key: the address that was told is one."""
        yield "POST", f"/upload{BASE}", gemini.DIALECT, self.upload

    def reset(self) -> None:
        """Forget all files."""
        self._files.clear()
        self._sessions.clear()

    def add(self, owner: str, said: Described, content: bytes, *, made: bool = False) -> Stored:
        """Keep a new file."""
        name = self._name(said) or self._talker.serial.next()
        self._files[name] = Stored(
            id=name,
            owner=owner,
            display_name=said.display_name or "",
            mime_type=said.mime_type or "application/octet-stream",
            created_at=self._talker.clock(),
            content=content,
            made=made,
        )
        return self._files[name]

    def _name(self, said: Described) -> str:
        """The name that the client chose, "" for none. Raises Refused(409) for one that is taken."""
        name = (said.name or "").removeprefix("files/")
        if name in self._files:
            raise Refused(409, f"File {name} already exists.", code="ALREADY_EXISTS")
        return name

    def find(self, name: str, owner: str) -> Stored:
        """The file. Raises Refused(403) for one that is not this key's, in the words of the real API."""
        stored = self._files.get(name.removeprefix("files/"))
        if stored is None or stored.owner != owner:
            words = f"You do not have permission to access the File {name} or it may not exist."
            raise Refused(403, words, code="PERMISSION_DENIED")
        return stored

    async def upload(self, request: Request) -> Answer:
        """A start, a piece, or a whole file."""
        upload_id = parse_qs(request.query).get("upload_id", [""])[0]
        if upload_id:
            return self._piece(request, upload_id)
        key = self._talker.admit(gemini.DIALECT, request)
        match _header(request, b"x-goog-upload-protocol"):
            case "resumable":
                return self._started(request, key)
            case "multipart":
                said, kind, content = _related(request)
                said.mime_type = said.mime_type or kind
                return written({"file": self.add(key, said, content).written(_host(request))})
            case protocol:
                raise refused(f"Upload protocol {protocol!r} is unknown.")

    def _started(self, request: Request, key: str) -> Answer:
        size = _header(request, b"x-goog-upload-header-content-length")
        if _header(request, b"x-goog-upload-command") != "start" or not size.isdigit():
            raise refused("A resumable upload begins with the command start and the length of its content.")
        said = _described(request.body)
        self._name(said)
        said.mime_type = said.mime_type or _header(request, b"x-goog-upload-header-content-type")
        name = f"up{self._talker.serial.next()}"
        self._sessions[name] = Session(key, said, int(size))
        url = f"http://{_host(request)}/upload{BASE}?upload_id={name}&upload_protocol=resumable"
        headers = {b"x-goog-upload-status": b"active", b"x-goog-upload-url": url.encode()}
        return Answer(status=200, headers={**gemini.DIALECT.headers, **headers})

    def _piece(self, request: Request, name: str) -> Answer:
        session = self._sessions.get(name)
        if session is None:
            raise Refused(404, "Upload session not found.")
        commands = [word.strip() for word in _header(request, b"x-goog-upload-command").split(",")]
        offset = _header(request, b"x-goog-upload-offset")
        if "upload" in commands:
            if offset != str(len(session.received)):
                raise refused(f"The offset is {len(session.received)}, not {offset!r}.")
            session.received += request.body
        if "finalize" not in commands:
            headers = {b"x-goog-upload-status": b"active"}
            return Answer(status=200, headers={**gemini.DIALECT.headers, **headers})
        if len(session.received) != session.size:
            raise refused(f"{session.size} bytes were announced, {len(session.received)} came.")
        del self._sessions[name]
        answer = written({"file": self.add(session.owner, session.said, session.received).written(_host(request))})
        answer.headers = {**answer.headers, b"x-goog-upload-status": b"final"}
        return answer

    async def every(self, request: Request, key: str) -> Answer:
        """Pages of ``pageSize``, newest first."""
        mine = [file.written(_host(request)) for file in reversed(self._files.values()) if file.owner == key]
        return written(page("files", mine, request, 100))

    async def retrieve(self, request: Request, key: str) -> Answer:
        """The file object."""
        return written(self.find(request.params[0], key).written(_host(request)))

    async def delete(self, request: Request, key: str) -> Answer:
        """Forget the file."""
        del self._files[self.find(request.params[0], key).id]
        return written({})

    async def download(self, request: Request, key: str) -> Answer:
        """The bytes of a file that the API made, in pieces that end anywhere; uploaded ones cannot be read back."""
        stored = self.find(request.params[0], key)
        if not stored.made or parse_qs(request.query).get("alt") != ["media"]:
            raise refused("Only generated files can be downloaded, with alt=media.")
        headers = {b"content-type": b"application/octet-stream"}
        return Answer(status=200, headers=headers, stream=Frames(in_pieces(stored.content), Pace()))


def page(member: str, rows: list[dict[str, Any]], request: Request, most: int) -> dict[str, Any]:
    """One page of ``rows``. Raises Refused(400) for a size or a token that is none."""
    query = parse_qs(request.query)
    size, token = query.get("pageSize", ["50"])[0], query.get("pageToken", ["0"])[0]
    if not size.isdigit() or not token.isdigit():
        raise refused("Invalid page size or page token.")
    start, limit = int(token), min(int(size) or 50, most)
    told: dict[str, Any] = {member: rows[start : start + limit]} if rows[start:] else {}
    if start + limit < len(rows):
        told["nextPageToken"] = str(start + limit)
    return told


def _described(body: bytes) -> Described:
    try:
        return read(_start, plain(body or b"{}")).file or Described()
    except Mistake as mistake:
        raise gemini.refusal(mistake) from None


def _related(request: Request) -> tuple[Described, str, bytes]:
    """What the file is, its media type and its bytes (RFC 2387)."""
    _, _, boundary = _header(request, b"content-type").partition("multipart/related; boundary=")
    mark = b"--" + boundary.strip('"').encode()
    pieces = request.body.split(b"\r\n" + mark)
    if not boundary or len(pieces) != 3 or not pieces[0].startswith(mark) or not pieces[2].startswith(b"--"):
        raise refused("A multipart upload has two parts.")
    (_, _, described), (head, _, content) = pieces[0].partition(b"\r\n\r\n"), pieces[1].partition(b"\r\n\r\n")
    kind = head.lower().partition(b"content-type:")[2].split(b"\r\n")[0].strip().decode("latin-1")
    return _described(described), kind, content


def _header(request: Request, name: bytes) -> str:
    return request.headers.get(name, b"").decode("latin-1")


def _host(request: Request) -> str:
    return _header(request, b"host") or "localhost"
