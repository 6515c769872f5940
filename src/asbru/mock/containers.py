"""OpenAI's containers and their files (``openai`` SDK 3.54.0, ``types/containers``): kept in memory, by key."""

from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from asbru.edge.request import Request
from asbru.mock.files import Operation, multipart, page, written
from asbru.mock.frames import Frames, Pace, in_pieces
from asbru.mock.openai import refusal
from asbru.mock.strict import Mistake, read
from asbru.mock.talk import Talker
from asbru.model.failure import Refused
from asbru.model.http import Answer


class Expiry(Struct, forbid_unknown_fields=True):
    anchor: Literal["last_active_at"]
    minutes: int


class ContainerRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    name: str
    expires_after: Expiry | None = None
    file_ids: list[str] | None = None
    memory_limit: Literal["1g", "4g", "16g", "64g"] | None = None


class FileRequest(Struct, forbid_unknown_fields=True):
    file_id: str


class Container(Struct, kw_only=True):
    """One container, with its files' objects and contents."""

    owner: str
    told: dict[str, Any]
    files: dict[str, tuple[dict[str, Any], bytes]] = {}


_container = msgspec.json.Decoder(ContainerRequest)
_file = msgspec.json.Decoder(FileRequest)


class Containers:
    """The containers of all keys."""

    def __init__(self, talker: Talker) -> None:
        self._talker = talker
        self._kept: dict[str, Container] = {}

    def operations(self) -> Iterator[Operation]:
        """Method, path and handler of each."""
        base = "/v1/containers"
        yield "POST", base, self.create
        yield "GET", base, self.every
        yield "GET", f"{base}/{{id}}", self.retrieve
        yield "DELETE", f"{base}/{{id}}", self.delete
        yield "POST", f"{base}/{{id}}/files", self.add
        yield "GET", f"{base}/{{id}}/files", self.files
        yield "GET", f"{base}/{{id}}/files/{{file}}", self.file
        yield "DELETE", f"{base}/{{id}}/files/{{file}}", self.remove
        yield "GET", f"{base}/{{id}}/files/{{file}}/content", self.content

    def reset(self) -> None:
        """Forget all of them."""
        self._kept.clear()

    async def create(self, request: Request, key: str) -> Answer:
        """A new container."""
        try:
            asked = read(_container, request.body)
        except Mistake as mistake:
            raise refusal(mistake) from None
        name, at = f"cntr_{self._talker.serial.next()}", int(self._talker.clock())
        told = {"id": name, "object": "container", "created_at": at, "status": "running", "name": asked.name}
        told |= {"last_active_at": at, "memory_limit": asked.memory_limit or "1g"}
        told["expires_after"] = asked.expires_after or Expiry("last_active_at", 20)
        self._kept[name] = Container(owner=key, told=told)
        return written(told)

    async def every(self, request: Request, key: str) -> Answer:
        """Newest first."""
        mine = [each.told for each in reversed(self._kept.values()) if each.owner == key]
        return written(page(mine, parse_qs(request.query), 100))

    async def retrieve(self, request: Request, key: str) -> Answer:
        """One container."""
        return written(self._find(request, key).told)

    async def delete(self, request: Request, key: str) -> Answer:
        """It is gone."""
        name = self._find(request, key).told["id"]
        del self._kept[name]
        return written({"id": name, "object": "container.deleted", "deleted": True})

    async def add(self, request: Request, key: str) -> Answer:
        """A file, uploaded or named by the id of one that is."""
        container = self._find(request, key)
        kind = request.headers.get(b"content-type", b"")
        if kind.startswith(b"application/json"):
            try:
                filename, content = read(_file, request.body).file_id, b""
            except Mistake as mistake:
                raise refusal(mistake) from None
        else:
            field = multipart(kind, request.body).get("file")
            if field is None:
                raise refusal(Mistake("missing", ["file"], ""))
            filename, content = field.filename, field.content
        name = f"cfile_{self._talker.serial.next()}"
        told = {"id": name, "object": "container.file", "bytes": len(content), "container_id": container.told["id"]}
        told |= {"created_at": int(self._talker.clock()), "path": f"/mnt/data/{filename}", "source": "user"}
        container.files[name] = (told, content)
        return written(told)

    async def files(self, request: Request, key: str) -> Answer:
        """A container's files."""
        rows = [told for told, _ in reversed(self._find(request, key).files.values())]
        return written(page(rows, parse_qs(request.query), 100))

    async def file(self, request: Request, key: str) -> Answer:
        """One file's object."""
        return written(self._find_file(request, key)[0])

    async def remove(self, request: Request, key: str) -> Answer:
        """The file is gone."""
        name = self._find_file(request, key)[0]["id"]
        del self._find(request, key).files[name]
        return written({"id": name, "object": "container.file.deleted", "deleted": True})

    async def content(self, request: Request, key: str) -> Answer:
        """The bytes, in pieces that end anywhere."""
        headers = {b"content-type": b"application/octet-stream"}
        frames = Frames(in_pieces(self._find_file(request, key)[1]), Pace())
        return Answer(status=200, headers=headers, stream=frames)

    def _find(self, request: Request, key: str) -> Container:
        kept = self._kept.get(request.params[0])
        if kept is None or kept.owner != key:
            raise Refused(404, f"Container with id '{request.params[0]}' not found.")
        return kept

    def _find_file(self, request: Request, key: str) -> tuple[dict[str, Any], bytes]:
        found = self._find(request, key).files.get(request.params[1])
        if found is None:
            raise Refused(404, f"Container file with id '{request.params[1]}' not found.")
        return found
