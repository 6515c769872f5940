"""Batch jobs as Bedrock writes them (botocore, bedrock 2023-04-20: ``CreateModelInvocationJob`` and its like).

Rule 1. A batch made in any dialect is a job: what that dialect does not say has a stated value (``ROLE``; its results
lie in the bucket ``asbru-batches``).
Rule 2. A job is not over before its results are where they were wanted; when they cannot be put there, it has failed,
and says why.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import unquote

import msgspec
from msgspec import Meta, Struct

from asbru.model.batches import Batch, Status
from asbru.model.failure import Refused
from asbru.wire.bedrock.invoke import INVOKED
from asbru.wire.openai.files import public_file_id
from asbru.wire.s3 import read_uri
from asbru.wire.shapes import BAD_JSON, refused

ARN = "arn:aws:bedrock:us-east-1:000000000000:model-invocation-job/"
"""Before the ids of our jobs: account and region are nobody's."""
ROLE = "arn:aws:iam::000000000000:role/asbru"
"""Of jobs that were made in a dialect without roles."""
RESULTS = "asbru-batches"
STATUSES = (
    *("Submitted", "InProgress", "Completed", "Failed", "Stopping", "Stopped"),
    *("PartiallyCompleted", "Expired", "Validating", "Scheduled"),
)
_ID = re.compile(r"[0-9a-z]{26}")
_NAME = re.compile(r"[a-zA-Z0-9]{1,63}(-*[a-zA-Z0-9+\-.]){0,63}")
_ROLE = re.compile(r"arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+")
_encode = msgspec.json.Encoder().encode

Text = Annotated[str, Meta(min_length=1, max_length=2_048)]


class _S3Input(Struct, kw_only=True):
    s3Uri: Text  # noqa: N815  AWS's spelling, here and below.
    s3InputFormat: Literal["JSONL"] = "JSONL"  # noqa: N815
    s3BucketOwner: str = ""  # noqa: N815


class _Input(Struct, kw_only=True):
    s3InputDataConfig: _S3Input  # noqa: N815


class _S3Output(Struct, kw_only=True):
    s3Uri: Text  # noqa: N815
    s3EncryptionKeyId: str = ""  # noqa: N815
    s3BucketOwner: str = ""  # noqa: N815


class _Output(Struct, kw_only=True):
    s3OutputDataConfig: _S3Output  # noqa: N815


class _Tag(Struct):
    key: Annotated[str, Meta(min_length=1, max_length=128)]
    value: Annotated[str, Meta(max_length=256)]


class Create(Struct, kw_only=True):
    """The body of CreateModelInvocationJob."""

    jobName: Annotated[str, Meta(min_length=1, max_length=63)]  # noqa: N815
    roleArn: Annotated[str, Meta(max_length=2_048)]  # noqa: N815
    modelId: Text  # noqa: N815
    inputDataConfig: _Input  # noqa: N815
    outputDataConfig: _Output  # noqa: N815
    clientRequestToken: Annotated[str, Meta(min_length=1, max_length=256)] | None = None  # noqa: N815
    vpcConfig: dict[str, Any] | None = None  # noqa: N815
    timeoutDurationInHours: Annotated[int, Meta(ge=24, le=168)] | None = None  # noqa: N815
    tags: Annotated[list[_Tag], Meta(max_length=200)] | None = None
    modelInvocationType: Literal["InvokeModel", "Converse"] = "InvokeModel"  # noqa: N815

    @property
    def input(self) -> str:
        """Where the records are."""
        return self.inputDataConfig.s3InputDataConfig.s3Uri

    @property
    def output(self) -> str:
        """Below what the results are to be put."""
        return self.outputDataConfig.s3OutputDataConfig.s3Uri


_read = msgspec.json.Decoder(Create).decode
_TOLD = tuple(name for name in Create.__struct_fields__ if name != "tags")


