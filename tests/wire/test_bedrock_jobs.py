# One case per line, as in a table.
"""Bedrock's batch jobs: what a create may say, where a job stands, and the lines of its files."""

from typing import Any

import msgspec
import pytest
from test_batch_shapes import AT, batch, result
from test_mistakes import GONE, with_mistake

from asbru.model.batches import About, Batch, Counts, Invocation, Outcome, Status
from asbru.model.failure import Refused
from asbru.model.names import Format
from asbru.wire.bedrock import job_lines, job_records, jobs

Json = dict[str, Any]
ROLE = "arn:aws:iam::123456789012:role/x"
CREATE: Json = {
    "jobName": "nightly-1",
    "roleArn": ROLE,
    "modelId": "amazon.nova-lite",
    "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://in-bucket/a.jsonl"}},
    "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://out-bucket/b/"}},
    "timeoutDurationInHours": 24,
    "tags": [{"key": "a", "value": "b"}],
}


def told(body: bytes) -> Any:
    return msgspec.json.decode(body)


def test_a_create() -> None:
    said = jobs.read_create(msgspec.json.encode(CREATE))
    assert (said.input, said.output, said.modelInvocationType) == (
        "s3://in-bucket/a.jsonl",
        "s3://out-bucket/b/",
        "InvokeModel",
    )


IN, OUT = "inputDataConfig.s3InputDataConfig", "outputDataConfig.s3OutputDataConfig"
MISTAKES: list[tuple[str, Any, str]] = [
    ("jobName", GONE, "jobName"), ("jobName", "-x", "jobName"), ("jobName", "a b", "jobName"), ("jobName", "", "jobName"),
    ("roleArn", "me", "roleArn"), ("modelId", 5, "modelId"), ("timeoutDurationInHours", 23, "timeoutDurationInHours"),
    ("inputDataConfig", {}, IN), (f"{IN}.s3Uri", "x", f"{IN}.s3Uri"), (f"{IN}.s3InputFormat", "CSV", f"{IN}.s3InputFormat"),
    (f"{OUT}.s3Uri", "s3://X/", f"{OUT}.s3Uri"), ("modelInvocationType", "x", "modelInvocationType"), ("tags.0.key", "", "tags.0.key"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "param"), MISTAKES)
def test_a_mistake_is_named(path: str, value: Any, param: str) -> None:
    with pytest.raises(Refused) as failed:
        jobs.read_create(msgspec.json.encode(with_mistake(CREATE, path, value)))
    assert (failed.value.status, failed.value.param) == (400, param)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"jobName": "\xff"}', b"[" * 5000])
def test_what_is_no_create(body: bytes) -> None:
    with pytest.raises(Refused):
        jobs.read_create(body)


ID = "01jd" + "a" * 22


@pytest.mark.parametrize(
    ("identifier", "id"),
    [(ID, ID), (jobs.arn_of(ID), ID), (jobs.arn_of(ID).replace("/", "%2F"), ID), ("x", ""), (jobs.ARN, "")],
)
def test_ids_of_jobs(identifier: str, id: str) -> None:
    assert jobs.read_id(identifier) == id
    assert told(jobs.write_created(ID)) == {"jobArn": jobs.arn_of(ID)}


OVER, STOPPED = Counts(succeeded=1), Counts(succeeded=1, canceled=2)
STATES: list[tuple[Batch, tuple[bool, str] | None, str]] = [
    (batch(Status.IN_PROGRESS), None, "InProgress"),
    (batch(Status.CANCELING), None, "Stopping"),
    (batch(counts=OVER), None, "Completed"),
    (batch(counts=OVER), (True, ""), "Completed"),
    (batch(counts=OVER), (False, ""), "InProgress"),
    (batch(counts=STOPPED), (False, ""), "Stopping"),
    (batch(counts=OVER), (True, "no bucket"), "Failed"),
    (batch(counts=STOPPED), (True, ""), "Stopped"),
    (batch(counts=Counts(expired=2)), None, "Expired"),
    (batch(counts=Counts(succeeded=1, expired=2)), None, "PartiallyCompleted"),
]


@pytest.mark.parametrize(("made", "delivery", "status"), STATES)
def test_where_a_job_stands(made: Batch, delivery: tuple[bool, str] | None, status: str) -> None:
    shown = told(jobs.write_job(made, delivery))
    assert (shown["status"], status in jobs.STATUSES) == (status, True)
    assert shown.get("message", "") == (delivery[1] if delivery else "")
    assert ("endTime" in shown) == (status not in ("InProgress", "Stopping"))
    assert shown["totalRecordCount"] == made.counts.total


