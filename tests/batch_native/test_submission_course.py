"""The scheduler of native jobs: what is gathered, refused, canceled, expired, waited for, and read back."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from native_kit import CREATIONS, KINDS, LISTS, PLACES, RESULTS, row_of
from submission_kit import Rig, play, say, until

from asbru.batch.submission import SubmissionSettings
from asbru.model.batches import Batch, Outcome
from asbru.store import Target
from mock_thread import RunningMock

both = pytest.mark.parametrize("kind", ["openai", "anthropic"])
all_kinds = pytest.mark.parametrize("kind", KINDS)
CANCEL = "POST batches/{id}/cancel"
DAY = 86_400


def creation(kind: str, times: int = 0, **reply: object) -> dict[str, object]:
    return {"match": {"method": "POST", "path": CREATIONS[kind]}, "reply": reply, "times": times}


def outcomes(batch: Batch) -> tuple[int, int, int, int]:
    counts = batch.counts
    assert counts.processing == 0
    return counts.succeeded, counts.errored, counts.canceled, counts.expired


# What goes out.


@all_kinds
def test_successes_and_errors_are_read(kind: str, mock: RunningMock, where: Target) -> None:
    """OpenAI has them in two files, of which the original read one (defect 37)."""

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("fine", "[[mock:status=400;error=not this]]", "[[mock:stall]]", "[[mock:status=429]]")
        undone = PLACES[kind].undone
        assert outcomes(await rig.ended(id_)) == ((1, 2, 0, 1) if undone else (1, 3, 0, 0))
        found = await rig.results(id_)
        third, status = ("expired", 0) if undone else ("errored", 502)
        assert [found[f"c{n}"].outcome for n in range(4)] == ["succeeded", "errored", third, "errored"]
        last = 400 if kind in ("together", "xai", "fireworks", "openrouter") else 429
        assert [found[f"c{n}"].status for n in range(4)] == [200, 400, status, last]
        assert (say(found["c0"]), say(found["c1"])) == ("echo: fine", "not this")
        assert found["c0"].cost == found["c0"].usage.input * 1_000 + found["c0"].usage.output * 2_000
        assert await rig.outbox() == []

    play(Rig(kind, mock, where), scene)


@pytest.mark.parametrize(
    ("kind", "limits", "texts", "jobs"),
    [
        *((kind, {"max_items": 2}, ["a"] * 5, 3) for kind in KINDS),
        *((kind, {"max_bytes": 2_000}, ["a" * 700] * 4, 2) for kind in KINDS),
    ],
)
def test_jobs_keep_the_limits_of_the_provider(
    kind: str, limits: dict[str, int], texts: list[str], jobs: int, mock: RunningMock, where: Target
) -> None:
    async def scene(rig: Rig) -> None:
        id_ = await rig.create(*texts)
        assert outcomes(await rig.ended(id_)) == (len(texts), 0, 0, 0)
        assert rig.sent("POST batches") == jobs

    rig = Rig(kind, mock, where)
    rig.limits = limits
    play(rig, scene)


@pytest.mark.parametrize(("kind", "jobs"), [(kind, 2 if row_of(kind).one_model else 1) for kind in KINDS])
def test_a_job_has_one_model_where_the_provider_wants_that(
    kind: str, jobs: int, mock: RunningMock, where: Target
) -> None:
    async def scene(rig: Rig) -> None:
        id_ = await rig.create_mixed([("one", "m-1"), ("two", "m-2"), ("three", "m-1")])
        assert outcomes(await rig.ended(id_)) == (3, 0, 0, 0)
        assert rig.sent("POST batches") == jobs
        assert {result.model for result in (await rig.results(id_)).values()} == {"m-1", "m-2"}

    play(Rig(kind, mock, where), scene)


@both
def test_what_cannot_go_out_is_finished_at_once_and_holds_up_nobody(
    kind: str, mock: RunningMock, where: Target
) -> None:
    async def scene(rig: Rig) -> None:
        id_ = await rig.create_mixed([("fine", "m"), ("x", "forbidden"), ("long" * 1_000, "m")])
        assert outcomes(await rig.ended(id_)) == (1, 2, 0, 0)
        found = await rig.results(id_)
        assert "no key" in say(found["c1"])
        assert "larger than the 3000 bytes" in say(found["c2"])

    rig = Rig(kind, mock, where)
    rig.limits = {"max_bytes": 3_000}
    play(rig, scene)


@both
def test_a_request_whose_bytes_are_gone_is_an_error_of_its_own(kind: str, mock: RunningMock, where: Target) -> None:
    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two")
        await rig.store.write(lambda db: db.execute("DELETE FROM blobs") and None)
        for segment in (Path(where.app_dir) / "segments").glob("*"):
            segment.write_bytes(b"")
        await rig.crash()
        rig.configured = True
        rig.open()
        assert outcomes(await rig.ended(id_)) == (0, 2, 0, 0)
        assert "can no longer be read" in say((await rig.results(id_))["c0"])

    rig = Rig(kind, mock, where)
    rig.configured = False
    play(rig, scene)


# What the provider refuses.


@both
@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ({"status": 400, "error": "bad purpose"}, "bad purpose"),
        ({"status": 401, "error": "no such key"}, "no such key"),
        ({"status": 403, "error": "not for you"}, "not for you"),
        ({"status": 404, "error": "what?"}, "has no batch API at 127.0.0.1"),
        ({"status": 413, "error": "too much"}, "too much"),
    ],
)
def test_a_job_that_is_refused_is_an_error_of_each_request(
    kind: str, reply: dict[str, Any], words: str, mock: RunningMock, where: Target
) -> None:
    mock.script(rules=[creation(kind, **reply)])

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two")
        assert outcomes(await rig.ended(id_)) == (0, 2, 0, 0)
        found = await rig.results(id_)
        assert all(words in say(result) and result.status == reply["status"] for result in found.values())
        assert rig.sent("POST batches") == 1, "what was refused is not tried again"
        assert await rig.outbox() == []

    play(Rig(kind, mock, where), scene)


def test_a_job_that_fails_validation_says_why_in_each_result(mock: RunningMock, where: Target) -> None:
    async def scene(rig: Rig) -> None:
        id_ = await rig.create_mixed([("one", "m-1"), ("two", "m-2")])
        assert outcomes(await rig.ended(id_)) == (0, 2, 0, 0)
        found = await rig.results(id_)
        assert {say(result) for result in found.values()} == {
            "line 2: All requests of a batch must have the same model."
        }

    rig = Rig("openai", mock, where)
    rig.limits = {"one_model": False}
    play(rig, scene)


@both
@pytest.mark.parametrize(
    "reply",
    [
        {"status": 429, "retry_after": 7},
        {"status": 500},
        {"status": 503, "retry_after": 7},
        {"status": 529},
        {"garbage": True},
        {"reset": True},
    ],
    ids=str,
)
def test_trouble_at_the_creation_is_waited_out(
    kind: str, reply: dict[str, Any], mock: RunningMock, where: Target
) -> None:
    mock.script(rules=[creation(kind, 2, **reply)])

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two")
        state = "planned" if reply.get("status") == 429 else "submitting"
        job = await rig.until(state, attempts=1)
        wait = job["due_at"] - rig.clock()
        assert reply.get("retry_after", 5) - 2 < wait <= reply.get("retry_after", 5)
        assert outcomes(await rig.ended(id_)) == (2, 0, 0, 0)
        assert (await rig.results(id_))["c1"].outcome == "succeeded"
        assert mock.stats()["prompts"]["most"] == 1

    play(Rig(kind, mock, where), scene)


@both
@pytest.mark.parametrize(("asked", "most"), [(86_400, 900), (3, 5)])
def test_a_provider_may_ask_for_a_wait_but_not_for_any(
    kind: str, asked: int, most: int, mock: RunningMock, where: Target
) -> None:
    mock.script(rules=[creation(kind, 1, status=429, retry_after=asked)])

    async def scene(rig: Rig) -> None:
        await rig.create("one")
        job = await rig.until("planned", attempts=1)
        assert most - 2 < job["due_at"] - rig.clock() <= most

    play(Rig(kind, mock, where), scene)


# How long it waits.


@both
def test_a_provider_that_is_unreachable_is_asked_less_and_less_often(
    kind: str, mock: RunningMock, where: Target
) -> None:
    mock.script(rules=[{"match": {"path": "/v1/*"}, "reply": {"reset": True}}])

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two")
        waits = []
        for attempt in range(1, 8):
            job = await rig.until("submitting", attempts=attempt)
            waits.append(job["due_at"] - rig.clock())
            await rig.due()
        assert [round(wait / 5) for wait in waits] == [1, 2, 4, 8, 12, 12, 12], waits
        rig.clock.passed += DAY / 2
        mock.script()
        assert outcomes(await rig.ended(id_)) == (2, 0, 0, 0)
        assert mock.stats()["prompts"]["most"] == 1

    play(Rig(kind, mock, where), scene)


@both
def test_polling_slows_down_with_the_age_of_the_job(kind: str, mock: RunningMock, where: Target) -> None:
    mock.script(batches={"in_progress": 60})

    async def scene(rig: Rig) -> None:
        await rig.create("one")
        job = await rig.until("submitted")
        began = job["created_at"]
        for age, wait in ((6, 5), (60, 6), (300, 30), (600, 60), (20_000, 60)):
            rig.clock.passed += began + age - rig.clock()
            before = job["due_at"]
            rig.submission.wake()
            while (job := await rig.until("submitted"))["due_at"] == before:
                await asyncio.sleep(0.005)
            assert wait - 1 < job["due_at"] - began - age < wait + 1, age

    play(Rig(kind, mock, where), scene)


@both
def test_a_job_that_the_provider_has_lost_is_given_up_after_many_tries(
    kind: str, mock: RunningMock, where: Target
) -> None:
    mock.script(batches={"in_progress": 60})

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two")
        await rig.until("submitted")
        mock.reset()
        began = rig.clock()
        assert outcomes(await rig.ended(id_)) == (0, 2, 0, 0)
        assert rig.clock() - began > 200
        found = await rig.results(id_)
        assert "no longer has the batch" in say(found["c0"])
        assert rig.sent("POST batches") == 0, "it is not sent again: who knows what was billed"

    play(Rig(kind, mock, where), scene)


@both
def test_a_job_that_is_not_seen_for_a_while_is_not_given_up(kind: str, mock: RunningMock, where: Target) -> None:
    missing = {"match": {"method": "GET", "path": f"{LISTS[kind]}/*"}, "reply": {"status": 404}, "times": 4}
    mock.script(rules=[missing])

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two")
        assert outcomes(await rig.ended(id_)) == (2, 0, 0, 0)

    play(Rig(kind, mock, where), scene)


# What is read back.


@both
def test_results_that_break_off_are_read_on_later_and_charged_once(kind: str, mock: RunningMock, where: Target) -> None:
    async def scene(rig: Rig) -> None:
        mock.script(rules=[{"match": {"path": RESULTS[kind]}, "reply": {"cut": 2}, "times": 9}])
        id_ = await rig.create(*(f"text {n}" for n in range(400)))
        assert outcomes(await rig.ended(id_)) == (400, 0, 0, 0)
        found = await rig.results(id_)
        assert {say(result) for result in found.values()} == {f"echo: text {n}" for n in range(400)}

    play(Rig(kind, mock, where), scene)


@both
def test_results_that_are_gone_upstream_leave_errors(kind: str, mock: RunningMock, where: Target) -> None:
    mock.script(rules=[{"match": {"path": RESULTS[kind]}, "reply": {"status": 404, "error": "deleted"}}])

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two")
        assert outcomes(await rig.ended(id_)) == (0, 2, 0, 0)
        assert "deleted" in say((await rig.results(id_))["c0"])

    play(Rig(kind, mock, where), scene)


# Cancel.


@both
def test_a_cancel_before_anything_was_sent(kind: str, mock: RunningMock, where: Target) -> None:
    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two")
        canceled = await rig.service.cancel("", id_)
        assert canceled.status == "ended"
        assert outcomes(canceled) == (0, 0, 2, 0)
        assert mock.stats()["requests"] == {}

    rig = Rig(kind, mock, where)
    rig.configured = False
    play(rig, scene)


@both
def test_a_cancel_while_the_job_waits_to_be_sent(kind: str, mock: RunningMock, where: Target) -> None:
    mock.script(rules=[creation(kind, status=429, retry_after=600)])

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two")
        await rig.until("planned", attempts=1)
        await rig.service.cancel("", id_)
        ended = await until(lambda: rig.over(id_))
        assert outcomes(ended) == (0, 0, 2, 0)
        assert (rig.sent("POST batches"), rig.sent(CANCEL)) == (1, 0)
        assert await rig.outbox() == []

    play(Rig(kind, mock, where), scene)


@both
def test_a_cancel_after_the_job_was_sent_is_passed_on_at_once_and_once(
    kind: str, mock: RunningMock, where: Target
) -> None:
    mock.script(batches={"in_progress": 60, "finalizing": 60})

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two")
        await rig.until("submitted")
        rig.clock.passed += 600
        await rig.until("submitted", told=0)
        canceling = await rig.service.cancel("", id_)
        assert canceling.status == "canceling"
        await until(lambda: told(rig))
        assert outcomes(await rig.ended(id_)) == (0, 0, 2, 0)
        assert rig.sent(CANCEL) == 1
        assert {result.outcome for result in (await rig.results(id_)).values()} == {Outcome.CANCELED}

    play(Rig(kind, mock, where), scene)


async def told(rig: Rig) -> bool:
    """Whether the provider was told to stop; no time passes."""
    return rig.sent(CANCEL) == 1


@both
def test_a_cancel_in_the_middle_of_a_poll_is_passed_on_at_once(kind: str, mock: RunningMock, where: Target) -> None:
    """The poll that is under way must not put the next step off to a minute later."""
    path = f"{LISTS[kind]}/*"
    slow = {"match": {"method": "GET", "path": path}, "reply": {"delay": 0.3}, "times": 1}
    mock.script(batches={"in_progress": 60}, rules=[slow])

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one")
        await rig.until("submitted")
        await rig.due()
        await until(lambda: polled(rig))
        await rig.service.cancel("", id_)
        began = rig.clock()
        await until(lambda: told(rig))
        assert rig.clock() - began < 3

    play(Rig(kind, mock, where), scene)


async def polled(rig: Rig) -> bool:
    """Whether a poll is under way."""
    return bool(rig.submission._busy) and rig.sent("GET batches/{id}") == 1


@both
def test_a_cancel_that_the_provider_does_not_hear_is_repeated(kind: str, mock: RunningMock, where: Target) -> None:
    deaf = {"match": {"method": "POST", "path": "*/cancel"}, "reply": {"status": 500}, "times": 3}
    mock.script(batches={"in_progress": 60}, rules=[deaf])

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two")
        await rig.until("submitted")
        await rig.service.cancel("", id_)
        assert outcomes(await rig.ended(id_)) == (0, 0, 2, 0)
        assert rig.sent(CANCEL) == 4

    play(Rig(kind, mock, where), scene)


def test_what_the_provider_had_done_when_it_was_told_counts(mock: RunningMock, where: Target) -> None:
    mock.script(batches={"in_progress": 3})

    async def scene(rig: Rig) -> None:
        id_ = await rig.create(*(f"text {n}" for n in range(600)))
        job = await rig.until("submitted")

        async def some() -> bool:
            shown = mock.ask("GET", f"/v1/batches/{job['upstream_id']}", authorization="Bearer sk-n")[2]
            done: int = msgspec.json.decode(shown)["request_counts"]["completed"]
            return done > 0

        await until(some)
        await rig.service.cancel("", id_)
        succeeded, errored, canceled, expired = outcomes(await rig.ended(id_))
        assert succeeded > 0
        assert canceled > 0
        assert (succeeded + canceled, errored, expired) == (600, 0, 0)
        await rig.results(id_)

    play(Rig("openai", mock, where), scene)


@both
@pytest.mark.parametrize("end", ["cancel", "expire"])
def test_a_stopped_batch_does_not_wait_for_ever_for_a_provider_that_is_gone(
    kind: str, end: str, mock: RunningMock, where: Target
) -> None:
    mock.script(batches={"in_progress": 60})

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two")
        await rig.until("submitted")
        mock.script(rules=[{"match": {"path": "/v1/*"}, "reply": {"reset": True}}])
        if end == "cancel":
            await rig.service.cancel("", id_)
        else:
            rig.clock.passed += DAY
            await rig.sweep()
        assert outcomes(await rig.ended(id_)) == ((0, 0, 2, 0) if end == "cancel" else (0, 0, 0, 2))

    rig = Rig(kind, mock, where)
    rig.settings = SubmissionSettings(look=0.01, patience=3)
    play(rig, scene)


# Expiry.


@both
def test_what_was_sent_and_not_finished_in_time_expires(kind: str, mock: RunningMock, where: Target) -> None:
    """We have the provider cancel it; whoever made the batch did not, and reads ``expired``."""
    mock.script(batches={"in_progress": 60})

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two")
        await rig.until("submitted")
        rig.clock.passed += DAY
        await rig.sweep()
        ended = await rig.ended(id_)
        assert outcomes(ended) == (0, 0, 0, 2)
        assert ended.cancel_initiated_at is None
        assert rig.sent(CANCEL) == 1
        assert {result.outcome for result in (await rig.results(id_)).values()} == {Outcome.EXPIRED}

    play(Rig(kind, mock, where), scene)


@both
def test_what_was_never_sent_expires_at_once(kind: str, mock: RunningMock, where: Target) -> None:
    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two")
        rig.clock.passed += DAY
        await rig.sweep()
        assert outcomes(await rig.service.get("", id_)) == (0, 0, 0, 2)
        assert mock.stats()["requests"] == {}

    rig = Rig(kind, mock, where)
    rig.configured = False
    play(rig, scene)


@both
def test_a_job_that_expires_at_the_provider(kind: str, mock: RunningMock, where: Target) -> None:
    mock.script(batches={"expire_after": 1})

    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two", "three")
        assert outcomes(await rig.ended(id_)) == (1, 0, 0, 2)

    play(Rig(kind, mock, where), scene)


# A configuration that changes.


@both
@pytest.mark.parametrize("end", ["configured again", "canceled", "expired"])
def test_a_job_whose_provider_is_no_longer_configured_waits_for_it(
    kind: str, end: str, mock: RunningMock, where: Target
) -> None:
    async def scene(rig: Rig) -> None:
        id_ = await rig.create("one", "two")
        await rig.until("submitted")
        await rig.crash()
        rig.configured = end == "configured again"
        rig.open()
        if end == "canceled":
            await rig.service.cancel("", id_)
        if end == "expired":
            rig.clock.passed += DAY
            await rig.sweep()
        wanted = {"configured again": (2, 0, 0, 0), "canceled": (0, 0, 2, 0), "expired": (0, 0, 0, 2)}
        assert outcomes(await rig.ended(id_)) == wanted[end]
        assert await rig.outbox() == []

    play(Rig(kind, mock, where), scene)


# The end.


def test_it_stops_also_when_there_is_news_at_that_very_moment(mock: RunningMock, where: Target) -> None:
    async def scene(rig: Rig) -> None:
        for _ in range(3):
            await asyncio.sleep(0.03)
            rig.submission.wake()
            async with asyncio.timeout(5):
                await rig.submission.stop()
            rig.submission.start()

    rig = Rig("openai", mock, where)
    rig.settings = SubmissionSettings(look=10)
    play(rig, scene)
