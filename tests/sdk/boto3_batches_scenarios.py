"""What a user of boto3's ``bedrock`` does with batch jobs, and of its ``s3`` with files at the gateway and in a bucket.

``python … SCENARIO GATEWAY_URL S3_URL``; the bucket ``team-in`` is there.
"""

import gzip
import io
import json
import sys
import time
import urllib.error
import urllib.request
import uuid

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

KEYS = {"region_name": "us-east-1", "aws_access_key_id": "AKIAANY", "aws_secret_access_key": "anything"}
ROLE = "arn:aws:iam::123456789012:role/batch"
CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
ENDED = ("Completed", "Failed", "Stopped", "PartiallyCompleted", "Expired")
S3 = ""


def bedrock(url):
    return boto3.client("bedrock", endpoint_url=f"{url}/bedrock", config=Config(retries={"max_attempts": 1}), **KEYS)


def gateway_files(url):
    return boto3.client(
        "s3", endpoint_url=f"{url}/bedrock/files", config=Config(s3={"addressing_style": "path"}), **KEYS
    )


def real_s3():
    return boto3.client("s3", endpoint_url=S3, config=Config(s3={"addressing_style": "path"}), **KEYS)


def claude(text, **more):
    return {
        "anthropic_version": "bedrock-2023-05-31", "max_tokens": 40,
        "messages": [{"role": "user", "content": [{"type": "text", "text": text}]}], **more,
    }  # fmt: skip


def record(n, text="hello", **more):
    return {"recordId": f"R{n:010d}", "modelInput": claude(text, **more)}


def jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def config(source, target):
    return {
        "inputDataConfig": {"s3InputDataConfig": {"s3InputFormat": "JSONL", "s3Uri": source}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": target}},
    }


def create(here, source, target, model=CLAUDE, **more):
    return here.create_model_invocation_job(
        jobName=more.pop("name", "job-1"), roleArn=ROLE, modelId=model, **config(source, target), **more
    )["jobArn"]


def wait(here, arn, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = here.get_model_invocation_job(jobIdentifier=arn)
        if found["status"] in ENDED:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{arn} did not end in {seconds} s: {found['status']}")


def rows_of(s3, bucket, key):
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return [json.loads(line) for line in body.splitlines()]


def refused(code, call):
    try:
        call()
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response
        return error.response["Error"].get("Message", "")
    raise AssertionError(f"no {code}")


def get_json(url, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url + path, data, {"content-type": "application/json"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return json.loads(answer.read())


def get_lines(url, path):
    with urllib.request.urlopen(url + path, timeout=30) as answer:
        return [json.loads(line) for line in answer.read().splitlines()]


def files(url):
    s3, bucket = gateway_files(url), f"bkt-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    s3.head_bucket(Bucket=bucket)
    put = s3.put_object(
        Bucket=bucket, Key="a/é x.txt", Body=b"hello", ContentType="text/plain", Metadata={"team": "blue"}
    )
    head = s3.head_object(Bucket=bucket, Key="a/é x.txt")
    assert head["ContentLength"] == 5 and head["ContentType"] == "text/plain", head
    assert head["Metadata"] == {"team": "blue"} and head["ETag"] == put["ETag"], head
    got = s3.get_object(Bucket=bucket, Key="a/é x.txt")
    assert got["Body"].read() == b"hello" and got["ContentLength"] == 5
    assert s3.get_object(Bucket=bucket, Key="a/é x.txt", Range="bytes=1-3")["Body"].read() == b"ell"
    assert s3.get_object(Bucket=bucket, Key="a/é x.txt", Range="bytes=-2")["Body"].read() == b"lo"
    refused("InvalidRange", lambda: s3.get_object(Bucket=bucket, Key="a/é x.txt", Range="bytes=9-"))
    again = s3.put_object(Bucket=bucket, Key="a/é x.txt", Body=b"bye")
    assert again["ETag"] != put["ETag"]
    assert s3.get_object(Bucket=bucket, Key="a/é x.txt")["Body"].read() == b"bye"
    # The same file in another dialect: its ETag is its id.
    id = again["ETag"].strip('"')
    found = get_json(url, f"/openai/v1/files/{id}")
    assert found["id"] == id and found["bytes"] == 3 and found["filename"] == "é x.txt", found
    refused("PreconditionFailed", lambda: s3.delete_object(Bucket=bucket, Key="a/é x.txt", IfMatch='"other"'))
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a/é x.txt"})
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"bye"
    empty = s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    assert s3.head_object(Bucket=bucket, Key="empty")["ContentLength"] == 0, empty
    refused("BucketNotEmpty", lambda: s3.delete_bucket(Bucket=bucket))
    s3.delete_object(Bucket=bucket, Key="a/é x.txt")
    s3.delete_object(Bucket=bucket, Key="a/é x.txt")
    refused("NoSuchKey", lambda: s3.get_object(Bucket=bucket, Key="a/é x.txt"))
    refused("404", lambda: s3.head_object(Bucket=bucket, Key="nothing"))
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "copy"}, {"Key": "empty"}, {"Key": "no&ne"}]})
    assert [each["Key"] for each in gone["Deleted"]] == ["copy", "empty", "no&ne"], gone
    s3.delete_bucket(Bucket=bucket)
    assert "team-in" in refused("InvalidRequest", lambda: s3.list_objects_v2(Bucket="team-in"))
    refused("AccessDenied", lambda: s3.put_object(Bucket="asbru-files", Key="x", Body=b""))
    refused("InvalidBucketName", lambda: s3.list_objects_v2(Bucket="Not..A-bucket_"))


