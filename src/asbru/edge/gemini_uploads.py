"""Uploads of Google's clients, which come in pieces (the ``X-Goog-Upload-*`` protocol; google-genai 3.4
``_api_client.py``), or whole.

Rule 1. The address of an upload is its credential: SDKs send the pieces without their key. Nobody can guess it, and it
is good for one day.
Rule 2. What has come lies in a folder of the store, its description beside it: any worker can take the next piece, and
a client that was cut off asks how far it got and goes on there.
Rule 3. An answer that refuses says that the upload is final: SDKs send a piece again until they read a state.
"""

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from asbru.edge.files import FileService, NewFile
from asbru.model.failure import Refused
from asbru.model.files import File
from asbru.wire.gemini.files import LIFE
from asbru.wire.shapes import BAD_JSON

MOST = 2 << 30
"""Most bytes of a file (ai.google.dev/gemini-api/docs/files)."""
_ID = re.compile(r"[A-Za-z0-9_-]{32}")
_PIECE = 1 << 20
_COMMANDS = frozenset({"upload", "finalize", "query", "cancel"})


class Session(Struct, frozen=True):
    """What is to be uploaded. ``size``: -1 when the client did not say it."""

    owner: str
    name: str
    media_type: str
    chosen: str = ""
    size: int = -1

    @property
    def new(self) -> NewFile:
        """The file to be."""
        return NewFile(owner=self.owner, name=self.name, media_type=self.media_type, life=LIFE, id=self.chosen)


class Piece(Struct, frozen=True):
    """What a client sends to the address of its upload. ``command``: words with commas between. ``path``: the bytes."""

    command: str
    offset: str
    path: Path | None
    body: bytes = b""

    def pieces(self) -> Iterator[bytes]:
        """The bytes, little by little."""
        if self.path is None:
            yield self.body
            return
        with self.path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece


class Taken(Struct, frozen=True):
    """How an upload stands: ``state`` is Google's word."""

    state: str
    size: int = 0
    file: File | None = None


class Uploads:
    """``folder``: where unfinished ones lie."""

    def __init__(self, files: FileService, folder: Path) -> None:
        self._files = files
        self._folder = folder

    async def start(self, session: Session) -> str:
        """The id of a new upload. Raises Refused(413)."""
        if session.size > MOST:
            raise _too_large()
        id = secrets.token_urlsafe(24)
        await self._files.call(partial(self._begin, id, msgspec.json.encode(session)))
        return id

    def _begin(self, id: str, told: bytes) -> None:
        self._folder.mkdir(exist_ok=True, mode=0o700)
        (self._folder / f"{id}.json").write_bytes(told)
        (self._folder / id).touch()

    async def take(self, id: str, piece: Piece) -> Taken:
        """Do what a client commands. Raises Refused: 404 for an upload that is over or never was, 400 for a mistake."""
        if not _ID.fullmatch(id):
            raise _absent()
        session = await self._files.call(partial(self._session, id))
        commands = [word.strip().lower() for word in piece.command.split(",")]
        if not commands or not _COMMANDS.issuperset(commands):
            known = ", ".join(sorted(_COMMANDS))
            raise _wrong("x-goog-upload-command", f"must be of {known}, this is {piece.command!r}")
        if "cancel" in commands:
            await self._files.call(partial(self._forget, id))
            return Taken("cancelled")
        if "upload" in commands:
            await self._files.call(partial(self._append, id, piece, session))
        size = await self._files.call(lambda: (self._folder / id).stat().st_size)
        if "finalize" not in commands:
            return Taken("active", size)
        return Taken("final", size, await self._finish(id, session, size))

    async def _finish(self, id: str, session: Session, size: int) -> File:
        if session.size not in (-1, size):
            raise _wrong("x-goog-upload-command", f"finalize: {session.size} bytes were announced, {size} have come")
        file = await self._files.add(session.new, Piece("", "", self._folder / id).pieces())
        await self._files.call(partial(self._forget, id))
        return file

    def _session(self, id: str) -> Session:
        try:
            return msgspec.json.decode((self._folder / f"{id}.json").read_bytes(), type=Session)
        except (FileNotFoundError, *BAD_JSON):
            raise _absent() from None

    def _append(self, id: str, piece: Piece, session: Session) -> None:
        """Write a piece where the last one ended; one at a time, whoever writes."""
        with (self._folder / id).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            begin = size = os.fstat(file.fileno()).st_size
            if piece.offset not in ("", str(size)):
                raise _wrong("x-goog-upload-offset", f"must be {size}, this is {piece.offset!r}")
            most = MOST if session.size < 0 else session.size
            try:
                for chunk in piece.pieces():
                    size += len(chunk)
                    if size > most:
                        raise _too_large() if most == MOST else _wrong("body", f"more than {most} bytes were sent")
                    file.write(chunk)
            except BaseException:
                file.flush()
                file.truncate(begin)
                raise

    def _forget(self, id: str) -> None:
        for name in (f"{id}.json", id):
            (self._folder / name).unlink(missing_ok=True)


def _absent() -> Refused:
    return Refused(404, "There is no such upload: it has ended, or its day is over.", code="not_found_error")


def _too_large() -> Refused:
    return Refused(413, f"A file can have at most {MOST} bytes.", code="request_too_large")


def _wrong(name: str, text: str) -> Refused:
    return Refused(400, f"{name}: {text}", code="invalid_request_error", param=name)
