"""A client of each native batch API, in front of a mock."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from asbru.batch.native import Job, JobResult, Line, Lines, NativeApi
from asbru.batch.native_calls import Address, Send
from asbru.model.keys import Key, Secret
from asbru.model.names import Format
from asbru.natives import KINDS as KINDS_OF_API
from asbru.providers import CATALOG, BatchApi
from asbru.upstream.call import Origin
from asbru.upstream.client import Client
from mock_thread import RunningMock

T = TypeVar("T")


class Place(Struct, frozen=True):
    """Where a mock plays a provider, and what is particular there.

    ``base``: path of its base URL. ``results``: pattern of what results are read from. ``undone``: requests that were
    not done in time have a result. ``pages``: batches on a page of the list, 0 when it has no pages. ``header``: the
    credential's, ``value``: what it is. ``counts``: progress is told. ``newest_first``: of the list. ``expires``: a
    batch tells that its time was over. ``cancels``: it can be stopped. ``looks``: where find() looks, below batches.
    ``creation``: path of a creation, when it is not that of the list. ``partial``: a batch that did not complete has
    results. ``uploads``: path of uploads, ``keeps``: of what was uploaded, when they are not that
    of files. ``settings``: of the key.
    """

    base: str = "/v1"
    results: str = "/files/*/content"
    undone: bool = True
    pages: int = 100
    header: str = "authorization"
    value: str = "Bearer sk-n"
    counts: bool = True
    newest_first: bool = True
    expires: bool = True
    creation: str = ""
    partial: bool = True
    uploads: str = ""
    keeps: str = ""
    settings: Mapping[str, str] = {}
    cancels: bool = True
    looks: str = ""


PLACES = {
    "openai": Place(),
    "azure": Place("", "/openai/v1/files/*/content", header="api-key", value="sk-n"),
    "groq": Place("/groq/openai/v1"),
    "mistral": Place("/mistral/v1", undone=False),
    "together": Place("/together/v1", undone=False, pages=0, counts=False),
    "xai": Place("/xai/v1", "/batches/*/results", undone=False, newest_first=False, expires=False),
    "fireworks": Place("/fireworks", "", undone=False, looks="/{id}"),
    "openrouter": Place("/openrouter/api/v1", "/batches/*", undone=False, cancels=False),
    "gemini": Place(
        *("/v1beta", "/files/*:download"),
        undone=False,
        header="x-goog-api-key",
        value="sk-n",
        newest_first=False,
        creation="/v1beta/models/mock-small:batchGenerateContent",
        partial=False,
        uploads="/upload/v1beta/files",
    ),
    "vertex": Place(
        *("/v1", "@/storage/v1/b/bucket-1/o/*"),
        undone=False,
        pages=0,
        uploads="/upload/storage/v1/b/bucket-1/o",
        keeps="/storage/v1/b/bucket-1/o",
        settings={
            "project_id": "p-1",
            "region": "global",
            "batch_gcs_bucket": "bucket-1",
            "batch_gcs_prefix": "my/",
            "batch_gcs_endpoint": "http://storage.example",
        },
    ),
    "anthropic": Place("/v1", "/messages/batches/*/results", header="x-api-key", value="sk-n"),
}
KINDS = tuple(PLACES)
FILES = tuple(kind for kind in KINDS if PLACES[kind].results.endswith("/content"))
"""Those whose results are files."""
UPLOADING = (*FILES, "xai", "gemini", "vertex")
"""Those whose jobs are made of files."""


def row_of(kind: str) -> BatchApi:
    """The provider's row."""
    found = CATALOG[kind].batch
    assert found is not None
    told = {"account_id": "mock", **PLACES[kind].settings}
    path, files = (text.format_map(told) for text in (found.path, found.files))
    return replace(found, path=path, files=files)


KEEPS = {kind: place.keeps or place.base + row_of(kind).files for kind, place in PLACES.items()}
UPLOADS = {kind: place.uploads or KEEPS[kind] for kind, place in PLACES.items()}
LISTS = {kind: place.base + row_of(kind).path for kind, place in PLACES.items()}
CREATIONS = {kind: place.creation or LISTS[kind] for kind, place in PLACES.items()}
_PATTERNS = (("/mock-small:", "/{model}:"), ("/p-1/locations/global/", "/{project}/locations/{location}/"))


def counted(path: str) -> str:
    """How the mock calls ``path`` in its counters."""
    for told, pattern in _PATTERNS:
        path = path.replace(told, pattern)
    return path