def parts(url):
    s3, bucket = gateway_files(url), f"bkt-{uuid.uuid4().hex[:8]}"
    big = bytes(range(256)) * 50_000
    chunks = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20, max_concurrency=2)
    s3.upload_fileobj(io.BytesIO(big), bucket, "big.bin", Config=chunks)
    back = io.BytesIO()
    s3.download_fileobj(bucket, "big.bin", back, Config=chunks)
    assert back.getvalue() == big
    begun = s3.create_multipart_upload(Bucket=bucket, Key="x")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="x", UploadId=begun, PartNumber=1, Body=b"a")
    listed = get_json(url, "/openai/v1/files?limit=100")["data"]
    assert not [each for each in listed if each["filename"] in ("part", "upload")], listed
    refused("InvalidPart", lambda: s3.complete_multipart_upload(
        Bucket=bucket, Key="x", UploadId=begun, MultipartUpload={"Parts": [{"PartNumber": 2, "ETag": "e"}]}))  # fmt: skip
    s3.abort_multipart_upload(Bucket=bucket, Key="x", UploadId=begun)
    refused("NoSuchUpload", lambda: s3.upload_part(Bucket=bucket, Key="x", UploadId=begun, PartNumber=1, Body=b"a"))
    # As SDKs send behind TLS: in chunks of Amazon's own, with a trailer.
    coded = b"5\r\nhello\r\n6;chunk-signature=ab\r\n world\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
    headers = {"content-encoding": "aws-chunked", "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}
    asked = urllib.request.Request(f"{url}/bedrock/files/{bucket}/coded", coded, headers, method="PUT")
    assert urllib.request.urlopen(asked, timeout=30).status == 200
    assert s3.get_object(Bucket=bucket, Key="coded")["Body"].read() == b"hello world"
    asked = urllib.request.Request(f"{url}/bedrock/files/{bucket}/cut", coded[:20], headers, method="PUT")
    try:
        urllib.request.urlopen(asked, timeout=30)
    except urllib.error.HTTPError as error:
        assert error.code == 400 and b"IncompleteBody" in error.read()
    refused("NoSuchKey", lambda: s3.get_object(Bucket=bucket, Key="cut"))


def listing(url):
    s3, bucket = gateway_files(url), f"bkt-{uuid.uuid4().hex[:8]}"
    keys = ["a/1", "a/2", "a/b/3", "a.txt", "z"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    s3.put_object(Bucket=bucket + "x", Key="other", Body=b"")
    listed = s3.list_objects_v2(Bucket=bucket)
    assert [each["Key"] for each in listed["Contents"]] == sorted(keys) and not listed["IsTruncated"], listed
    assert [each["Size"] for each in listed["Contents"]] == [len(key) for key in sorted(keys)]
    folded = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [each["Key"] for each in folded["Contents"]] == ["a.txt", "z"], folded
    assert [each["Prefix"] for each in folded["CommonPrefixes"]] == ["a/"], folded
    below = s3.list_objects_v2(Bucket=bucket, Prefix="a/", Delimiter="/")
    assert [each["Key"] for each in below["Contents"]] == ["a/1", "a/2"] and len(below["CommonPrefixes"]) == 1
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [each["Key"] for page in pages for each in page["Contents"]] == sorted(keys)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 1})
    found = [(each.get("Key"), each.get("Prefix")) for page in pages
             for each in page.get("Contents", []) + page.get("CommonPrefixes", [])]  # fmt: skip
    assert sorted(found, key=str) == sorted([("a.txt", None), (None, "a/"), ("z", None)], key=str), found
    old = s3.list_objects(Bucket=bucket, MaxKeys=2)
    assert old["IsTruncated"] and [each["Key"] for each in old["Contents"]] == sorted(keys)[:2], old
    buckets = [each["Name"] for each in s3.list_buckets()["Buckets"]]
    assert {bucket, bucket + "x", "asbru-files", "asbru-batches"} <= set(buckets), buckets
    assert "Contents" not in s3.list_objects_v2(Bucket="nothing-here")