def test_a_job_that_was_made_in_another_dialect() -> None:
    shown = told(jobs.write_job(batch(), None))
    assert (shown["jobName"], shown["roleArn"], shown["modelId"]) == ("batch-b1", jobs.ROLE, "m")
    assert shown["inputDataConfig"]["s3InputDataConfig"]["s3Uri"] == "s3://asbru-batches/b1/"
    assert shown["modelInvocationType"] == "InvokeModel"
    other = batch(format=Format.OPENAI_RESPONSES, models=(), about=About(input_file="file-1"))
    shown = told(jobs.write_job(other, None))
    assert (shown["modelId"], shown["modelInvocationType"]) == ("unknown", "Converse")
    assert shown["inputDataConfig"]["s3InputDataConfig"]["s3Uri"] == "s3://asbru-files/file-1"


def test_a_job_as_it_was_asked_for() -> None:
    invocation = Invocation(asked=CREATE, output="s3://out-bucket/b/", parts=(("a.jsonl", 1),))
    made = batch(about=About(invocation=invocation))
    shown = told(jobs.write_job(made, None))
    assert (shown["jobName"], shown["roleArn"], "tags" in shown) == ("nightly-1", ROLE, False)
    page = told(jobs.write_jobs([(made, None), (batch(id="b2"), None)], "next"))
    assert ([one["jobName"] for one in page["invocationJobSummaries"]], page["nextToken"]) == (
        ["nightly-1", "batch-b2"],
        "next",
    )
    assert told(jobs.write_jobs([], "")) == {"invocationJobSummaries": []}


CLAUDE = b'{"recordId": "r", "modelInput": {"anthropic_version": "v", "anthropic_beta": ["b1"], "max_tokens": 5, "messages": []}}'
TITAN = b'{"modelInput": {"inputText": "a", "textGenerationConfig": {}}}'


def test_records_become_requests() -> None:
    reader = job_lines.RecordReader([b"{", b"{}", CLAUDE], job_lines.INVOKE, "m")
    assert reader.format is Format.ANTHROPIC_MESSAGES
    read = reader.read(0, CLAUDE)
    assert isinstance(read, tuple)
    assert (bytes(read[0]), told(bytes(read[1]))) == (b'"r"', {"max_tokens": 5, "messages": [], "model": "m"})  # type: ignore[arg-type]
    assert list(reader.betas) == ["b1"]
    assert reader.read(6, b"{}") == (msgspec.Raw(b'"CALL0000007"'), msgspec.UNSET)


BAD: list[tuple[bytes, str]] = [
    (b"5", "Input should be an object"), (b"{", "is not valid JSON"), (b'{"modelInput": 5}', "modelInput: The body is not a JSON object"),
    (TITAN, "modelInput: is written as bedrock.titan_text"), (b'{"modelInput": {"odd": 1}}', "modelInput: "),
    (CLAUDE.replace(b'["b1"]', b"5"), "anthropic_beta: must be names"), (CLAUDE.replace(b'"b1"', b'"a,b"'), "anthropic_beta: must be names"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "why"), BAD)
def test_a_record_that_is_none(line: bytes, why: str) -> None:
    read = job_lines.RecordReader([CLAUDE], job_lines.INVOKE, "m").read(0, line)
    assert isinstance(read, str)
    assert why in read


def test_other_formats_of_records() -> None:
    reader = job_lines.RecordReader([], job_lines.CONVERSE, "m")
    assert reader.format is Format.BEDROCK_CONVERSE
    line = b'{"recordId": "r", "modelInput": {"messages": [{"role": "user", "content": [{"text": "a"}]}]}}'
    read = reader.read(0, line)
    assert isinstance(read, tuple)
    assert bytes(read[1]) == line.partition(b'"modelInput": ')[2][:-1]  # type: ignore[arg-type]
    titan = job_lines.RecordReader([TITAN], job_lines.INVOKE, "m")
    assert titan.format is Format.BEDROCK_TITAN_TEXT
    assert told(bytes(titan.read(0, TITAN)[1])) == told(TITAN)["modelInput"]  # type: ignore[arg-type]
    named = TITAN.replace(b'{"inputText"', b'{"model": "x", "inputText"')
    assert told(bytes(titan.read(0, named)[1]))["inputText"] == "a"  # type: ignore[arg-type]
    quiet = job_lines.RecordReader([CLAUDE], job_lines.INVOKE, "m")
    assert isinstance(quiet.read(0, CLAUDE.replace(b'["b1"]', b"null")), tuple)
    assert not quiet.betas


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([], "no line with a modelInput"),
        ([b"{}", b"{"], "no line with a modelInput"),
        ([b'{"modelInput": {"odd": 1}}'], r"line 1\.modelInput"),
    ],
)
def test_a_file_without_records(lines: list[bytes], why: str) -> None:
    with pytest.raises(Refused, match=why) as failed:
        job_lines.RecordReader(lines, job_lines.INVOKE, "m")
    assert failed.value.param == "modelInput"


