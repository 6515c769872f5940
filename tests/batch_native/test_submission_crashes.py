"""The scheduler of native jobs, killed at every step: each request is answered once upstream, and charged once."""

import asyncio

import pytest
from native_kit import CREATIONS, KEEPS, KINDS, LISTS, RESULTS, UPLOADING, UPLOADS
from submission_kit import Rig, play, say

from asbru.model.batches import Outcome
from asbru.store import Target
from mock_thread import RunningMock

both = pytest.mark.parametrize("kind", KINDS)
READS = {kind: f"/{pattern.rpartition('/')[2]}" for kind, pattern in RESULTS.items()}
READS |= {
    "fireworks": "/signed/",
    "gemini": ":download",
    "vertex": "?alt=media",
    "openrouter": "GET /openrouter/api/v1/batches/",
}
"""What the call has by which results are read."""

STEPS = [
    (kind, word, arrives)
    for kind in UPLOADING
    for word, both_ways in (
        (f"POST {UPLOADS[kind]}", (False, True)),
        (f"POST {CREATIONS[kind]} ", (False, True)),
        (f"GET {LISTS[kind]}/", (True,)),
        (READS[kind] if kind in ("xai", "gemini", "vertex") else "/content", (False, True)),
        (f"DELETE {KEEPS[kind]}", (True,)),
    )
    for arrives in both_ways
] + [
    *(("fireworks", "/datasets HTTP", arrives) for arrives in (False, True)),
    *(("fireworks", ":upload", arrives) for arrives in (False, True)),
    *(("fireworks", "POST /fireworks/v1/accounts/mock/batchInferenceJobs", arrives) for arrives in (False, True)),
    *(("fireworks", word, True) for word in ("/batchInferenceJobs/", "getDownloadEndpoint", "/signed/", "DELETE")),
    *(("openrouter", "POST", arrives) for arrives in (False, True)),
    *(("openrouter", word, True) for word in ("GET /openrouter/api/v1/batches/", "DELETE")),
    ("anthropic", "POST /v1/messages/batches", False),
    ("anthropic", "POST /v1/messages/batches", True),
    ("anthropic", "GET /v1/messages/batches/", True),
    ("anthropic", "/results", False),
    ("anthropic", "/results", True),
]

LOOKS = {"together": " ", "fireworks": "/"}
"""How the call goes on by which a job is looked for."""


async def reach(rig: Rig, word: str, *, arrives: bool) -> None:
    """Let things go on until a call with ``word`` in its first line, which never comes back; then crash."""
    rig.wire.cut(word, arrives=arrives)
    while not rig.wire.reached.is_set():
        await rig.due()
        await asyncio.sleep(0.005)
    await rig.crash()


async def expect_once(rig: Rig, id: str, count: int) -> None:
    """Every request of the batch was answered, and the provider saw each of them once."""
    ended = await rig.ended(id)
    assert ended.counts.succeeded == count
    found = await rig.results(id)
    assert {name: say(result) for name, result in found.items()} == {f"c{n}": f"echo: text {n}" for n in range(count)}
    prompts = rig.mock.stats()["prompts"]
    assert (prompts["total"], prompts["most"]) == (count, 1)
    assert rig.sent("POST batches") == 1


@pytest.mark.parametrize(("kind", "word", "arrives"), STEPS)
def test_a_crash_at_any_call_sends_and_charges_nothing_twice(
    kind: str, word: str, arrives: bool, mock: RunningMock, where: Target
) -> None:
    async def scene(rig: Rig) -> None:
        id_ = await rig.create("text 0", "text 1", "text 2")
        await reach(rig, word, arrives=arrives)
        rig.open()
        await expect_once(rig, id_, 3)

    play(Rig(kind, mock, where), scene)


@both
def test_crash_after_crash(kind: str, mock: RunningMock, where: Target) -> None:
    """Between the creation and its record, while it is looked for, while it is polled, while results are read."""

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("text 0", "text 1", "text 2")
        await reach(rig, f"POST {CREATIONS[kind]}", arrives=True)
        for word in (
            f"GET {LISTS[kind]}" + LOOKS.get(kind, "?"),
            f"GET {LISTS[kind]}/",
            READS[kind],
        ):
            rig.open()
            await reach(rig, word, arrives=True)
        rig.open()
        await expect_once(rig, id_, 3)

    play(Rig(kind, mock, where), scene)


