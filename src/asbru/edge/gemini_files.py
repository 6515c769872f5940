"""Google's files over HTTP: uploads of callers in every protocol, and the result files of batches."""

import os
from pathlib import Path
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from asbru.batch import BatchService
from asbru.edge.batches import first, number
from asbru.edge.failures import fail_gemini
from asbru.edge.files import FileService
from asbru.edge.gemini_uploads import MOST, Piece, Session, Taken, Uploads
from asbru.edge.pulled import Pulled
from asbru.edge.reached import reached
from asbru.edge.request import Handler, Request, Route
from asbru.edge.uploads import with_body
from asbru.model.failure import Failure, Refused
from asbru.model.files import File
from asbru.model.http import Answer
from asbru.store.files import Wanted
from asbru.wire.gemini.batches import read_result_id, result_file, results_format, write_line
from asbru.wire.gemini.files import bare_file_id, chosen_id, write_file, write_files, write_uploaded
from asbru.wire.multipart import Data, related
from asbru.wire.shapes import BAD_JSON, refused

_JSON = {b"content-type": b"application/json; charset=UTF-8"}
_LINES = {b"content-type": b"application/jsonl"}
_BYTES = {b"content-type": b"application/octet-stream"}
_GRANULARITY = b"262144"
MOST_LISTED = 100
_LONGEST_NAME = 512


class _Described(Struct, frozen=True, rename="camel"):
    name: str | None = None
    display_name: str | None = None
    mime_type: str | None = None


class _Snake(Struct, frozen=True):
    display_name: str | None = None
    mime_type: str | None = None


class _File(Struct):
    file: _Described = _Described()


class _SnakeFile(Struct):
    file: _Snake = _Snake()


class GeminiFiles:
    """Handlers by operation. ``public_url``: where clients reach us, "": the host they used."""

    def __init__(self, files: FileService, batches: BatchService, public_url: str) -> None:
        self._files = files
        self._batches = batches
        self._uploads = Uploads(files)
        self._public_url = public_url
        self.upload = Route(
            handler=self._upload,
            fail=_fail_upload,
            limit=MOST + (1 << 20),
            spool=True,
            summary="Upload a file: the beginning, a piece of it, or the whole",
            proven=lambda request: bool(_upload_id(request)),
        )
        self.list = _route(self._list, "List files")
        self.retrieve = _route(self._retrieve, "What is known of a file")
        self.delete = _route(self._delete, "Delete a file")
        self.download = _route(self._download, "The bytes of a file, or the results of a batch")

    async def _upload(self, request: Request) -> Answer:
        try:
            return await self._by_protocol(request)
        finally:
            if request.spool:
                os.unlink(request.spool)

    async def _by_protocol(self, request: Request) -> Answer:
        if id := _upload_id(request):
            return self._state(request, await self._uploads.take(id, _piece(request)))
        protocol = _header(request, b"x-goog-upload-protocol").lower()
        match protocol or first(parse_qs(request.query), "uploadType"):
            case "resumable":
                return await self._start(request)
            case "multipart":
                file = await with_body(request, self._files.call, lambda data: self._related(request, data))
            case "raw" | "media":
                file = await self._files.add(_session(request, b"").new, _piece(request).pieces())
            case unknown:
                raise _wrong("x-goog-upload-protocol", f"must be resumable, multipart or raw, this is {unknown!r}")
        return self._state(request, Taken("final", file.size, file))

    async def _start(self, request: Request) -> Answer:
        if _header(request, b"x-goog-upload-command").lower() != "start":
            raise _wrong("x-goog-upload-command", "must be start at this address")
        length = _header(request, b"x-goog-upload-header-content-length")
        if length and not (length.isdecimal() and len(length) < 19):
            raise _wrong("x-goog-upload-header-content-length", f"must be a number, this is {length!r}")
        body = await self._files.call(lambda: _body(request))
        session = _session(request, body)
        id = await self._uploads.start(msgspec.structs.replace(session, size=int(length or -1)))
        url = f"{reached(request, self._public_url)}{request.path}?upload_id={id}&upload_protocol=resumable"
        told = {
            b"x-goog-upload-status": b"active",
            b"x-goog-upload-url": url.encode(),
            b"x-goog-upload-control-url": url.encode(),
            b"x-goog-upload-chunk-granularity": _GRANULARITY,
        }
        return Answer(status=200, headers={**_JSON, **told})

    def _state(self, request: Request, taken: Taken) -> Answer:
        told = {b"x-goog-upload-status": taken.state.encode()}
        if taken.state == "active":
            told[b"x-goog-upload-size-received"] = str(taken.size).encode()
        body = write_uploaded(taken.file, self._base(request)) if taken.file else b""
        return Answer(status=200, headers={**_JSON, **told}, body=body)

    async def _related(self, request: Request, data: Data) -> File:
        parts = await self._files.call(lambda: related(data, _header(request, b"content-type")))
        if len(parts) != 2:
            raise _wrong("body", f"must have two parts, what the file is and its bytes, this has {len(parts)}")
        described, media = parts
        session = _session(request, described.content.whole(), media.media_type)
        return await self._files.add(session.new, media.content.pieces())

    async def _list(self, request: Request) -> Answer:
        query = parse_qs(request.query)
        limit = number(query, "pageSize", 10) or 10
        if limit < 1:
            raise _wrong("pageSize", f"must be at least 1, this is {limit}")
        wanted = Wanted(limit=min(limit, MOST_LISTED), after=bare_file_id(first(query, "pageToken")))
        page = await self._files.page(request.who.owner, wanted)
        return _json(write_files(page.files, page.has_more, self._base(request)))

    async def _retrieve(self, request: Request) -> Answer:
        return _json(write_file(await self._file(request), self._base(request)))

    async def _file(self, request: Request) -> File:
        name = request.params[0]
        batch = read_result_id(name)
        if batch is None:
            return await self._files.get(request.who.owner, bare_file_id(name))
        file = result_file(await self._batches.get(request.who.owner, batch))
        if file is None:
            raise Refused(404, f"There is no such file: {name}", code="not_found_error", param="name")
        return file

    async def _delete(self, request: Request) -> Answer:
        name = request.params[0]
        if read_result_id(name) is not None:
            raise _wrong("name", "results are part of their batch, and are removed with it")
        await self._files.delete(request.who.owner, bare_file_id(name))
        return _json(b"{}")

    async def _download(self, request: Request) -> Answer:
        name, owner = request.params[0], request.who.owner
        id = read_result_id(name)
        if id is None:
            content = await self._files.content(owner, bare_file_id(name))
            return Answer(status=200, headers=_BYTES, stream=Pulled(content))
        batch = await self._batches.get(owner, id)
        lines = await self._batches.results(owner, id, results_format(batch), write_line)
        return Answer(status=200, headers=_LINES, stream=Pulled(lines))

    def _base(self, request: Request) -> str:
        """Where the names of files are found: the version's path."""
        path = request.path.replace("/upload/", "/", 1).replace("/download/", "/", 1)
        return f"{reached(request, self._public_url)}{path.rpartition('/files')[0]}/"


