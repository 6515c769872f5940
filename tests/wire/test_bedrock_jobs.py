"""Bedrock's batch jobs: creates and their mistakes, jobs of every origin, lines in, records out."""

import json
from typing import Any

import msgspec
import pytest
from msgspec import UNSET, Raw

from asbru.model.batches import About, Batch, Counts, Invocation, ItemResult, Outcome, Status
from asbru.model.failure import Refused
from asbru.model.names import Format
from asbru.model.usage import Usage
from asbru.wire import CODECS
from asbru.wire.bedrock import jobs
from asbru.wire.bedrock.job_lines import CONVERSE, INVOKE, RecordReader, invocation_type
from asbru.wire.bedrock.job_records import invoked_format, write_input, write_manifest, write_record

ASKED: dict[str, Any] = {
    "jobName": "job-1",
    "roleArn": "arn:aws:iam::123456789012:role/x",
    "modelId": "m",
    "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://abc/in.jsonl"}},
    "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://abc/out/"}},
}
ID = "0" * 26
CLAUDE = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 4, "messages": [{"role": "user", "content": "hi"}]}


def test_a_create() -> None:
    said = jobs.read_create(json.dumps({**ASKED, "tags": [{"key": "k", "value": ""}], "what": 1}).encode())
    assert (said.input, said.output, said.modelInvocationType) == ("s3://abc/in.jsonl", "s3://abc/out/", "InvokeModel")


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"jobName": "-x"}, "jobName"),
        ({"jobName": 3}, "jobName"),
        ({"jobName": ""}, "jobName"),
        ({"roleArn": "role"}, "roleArn"),
        ({"modelId": ""}, "modelId"),
        ({"inputDataConfig": {}}, "inputDataConfig"),
        ({"inputDataConfig": {"s3InputDataConfig": {"s3Uri": "x"}}}, "s3Uri"),
        ({"outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://"}}}, "s3Uri"),
        ({"timeoutDurationInHours": 12}, "timeoutDurationInHours"),
        ({"modelInvocationType": "Chat"}, "modelInvocationType"),
        ({"clientRequestToken": ""}, "clientRequestToken"),
    ],
)
def test_mistakes_in_a_create(members: dict[str, Any], named: str) -> None:
    with pytest.raises(Refused) as caught:
        jobs.read_create(json.dumps({**ASKED, **members}).encode())
    assert caught.value.status == 400
    assert named in caught.value.message


def test_ids() -> None:
    assert jobs.read_id(jobs.arn_of(ID)) == jobs.read_id(ID) == ID
    assert jobs.read_id(jobs.arn_of(ID).replace("/", "%2F").replace(":", "%3A")) == ID
    assert jobs.read_id("abcdefghijkl") == jobs.read_id("") == jobs.read_id(ID + "/x") == ""
    assert json.loads(jobs.write_created(ID)) == {"jobArn": jobs.arn_of(ID)}


def batch(status: Status = Status.ENDED, about: About = About(), **counts: int) -> Batch:  # noqa: B008  Immutable.
    return Batch(
        id=ID,
        owner="",
        format=Format.ANTHROPIC_MESSAGES,
        status=status,
        counts=Counts(**counts),
        created_at=1_700_000_000.25,
        expires_at=1_700_086_400.25,
        ended_at=1_700_000_009.0 if status is Status.ENDED else None,
        models=("claude",),
        about=about,
        usage=Usage(input=7, output=9),
    )


@pytest.mark.parametrize(
    ("status", "counts", "delivery", "expected"),
    [
        (Status.IN_PROGRESS, {"processing": 2}, None, "InProgress"),
        (Status.CANCELING, {"processing": 2}, None, "Stopping"),
        (Status.ENDED, {"succeeded": 2}, None, "Completed"),
        (Status.ENDED, {"errored": 2}, (True, ""), "Completed"),
        (Status.ENDED, {"succeeded": 2}, (False, "later"), "InProgress"),
        (Status.ENDED, {"canceled": 2}, (False, ""), "Stopping"),
        (Status.ENDED, {"succeeded": 2}, (True, "no"), "Failed"),
        (Status.ENDED, {"succeeded": 1, "canceled": 1}, None, "Stopped"),
        (Status.ENDED, {"succeeded": 1, "expired": 1}, None, "PartiallyCompleted"),
        (Status.ENDED, {"expired": 2}, None, "Expired"),
    ],
)
def test_where_a_job_stands(status: Status, counts: dict[str, Any], delivery: Any, expected: str) -> None:
    found = json.loads(jobs.write_job(batch(status, **counts), delivery))
    assert found["status"] == expected
    assert expected in jobs.STATUSES
    assert ("endTime" in found) is (expected not in ("InProgress", "Stopping"))
    assert found.get("message") == ("no" if expected == "Failed" else None if not delivery else found.get("message"))
    assert found["totalRecordCount"] == sum(counts.values())


