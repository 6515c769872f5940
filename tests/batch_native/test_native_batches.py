"""Clients of native batch APIs against the mock: the ordinary course, mistakes, and results."""

from typing import Any

import msgspec
import pytest
from native_kit import COUNTED, CREATIONS, FILES, KEEPS, KINDS, PLACES, RESULTS, UPLOADING, Kit, run

from asbru.batch.native import Job, JobResult
from asbru.model.batches import Outcome
from asbru.model.failure import Broken, Overloaded, Rejected, Unreachable, Upstream
from mock_thread import RunningMock

both = pytest.mark.parametrize("kind", KINDS)
lined = pytest.mark.parametrize("kind", [*FILES, "gemini", "vertex", "anthropic"])


ERRORS = {"together": (400, 400), "xai": (400, 400), "fireworks": (400, 400), "openrouter": (400, 500)}
"""What is left of a 429 and a 500 of a request, where its status is not told."""


@both
def test_every_line_comes_back(mock: RunningMock, kind: str) -> None:
    async def scene(kit: Kit) -> dict[str, JobResult]:
        texts = ("first", "second\nline", "[[mock:status=429;error=slow down]]", "[[mock:stall]]", "[[mock:reset]]")
        job = await kit.api.submit(kit.job(5), kit.lines(*texts))
        assert job.upstream_id
        progress = await kit.ended(job)
        counts = progress.counts
        if kit.place.counts:
            assert (counts.succeeded, counts.processing, counts.errored + counts.expired) == (2, 0, 3)
        found = await kit.collect(job)
        assert kit.text(found["job1-0"]) == "echo: first"
        assert kit.text(found["job1-1"]) == "echo: second\nline"
        return found

    found = run(mock, kind, scene)
    errors = ERRORS.get(kind, (429, 500))
    undone = {"job1-3": (Outcome.EXPIRED, 0)} if PLACES[kind].undone else {}
    assert {name: (result.outcome, result.status) for name, result in found.items()} == {
        "job1-0": (Outcome.SUCCEEDED, 200),
        "job1-1": (Outcome.SUCCEEDED, 200),
        "job1-2": (Outcome.ERRORED, errors[0]),
        "job1-4": (Outcome.ERRORED, errors[1]),
        **undone,
    }
    error: Any = msgspec.json.decode(found["job1-2"].body)
    assert error["error"]["message"] == "slow down"
    assert error.get("type") == ("error" if kind == "anthropic" else None), "the body is the dialect's own"


@both
def test_a_job_that_expires_and_one_that_is_cancelled(mock: RunningMock, kind: str) -> None:
    mock.script(batches={"expire_after": 1})

    async def expires(kit: Kit) -> None:
        job = await kit.api.submit(kit.job(3), kit.lines("a", "b", "c"))
        progress = await kit.ended(job)
        outcomes = [result.outcome for result in (await kit.collect(job)).values()]
        done = [Outcome.SUCCEEDED] if kit.place.partial else []
        assert sorted(outcomes) == [Outcome.EXPIRED] * (2 if kit.place.undone else 0) + done
        missing = Outcome.EXPIRED if kit.place.expires else Outcome.CANCELED
        assert kind == "anthropic" or progress.missing is missing

    run(mock, kind, expires)
    if not PLACES[kind].cancels:
        return
    mock.script(batches={"in_progress": 60})

    async def cancelled(kit: Kit) -> None:
        job = await kit.api.submit(kit.job(2, "job2"), kit.lines("a", "b", name="job2"))
        assert not (await kit.api.poll(job)).ended
        await kit.api.cancel(job)
        progress = await kit.ended(job)
        found = await kit.collect(job)
        if kind != "anthropic":
            assert (progress.missing, found) == (Outcome.CANCELED, {})
        else:
            assert {result.outcome for result in found.values()} == {Outcome.CANCELED}
        await kit.api.cancel(job)

    run(mock, kind, cancelled)


