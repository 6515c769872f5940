"""What becomes of requests when a provider will not have their job: other keys, our engine, or an error."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from native_kit import CREATIONS, KINDS, PLACES
from submission_kit import KEY, Rig, play, say, until

from asbru.model.batches import Mode
from asbru.model.keys import Key, Secret
from mock_thread import RunningMock

FIRST = Key(id="k0", name="n0", value=Secret("sk-first"))


def refusing(key: str, status: int) -> dict[str, Any]:
    return {"match": {"method": "POST", "key": key}, "reply": {"status": status, "error": f"not with {key}"}}


async def moved(rig: Rig, count: int) -> Sequence[str]:
    """The reasons of items that wait for our engine, once there are so many."""

    async def look() -> Sequence[str] | None:
        rows = await rig.store.read(
            lambda db: db.execute("SELECT moved FROM items WHERE state = 'waiting' ORDER BY n").fetchall()
        )
        return [row[0] for row in rows] if len(rows) == count else None

    return await until(look)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [401, 403])
def test_another_key_does_what_one_may_not(kind: str, status: int, mock: RunningMock, tmp_path: Path) -> None:
    mock.script(rules=[refusing("sk-first", status)])

    async def scene(rig: Rig) -> None:
        ended = await rig.ended(await rig.create("one", "two"))
        assert ended.counts.succeeded == 2
        again = await rig.ended(await rig.create("three"))
        assert again.counts.succeeded == 1
        assert mock.stats()["prompts"]["total"] == 3

    rig = Rig(kind, mock, tmp_path)
    rig.keys = (replace(FIRST, settings=PLACES[kind].settings), *rig.keys)
    play(rig, scene)
    assert mock.stats()["statuses"][str(status)] == 1, "the second batch does not try it"


def test_a_refused_key_is_tried_again_after_a_while(mock: RunningMock, tmp_path: Path) -> None:
    mock.script(rules=[refusing("sk-first", 401)])

    async def scene(rig: Rig) -> None:
        await rig.ended(await rig.create("one"))
        rig.clock.passed += 700
        await rig.ended(await rig.create("two"))

    rig = Rig("openai", mock, tmp_path)
    rig.keys = (FIRST, KEY)
    play(rig, scene)
    assert mock.stats()["statuses"]["401"] == 2


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_when_no_key_is_left_requests_end_with_the_refusal(kind: str, mock: RunningMock, tmp_path: Path) -> None:
    mock.script(rules=[refusing("sk-first", 401), refusing("sk-n", 403)])

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two")
        assert (await rig.ended(id_)).counts.errored == 2
        for result in (await rig.results(id_)).values():
            assert result.status in (401, 403)
            assert say(result).startswith("not with sk-")
        assert await rig.outbox() == []

    rig = Rig(kind, mock, tmp_path)
    rig.keys = (FIRST, KEY)
    play(rig, scene)


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_what_we_sent_there_ourselves_runs_live_then(kind: str, mock: RunningMock, tmp_path: Path) -> None:
    mock.script(rules=[refusing("sk-first", 401), refusing("sk-n", 403)])

    async def scene(rig: Rig) -> None:
        await rig.create("one", "two")
        reasons = await moved(rig, 2)
        assert all(reason.startswith("not with sk-") for reason in reasons)
        assert await rig.jobs() == []
        assert await rig.outbox() == []

    rig = Rig(kind, mock, tmp_path)
    rig.keys, rig.mode = (FIRST, KEY), Mode.AUTO
    play(rig, scene)


@pytest.mark.parametrize(("status", "words"), [(400, "no such purpose"), (404, "has no batch API"), (413, "too much")])
@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_a_job_that_is_refused_runs_live(kind: str, status: int, words: str, mock: RunningMock, tmp_path: Path) -> None:
    match = {"method": "POST", "path": CREATIONS[kind]}
    mock.script(rules=[{"match": match, "reply": {"status": status, "error": words}}])

    async def scene(rig: Rig) -> None:
        await rig.create("one", "two")
        assert all(words in reason for reason in await moved(rig, 2))

    rig = Rig(kind, mock, tmp_path)
    rig.mode = Mode.AUTO
    play(rig, scene)


def test_what_the_batch_api_cannot_take_runs_live_and_the_rest_there(mock: RunningMock, tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        id_ = await rig.create_mixed([("fine", "m"), ("x", "forbidden"), ("long" * 1_000, "m")])
        reasons = await moved(rig, 2)
        assert "no key" in reasons[0]
        assert "larger than the 3000 bytes" in reasons[1]
        await until(lambda: _done(rig, id_))

    rig = Rig("openai", mock, tmp_path)
    rig.limits, rig.mode = {"max_bytes": 3_000}, Mode.AUTO
    play(rig, scene)


async def _done(rig: Rig, id: str) -> bool:
    await rig.due()
    return (await rig.service.get("", id)).counts.succeeded == 1