@pytest.mark.parametrize(
    ("format", "wanted"),
    [
        (Format.ANTHROPIC_MESSAGES, Format.ANTHROPIC_MESSAGES), (Format.BEDROCK_CONVERSE, Format.BEDROCK_CONVERSE),
        (Format.OPENAI_RESPONSES, Format.BEDROCK_CONVERSE), (Format.OPENAI_EMBEDDINGS, Format.BEDROCK_COHERE_EMBED),
    ],
)  # fmt: skip
def test_what_records_are_written_in(format: Format, wanted: Format) -> None:
    assert job_records.invoked_format(format) is wanted


def test_what_bedrock_has_nothing_like() -> None:
    with pytest.raises(Refused, match="nothing of the kind"):
        job_records.invoked_format(Format.OPENAI_SPEECH)


def test_requests_as_records() -> None:
    body = b'{"model": "m", "stream": true, "max_tokens": 5, "messages": [{"role": "user", "content": "a"}]}'
    home = job_records.write_input(body, Format.ANTHROPIC_MESSAGES, Format.ANTHROPIC_MESSAGES)
    assert set(told(bytes(home))) == {"max_tokens", "messages", "anthropic_version"}
    away = job_records.write_input(body, Format.ANTHROPIC_MESSAGES, Format.BEDROCK_CONVERSE)
    assert told(bytes(away))["messages"] == [{"role": "user", "content": [{"text": "a"}]}]
    assert bytes(job_records.write_input(b"{}", Format.ANTHROPIC_MESSAGES, Format.BEDROCK_CONVERSE)) == b"null"
    embed = b'{"model": "m", "input": "a"}'
    assert told(bytes(job_records.write_input(embed, Format.OPENAI_EMBEDDINGS, Format.BEDROCK_COHERE_EMBED)))[
        "texts"
    ] == ["a"]


FAILED = b'{"error": {"message": "no", "type": "t"}}'
RECORDS: list[tuple[Outcome, bytes, int, Json]] = [
    (Outcome.SUCCEEDED, b'{"a":\n1.0}', 200, {"modelOutput": {"a": 1.0}}),
    (Outcome.ERRORED, FAILED, 404, {"error": {"errorCode": 404, "errorMessage": "no"}}),
    (Outcome.ERRORED, FAILED, 0, {"error": {"errorCode": 500, "errorMessage": "no"}}),
    (
        Outcome.EXPIRED,
        b"",
        0,
        {"error": {"errorCode": 408, "errorMessage": "The job's time was over before this record was processed."}},
    ),
    (
        Outcome.CANCELED,
        b"",
        0,
        {"error": {"errorCode": 409, "errorMessage": "The job was stopped before this record was processed."}},
    ),
]


@pytest.mark.parametrize(("outcome", "body", "status", "shown"), RECORDS)
def test_a_line_of_an_output_file(outcome: Outcome, body: bytes, status: int, shown: Json) -> None:
    line = job_records.write_record(result(outcome, body, status), msgspec.Raw(b'{"x":1}'))
    assert (line.count(b"\n"), line[-1:]) == (1, b"\n")
    assert told(line) == {"modelInput": {"x": 1}, **shown, "recordId": "c"}


def test_the_manifest() -> None:
    made = batch(counts=Counts(succeeded=2, errored=1, canceled=3, expired=1), created_at=AT)
    assert told(job_records.write_manifest(made)) == {
        "totalRecordCount": 7, "processedRecordCount": 3, "successRecordCount": 2, "errorRecordCount": 5,
        "inputTokenCount": 10, "outputTokenCount": 5,
    }  # fmt: skip
