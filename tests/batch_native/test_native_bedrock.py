"""Bedrock's own batch jobs: the client, the scheduler killed at every step, and a whole gateway; S3 is moto's."""

import json
import os
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from bedrock_kit import BUCKET, LEAST, BedrockRig, address_of, collected, ended, job, keys, lines, run
from submission_kit import Rig, play, say

from asbru.batch.native import JobResult
from asbru.batch.native_bedrock import NativeBedrock
from asbru.model.batches import Outcome, State
from asbru.model.failure import Overloaded, Rejected, Upstream
from asbru.model.names import Format
from mock_thread import RunningMock
from running import Process, gateway, scripted_provider
from running_s3 import S3


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """It is where the mock in this process looks for buckets, too."""
    server = S3(tmp_path_factory.mktemp("s3") / "moto.log")
    server.start([BUCKET])
    before = os.environ.get("AWS_ENDPOINT_URL_S3")
    os.environ["AWS_ENDPOINT_URL_S3"] = server.url
    yield server
    server.stop()
    if before is None:
        del os.environ["AWS_ENDPOINT_URL_S3"]


def text(result: JobResult) -> str:
    body: Any = msgspec.json.decode(result.body)
    return str(body["output"]["message"]["content"][0]["text"])


def test_a_job_from_records_to_results_and_nothing_is_left(mock: RunningMock, s3: S3) -> None:
    async def scene(api: NativeBedrock) -> None:
        made = await api.submit(job(LEAST), lines("one", "[[mock:status=400]] two", "three"))
        assert made.upstream_id.startswith("arn:aws:bedrock:")
        progress = await ended(api, made)
        assert progress.failure == ""
        assert (progress.counts.succeeded, progress.counts.errored) == (LEAST - 1, 1)
        found = await collected(api, made)
        assert len(found) == LEAST
        assert text(found["job1-0"]) == "echo: one"
        assert (found["job1-1"].outcome, found["job1-1"].status) == (Outcome.ERRORED, 400)
        assert msgspec.json.decode(found["job1-1"].body)["__type"] == "ValidationException"
        assert any("/out/" in key for key in keys(s3))
        await api.clean_up(made)
        await api.clean_up(made)
        assert not [key for key in keys(s3) if "job1" in key]

    run(address_of(mock, s3), scene)
    asked = mock.stats()["last"]["/model-invocation-job"]
    body = msgspec.json.decode(asked["body"])
    assert (body["jobName"], body["clientRequestToken"], body["modelInvocationType"]) == (
        "asbru-job1",
        "job1",
        "Converse",
    )
    assert body["inputDataConfig"]["s3InputDataConfig"]["s3Uri"] == f"s3://{BUCKET}/team/asbru/job1/input.jsonl"


def test_embeddings_go_in_their_makers_body(mock: RunningMock, s3: S3) -> None:
    async def scene(api: NativeBedrock) -> None:
        asked = job(LEAST, "job2", Format.BEDROCK_TITAN_EMBED, "amazon.titan-embed-text-v2:0")
        made = await api.submit(asked, lines("one", name="job2", body=lambda text: {"inputText": text}))
        await ended(api, made)
        found = await collected(api, made)
        assert len(msgspec.json.decode(found["job2-0"].body)["embedding"]) == 16

    run(address_of(mock, s3), scene)


def test_a_job_that_is_sent_again_is_the_same_job(mock: RunningMock, s3: S3) -> None:
    async def scene(api: NativeBedrock) -> None:
        asked = job(LEAST, "job3")
        assert await api.find(asked, frozenset()) is None
        made = await api.submit(asked, lines("x", name="job3"))
        assert (await api.submit(asked, lines("x", name="job3"))).upstream_id == made.upstream_id
        found = await api.find(asked, frozenset())
        assert found is not None
        assert found.upstream_id == made.upstream_id
        assert await api.find(asked, frozenset({made.upstream_id})) is None
        assert await api.find(job(LEAST, "job33"), frozenset()) is None

    run(address_of(mock, s3), scene)


def test_a_job_that_fails_as_a_whole_says_why(mock: RunningMock, s3: S3) -> None:
    async def scene(api: NativeBedrock) -> None:
        few = lines("x", name="job4")

        async def read() -> Any:
            async for line in few():
                yield line
                return

        made = await api.submit(job(1, "job4"), read)
        assert "1 records" in (await ended(api, made)).failure

    run(address_of(mock, s3), scene)


