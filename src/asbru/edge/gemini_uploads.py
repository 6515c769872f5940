"""Uploads of Google's clients, which come in pieces (the ``X-Goog-Upload-*`` protocol; google-genai 3.4
``_api_client.py``).

Rule 1. The address of an upload is its credential: SDKs send the pieces without their key. Nobody can guess it, and it
is good for one day.
Rule 2. All that an upload is lies in the store, a file for each piece: any gateway can take the next, and a client that
was cut off asks how far it got and goes on there.
"""

import base64
import binascii
import re
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from asbru.edge.files import FileService, NewFile
from asbru.model.failure import Refused
from asbru.model.files import File
from asbru.store.files import UPLOADS
from asbru.wire.gemini.files import LIFE

MOST = 2 << 30
"""Most bytes of a file (ai.google.dev/gemini-api/docs/files)."""
_DAY = 86_400.0
_ID = re.compile(r"([A-Za-z0-9_-]{32})\.([A-Za-z0-9_=-]*)")
_PIECE = 1 << 20
_MOST_PIECES = 10_000
_COMMANDS = frozenset({"upload", "finalize", "query", "cancel"})
_SESSION = "session"


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

    def __len__(self) -> int:
        return len(self.body) if self.path is None else self.path.stat().st_size

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


_read = msgspec.json.Decoder(Session).decode


class Uploads:
    """An upload's id is a secret, and whose it is."""

    def __init__(self, files: FileService) -> None:
        self._files = files

    async def start(self, session: Session) -> str:
        """The id of a new upload. Raises Refused(413)."""
        if session.size > MOST:
            raise _too_large()
        secret = secrets.token_urlsafe(24)
        told = {_SESSION: msgspec.json.encode(session).decode()}
        note = NewFile(owner=session.owner, name="upload", life=_DAY, place=f"{UPLOADS}{secret}/", metadata=told)
        await self._files.add(note, [])
        return f"{secret}.{base64.urlsafe_b64encode(session.owner.encode()).decode()}"

    async def take(self, id: str, piece: Piece) -> Taken:
        """Do what a client commands. Raises Refused: 404 for an upload that is over or never was, 400 for a mistake."""
        note = await self._note(id)
        session = _read(note.metadata[_SESSION].encode())
        commands = [word.strip().lower() for word in piece.command.split(",")]
        if not _COMMANDS.issuperset(commands):
            known = ", ".join(sorted(_COMMANDS))
            raise _wrong("x-goog-upload-command", f"must be of {known}, this is {piece.command!r}")
        parts = await self._files.places(note.owner, (f"{note.place}0", f"{note.place}:"), _MOST_PIECES)
        if "cancel" in commands:
            await self._forget([*parts, note])
            return Taken("cancelled")
        size = sum(part.size for part in parts)
        if "upload" in commands:
            added = await self._part(note, session, piece, size)
            parts, size = [*parts, *added], size + sum(part.size for part in added)
        if "finalize" not in commands:
            return Taken("active", size)
        if session.size not in (-1, size):
            raise _wrong("x-goog-upload-command", f"finalize: {session.size} bytes were announced, {size} have come")
        file = await self._files.add_from(session.new, self._joined(parts))
        await self._forget([*parts, note])
        return Taken("final", size, file)

    async def _note(self, id: str) -> File:
        found = _ID.fullmatch(id)
        try:
            owner = base64.urlsafe_b64decode(found[2]).decode() if found else ""
            return await self._files.placed(owner, f"{UPLOADS}{found[1] if found else ''}/")
        except (Refused, binascii.Error, UnicodeDecodeError):
            text = "There is no such upload: it has ended, or its day is over."
            raise Refused(404, text, code="not_found_error") from None

    async def _part(self, note: File, session: Session, piece: Piece, size: int) -> Sequence[File]:
        """Keep a piece, which must begin where the last one ended; an empty one is none."""
        if piece.offset not in ("", str(size)):
            raise _wrong("x-goog-upload-offset", f"must be {size}, this is {piece.offset!r}")
        length = await self._files.call(lambda: len(piece))
        if size + length > MOST:
            raise _too_large()
        if 0 <= session.size < size + length:
            raise _wrong("body", f"more than {session.size} bytes were sent")
        if not length:
            return ()
        new = NewFile(owner=note.owner, name="part", life=_DAY, place=f"{note.place}{size:012d}")
        return (await self._files.add(new, piece.pieces()),)

    async def _joined(self, parts: Sequence[File]) -> AsyncIterator[bytes]:
        for part in parts:
            async for chunk in await self._files.content(part.owner, part.id):
                yield chunk

    async def _forget(self, files: Sequence[File]) -> None:
        for file in files:
            await self._files.delete(file.owner, file.id)


def _too_large() -> Refused:
    return Refused(413, f"A file can have at most {MOST} bytes.", code="request_too_large")


def _wrong(name: str, text: str) -> Refused:
    return Refused(400, f"{name}: {text}", code="invalid_request_error", param=name)
