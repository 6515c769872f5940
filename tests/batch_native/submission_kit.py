"""Everything that runs batches on a provider's own batch API, on a real store and in front of a mock; it can crash."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from native_kit import COUNTED, LISTED, PLACES, Kit, row_of

from asbru.batch.gather import NativeProvider
from asbru.batch.service import BatchService, CreateCommand
from asbru.batch.submission import Submission, SubmissionSettings
from asbru.batch.sweep import Sweep, SweepSettings
from asbru.model.batches import Batch, Controls, ItemResult, Mode, Status
from asbru.model.http import Answer
from asbru.model.keys import Key, Secret
from asbru.model.names import Format, Operation
from asbru.model.people import NOBODY
from asbru.model.usage import Price
from asbru.providers import BatchApi, Endpoint
from asbru.store import Clocks, SqliteTarget, Store, Target, backend_of
from asbru.store.db import Db
from asbru.upstream.call import Call
from asbru.upstream.client import Client
from mock_thread import RunningMock

T = TypeVar("T")
KEY = Key(id="k1", name="n1", value=Secret("sk-n"), blacklisted_models=("forbidden",))
PRICE = (Price(input=1_000_000_000, output=2_000_000_000),)
FAST = SubmissionSettings(look=0.01)
WAIT = 20.0


CHAT = frozenset({Operation.CHAT})


class Clock:
    """The time, and what a test has let pass."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        return time.time() + self.passed


class Wire:
    """The way to the provider. It can be cut: a call whose request line has ``word`` never comes back."""

    def __init__(self) -> None:
        self.client = Client()
        self.reached = asyncio.Event()
        self._word = b""
        self._arrives = False

    def cut(self, word: str, *, arrives: bool) -> None:
        """From now on, until the crash. ``arrives``: the provider does what it was asked for, only we do not hear."""
        self._word, self._arrives = word.encode(), arrives
        self.reached.clear()

    async def send(self, call: Call) -> Answer:
        """Carry a call."""
        if not self._word or self._word not in call.head.partition(b"\r\n")[0]:
            return await self.client.send(call)
        if self._arrives:
            await self.client.send(call)
        self.reached.set()
        await asyncio.Event().wait()
        raise AssertionError("never")