def own_bucket(url):
    here, s3, bucket = bedrock(url), gateway_files(url), f"bkt-{uuid.uuid4().hex[:8]}"
    rows = [record(n, f"say {n}") for n in range(3)]
    s3.put_object(Bucket=bucket, Key="in/records.jsonl", Body=jsonl(rows))
    arn = create(here, f"s3://{bucket}/in/records.jsonl", f"s3://{bucket}/out/")
    assert arn.startswith("arn:aws:bedrock:us-east-1:000000000000:model-invocation-job/"), arn
    ended = wait(here, arn)
    assert ended["status"] == "Completed" and ended["jobName"] == "job-1" and ended["roleArn"] == ROLE, ended
    assert ended["endTime"] >= ended["submitTime"] and ended["modelId"] == CLAUDE, ended
    assert ended["successRecordCount"] == ended["totalRecordCount"] == 3, ended
    id = arn.rpartition("/")[2]
    assert here.get_model_invocation_job(jobIdentifier=id)["jobArn"] == arn
    out = rows_of(s3, bucket, f"out/{id}/records.jsonl.out")
    assert [each["recordId"] for each in out] == [row["recordId"] for row in rows], out
    for each, row in zip(out, rows, strict=True):
        assert each["modelInput"] == row["modelInput"], each
        assert each["modelOutput"]["content"][0]["text"] and each["modelOutput"]["usage"]["output_tokens"], each
    (manifest,) = rows_of(s3, bucket, f"out/{id}/manifest.json.out")
    assert manifest["totalRecordCount"] == manifest["successRecordCount"] == 3 and manifest["errorRecordCount"] == 0
    assert manifest["inputTokenCount"] > 0 and manifest["outputTokenCount"] > 0, manifest


def real_bucket(url):
    here, s3 = bedrock(url), real_s3()
    name = uuid.uuid4().hex[:8]
    rows = [record(0), {"modelInput": claude("no id")}, record(2, "[[mock:status=400]] bad")]
    s3.put_object(Bucket="team-in", Key=f"{name}/in.jsonl", Body=jsonl(rows))
    arn = create(here, f"s3://team-in/{name}/in.jsonl", f"s3://team-in/{name}-out", name="on-s3",
                 timeoutDurationInHours=48, tags=[{"key": "a", "value": "b"}])  # fmt: skip
    ended = wait(here, arn)
    assert ended["status"] == "Completed" and ended["errorRecordCount"] == 1, ended
    assert (ended["jobExpirationTime"] - ended["submitTime"]).total_seconds() == 48 * 3600, ended
    assert ended["timeoutDurationInHours"] == 48, ended
    out = rows_of(s3, "team-in", f"{name}-out/{arn.rpartition('/')[2]}/in.jsonl.out")
    assert [each["recordId"] for each in out] == ["R0000000000", "CALL0000002", "R0000000002"], out
    assert "modelOutput" not in out[2] and out[2]["error"]["errorCode"] == 400 and out[2]["error"]["errorMessage"], out
    (manifest,) = rows_of(s3, "team-in", f"{name}-out/{arn.rpartition('/')[2]}/manifest.json.out")
    assert manifest["errorRecordCount"] == 1 and manifest["successRecordCount"] == 2, manifest