@pytest.mark.parametrize("way", ["stopped", "expired"])
def test_a_job_that_does_not_finish(way: str, mock: RunningMock, s3: S3) -> None:
    """What was done counts; what became of the rest is told."""
    mock.script(batches={"in_progress": 60} if way == "stopped" else {"expire_after": 30})

    async def scene(api: NativeBedrock) -> None:
        made = await api.submit(job(LEAST, way), lines("x", name=way))
        if way == "stopped":
            await api.cancel(made)
            await api.cancel(made)
        progress = await ended(api, made)
        assert progress.missing is (Outcome.CANCELED if way == "stopped" else Outcome.EXPIRED)
        assert len(await collected(api, made)) == (0 if way == "stopped" else 30)
        await api.cancel(made)

    run(address_of(mock, s3), scene)


@pytest.mark.parametrize(
    ("status", "kind"), [(400, Rejected), (403, Rejected), (429, Overloaded), (503, Overloaded), (500, Upstream)]
)
def test_a_creation_that_is_refused(status: int, kind: type[Upstream], mock: RunningMock, s3: S3) -> None:
    mock.script(rules=[{"match": {"method": "POST", "path": "/model-invocation-job"}, "reply": {"status": status}}])

    async def scene(api: NativeBedrock) -> None:
        with pytest.raises(kind) as caught:
            await api.submit(job(LEAST, "job5"), lines("x", name="job5"))
        assert caught.value.status == status

    run(address_of(mock, s3), scene)


def test_a_bucket_that_is_not_there_is_named(mock: RunningMock, s3: S3) -> None:
    async def scene(api: NativeBedrock) -> None:
        with pytest.raises(Rejected, match="NoSuchBucket"):
            await api.submit(job(LEAST, "job6"), lines("x", name="job6"))

    run(address_of(mock, s3, "nothing-here"), scene)
    assert mock.stats()["requests"].get("POST /model-invocation-job", 0) == 0


STEPS = [
    ("POST /model-invocation-job ", False),
    ("POST /model-invocation-job ", True),
    ("GET /model-invocation-job/", True),
]


