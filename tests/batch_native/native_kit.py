"""A client of each native batch API, in front of a mock."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

import msgspec

from asbru.batch.native import Job, JobResult, Line, Lines, NativeApi
from asbru.batch.native_anthropic import NativeAnthropic
from asbru.batch.native_calls import Address, Send
from asbru.batch.native_files import NativeFiles
from asbru.batch.native_openai import OPENAI
from asbru.model.names import Format
from asbru.upstream.call import Origin
from asbru.upstream.client import Client
from mock_thread import RunningMock

T = TypeVar("T")
KINDS = ("openai", "anthropic")
CREATIONS = {"openai": "/v1/batches", "anthropic": "/v1/messages/batches"}
RESULTS = {"openai": "/v1/files/*/content", "anthropic": "/v1/messages/batches/*/results"}


class Kit:
    """``api`` talks to ``mock`` as ``kind``. ``now`` is what it believes the time to be."""

    def __init__(self, kind: str, port: int, host: str = "") -> None:
        self.kind = kind
        self.now = time.time()
        self.client = Client()
        self.address = Address(
            provider=kind,
            origin=Origin(host="127.0.0.1", port=port, tls=False),
            base="/v1",
            batches="/batches" if kind == "openai" else "/messages/batches",
            headers={
                b"host": host.encode() or f"127.0.0.1:{port}".encode(),
                **({b"authorization": b"Bearer sk-n"} if kind == "openai" else {b"x-api-key": b"sk-n"}),
                **({} if kind == "openai" else {b"anthropic-version": b"2023-06-01"}),
            },
        )
        self.api: NativeApi = self.make(self.client.send)

    def make(self, send: Send, settle: float = 0.0) -> NativeApi:
        """Another client, as after a restart."""
        made: NativeApi
        if self.kind == "openai":
            made = NativeFiles(OPENAI, send, lambda job: self.address, settle)
        else:
            made = NativeAnthropic(send, lambda job: self.address, settle)
        return made

    def job(self, count: int, name: str = "job1") -> Job:
        """A job that is being made now."""
        return Job(
            id=name,
            batch="b1",
            provider=self.kind,
            key=None,
            model="mock-small",
            format=Format.OPENAI_CHAT if self.kind == "openai" else Format.ANTHROPIC_MESSAGES,
            created_at=self.now,
            count=count,
            size=0,
        )

    def lines(self, *texts: str, name: str = "job1", **members: Any) -> Lines:
        """One line for each text."""

        async def read() -> AsyncIterator[Line]:
            for n, text in enumerate(texts):
                body = {
                    "model": "mock-small",
                    "max_tokens": 50,
                    "messages": [{"role": "user", "content": text}],
                    **members,
                }
                yield Line(n, f"{name}-{n}", msgspec.json.format(msgspec.json.encode(body), indent=2))

        return read

    def text(self, result: JobResult) -> str:
        """What a succeeded result says."""
        body: Any = msgspec.json.decode(result.body)
        answer = body["choices"][0]["message"]["content"] if self.kind == "openai" else body["content"][0]["text"]
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
