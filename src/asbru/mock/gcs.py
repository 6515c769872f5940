"""Google's Cloud Storage, as far as batches need it: objects by the JSON API, each seen by its own key only."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

from asbru.edge.request import Request
from asbru.mock.files import Operation, written
from asbru.mock.frames import Frames, Pace, in_pieces
from asbru.mock.gemini_checks import refused
from asbru.mock.gemini_files import page
from asbru.model.failure import Refused
from asbru.model.http import Answer

BASE = "/storage/v1/b/{bucket}/o"


class Storage:
    """The objects of all keys, by key, bucket and name."""

    def __init__(self) -> None:
        self._objects: dict[tuple[str, str], dict[str, bytes]] = {}

    def operations(self) -> Iterator[Operation]:
        """Method, path and handler of each."""
        yield "POST", f"/upload{BASE}", self.put
        yield "GET", BASE, self.every
        yield "GET", f"{BASE}/{{object}}", self.get
        yield "DELETE", f"{BASE}/{{object}}", self.delete

    def reset(self) -> None:
        """Forget all objects."""
        self._objects.clear()

    def write(self, key: str, uri: str, content: bytes) -> None:
        """Put an object at ``gs://bucket/name``."""
        bucket, _, name = uri.removeprefix("gs://").partition("/")
        self._objects.setdefault((key, bucket), {})[name] = content

    def read(self, key: str, uri: str) -> bytes:
        """The object at ``gs://bucket/name``. Raises Refused(404)."""
        bucket, _, name = uri.removeprefix("gs://").partition("/")
        found = self._objects.get((key, bucket), {}).get(name)
        if found is None:
            raise Refused(404, f"No such object: {bucket}/{name}")
        return found

    async def put(self, request: Request, key: str) -> Answer:
        """A simple upload."""
        query = parse_qs(request.query)
        name = query.get("name", [""])[0]
        if query.get("uploadType") != ["media"] or not name:
            raise refused("An upload needs uploadType=media and a name.")
        self.write(key, f"gs://{request.params[0]}/{name}", request.body)
        return written(_shown(request.params[0], name, request.body))

    async def every(self, request: Request, key: str) -> Answer:
        """Pages of objects below ``prefix``, by name; no more than two on a page, so that clients must turn them."""
        bucket = request.params[0]
        prefix = parse_qs(request.query).get("prefix", [""])[0]
        found = sorted(self._objects.get((key, bucket), {}).items())
        rows = [_shown(bucket, name, content) for name, content in found if name.startswith(prefix)]
        return written({"kind": "storage#objects", **page("items", rows, request, 2)})

    async def get(self, request: Request, key: str) -> Answer:
        """The bytes (``alt=media``), in pieces that end anywhere, or the object's description."""
        bucket, name = request.params
        content = self.read(key, f"gs://{bucket}/{name}")
        if parse_qs(request.query).get("alt") != ["media"]:
            return written(_shown(bucket, name, content))
        headers = {b"content-type": b"application/jsonl"}
        return Answer(status=200, headers=headers, stream=Frames(in_pieces(content), Pace()))

    async def delete(self, request: Request, key: str) -> Answer:
        """Remove an object."""
        bucket, name = request.params
        self.read(key, f"gs://{bucket}/{name}")
        del self._objects[key, bucket][name]
        return Answer(status=204)


def _shown(bucket: str, name: str, content: bytes) -> dict[str, Any]:
    return {"kind": "storage#object", "bucket": bucket, "name": name, "size": str(len(content))}