@pytest.mark.parametrize(("word", "arrives"), STEPS)
def test_a_worker_that_dies_makes_one_job(word: str, arrives: bool, mock: RunningMock, s3: S3, tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        id = await rig.create(*(f"text {n}" for n in range(LEAST)))
        rig.wire.cut(word, arrives=arrives)
        while not rig.wire.reached.is_set():
            await rig.due()
        await rig.crash()
        rig.open("w2")
        batch = await rig.ended(id)
        assert batch.counts.succeeded == LEAST
        found = await rig.results(id)
        assert {say(each) for each in found.values()} == {f"echo: text {n}" for n in range(LEAST)}

    play(BedrockRig(mock, s3, tmp_path), scene)
    prompts = mock.stats()["prompts"]
    assert (prompts["total"], prompts["most"]) == (LEAST, 1), "each was answered once"
    assert not [key for key in keys(s3) if "jobw" in key], "the bucket is clean"


def test_too_few_for_a_job_run_live(mock: RunningMock, s3: S3, tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        id = await rig.create(*(f"text {n}" for n in range(LEAST - 1)))

        async def moved() -> bool:
            rows = await rig.store.read(lambda db: db.execute("SELECT state, moved FROM items").fetchall())
            assert {row[0] for row in rows} <= {State.WAITING, State.QUEUED}
            return {(row[0], bool(row[1])) for row in rows} == {(State.WAITING, True)}

        deadline = time.monotonic() + 10
        while not await moved():
            assert time.monotonic() < deadline
        assert not await rig.jobs()
        assert await rig.outbox() == []
        assert (await rig.service.get("", id)).counts.processing == LEAST - 1

    play(BedrockRig(mock, s3, tmp_path), scene)


def test_what_is_too_few_behind_a_full_job_runs_live(mock: RunningMock, s3: S3, tmp_path: Path) -> None:
    async def scene(rig: Rig) -> None:
        rig.limits["max_items"] = LEAST
        await rig.crash()
        rig.open("w3")
        id = await rig.create(*(f"text {n}" for n in range(LEAST + 7)))

        async def left() -> int:
            rows = await rig.store.read(lambda db: db.execute("SELECT state, moved FROM items").fetchall())
            assert len({row[1] for row in rows if row[0] == State.WAITING}) <= 1
            return sum(row[0] == State.WAITING for row in rows)

        deadline = time.monotonic() + 10
        while await left() != 7:
            assert time.monotonic() < deadline
        while (await rig.service.get("", id)).counts.succeeded != LEAST:
            await rig.due()
            assert time.monotonic() < deadline

    play(BedrockRig(mock, s3, tmp_path), scene)


def asked(url: str, path: str, body: object = None, **headers: str) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"content-type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=30) as answer:
        told = answer.read()
    return [json.loads(line) for line in told.splitlines()] if path.endswith("/results") else json.loads(told)


@pytest.fixture(scope="module")
def whole(s3: S3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, Process]]:
    """A gateway whose Bedrock key has a bucket, and its scripted provider."""
    folder = tmp_path_factory.mktemp("whole")
    provider = scripted_provider(folder / "mock", "--s3", s3.url, "--record")
    provider.start()
    key = {
        "access_key": "AKIAMOCK",
        "secret_key": "mock-secret",
        "batch_s3_config": {
            "buckets": [{"bucket_name": "other"}, {"bucket_name": BUCKET, "prefix": "gw", "is_default": True}],
            "endpoint": s3.url,
            "role_arn": "arn:aws:iam::123456789012:role/batch",
        },
    }
    config = {
        "providers": {
            "bedrock": {
                "keys": [{"name": "b1", "bedrock_key_config": key}],
                "network_config": {"base_url": provider.url},
            }
        }
    }
    process = gateway(folder / "gateway", config)
    process.start()
    yield process, provider
    process.stop()
    provider.stop()


CLAUDE = "bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0"
BATCHES: dict[str, tuple[str, str, dict[str, Any]]] = {
    # What only a beta has reaches Claude in its own format, with the beta.
    "anthropic": (
        "/anthropic/v1/messages/batches",
        "InvokeModel",
        {"model": CLAUDE, "max_tokens": 40, "context_management": {"edits": []}},
    ),
    "openai": ("/v1/batches", "Converse", {"model": CLAUDE, "max_tokens": 40}),
}


@pytest.mark.parametrize("dialect", BATCHES)
def test_a_batch_runs_on_bedrocks_batch_api(dialect: str, whole: tuple[Process, Process], s3: S3) -> None:
    process, provider = whole
    asked(provider.url, "/mock/reset", {})
    url, invocation, params = BATCHES[dialect]
    turns = [{"messages": [{"role": "user", "content": f"say {n}"}]} for n in range(LEAST)]
    member = "params" if dialect == "anthropic" else "body"
    requests = [{"custom_id": f"c{n}", member: {**params, **turn}} for n, turn in enumerate(turns)]
    body = (
        {"requests": requests} if dialect == "anthropic" else {"endpoint": "/v1/chat/completions", "requests": requests}
    )
    made = asked(process.url, url, body, **{"anthropic-beta": "context-management-2025-06-27"})
    deadline = time.monotonic() + 60
    done = {"ended", "completed"}
    while not done & set(map(str, asked(process.url, f"{url}/{made['id']}").values())):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    found = {each["custom_id"]: each for each in asked(process.url, f"{url}/{made['id']}/results")}
    assert len(found) == LEAST
    assert "echo: say 7" in json.dumps(found["c7"]), found["c7"]
    stats = asked(provider.url, "/mock/stats")
    assert stats["requests"]["POST /model-invocation-job"] == 1
    assert not [name for name in stats["requests"] if name.startswith("POST /model/")], "nothing was asked live"
    assert json.loads(stats["last"]["/model-invocation-job"]["body"])["modelInvocationType"] == invocation
    while [key for key in keys(s3) if key.startswith("gw/")]:
        assert time.monotonic() < deadline, "the bucket is not cleaned up"
        time.sleep(0.2)


def test_the_scripted_bedrock_is_taken_for_one_by_boto3(whole: tuple[Process, Process], s3: S3) -> None:
    _, provider = whole
    keys_ = {"region_name": "us-east-1", "aws_access_key_id": "AKIAMOCK", "aws_secret_access_key": "mock-secret"}
    here = boto3.client("bedrock", endpoint_url=provider.url, **keys_)
    body = "".join(json.dumps({"modelInput": {"inputText": f"x {n}"}}) + "\n" for n in range(LEAST)).encode()
    s3.request("PUT", f"/{BUCKET}/boto/in.jsonl", body)
    where = {
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": f"s3://{BUCKET}/boto/in.jsonl"}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/boto/out/"}},
        "roleArn": "arn:aws:iam::123456789012:role/x",
        "modelId": "amazon.titan-embed-text-v2:0",
    }
    arn = here.create_model_invocation_job(jobName="by-boto", **where)["jobArn"]
    deadline = time.monotonic() + 20
    while (found := here.get_model_invocation_job(jobIdentifier=arn))["status"] != "Completed":
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    assert found["successRecordCount"] == LEAST
    listed = here.list_model_invocation_jobs(nameContains="by-boto")["invocationJobSummaries"]
    assert [each["jobArn"] for each in listed] == [arn]
    with pytest.raises(here.exceptions.ConflictException):
        here.stop_model_invocation_job(jobIdentifier=arn)
    with pytest.raises(here.exceptions.ValidationException, match="jobName"):
        here.create_model_invocation_job(jobName="-", **where)
    with pytest.raises(here.exceptions.ResourceNotFoundException):
        here.get_model_invocation_job(jobIdentifier="abcdefghijkl")
    for key in [each for each in keys(s3) if each.startswith("boto/")]:
        s3.request("DELETE", f"/{BUCKET}/{key}")