COUNTED = {kind: counted(path) for kind, path in CREATIONS.items()}
LISTED = {kind: counted(path) for kind, path in LISTS.items()}
RESULTS = {kind: (place.base + place.results).rpartition("@")[2] for kind, place in PLACES.items()} | {
    "fireworks": "/signed/*"
}


class Kit:
    """``api`` talks to ``mock`` as ``kind``. ``now`` is what it believes the time to be."""

    def __init__(self, kind: str, port: int, host: str = "") -> None:
        self.kind = kind
        self.place = PLACES[kind]
        self.now = time.time()
        self.client = Client()
        self.address = Address(
            provider=kind,
            origin=Origin(host="127.0.0.1", port=port, tls=False),
            base=self.place.base,
            batches=row_of(kind).path,
            files=row_of(kind).files,
            headers={
                b"host": host.encode() or f"127.0.0.1:{port}".encode(),
                self.place.header.encode(): self.place.value.encode(),
                **({b"anthropic-version": b"2023-06-01"} if kind == "anthropic" else {}),
            },
        )
        self.address = replace(self.address, elsewhere=lambda url: self.address.origin)
        self.api: NativeApi = self.make(self.client.send)

    def make(self, send: Send, settle: float = 0.0) -> NativeApi:
        """Another client, as after a restart."""
        return KINDS_OF_API[row_of(self.kind).kind](send, self.address_for, settle)

    def address_for(self, job: Job) -> Address:
        """The address with the credential of the job's key."""
        if job.key is None or not job.key.value:
            return self.address
        value = self.place.value.replace("sk-n", job.key.value.reveal())
        return replace(self.address, headers={**self.address.headers, self.place.header.encode(): value.encode()})

    def job(self, count: int, name: str = "job1") -> Job:
        """A job that is being made now."""
        return Job(
            id=name,
            batch="b1",
            provider=self.kind,
            key=Key(id="k1", name="n1", value=Secret("sk-n"), settings=self.place.settings)
            if self.place.settings
            else None,
            model="mock-small",
            format=row_of(self.kind).formats[0],
            created_at=self.now,
            count=count,
            size=0,
        )

    @property
    def key(self) -> Key:
        """With what the provider needs."""
        return Key(id="k1", name="n1", value=Secret("sk-n"), settings=self.place.settings)

    def lines(self, *texts: str, name: str = "job1", **members: Any) -> Lines:
        """One line for each text."""

        async def read() -> AsyncIterator[Line]:
            for n, text in enumerate(texts):
                body = {**self.ask(text), **members}
                yield Line(n, f"{name}-{n}", msgspec.json.format(msgspec.json.encode(body), indent=2))

        return read

    def ask(self, text: str) -> dict[str, Any]:
        """A request for ``text`` as the provider has it."""
        if self.google:
            return {"contents": [{"role": "user", "parts": [{"text": text}]}]}
        return {"model": "mock-small", "max_tokens": 50, "messages": [{"role": "user", "content": text}]}

    @property
    def google(self) -> bool:
        """Whether it speaks Google's dialect."""
        return row_of(self.kind).formats[0] is Format.GEMINI_GENERATE

    def text(self, result: JobResult) -> str:
        """What a succeeded result says."""
        body: Any = msgspec.json.decode(result.body)
        if self.google:
            return str(body["candidates"][0]["content"]["parts"][0]["text"])
        answer = body["choices"][0]["message"]["content"] if self.kind != "anthropic" else body["content"][0]["text"]
        return str(answer)

    async def ended(self, job: Job) -> Any:
        """Poll until the end."""
        deadline = time.monotonic() + 20
        while not (progress := await self.api.poll(job)).ended:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.005)
        return progress

    async def collect(self, job: Job) -> dict[str, JobResult]:
        """All results by our id; each must come once."""
        found: dict[str, JobResult] = {}
        async for result in self.api.results(job):
            assert result.upstream_id not in found
            found[result.upstream_id] = result
        return found


def run(mock: RunningMock, kind: str, scene: Callable[[Kit], Coroutine[Any, Any, T]], host: str = "") -> T:
    """Play ``scene`` with a client of ``kind``."""

    async def play() -> T:
        kit = Kit(kind, mock.port, host)
        try:
            async with asyncio.timeout(60):
                return await scene(kit)
        finally:
            await kit.client.aclose()

    return asyncio.run(play())