def test_a_job_that_was_made_here_says_what_was_asked() -> None:
    asked = {**ASKED, "tags": [], "vpcConfig": None, "status": "mine", "clientRequestToken": "t"}
    about = About(name="job-1", invocation=Invocation(asked=asked, output="s3://abc/out/", parts=(("in.jsonl", 1),)))
    found = json.loads(jobs.write_job(batch(about=about, succeeded=1), None))
    assert {name: found[name] for name in ASKED} == ASKED
    assert (found["status"], found["clientRequestToken"]) == ("Completed", "t")
    assert "tags" not in found
    assert "vpcConfig" not in found


@pytest.mark.parametrize(("file", "source"), [("file-1", "s3://asbru-files/file-1"), ("", f"s3://asbru-batches/{ID}/")])
def test_a_job_that_was_made_elsewhere(file: str, source: str) -> None:
    found = json.loads(jobs.write_jobs([(batch(about=About(input_file=file), succeeded=1), None)], "t"))
    (job,) = found["invocationJobSummaries"]
    assert found["nextToken"] == "t"
    assert (job["jobName"], job["modelId"], job["roleArn"]) == (f"batch-{ID}", "claude", jobs.ROLE)
    assert job["inputDataConfig"]["s3InputDataConfig"]["s3Uri"] == source
    assert job["submitTime"] == "2023-11-14T22:13:20.250Z"
    assert "nextToken" not in json.loads(jobs.write_jobs([], ""))


def line(body: Any, **members: Any) -> bytes:
    return json.dumps({"recordId": "r", "modelInput": body, **members}).encode()


def read(*lines: bytes, url: str = INVOKE, model: str = "m") -> tuple[RecordReader, list[Any]]:
    reader = RecordReader(lines, url, model)
    return reader, [reader.read(n, each) for n, each in enumerate(lines)]


def test_claudes_body_becomes_anthropics() -> None:
    reader, ((id, ask),) = read(line({**CLAUDE, "anthropic_beta": ["a-1", "b-2"]}), model="acme/claude")
    assert (id, reader.format, list(reader.betas)) == (Raw(b'"r"'), Format.ANTHROPIC_MESSAGES, ["a-1", "b-2"])
    body = json.loads(bytes(ask))
    assert body["model"] == "acme/claude"
    assert not {"anthropic_version", "anthropic_beta"} & body.keys()


@pytest.mark.parametrize(
    ("body", "format", "changed"),
    [
        ({"inputText": "x"}, Format.BEDROCK_TITAN_TEXT, {}),
        ({"inputText": "x", "model": "own"}, Format.BEDROCK_TITAN_TEXT, {}),
        ({"messages": [{"role": "user", "content": "x"}]}, Format.OPENAI_CHAT, {"model": "m"}),
    ],
)
def test_other_bodies(body: dict[str, Any], format: Format, changed: dict[str, Any]) -> None:
    reader, ((_, ask),) = read(line(body))
    assert reader.format is format
    assert json.loads(bytes(ask)) == {**body, **changed}


def test_a_model_of_its_own_stays_where_the_job_names_none() -> None:
    _, ((_, ask),) = read(line({"messages": [{"role": "user", "content": "x"}], "model": "own"}), model="")
    assert json.loads(bytes(ask))["model"] == "own"


def test_converse_is_said_by_the_job() -> None:
    reader, ((_, ask),) = read(line({"messages": []}), url=CONVERSE)
    assert reader.format is Format.BEDROCK_CONVERSE
    assert json.loads(bytes(ask)) == {"messages": []}
    assert (invocation_type(Format.BEDROCK_CONVERSE), invocation_type(Format.BEDROCK_NOVA)) == (CONVERSE, INVOKE)