def folder(url):
    here, s3, name = bedrock(url), real_s3(), uuid.uuid4().hex[:8]
    s3.put_object(Bucket="team-in", Key=f"{name}/a.jsonl", Body=jsonl([record(1), record(2)]).rstrip())
    s3.put_object(Bucket="team-in", Key=f"{name}/sub/b.jsonl", Body=b"\n\n" + jsonl([record(3)]) + b"  \n")
    s3.put_object(Bucket="team-in", Key=f"{name}/notes.txt", Body=b"not a record")
    arn = create(here, f"s3://team-in/{name}/", f"s3://team-in/{name}-out/")
    assert wait(here, arn)["status"] == "Completed"
    below = f"{name}-out/{arn.rpartition('/')[2]}"
    assert [each["recordId"] for each in rows_of(s3, "team-in", f"{below}/a.jsonl.out")] == [
        "R0000000001", "R0000000002"]  # fmt: skip
    assert [each["recordId"] for each in rows_of(s3, "team-in", f"{below}/sub/b.jsonl.out")] == ["R0000000003"]


def formats(url):
    """Every maker's body, Converse, and models of other providers."""
    here, s3, bucket = bedrock(url), gateway_files(url), f"bkt-{uuid.uuid4().hex[:8]}"
    turn = [{"role": "user", "content": [{"text": "hi"}]}]
    chat = {"max_tokens": 40, "messages": [{"role": "user", "content": "hi"}]}
    cases = {
        "nova": ("amazon.nova-lite-v1:0", {"messages": turn, "inferenceConfig": {"maxTokens": 40}}, "output", {}),
        "titan": ("amazon.titan-text-express-v1", {"inputText": "hi"}, "results", {}),
        "llama": ("meta.llama3-1-8b-instruct-v1:0", {"prompt": "hi", "max_gen_len": 40}, "generation", {}),
        "embed": ("amazon.titan-embed-text-v2:0", {"inputText": "hi"}, "embedding", {}),
        "openai": ("openai/gpt-4o", chat, "choices", {}),
        "foreign": ("gemini/gemini-2.5-flash", claude("hi"), "content", {}),
        "converse": (CLAUDE, {"messages": turn}, "output", {"modelInvocationType": "Converse"}),
        "profile": (
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc",
            claude("hi"),
            "content",
            {},
        ),
    }
    arns = {}
    for name, (model, body, _, more) in cases.items():
        s3.put_object(Bucket=bucket, Key=f"{name}.jsonl", Body=jsonl([{"recordId": name, "modelInput": body}]))
        arns[name] = create(here, f"s3://{bucket}/{name}.jsonl", f"s3://{bucket}/out/", model, name=name, **more)
    for name, (_, body, member, _) in cases.items():
        ended = wait(here, arns[name])
        (row,) = rows_of(s3, bucket, f"out/{arns[name].rpartition('/')[2]}/{name}.jsonl.out")
        assert row["modelInput"] == body and row.get("modelOutput", {}).get(member), (name, row, ended)