def _session(request: Request, body: bytes, part_type: str = "") -> Session:
    """What is to be uploaded, out of its description. Raises Refused(400)."""
    try:
        told = msgspec.json.decode(body or b"{}", type=_File).file
        snake = msgspec.json.decode(body or b"{}", type=_SnakeFile).file
    except BAD_JSON as error:
        raise refused("", error) from None
    shown = told.display_name or snake.display_name or _header(request, b"x-goog-upload-file-name")
    if len(shown) > _LONGEST_NAME:
        raise _wrong("file.displayName", f"must have at most {_LONGEST_NAME} characters")
    chosen = ""
    if told.name:
        chosen = chosen_id(told.name) or ""
        if not chosen:
            raise _wrong("file.name", f"must be files/ and 1 to 40 letters, digits and dashes, this is {told.name!r}")
    kind = told.mime_type or snake.mime_type or _header(request, b"x-goog-upload-header-content-type") or part_type
    if not body:
        kind = kind or _header(request, b"content-type")
    return Session(request.who.owner, shown or "file", kind, chosen)


def _piece(request: Request) -> Piece:
    return Piece(
        _header(request, b"x-goog-upload-command"),
        _header(request, b"x-goog-upload-offset"),
        Path(request.spool) if request.spool else None,
        request.body,
    )


def _upload_id(request: Request) -> str:
    """The secret in the address of an upload, "" when it is none."""
    return first(parse_qs(request.query), "upload_id")


def _body(request: Request) -> bytes:
    return Path(request.spool).read_bytes() if request.spool else request.body


def _fail_upload(failure: Failure, request_id: str) -> Answer:
    answer = fail_gemini(failure, request_id)
    if failure.status < 500:
        answer.headers = {**answer.headers, b"x-goog-upload-status": b"final"}
    return answer


def _header(request: Request, name: bytes) -> str:
    """A header's value; names of files may be in UTF-8."""
    value = request.headers.get(name, b"")
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _wrong(name: str, text: str) -> Refused:
    return Refused(400, f"{name}: {text}", code="invalid_request_error", param=name)


def _route(handler: Handler, summary: str) -> Route:
    return Route(handler=handler, fail=fail_gemini, limit=1 << 16, summary=summary)


def _json(body: bytes) -> Answer:
    return Answer(status=200, headers=_JSON, body=body)