FAILURES = {
    "openai": ("line 2: The custom_id 'x' for this request is a duplicate", "(and 1 more)"),
    "azure": ("line 2: The custom_id 'x' for this request is a duplicate", "(and 1 more)"),
    "groq": ("line 2: The custom_id 'x' for this request is a duplicate", "(and 1 more)"),
    "mistral": ("line 2: The custom_id 'x' for this request is a duplicate", "another request."),
    "together": ("input format error: Line 2: The custom_id 'x'", "another request."),
    "xai": ("line 2: The custom_id 'x' for this request is a duplicate", "another request."),
    "openrouter": ("line 2: The custom_id 'x' for this request is a duplicate", "another request."),
    "fireworks": ("Dataset has a syntax error: input.jsonl:2: The custom_id 'x'", "another request."),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_job_that_fails_validation_says_why(mock: RunningMock, kind: str) -> None:
    async def scene(kit: Kit) -> None:
        same = kit.lines(*"abcdefg", name="x")

        async def twice() -> Any:
            async for line in same():
                yield msgspec.structs.replace(line, upstream_id="x")

        progress = await kit.ended(await kit.api.submit(kit.job(7, "job2"), twice))
        begins, ends = FAILURES[kind]
        assert progress.failure.startswith(begins)
        assert progress.failure.endswith(ends)

    run(mock, kind, scene)


@both
def test_requests_that_are_wrong_fail_alone(mock: RunningMock, kind: str) -> None:
    async def scene(kit: Kit) -> None:
        job = await kit.api.submit(kit.job(2), kit.lines("a", "b", wrong=True))
        progress = await kit.ended(job)
        assert progress.failure == ""
        found = await kit.collect(job)
        assert {result.outcome for result in found.values()} == {Outcome.ERRORED}
        assert all(b"wrong" in result.body for result in found.values())

    run(mock, kind, scene)


@both
@pytest.mark.parametrize(
    ("reply", "kind_of", "status", "words"),
    [
        ({"status": 401}, Rejected, 401, "scripted error 401"),
        ({"status": 404, "error": "what?"}, Rejected, 404, "has no batch API at 127.0.0.1"),
        ({"status": 429, "retry_after": 7}, Overloaded, 429, "429"),
        ({"status": 529}, Overloaded, 529, "529"),
        ({"status": 500, "error": "boom"}, Broken, 500, "boom"),
        ({"garbage": True}, Broken, 502, "what is no answer"),
        ({"reset": True}, Unreachable, 0, ""),
    ],
)
def test_failures(
    mock: RunningMock, kind: str, reply: dict[str, Any], kind_of: type[Upstream], status: int, words: str
) -> None:
    mock.script(rules=[{"match": {"method": "POST", "path": f"{PLACES[kind].base}/*"}, "reply": reply}])

    async def scene(kit: Kit) -> None:
        with pytest.raises(kind_of) as caught:
            await kit.api.submit(kit.job(1), kit.lines("a"))
        failure = caught.value
        assert status in (0, failure.status)
        assert words in failure.message
        assert failure.retry_after == reply.get("retry_after")
        assert "sk-n" not in repr(kit.address) + failure.message

    run(mock, kind, scene)


def files_left(mock: RunningMock, kind: str) -> int:
    """Files that the provider has."""
    place = PLACES[kind]
    _, _, body = mock.ask("GET", KEEPS[kind], **{place.header: place.value})
    told: Any = msgspec.json.decode(body)
    member = {"gemini": "files", "vertex": "items"}.get(kind, "data")
    return len(told.get(member, ()) if kind in ("gemini", "vertex") else told[member])


@pytest.mark.parametrize("kind", UPLOADING)
@pytest.mark.parametrize(("status", "left"), [(400, 0), (429, 0), (500, 1)])
def test_a_refused_creation_leaves_no_file_behind(mock: RunningMock, kind: str, status: int, left: int) -> None:
    mock.script(rules=[{"match": {"method": "POST", "path": CREATIONS[kind]}, "reply": {"status": status}}])

    async def scene(kit: Kit) -> None:
        with pytest.raises(Upstream):
            await kit.api.submit(kit.job(1), kit.lines("a"))

    run(mock, kind, scene)
    assert files_left(mock, kind) == left


@pytest.mark.parametrize("kind", UPLOADING)
def test_clean_up_removes_all_files_and_may_be_repeated(mock: RunningMock, kind: str) -> None:
    async def scene(kit: Kit) -> None:
        job = await kit.api.submit(kit.job(2), kit.lines("a", "[[mock:status=400]]"))
        await kit.ended(job)
        await kit.api.clean_up(job)
        await kit.api.clean_up(job)
        assert await kit.api.poll(job)

    run(mock, kind, scene)
    assert files_left(mock, kind) == 0
    path = "/storage/v1/b/{bucket}/o/{object}" if kind == "vertex" else f"{KEEPS[kind]}/{{id}}"
    assert mock.stats()["requests"][f"DELETE {path}"] == {"xai": 2, "vertex": 3, "gemini": 4}.get(kind, 6)


@both
def test_an_unknown_job_is_rejected(mock: RunningMock, kind: str) -> None:
    async def scene(kit: Kit) -> None:
        job = msgspec.structs.replace(kit.job(1), upstream_id="../files/x y")
        for verb in (kit.api.poll, kit.api.cancel):
            with pytest.raises(Rejected) as caught:
                await verb(job)
            assert caught.value.status == 404

    run(mock, kind, scene)


async def _many(kit: Kit) -> Job:
    job = await kit.api.submit(kit.job(400), kit.lines(*(f"text {n}" for n in range(400))))
    await kit.ended(job)
    return job


@lined
def test_results_that_break_off_are_read_on(mock: RunningMock, kind: str) -> None:
    async def scene(kit: Kit) -> None:
        job = await _many(kit)
        rules = [
            {"match": {"path": RESULTS[kind]}, "reply": {"cut": cut}, "times": times}
            for cut, times in ((3, 1), (0, 2), (7, 1))
        ]
        mock.script(rules=rules)
        found = await kit.collect(job)
        assert {name: kit.text(result) for name, result in found.items()} == {
            f"job1-{n}": f"echo: text {n}" for n in range(400)
        }

    run(mock, kind, scene)
    path = "/storage/v1/b/{bucket}/o/{object}" if kind == "vertex" else RESULTS[kind].replace("*", "{id}")
    assert mock.stats()["requests"][f"GET {path}"] == 5


@lined
def test_results_that_always_break_off_are_a_failure_after_whole_lines(mock: RunningMock, kind: str) -> None:
    async def scene(kit: Kit) -> None:
        job = await _many(kit)
        mock.script(rules=[{"match": {"path": RESULTS[kind]}, "reply": {"cut": 2}}])
        found: list[str] = []

        async def read() -> None:
            async for result in kit.api.results(job):
                found.append(kit.text(result))

        with pytest.raises(Upstream):
            await read()
        assert 10 < len(found) < 400
        assert all(text.startswith("echo: text ") for text in found)

    run(mock, kind, scene)


@both
def test_results_may_be_left_in_the_middle(mock: RunningMock, kind: str) -> None:
    async def scene(kit: Kit) -> None:
        job = await _many(kit)
        async for result in kit.api.results(job):
            assert result.upstream_id.startswith("job1-")
            break
        assert len(await kit.collect(job)) == 400

    run(mock, kind, scene)


def test_results_are_read_at_the_configured_address_only(mock: RunningMock) -> None:
    async def scene(kit: Kit) -> None:
        job = await kit.api.submit(kit.job(1), kit.lines("a"))
        await kit.ended(job)
        assert len(await kit.collect(job)) == 1

    # The mock names the host it was asked for, here a stranger, as the place of the results.
    run(mock, "anthropic", scene, host="stranger.example")
    assert mock.stats()["requests"]["GET /v1/messages/batches/{id}/results"] == 1


@both
def test_a_creation_names_itself(mock: RunningMock, kind: str) -> None:
    async def scene(kit: Kit) -> None:
        await kit.api.submit(kit.job(1), kit.lines("a"))

    run(mock, kind, scene)
    last = mock.stats()["last"][COUNTED[kind]]
    assert last["headers"]["idempotency-key"] == "asbru-job1"
    body = msgspec.json.decode(last["body"])
    if kind in ("openai", "azure", "groq", "mistral"):
        assert body["metadata"] == {"asbru_job": "job1", "asbru_batch": "b1"}
    assert kind != "xai" or body["name"] == "asbru-job1"
    assert kind != "mistral" or body["model"] == "mock-small"
    assert kind != "gemini" or body["batch"]["displayName"] == "asbru-job1"
