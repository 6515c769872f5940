"""A creation whose answer never came: find() finds it, proves it, or says that it cannot tell yet."""

import pytest
from native_kit import CREATIONS, KINDS, Kit, run

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
        assert await old(kit, job, frozenset({found.upstream_id})) is None

    run(mock, kind, scene)
    assert mock.stats()["requests"][f"POST {CREATIONS[kind]}"] == 1


async def settled(kit: Kit, job: Job) -> Job | None:
    """find(), again as long as a candidate has not ended."""
    for _ in range(2000):
        try:
            return await kit.api.find(job, NOBODY)
        except Unreachable as failure:
            if failure.code != "job_unknown":
                raise
    raise AssertionError("never settled")


async def old(kit: Kit, job: Job, known: frozenset[str] = NOBODY) -> Job | None:
    """find() a minute later."""
    kit.now += 60
    return await kit.api.find(job, known)


@both
def test_a_job_that_never_arrived_is_not_found_once_it_has_settled(mock: RunningMock, kind: str) -> None:
    mock.script(rules=[creation(kind, reset=True)])

    async def scene(kit: Kit) -> None:
        job = kit.job(2)
        await lost(kit, job)
        with pytest.raises(Unreachable) as caught:
            await kit.api.find(job, NOBODY)
        assert caught.value.code == "job_unknown"
        assert await old(kit, job) is None

    run(mock, kind, scene)


@both
def test_other_jobs_and_strangers_are_not_taken(mock: RunningMock, kind: str) -> None:
    async def scene(kit: Kit) -> None:
        others = [
            await kit.api.submit(kit.job(2, name), kit.lines("a", "b", name=name)) for name in ("o1", "o2", "job10")
        ]
        for other in others:
            await kit.ended(other)
        assert await old(kit, kit.job(2), frozenset({others[0].upstream_id})) is None

    run(mock, kind, scene)


def test_anthropic_cannot_tell_while_a_candidate_is_open(mock: RunningMock) -> None:
    mock.script(batches={"in_progress": 60})

    async def scene(kit: Kit) -> None:
        stranger = await kit.api.submit(kit.job(2, "other"), kit.lines("a", "b", name="other"))
        await kit.api.submit(kit.job(3, "third"), kit.lines("a", "b", "c", name="third"))
        with pytest.raises(Unreachable) as caught:
            await old(kit, kit.job(2))
        assert stranger.upstream_id in caught.value.message
        assert await old(kit, kit.job(2), frozenset({stranger.upstream_id})) is None
        await kit.api.cancel(stranger)
        await kit.ended(stranger)
        assert await old(kit, kit.job(2)) is None

    run(mock, "anthropic", scene)


@both
def test_the_list_is_read_page_by_page_back_to_the_job(mock: RunningMock, kind: str) -> None:
    async def scene(kit: Kit) -> None:
        mine = await kit.api.submit(kit.job(1), kit.lines("mine"))
        for n in range(120):
            await kit.api.submit(kit.job(2, f"n{n}"), kit.lines("a", "b", name=f"n{n}"))
        await kit.ended(mine)
        found = await kit.api.find(kit.job(1), NOBODY)
        assert found is not None
        assert found.upstream_id == mine.upstream_id
        assert mock.stats()["requests"][f"GET {CREATIONS[kind]}"] == 2
        kit.now += 10_000
        later = kit.job(1)
        assert await old(kit, later) is None
        assert mock.stats()["requests"][f"GET {CREATIONS[kind]}"] == 3, "nothing older than the job is read"

    run(mock, kind, scene)
