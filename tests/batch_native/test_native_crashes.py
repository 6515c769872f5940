"""A creation whose answer never came: find() finds it, proves it, or says that it cannot tell yet."""

import asyncio

import pytest
from native_kit import COUNTED, CREATIONS, KINDS, LISTED, PLACES, Kit, row_of, run

from asbru.batch.native import Job
from asbru.model.failure import Unreachable, Upstream
from mock_thread import RunningMock

both = pytest.mark.parametrize("kind", KINDS)
NOBODY: frozenset[str] = frozenset()


def creation(kind: str, **reply: object) -> dict[str, object]:
    return {"match": {"method": "POST", "path": CREATIONS[kind]}, "reply": reply, "times": 1}


async def lost(kit: Kit, job: Job) -> None:
    """Submit ``job`` and lose the answer, as a crash does."""
    with pytest.raises(Upstream):
        await kit.api.submit(job, kit.lines(*(["x"] * job.count), name=job.id))


@both
def test_a_job_whose_answer_was_dropped_is_found(mock: RunningMock, kind: str) -> None:
    mock.script(rules=[creation(kind, drop=True)])

    async def scene(kit: Kit) -> None:
        job = kit.job(2)
        await lost(kit, job)
        found = await settled(kit, job)
        assert found is not None
        await kit.ended(found)
        assert set(await kit.collect(found)) == {"job1-0", "job1-1"}
        assert await kit.api.find(job, frozenset({found.upstream_id})) is None

    run(mock, kind, scene)
    assert mock.stats()["requests"][f"POST {COUNTED[kind]}"] == 1


async def settled(kit: Kit, job: Job) -> Job | None:
    """find(), again as long as a candidate has not ended."""
    for _ in range(2000):
        try:
            return await kit.api.find(job, NOBODY)
        except Unreachable as failure:
            if failure.code != "job_unknown":
                raise
    raise AssertionError("never settled")


@both
def test_a_job_that_never_arrived_is_not_found(mock: RunningMock, kind: str) -> None:
    mock.script(rules=[creation(kind, reset=True)])

    async def scene(kit: Kit) -> None:
        job = kit.job(2)
        await lost(kit, job)
        assert await kit.make(kit.client.send, settle=0.05).find(job, NOBODY) is None

    run(mock, kind, scene)
    path = LISTED[kind] + PLACES[kind].looks
    assert mock.stats()["requests"][f"GET {path}"] == 2, "it has looked twice"


@both
def test_a_creation_that_is_still_under_way_is_found_at_the_second_look(mock: RunningMock, kind: str) -> None:
    async def scene(kit: Kit) -> None:
        job = kit.job(2)
        finding = asyncio.create_task(kit.make(kit.client.send, settle=1.0).find(job, NOBODY))
        files = PLACES[kind].base + row_of(kind).files
        looks_at = files if kind == "together" else LISTED[kind] + PLACES[kind].looks
        while f"GET {looks_at}" not in mock.stats()["requests"]:
            await asyncio.sleep(0.001)
        late = await kit.api.submit(job, kit.lines("x", "x"))
        await kit.ended(late)
        found = await finding
        assert found is not None
        assert found.upstream_id == late.upstream_id

    run(mock, kind, scene)


@both
def test_other_jobs_and_strangers_are_not_taken(mock: RunningMock, kind: str) -> None:
    async def scene(kit: Kit) -> None:
        others = [
            await kit.api.submit(kit.job(2, name), kit.lines("a", "b", name=name)) for name in ("o1", "o2", "job10")
        ]
        for other in others:
            await kit.ended(other)
        assert await kit.api.find(kit.job(2), frozenset({others[0].upstream_id})) is None

    run(mock, kind, scene)


@pytest.mark.parametrize("kind", ["anthropic", "openrouter"])
def test_it_cannot_be_told_while_a_candidate_is_open(mock: RunningMock, kind: str) -> None:
    mock.script(batches={"in_progress": 60})

    async def scene(kit: Kit) -> None:
        stranger = await kit.api.submit(kit.job(2, "other"), kit.lines("a", "b", name="other"))
        await kit.api.submit(kit.job(3, "third"), kit.lines("a", "b", "c", name="third"))
        with pytest.raises(Unreachable) as caught:
            await kit.api.find(kit.job(2), NOBODY)
        assert stranger.upstream_id in caught.value.message
        assert await kit.api.find(kit.job(2), frozenset({stranger.upstream_id})) is None
        if kit.place.cancels:
            await kit.api.cancel(stranger)
            await kit.ended(stranger)
            assert await kit.api.find(kit.job(2), NOBODY) is None

    run(mock, kind, scene)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not PLACES[kind].looks])
def test_the_list_is_read_page_by_page_back_to_the_job(mock: RunningMock, kind: str) -> None:
    async def scene(kit: Kit) -> None:
        mine = await kit.api.submit(kit.job(1), kit.lines("mine"))
        for n in range(120):
            await kit.api.submit(kit.job(2, f"n{n}"), kit.lines("a", "b", name=f"n{n}"))
        await kit.ended(mine)
        found = await kit.api.find(kit.job(1), NOBODY)
        assert found is not None
        assert found.upstream_id == mine.upstream_id
        pages = 2 if kit.place.pages else 1
        assert mock.stats()["requests"][f"GET {LISTED[kind]}"] == pages
        kit.now += 10_000
        later = kit.job(1)
        assert await kit.api.find(later, NOBODY) is None
        more = 1 if kit.place.newest_first else 2
        read = mock.stats()["requests"][f"GET {LISTED[kind]}"]
        assert read == pages + more, "nothing older than the job is read"

    run(mock, kind, scene)
