"""Bedrock's batch jobs in front of a mock, with a real S3 behind both."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from submission_kit import PRICE, Rig

from asbru.batch.gather import NativeProvider
from asbru.batch.native import Job, JobResult, Line, Lines
from asbru.batch.native_bedrock import NativeBedrock
from asbru.batch.native_calls import Address, Depot, Send
from asbru.model.keys import Key, Network, Secret
from asbru.model.names import Format
from asbru.providers import BatchApi, Endpoint, SigV4
from asbru.upstream.call import Origin
from asbru.upstream.client import Client
from asbru.upstream.objects import Objects, Site
from asbru.upstream.signing import Account
from asbru.upstream.sigv4 import SigV4Signer
from mock_thread import RunningMock
from running_s3 import S3

T = TypeVar("T")
BUCKET = "native-jobs"
LEAST = 100
MODEL = "anthropic.claude-sonnet-4-5"
SECRETS = {"access_key": Secret("AKIAMOCK"), "secret_key": Secret("mock-secret")}
KEY = Key(id="k1", name="n1", value=Secret(""), secrets=SECRETS, ambient=True, deployments={"claude": MODEL})


def address_of(mock: RunningMock, s3: S3, bucket: str = BUCKET) -> Address:
    """Where jobs go."""
    account = Account(provider="bedrock", auth=SigV4("bedrock"), key=KEY, settings={}, network=Network())
    site = Site(endpoint=s3.url, account=account)
    return Address(
        provider="bedrock",
        origin=Origin(host="127.0.0.1", port=mock.port, tls=False),
        base="",
        batches="/model-invocation-job",
        headers={b"host": f"127.0.0.1:{mock.port}".encode()},
        signer=SigV4Signer(account, "bedrock"),
        depot=Depot(Objects(site, bucket), "team/", "arn:aws:iam::123456789012:role/batch"),
    )


def job(count: int, name: str = "job1", format: Format = Format.BEDROCK_CONVERSE, model: str = MODEL) -> Job:
    """A job that is being made now."""
    return Job(
        id=name,
        batch="b1",
        provider="bedrock",
        key=KEY,
        model=model,
        format=format,
        created_at=time.time(),
        count=count,
        size=0,
    )


def converse(text: str) -> dict[str, Any]:
    """A body of Converse."""
    return {"messages": [{"role": "user", "content": [{"text": text}]}]}


def lines(*texts: str, name: str = "job1", body: Callable[[str], dict[str, Any]] = converse) -> Lines:
    """One line for each text; 100 at least."""
    padded = [*texts, *(f"more {n}" for n in range(LEAST - len(texts)))]

    async def read() -> AsyncIterator[Line]:
        for n, text in enumerate(padded):
            yield Line(n, f"{name}-{n}", msgspec.json.format(msgspec.json.encode(body(text)), indent=2))

    return read


async def ended(api: NativeBedrock, job: Job) -> Any:
    """Poll until the end."""
    deadline = time.monotonic() + 20
    while not (progress := await api.poll(job)).ended:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    return progress


async def collected(api: NativeBedrock, job: Job) -> dict[str, JobResult]:
    """All results by our id; each must come once."""
    found: dict[str, JobResult] = {}
    async for result in api.results(job):
        assert result.upstream_id not in found
        found[result.upstream_id] = result
    return found


def keys(s3: S3) -> list[str]:
    """What lies in the bucket."""
    listed = s3.request("GET", f"/{BUCKET}?list-type=2").decode()
    return [each.partition("</Key>")[0] for each in listed.split("<Key>")[1:]]


def run(at: Address, scene: Callable[[NativeBedrock], Coroutine[Any, Any, T]]) -> T:
    """Play ``scene``."""

    async def play() -> T:
        client = Client()
        try:
            async with asyncio.timeout(60):
                return await scene(NativeBedrock(client.send, lambda job: at))
        finally:
            await client.aclose()

    return asyncio.run(play())


class BedrockRig(Rig):
    """A worker's batches at Bedrock."""

    def __init__(self, mock: RunningMock, s3: S3, folder: Path) -> None:
        super().__init__("bedrock", mock, folder)
        self.s3 = s3
        self.limits = {"min_items": LEAST}
        self.keys = (KEY,)

    def provider(self) -> NativeProvider:
        """The row of Bedrock, in front of the mock."""
        at = address_of(self.mock, self.s3)
        send: Send = self.wire.send
        limits = {"max_items": 1_000, "max_bytes": 1 << 20, **self.limits}
        return NativeProvider(
            name="bedrock",
            api=NativeBedrock(send, lambda job: at),
            limits=BatchApi(kind="bedrock", formats=(), one_model=True, **limits),
            ways=(Endpoint(Format.BEDROCK_CONVERSE, "/"),),
            keys=self.keys,
            price=lambda model: PRICE,
            choose=self.choose,
        )