def read_create(body: bytes) -> Create:
    """A create. Raises Refused(400) that names the member."""
    try:
        said = _read(body)
    except BAD_JSON as error:
        raise refused("", error) from None
    if not _NAME.fullmatch(said.jobName):
        raise _wrong(
            "jobName", f"must begin with a letter or digit and have only these, + - and ., not {said.jobName!r}"
        )
    if not _ROLE.fullmatch(said.roleArn):
        raise _wrong("roleArn", f"must be the ARN of a role, this is {said.roleArn!r}")
    read_uri(said.input, "inputDataConfig.s3InputDataConfig.s3Uri")
    read_uri(said.output, "outputDataConfig.s3OutputDataConfig.s3Uri")
    return said


def read_id(identifier: str) -> str:
    """Our id out of a job's ARN or its last part; "" when it cannot be one of ours."""
    bare = unquote(identifier).removeprefix(ARN)
    return bare if _ID.fullmatch(bare) else ""


def arn_of(id: str) -> str:
    """The ARN of a batch."""
    return ARN + id


def name_of(batch: Batch) -> str:
    """What a job is called."""
    invocation = batch.about.invocation
    return str(invocation.asked["jobName"]) if invocation else f"batch-{batch.id}"


def status_of(batch: Batch, delivery: tuple[bool, str] | None) -> str:
    """Where a job stands. ``delivery``: whether that of its results is over, and why it failed or ""; None for none."""
    match batch.status:
        case Status.IN_PROGRESS:
            return "InProgress"
        case Status.CANCELING:
            return "Stopping"
    if delivery is not None and not delivery[0]:
        return "Stopping" if batch.counts.canceled else "InProgress"
    if delivery is not None and delivery[1]:
        return "Failed"
    if batch.counts.canceled:
        return "Stopped"
    if batch.counts.expired:
        return "Expired" if batch.counts.expired == batch.counts.total else "PartiallyCompleted"
    return "Completed"


def write_created(id: str) -> bytes:
    """What a create answers."""
    return _encode({"jobArn": arn_of(id)})


def write_job(batch: Batch, delivery: tuple[bool, str] | None) -> bytes:
    """GetModelInvocationJob."""
    return _encode(_job(batch, delivery))


def write_jobs(jobs: list[tuple[Batch, tuple[bool, str] | None]], more: str) -> bytes:
    """ListModelInvocationJobs. ``more``: the token of the next page, "" for the last."""
    summaries = [_job(batch, delivery) for batch, delivery in jobs]
    return _encode({"invocationJobSummaries": summaries, **({"nextToken": more} if more else {})})


def _job(batch: Batch, delivery: tuple[bool, str] | None) -> dict[str, Any]:
    counts = batch.counts
    status = status_of(batch, delivery)
    over = status not in ("InProgress", "Stopping")
    ended = _time(batch.ended_at) if over and batch.ended_at is not None else None
    message = delivery[1] if delivery and delivery[1] else ""
    told = {
        "jobArn": arn_of(batch.id),
        **_asked(batch),
        "status": status,
        "submitTime": _time(batch.created_at),
        "lastModifiedTime": ended or _time(batch.cancel_initiated_at or batch.created_at),
        "jobExpirationTime": _time(batch.expires_at),
        "totalRecordCount": counts.total,
        "processedRecordCount": counts.total - counts.processing,
        "successRecordCount": counts.succeeded,
        "errorRecordCount": counts.errored + counts.canceled + counts.expired,
    }
    return {**told, **({"endTime": ended} if ended else {}), **({"message": message[:2_048]} if message else {})}


def _asked(batch: Batch) -> Mapping[str, Any]:
    """What the create said, or what stands for it."""
    if batch.about.invocation is not None:
        asked = batch.about.invocation.asked
        return {name: asked[name] for name in _TOLD if asked.get(name) is not None}
    file = batch.about.input_file
    source = f"s3://asbru-files/{file}" if file.startswith(public_file_id("")) else f"s3://{RESULTS}/{batch.id}/"
    return {
        "jobName": name_of(batch),
        "modelId": batch.models[0] if batch.models else "unknown",
        "roleArn": ROLE,
        "inputDataConfig": {"s3InputDataConfig": {"s3InputFormat": "JSONL", "s3Uri": source}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"s3://{RESULTS}/{batch.id}/"}},
        "modelInvocationType": "InvokeModel" if batch.format in INVOKED else "Converse",
    }


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _wrong(name: str, text: str) -> Refused:
    return Refused(400, f"{name}: {text}", code="ValidationException", param=name)