def across(url):
    """Any file feeds any batch, any batch is read in any dialect."""
    here, s3, bucket = bedrock(url), gateway_files(url), f"bkt-{uuid.uuid4().hex[:8]}"
    s3.put_object(Bucket=bucket, Key="in.jsonl", Body=jsonl([record(n, f"say {n}") for n in range(2)]))
    arn = create(here, f"s3://{bucket}/in.jsonl", f"s3://{bucket}/out/")
    id = arn.rpartition("/")[2]
    wait(here, arn)
    anthropic = get_json(url, f"/anthropic/v1/messages/batches/msgbatch_{id}")
    assert anthropic["processing_status"] == "ended" and anthropic["request_counts"]["succeeded"] == 2, anthropic
    lines = get_lines(url, f"/anthropic/v1/messages/batches/msgbatch_{id}/results")
    assert [each["custom_id"] for each in lines] == ["R0000000000", "R0000000001"], lines
    assert lines[0]["result"]["message"]["content"][0]["text"], lines
    openai = get_json(url, f"/openai/v1/batches/batch_{id}")
    assert openai["status"] == "completed", openai
    assert get_lines(url, f"/openai/v1/files/{openai['output_file_id']}/content")[0]["response"]["body"]["choices"]
    # Made elsewhere, read here.
    made = get_json(url, "/anthropic/v1/messages/batches", {"requests": [
        {"custom_id": "x1", "params": {"model": "claude-sonnet-4-5", "max_tokens": 40,
                                       "messages": [{"role": "user", "content": "hi"}]}}]})  # fmt: skip
    other = made["id"].removeprefix("msgbatch_")
    ended = wait(here, other)
    assert ended["status"] == "Completed" and ended["jobName"] == f"batch-{other}", ended
    target = ended["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"]
    assert target == f"s3://asbru-batches/{other}/", ended
    names = [each["Key"] for each in s3.list_objects_v2(Bucket="asbru-batches", Prefix=f"{other}/")["Contents"]]
    assert names == [f"{other}/manifest.json.out", f"{other}/records.jsonl.out"], names
    (row,) = rows_of(s3, "asbru-batches", names[1])
    assert row["recordId"] == "x1" and row["modelOutput"]["content"], row
    assert row["modelInput"]["anthropic_version"] and row["modelInput"]["messages"], row
    assert s3.head_object(Bucket="asbru-batches", Key=names[0])["ContentLength"] > 10
    # A file of OpenAI's feeds a job of Bedrock's; its results are in its own format.
    boundary = "b0"
    line = json.dumps({"custom_id": "c1", "method": "POST", "url": "/v1/chat/completions",
                       "body": {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}})  # fmt: skip
    form = (f'--{boundary}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--{boundary}\r\n'
            f'content-disposition: form-data; name="file"; filename="in.jsonl"\r\n\r\n{line}\r\n--{boundary}--\r\n')  # fmt: skip
    asked = urllib.request.Request(f"{url}/openai/v1/files", form.encode(),
                                   {"content-type": f"multipart/form-data; boundary={boundary}"})  # fmt: skip
    file = json.loads(urllib.request.urlopen(asked, timeout=30).read())["id"]
    assert file in [each["Key"] for each in s3.list_objects_v2(Bucket="asbru-files")["Contents"]]
    arn = create(here, f"s3://asbru-files/{file}", f"s3://{bucket}/out2/", "gpt-4o")
    wait(here, arn)
    (row,) = rows_of(s3, bucket, f"out2/{arn.rpartition('/')[2]}/{file}.out")
    assert row["recordId"] == "c1" and row["modelOutput"]["choices"], row
    # And a file of records feeds a batch of OpenAI's.
    etag = s3.head_object(Bucket=bucket, Key="in.jsonl")["ETag"].strip('"')
    made = get_json(url, "/v1/batches", {"input_file_id": etag, "model": "anthropic/claude-sonnet-4-5"})
    ended = wait(here, made["id"].removeprefix("batch_"))
    assert ended["successRecordCount"] == 2, ended
    assert ended["inputDataConfig"]["s3InputDataConfig"]["s3Uri"] == f"s3://asbru-files/{etag}", ended