class Rig:
    """A worker's batches, native ones only. ``settings``: of its scheduler. ``limits``: other members of BatchApi."""

    def __init__(self, kind: str, mock: RunningMock, where: Path | Target) -> None:
        self.kind = kind
        self.mock = mock
        self.clock = Clock()
        self.wire = Wire()
        self.where = SqliteTarget(str(where)) if isinstance(where, Path) else where
        self.settings = FAST
        self.limits: dict[str, Any] = {}
        self.configured = True
        self.keys: tuple[Key, ...] = (
            msgspec.structs.replace(KEY, settings=PLACES[kind].settings) if kind in PLACES else KEY,
        )
        self.mode = Mode.NATIVE
        self.controls = Controls()
        self._ids = itertools.count(1)
        self.store: Store
        self.submission: Submission
        self.service: BatchService

    def provider(self) -> NativeProvider:
        """The row of the provider, in front of the mock."""
        kit = Kit(self.kind, self.mock.port)
        path = kit.address.batches
        limits = {"max_items": 1_000, "max_bytes": 1 << 20, "one_model": row_of(self.kind).one_model, **self.limits}
        return NativeProvider(
            name=self.kind,
            api=kit.make(self.wire.send, settle=0.05),
            limits=BatchApi(kind=row_of(self.kind).kind, path=path, formats=(), **limits),
            ways=(Endpoint(row_of(self.kind).formats[0], "/"),),
            keys=self.keys,
            price=lambda model: PRICE,
            choose=self.choose,
        )

    def choose(self, model: str, without: Collection[str] = ()) -> Key | None:
        """The first key that may be used."""
        return next((key for key in self.keys if key.allows(model) and key.id not in without), None)

    def open(self, worker: str = "w") -> None:
        """Start, as after a crash or for the first time."""
        self.store = Store.open(self.where, worker, Clocks(self.clock, self.clock))
        natives = {self.kind: self.provider()} if self.configured else {}
        self.submission = Submission(self.store, natives, lambda: f"job{worker}{next(self._ids)}", self.settings)
        self.service = BatchService(
            self.store, lambda: {self.kind: CHAT}, lambda: f"b{worker}{next(self._ids)}", self.submission.wake
        )
        self.submission.start()

    async def crash(self) -> None:
        """End at once: what is under way stays as it is, nothing is said to anybody."""
        await self.submission.stop()
        await asyncio.to_thread(self.store.close_at_once)
        await self.wire.client.aclose()
        self.wire = Wire()

    async def close(self) -> None:
        """End in order."""
        await self.submission.stop()
        await self.store.close()
        await self.wire.client.aclose()

    async def create(self, *texts: str) -> str:
        """A batch with a request for each text; its id."""
        return await self.create_mixed([(text, "mock-small") for text in texts])

    async def create_mixed(self, asked: Sequence[tuple[str, str]]) -> str:
        """A batch with a request for each text and model; its id."""
        requests = [
            {
                "custom_id": f"c{n}",
                "params": {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": text}]},
            }
            for n, (text, model) in enumerate(asked)
        ]
        command = CreateCommand(
            who=NOBODY,
            format=Format.ANTHROPIC_MESSAGES,
            body=msgspec.json.encode({"requests": requests}),
            provider=self.kind,
            mode=self.mode,
            controls=self.controls,
        )
        return (await self.service.create(command)).id

    async def sweep(self) -> None:
        """Expire what is due, as the engine does every few seconds."""
        await Sweep(self.store, SweepSettings()).expire()
        self.submission.wake()

    async def job(self) -> Mapping[str, Any]:
        """The one job that has not ended, {} when there is none."""
        return (await self.jobs() or [{}])[0]

    async def jobs(self) -> list[Mapping[str, Any]]:
        """The jobs that have not ended, oldest first."""

        def look(db: Db) -> list[Mapping[str, Any]]:
            cursor = db.execute("SELECT * FROM jobs WHERE state <> 'ended' ORDER BY created_at, id")
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

        return await self.store.read(look)

    async def until(self, state: str, **members: Any) -> Mapping[str, Any]:
        """Wait until the job stands there, and nobody is at it."""

        async def stands() -> Mapping[str, Any]:
            found = await self.job()
            wanted = {"state": state, **members}
            fits = all(found.get(name) == value for name, value in wanted.items())
            return found if fits and found["id"] not in self.submission._busy and not found["lease"] else {}

        return await until(stands)

    async def due(self) -> None:
        """Let the time pass until the job is due."""
        job = await self.job()
        self.clock.passed += max(job.get("due_at", 0.0) - self.clock(), 0.0)
        self.submission.wake()

    async def ended(self, id: str) -> Batch:
        """Wait until the batch has ended and its jobs are cleaned up, with time passing quickly."""

        async def over() -> Batch | None:
            await self.due()
            return await self.over(id)

        return await until(over)

    async def over(self, id: str) -> Batch | None:
        """The batch once it has ended and its jobs are cleaned up; no time passes."""
        found = await self.service.get("", id)
        return found if found.status is Status.ENDED and not await self.jobs() else None

    async def results(self, id: str) -> dict[str, ItemResult]:
        """What came back, by custom_id: each once, and a charge for each that ran."""
        found: list[ItemResult] = []

        def write(result: ItemResult) -> bytes:
            found.append(result)
            return b""

        async for _ in await self.service.results("", id, Format.ANTHROPIC_MESSAGES, write):
            pass
        assert len({result.custom_id for result in found}) == len(found)
        charged = await self.store.read(lambda db: db.execute("SELECT id, cost FROM ledger").fetchall())
        succeeded = [result for result in found if result.outcome == "succeeded"]
        assert len(charged) == len(succeeded)
        assert sum(cost for _, cost in charged) == sum(result.cost for result in found)
        return {result.custom_id: result for result in found}

    def sent(self, operation: str) -> int:
        """How often the provider was asked for ``POST batches`` or the like."""
        method, _, rest = operation.partition(" ")
        base = COUNTED[self.kind] if operation == "POST batches" else LISTED[self.kind]
        count: int = self.mock.stats()["requests"].get(f"{method} {rest.replace('batches', base)}", 0)
        return count

    async def outbox(self) -> Sequence[str]:
        """Names of the files that wait to go out."""
        return sorted(name for name, _ in await asyncio.to_thread(backend_of(self.where).depot("outbox").entries))

    async def spoil(self, name: str, keep: int | None) -> None:
        """Cut a file that waits to go out after ``keep`` bytes, or remove it."""

        def work() -> None:
            outbox = backend_of(self.where).depot("outbox")
            with outbox.open(name) as file:
                whole = file.read()
            outbox.remove(name)
            if keep is not None:
                cut = outbox.draft(name)
                cut.write(whole[:keep])
                outbox.keep(name, cut)

        await asyncio.to_thread(work)


def say(result: ItemResult) -> str:
    """The text of a reply, or the message of an error, in Anthropic's format."""
    body = msgspec.json.decode(result.body)
    return str(body["content"][0]["text"] if result.outcome == "succeeded" else body["error"]["message"])


async def until(look: Callable[[], Awaitable[T | None]]) -> T:
    """What ``look`` gives as soon as it is something."""
    deadline = time.monotonic() + WAIT
    while not (found := await look()):
        assert time.monotonic() < deadline, "it never came to that"
        await asyncio.sleep(0.005)
    return found


def play(rig: Rig, scene: Callable[[Rig], Awaitable[None]]) -> None:
    """Open ``rig``, play, close."""

    async def run() -> None:
        rig.wire = Wire()
        rig.open()
        try:
            async with asyncio.timeout(60):
                await scene(rig)
        finally:
            await rig.close()

    asyncio.run(run())
