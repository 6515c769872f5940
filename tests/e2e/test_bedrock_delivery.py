"""Results of Bedrock's jobs reach their bucket, whatever dies meanwhile, and belong to the key that asked for them."""

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from conftest import config_for
from people_kit import key, register
from running import Process, gateway
from running_s3 import S3

AWS = {"region_name": "us-east-1", "aws_access_key_id": "AKIAANY", "aws_secret_access_key": "any"}
CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
ROLE = "arn:aws:iam::123456789012:role/x"


def clients(url: str, owner: str = "") -> tuple[Any, Any]:
    """boto3's clients of jobs and of files; a virtual key goes in a header of its own."""
    jobs = boto3.client("bedrock", endpoint_url=f"{url}/bedrock", **AWS)
    path = Config(s3={"addressing_style": "path"})
    files = boto3.client("s3", endpoint_url=f"{url}/bedrock/files", config=path, **AWS)
    if owner:
        for each in (jobs, files):
            each.meta.events.register(
                "before-send.*", lambda request, **_: request.headers.__setitem__("x-bf-vk", f"sk-bf-{owner}")
            )
    return jobs, files


def records(count: int) -> bytes:
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 40,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    }
    return b"".join(json.dumps({"recordId": f"r{n}", "modelInput": body}).encode() + b"\n" for n in range(count))


def create(jobs: Any, source: str, target: str) -> str:
    where = {
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": source}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": target}},
    }
    made: str = jobs.create_model_invocation_job(jobName="j", roleArn=ROLE, modelId=CLAUDE, **where)["jobArn"]
    return made


def wait(jobs: Any, arn: str) -> Any:
    deadline = time.monotonic() + 60
    while (found := jobs.get_model_invocation_job(jobIdentifier=arn))["status"] == "InProgress":
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def anthropic_status(url: str, id: str) -> str:
    with urllib.request.urlopen(f"{url}/anthropic/v1/messages/batches/msgbatch_{id}", timeout=10) as answer:
        status: str = json.loads(answer.read())["processing_status"]
        return status


def test_a_bucket_that_cannot_be_reached_is_waited_for(mock_provider: Process, tmp_path: Path) -> None:
    """S3 is down when the batch ends; the gateway is killed; then S3 is there."""
    s3 = S3(tmp_path / "moto.log")
    config = config_for(mock_provider.url)
    keys = {"access_key": "AK", "secret_key": "SK"}
    config["asbru"] = {"s3": {"endpoint": s3.url, "buckets": ["team-out"], **keys}}
    process = gateway(tmp_path / "gateway", config)
    process.start()
    try:
        jobs, files = clients(process.url)
        files.put_object(Bucket="mine", Key="in.jsonl", Body=records(300))
        arn = create(jobs, "s3://mine/in.jsonl", "s3://team-out/here/")
        id = arn.rpartition("/")[2]
        deadline = time.monotonic() + 30
        while anthropic_status(process.url, id) != "ended":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert jobs.get_model_invocation_job(jobIdentifier=arn)["status"] == "InProgress", "nothing is there yet"
        process.kill()
        s3.start(["team-out"])
        process.start()
        found = wait(jobs, arn)
        assert found["status"] == "Completed", found
        out = s3.request("GET", f"/team-out/here/{id}/in.jsonl.out").splitlines()
        assert [json.loads(line)["recordId"] for line in out] == [f"r{n}" for n in range(300)]
        assert json.loads(s3.request("GET", f"/team-out/here/{id}/manifest.json.out"))["successRecordCount"] == 300
    finally:
        process.stop()
        s3.stop()


def test_what_is_anothers_does_not_exist(mock_provider: Process, tmp_path: Path) -> None:
    process = gateway(tmp_path, config_for(mock_provider.url))
    register(tmp_path / "app", key("ann"), key("bob"))
    process.start()
    try:
        (jobs, files), (others, their_files) = clients(process.url, "ann"), clients(process.url, "bob")
        files.put_object(Bucket="mine", Key="in.jsonl", Body=records(2))
        arn = create(jobs, "s3://mine/in.jsonl", "s3://mine/out/")
        assert wait(jobs, arn)["status"] == "Completed"
        id = arn.rpartition("/")[2]
        out = f"out/{id}/in.jsonl.out"
        assert len(files.get_object(Bucket="mine", Key=out)["Body"].read().splitlines()) == 2
        assert others.list_model_invocation_jobs()["invocationJobSummaries"] == []
        for call in (
            lambda: others.get_model_invocation_job(jobIdentifier=arn),
            lambda: others.stop_model_invocation_job(jobIdentifier=arn),
            lambda: their_files.get_object(Bucket="mine", Key=out),
            lambda: their_files.get_object(Bucket="asbru-batches", Key=f"{id}/records.jsonl.out"),
            lambda: create(others, "s3://mine/in.jsonl", "s3://mine/out/"),
        ):
            with pytest.raises(ClientError, match=r"NotFound|NoSuchKey|no such|does not exist"):
                call()
        # The same place is another object for another owner.
        their_files.put_object(Bucket="mine", Key="in.jsonl", Body=b"x")
        assert files.get_object(Bucket="mine", Key="in.jsonl")["Body"].read() == records(2)
        assert [each["Key"] for each in their_files.list_objects_v2(Bucket="mine")["Contents"]] == ["in.jsonl"]
    finally:
        process.stop()