def jobs(url):
    here, s3, bucket = bedrock(url), gateway_files(url), f"bkt-{uuid.uuid4().hex[:8]}"
    mark, arns = uuid.uuid4().hex[:10], []
    for n in range(5):
        s3.put_object(Bucket=bucket, Key=f"{n}.jsonl", Body=jsonl([record(n)]))
        arns.append(create(here, f"s3://{bucket}/{n}.jsonl", f"s3://{bucket}/out/", name=f"{mark}-{n}"))
    for n, arn in enumerate(arns):
        wait(here, arn)
        below = f"out/{arn.rpartition('/')[2]}/"
        assert [each["recordId"] for each in rows_of(s3, bucket, f"{below}{n}.jsonl.out")] == [record(n)["recordId"]]
        told = s3.list_objects_v2(Bucket=bucket, Prefix=below)["Contents"]
        assert {each["Key"] for each in told} == {f"{below}{n}.jsonl.out", f"{below}manifest.json.out"}, told

    def listed(**asked):
        found = here.list_model_invocation_jobs(nameContains=mark, **asked)
        return [each["jobName"][-1] for each in found["invocationJobSummaries"]], found.get("nextToken")

    assert listed() == (list("43210"), None), listed()
    assert listed(sortBy="CreationTime", sortOrder="Ascending")[0] == list("01234")
    names, token = listed(maxResults=2)
    assert names == ["4", "3"] and token, (names, token)
    assert listed(maxResults=2, nextToken=token)[0] == ["2", "1"]
    pages = here.get_paginator("list_model_invocation_jobs").paginate(
        nameContains=mark, PaginationConfig={"PageSize": 2}
    )
    assert [each["jobName"][-1] for page in pages for each in page["invocationJobSummaries"]] == list("43210")
    assert listed(statusEquals="Completed")[0] == list("43210") and listed(statusEquals="Failed")[0] == []
    at = here.get_model_invocation_job(jobIdentifier=arns[2])["submitTime"]
    assert listed(submitTimeAfter=at)[0] == ["4", "3"], listed(submitTimeAfter=at)
    assert set(listed(submitTimeBefore=at)[0]) <= {"0", "1", "2"}
    refused("ValidationException", lambda: here.list_model_invocation_jobs(statusEquals="Nothing"))
    refused("ValidationException", lambda: here.list_model_invocation_jobs(nextToken="nothing"))
    assert get_json(url, f"/bedrock/model-invocation-jobs/{arns[0].rpartition('/')[2]}")["jobArn"] == arns[0]


def stop(url):
    here, s3, bucket = bedrock(url), gateway_files(url), f"bkt-{uuid.uuid4().hex[:8]}"
    rows = [record(n, f"{n} [[mock:delay=0.3]]") for n in range(1500)]
    s3.put_object(Bucket=bucket, Key="in.jsonl", Body=jsonl(rows))
    arn = create(here, f"s3://{bucket}/in.jsonl", f"s3://{bucket}/out/")
    assert here.get_model_invocation_job(jobIdentifier=arn)["status"] == "InProgress"
    here.stop_model_invocation_job(jobIdentifier=arn)
    assert here.get_model_invocation_job(jobIdentifier=arn)["status"] in ("Stopping", "Stopped")
    ended = wait(here, arn)
    assert ended["status"] == "Stopped" and ended["totalRecordCount"] == 1500, ended
    refused("ConflictException", lambda: here.stop_model_invocation_job(jobIdentifier=arn))
    out = rows_of(s3, bucket, f"out/{arn.rpartition('/')[2]}/in.jsonl.out")
    assert len(out) == 1500 and any("stopped" in row.get("error", {}).get("errorMessage", "") for row in out)


def idempotent(url):
    here, s3, bucket = bedrock(url), gateway_files(url), f"bkt-{uuid.uuid4().hex[:8]}"
    s3.put_object(Bucket=bucket, Key="in.jsonl", Body=jsonl([record(0)]))
    token = uuid.uuid4().hex
    arn = create(here, f"s3://{bucket}/in.jsonl", f"s3://{bucket}/out/", clientRequestToken=token)
    assert create(here, f"s3://{bucket}/in.jsonl", f"s3://{bucket}/out/", clientRequestToken=token) == arn
    # As at Amazon, the rest of the request does not count then.
    assert create(here, f"s3://{bucket}/nothing.jsonl", f"s3://{bucket}/out/", clientRequestToken=token) == arn
    assert create(here, f"s3://{bucket}/in.jsonl", f"s3://{bucket}/out/") != arn
    assert here.get_model_invocation_job(jobIdentifier=arn)["clientRequestToken"] == token