@both
def test_a_creation_whose_answer_was_lost_is_looked_for(kind: str, mock: RunningMock, where: Target) -> None:
    """No crash of ours: the connection broke after the provider had made the batch."""
    mock.script(rules=[{"match": {"method": "POST", "path": CREATIONS[kind]}, "reply": {"drop": True}, "times": 1}])

    async def scene(rig: Rig) -> None:
        await expect_once(rig, await rig.create("text 0", "text 1"), 2)

    play(Rig(kind, mock, where), scene)


@both
@pytest.mark.parametrize("keep", [None, 0, 30, -1], ids=["gone", "empty", "cut in the first line", "cut in the last"])
def test_lines_that_are_lost_are_gathered_again(kind: str, keep: int | None, mock: RunningMock, where: Target) -> None:
    async def scene(rig: Rig) -> None:
        id_ = await rig.create("text 0", "text 1", "text 2")
        await reach(rig, "POST", arrives=False)
        (name,) = await rig.outbox()
        await rig.spoil(name, keep)
        rig.open()
        await expect_once(rig, id_, 3)
        assert await rig.outbox() == []

    play(Rig(kind, mock, where), scene)


@both
@pytest.mark.parametrize("arrives", [False, True], ids=["never arrived", "arrived"])
def test_a_batch_that_is_canceled_after_a_crash_at_its_creation(
    kind: str, arrives: bool, mock: RunningMock, where: Target
) -> None:
    mock.script(batches={"in_progress": 1})

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("text 0", "text 1")
        await reach(rig, f"POST {CREATIONS[kind]}", arrives=arrives)
        rig.open()
        await rig.service.cancel("", id_)
        counts = (await rig.ended(id_)).counts
        assert counts.canceled + counts.succeeded == 2
        assert arrives or counts.canceled == 2
        assert rig.sent("POST batches") == (1 if arrives else 0)
        assert {result.outcome for result in (await rig.results(id_)).values()} <= {
            Outcome.CANCELED,
            Outcome.SUCCEEDED,
        }

    play(Rig(kind, mock, where), scene)


@both
def test_what_a_dead_worker_held_is_finished_by_another(kind: str, mock: RunningMock, where: Target) -> None:
    async def scene(rig: Rig) -> None:
        other = Rig(kind, mock, where)
        other.wire = type(rig.wire)()
        other.open("v")
        await other.submission.stop()
        id_ = await rig.create("text 0", "text 1", "text 2")
        await reach(rig, f"POST {CREATIONS[kind]}", arrives=True)
        other.submission = type(other.submission)(
            other.store, {kind: other.provider()}, lambda: "never", other.settings
        )
        other.submission.start()
        await asyncio.sleep(0.1)
        assert other.sent("GET batches") == 0, "its lease still holds"
        other.clock.passed += 31
        await other.store.beat()
        await expect_once(other, id_, 3)
        await other.close()
        rig.open()

    play(Rig(kind, mock, where), scene)


@both
def test_two_workers_share_the_jobs(kind: str, mock: RunningMock, where: Target) -> None:
    async def scene(rig: Rig) -> None:
        other = Rig(kind, mock, where)
        other.wire = type(rig.wire)()
        other.limits = rig.limits
        other.open("v")
        ids = [await each.create(*(f"{name} {n}" for n in range(7))) for name, each in (("a", rig), ("b", other))]
        other.clock.passed = 3.0
        for id_ in ids:
            ended = await rig.ended(id_)
            assert ended.counts.succeeded == 7
        prompts = mock.stats()["prompts"]
        assert (prompts["total"], prompts["most"]) == (14, 1)
        assert rig.sent("POST batches") == 14
        await other.close()

    rig = Rig(kind, mock, where)
    rig.limits = {"max_items": 1}
    play(rig, scene)
