"""Batches with a deadline: where items go, what becomes of late jobs, and that nothing is charged twice."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from submission_kit import Rig, play, say, until

from asbru.app import snapshot_of
from asbru.batch.engine import Engine, EngineSettings
from asbru.batch.late import REASON
from asbru.config import settings_of
from asbru.gateway import Gateway, Tools
from asbru.model.batches import Controls, Mode, Status
from asbru.upstream.client import Client
from mock_thread import RunningMock

HOUR = 3_600.0
both = pytest.mark.parametrize("kind", ["openai", "anthropic"])
CANCEL = "POST batches/{id}/cancel"


@asynccontextmanager
async def engine(rig: Rig) -> AsyncIterator[None]:
    """Our engine on the same store, live calls going to the same mock."""
    network = {"base_url": f"http://127.0.0.1:{rig.mock.port}"}
    config = {"providers": {rig.kind: {"keys": [{"name": "n", "value": "sk-n"}], "network_config": network}}}
    client = Client()
    tools = Tools(
        send=client.begin,
        record=rig.store.log,
        clock=rig.clock,
        ticks=time.monotonic,
        dice=random.Random(1).random,
        sleep=asyncio.sleep,
    )
    gateway = Gateway(snapshot_of(settings_of(config, {})), tools)
    running = Engine(rig.store, gateway, lambda: 0, EngineSettings(poll=0.02))
    running.start()
    try:
        yield
    finally:
        await running.stop()
        await client.aclose()


def late(kind: str, mock: RunningMock, folder: Path, mode: Mode = Mode.AUTO) -> Rig:
    rig = Rig(kind, mock, folder)
    rig.mode, rig.controls = mode, Controls(deadline=2 * HOUR)
    return rig


async def pass_until(rig: Rig, seconds: float, look: Callable[[], Awaitable[bool]]) -> None:
    """Let so much time pass, then wait for what is to happen."""
    rig.clock.passed += seconds

    async def seen() -> bool:
        rig.submission.wake()
        return await look()

    await until(seen)


@both
def test_a_late_job_is_called_back_and_what_it_has_not_done_runs_live(
    kind: str, mock: RunningMock, tmp_path: Path
) -> None:
    mock.script(batches={"in_progress": 60})

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two", "three")
        await rig.until("submitted")
        async with engine(rig):

            async def ended() -> bool:
                return (await rig.service.get("", id_)).status is Status.ENDED

            await pass_until(rig, 1.6 * HOUR, ended)
        assert rig.sent(CANCEL) == 1
        found = await rig.results(id_)
        assert {result.outcome for result in found.values()} == {"succeeded"}
        assert {result.moved for result in found.values()} == {REASON}
        assert not any(result.native for result in found.values())
        assert "two" in say(found["c1"])

    play(late(kind, mock, tmp_path), scene)


@both
def test_a_job_that_will_not_end_is_left_behind_and_its_late_result_ignored(
    kind: str, mock: RunningMock, tmp_path: Path
) -> None:
    """The provider is not told to stop: the way there is cut."""
    mock.script(batches={"in_progress": 2})

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two")
        await rig.until("submitted")
        rig.wire.cut("/v1/", arrives=False)

        async def moved() -> bool:
            return await rig.store.read(
                lambda db: db.execute("SELECT COUNT(*) FROM items WHERE state = 'waiting'").fetchone()[0] == 2
            )

        await pass_until(rig, 1.8 * HOUR, moved)
        await rig.crash()
        rig.open("v")
        async with engine(rig):

            async def over() -> bool:
                await rig.due()
                return await rig.over(id_) is not None

            await until(over)
        found = await rig.results(id_)
        assert {result.outcome for result in found.values()} == {"succeeded"}
        charged = await rig.store.read(lambda db: db.execute("SELECT COUNT(*) FROM ledger").fetchone()[0])
        assert charged == 2

    play(late(kind, mock, tmp_path), scene)


@both
def test_a_result_that_comes_before_our_engine_begins_counts(kind: str, mock: RunningMock, tmp_path: Path) -> None:
    """No engine runs: what was called back waits, and the job's own results come first, at its own price."""

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two")
        await rig.until("submitted")
        await asyncio.sleep(0.3)  # The mock works on its own clock.

        async def ended() -> bool:
            return (await rig.service.get("", id_)).status is Status.ENDED

        await pass_until(rig, 1.8 * HOUR, ended)
        found = await rig.results(id_)
        assert {result.outcome for result in found.values()} == {"succeeded"}
        assert all(result.cost == result.usage.input * 1_000 + result.usage.output * 2_000 for result in found.values())

    play(late(kind, mock, tmp_path), scene)


@both
def test_what_was_sent_there_on_purpose_stays_there(kind: str, mock: RunningMock, tmp_path: Path) -> None:
    mock.script(batches={"in_progress": 60})

    async def scene(rig: Rig) -> None:
        await rig.create("one")
        before = await rig.until("submitted")
        rig.clock.passed += 1.9 * HOUR
        rig.submission.wake()
        await rig.until("submitted", id=before["id"])
        await asyncio.sleep(0.1)  # Rounds go by: nothing is to happen.
        assert (await rig.job())["state"] == "submitted"
        assert rig.sent(CANCEL) == 0

    play(late(kind, mock, tmp_path, Mode.NATIVE), scene)


def test_a_batch_that_is_wanted_soon_runs_live(mock: RunningMock, tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        rig.controls = Controls(deadline=300.0)
        id_ = await rig.create("one", "two")
        async with engine(rig):

            async def ended() -> bool:
                return (await rig.service.get("", id_)).status is Status.ENDED

            await until(ended)
        assert rig.sent("POST batches") == 0
        assert not any(result.moved for result in (await rig.results(id_)).values())

    play(late("openai", mock, tmp_path), scene)


@both
def test_what_still_waits_for_a_job_goes_live_too(kind: str, mock: RunningMock, tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two")
        rig.clock.passed += 1.6 * HOUR
        await rig.crash()
        rig.configured = True
        rig.open("v")
        async with engine(rig):

            async def ended() -> bool:
                return (await rig.service.get("", id_)).status is Status.ENDED

            await until(ended)
        assert rig.sent("POST batches") == 0
        assert {result.moved for result in (await rig.results(id_)).values()} == {REASON}

    rig = late(kind, mock, tmp_path)
    rig.configured = False
    play(rig, scene)