def mistakes(url):
    here, s3, bucket = bedrock(url), gateway_files(url), f"bkt-{uuid.uuid4().hex[:8]}"
    fine = f"s3://{bucket}/fine.jsonl"
    s3.put_object(Bucket=bucket, Key="fine.jsonl", Body=jsonl([record(0)]))

    def told(body, model=CLAUDE, target=f"s3://{bucket}/out/", **more):
        s3.put_object(Bucket=bucket, Key="bad.jsonl", Body=body)
        call = lambda: create(here, f"s3://{bucket}/bad.jsonl", target, model, **more)  # noqa: E731
        return refused("ValidationException", call)

    assert "line 2.recordId" in told(jsonl([record(0), record(0)]))
    assert "line 2" in told(jsonl([record(0)]) + b"{oops\n")
    assert "line 2.modelInput" in told(jsonl([record(0), {"recordId": "x"}]))
    assert "line 1.modelInput.stream" in told(jsonl([record(0, stream=True)]))
    assert "line 2: modelInput" in told(jsonl([record(0), {"recordId": "b", "modelInput": {"inputText": "x"}}]))
    assert "modelInput" in told(jsonl([{"recordId": "b", "modelInput": {"what": 1}}]))
    assert "recordId" in told(jsonl([{"recordId": 7, "modelInput": claude("x")}]))
    assert "no line with a modelInput" in told(b"\n\n")
    assert "line 1" in told(b"{oops\n" + jsonl([record(0)]))
    assert "nobody" in told(jsonl([record(0)]), "nobody/gpt")
    assert "can only be read" in told(jsonl([record(0)]), target="s3://asbru-files/out/")
    assert told(gzip.compress(jsonl([record(0)])))

    def wrong(source=fine, **more):
        return refused("ValidationException", lambda: create(here, source, f"s3://{bucket}/out/", **more))

    assert "does not exist" in wrong(f"s3://{bucket}/nothing.jsonl")
    assert ".jsonl" in wrong(f"s3://{bucket}/nothing/")
    assert "NoSuchKey" in wrong("s3://team-in/nothing.jsonl")
    assert "NoSuchBucket" in wrong("s3://team-nothing/x/")
    assert "s3Uri" in wrong("http://x")
    assert "jobName" in wrong(name="-wrong")
    refused("ResourceNotFoundException", lambda: here.get_model_invocation_job(jobIdentifier="abcdefghijkl"))
    refused("ResourceNotFoundException", lambda: here.stop_model_invocation_job(jobIdentifier="abcdefghijkl"))
    for body in (b"{", b"[]", b"{}", b'{"jobName": 3}'):
        asked = urllib.request.Request(f"{url}/bedrock/model-invocation-job", body)
        try:
            urllib.request.urlopen(asked, timeout=30)
        except urllib.error.HTTPError as error:
            assert error.code == 400 and error.headers["x-amzn-ErrorType"] == "ValidationException", error.headers
        else:
            raise AssertionError(body)


def undelivered(url):
    """A bucket that is not there: the job has failed and says so, and its results are still to be had."""
    here, s3, bucket = bedrock(url), gateway_files(url), f"bkt-{uuid.uuid4().hex[:8]}"
    s3.put_object(Bucket=bucket, Key="in.jsonl", Body=jsonl([record(0)]))
    arn = create(here, f"s3://{bucket}/in.jsonl", "s3://team-nothing/out/")
    ended = wait(here, arn)
    assert ended["status"] == "Failed" and "NoSuchBucket" in ended["message"], ended
    id = arn.rpartition("/")[2]
    (row,) = rows_of(s3, "asbru-batches", f"{id}/records.jsonl.out")
    assert row["modelOutput"]["content"], row


SCENARIOS = (
    files, parts, listing, own_bucket, real_bucket, folder, formats, across, jobs, stop, idempotent, mistakes,
    undelivered,
)  # fmt: skip

if __name__ == "__main__":
    name, gateway_url, S3 = sys.argv[1:4]
    {each.__name__: each for each in SCENARIOS}[name](gateway_url)
    print(json.dumps({"scenario": name, "sdk": boto3.__version__}))