def test_a_line_without_an_id_gets_one_and_one_without_a_body_has_none() -> None:
    _, (first, second) = read(json.dumps({"modelInput": CLAUDE}).encode(), b'{"recordId": "x"}')
    assert first[0] == Raw(b'"CALL0000001"')
    assert second == (Raw(b'"x"'), UNSET)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (b"[1]", "should be an object"),
        (b"{", "not valid JSON"),
        (line({"inputText": "x"}), "is written as bedrock.titan_text"),
        (line(3), "modelInput: "),
        (line({**CLAUDE, "anthropic_beta": 3}), "names of betas"),
        (line({**CLAUDE, "anthropic_beta": ["a,b"]}), "names of betas"),
        (line({"what": 1}), "no model's format"),
    ],
)
def test_wrong_lines(wrong: bytes, told: str) -> None:
    _, (fine, found) = read(line({**CLAUDE, "anthropic_beta": None}), wrong)
    assert not isinstance(fine, str)
    assert isinstance(found, str)
    assert told in found


@pytest.mark.parametrize(
    ("lines", "told"), [((), "no line with a modelInput"), ((b"{", b"{}"), "no line"), ((line({"what": 1}),), "line 1")]
)
def test_a_file_without_records(lines: tuple[bytes, ...], told: str) -> None:
    with pytest.raises(Refused, match=told):
        RecordReader(lines, INVOKE, "m")


@pytest.mark.parametrize(
    ("format", "wanted"),
    [
        (Format.ANTHROPIC_MESSAGES, Format.ANTHROPIC_MESSAGES),
        (Format.BEDROCK_CONVERSE, Format.BEDROCK_CONVERSE),
        (Format.GEMINI_GENERATE, Format.BEDROCK_CONVERSE),
        (Format.OPENAI_EMBEDDINGS, Format.BEDROCK_COHERE_EMBED),
    ],
)
def test_what_records_are_written_in(format: Format, wanted: Format) -> None:
    assert invoked_format(format) is wanted


def test_what_bedrock_has_not() -> None:
    with pytest.raises(Refused, match="nothing of the kind"):
        invoked_format(Format.OPENAI_SPEECH)


def test_requests_as_model_input() -> None:
    anthropic = json.dumps({"model": "m", "max_tokens": 4, "messages": [{"role": "user", "content": "hi"}]}).encode()
    same = json.loads(bytes(write_input(anthropic, Format.ANTHROPIC_MESSAGES, Format.ANTHROPIC_MESSAGES)))
    assert (same["anthropic_version"], "model" in same) == ("bedrock-2023-05-31", False)
    other = json.loads(bytes(write_input(anthropic, Format.ANTHROPIC_MESSAGES, Format.BEDROCK_CONVERSE)))
    assert other["messages"][0]["content"][0]["text"] == "hi"
    texts = json.dumps({"model": "m", "input": ["a", "b"]}).encode()
    embed = json.loads(bytes(write_input(texts, Format.OPENAI_EMBEDDINGS, Format.BEDROCK_COHERE_EMBED)))
    assert embed["texts"] == ["a", "b"]
    assert write_input(b"[]", Format.ANTHROPIC_MESSAGES, Format.ANTHROPIC_MESSAGES) == Raw(b"null")


def result(outcome: Outcome, body: bytes = b"", status: int = 0) -> ItemResult:
    return ItemResult(n=0, custom_id="r", outcome=outcome, format=Format.ANTHROPIC_MESSAGES, status=status, body=body)


def test_records() -> None:
    assert json.loads(write_record(result(Outcome.SUCCEEDED, b'{\n"a": 1}'), Raw(b"null"))) == {
        "modelInput": None,
        "modelOutput": {"a": 1},
        "recordId": "r",
    }
    assert write_record(result(Outcome.SUCCEEDED, b'{\n"a": 1}'), Raw(b"null")).count(b"\n") == 1
    body = CODECS[Format.ANTHROPIC_MESSAGES].write_failure(Refused(404, "not here"), "")
    told = json.loads(write_record(result(Outcome.ERRORED, body, 404), Raw(b"{}")))
    assert told["error"] == {"errorCode": 404, "errorMessage": "not here"}
    codes = [json.loads(write_record(result(each), Raw(b"{}")))["error"]["errorCode"] for each in
             (Outcome.EXPIRED, Outcome.CANCELED, Outcome.ERRORED)]  # fmt: skip
    assert codes == [408, 409, 500]


def test_a_manifest() -> None:
    assert msgspec.json.decode(write_manifest(batch(succeeded=2, errored=1, expired=1))) == {
        "totalRecordCount": 4,
        "processedRecordCount": 3,
        "successRecordCount": 2,
        "errorRecordCount": 2,
        "inputTokenCount": 7,
        "outputTokenCount": 9,
    }
