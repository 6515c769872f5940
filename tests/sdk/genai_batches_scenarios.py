"""What a user of the official `google-genai` SDK does with files and batches. ``python … SCENARIO GATEWAY_URL``."""

import io
import json
import os
import sys
import tempfile
import time
import urllib.error
import urllib.request
import warnings

from google import genai
from google.genai import errors, types

KEPT = []
"""Clients close themselves when they are forgotten."""
OWN = "gemini-2.5-flash"


def client(url, prefix="/genai", **headers):
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    options = types.HttpOptions(base_url=url + prefix, headers=told)
    made = genai.Client(api_key="anything", http_options=options)
    KEPT.append(made)
    return made


def expect(code, call, *words):
    try:
        call()
    except errors.APIError as error:
        assert error.code == code, error
        assert all(word in str(error) for word in words), (words, error)
        return error
    raise AssertionError(f"no {code}")


def wait(here, name, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = here.batches.get(name=name)
        if found.done:
            return found
        assert found.state == "JOB_STATE_RUNNING", found
        time.sleep(0.1)
    raise AssertionError(f"{name} did not end in {seconds} s")


def ask(text, **more):
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}


def jsonl(*lines):
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def upload(here, content, **config):
    return here.files.upload(file=io.BytesIO(content), config={"mime_type": "application/jsonl", **config})


def lines_of(here, batch):
    return [json.loads(line) for line in here.files.download(file=batch.dest.file_name).decode().splitlines()]


def files(url):
    """Uploads from memory and from a path, in one piece and in several; what is known of them; their bytes."""
    here = client(url)
    made = here.files.upload(file=io.BytesIO(b"a\nb\n"), config={"mime_type": "text/plain", "display_name": "Notes é"})
    assert made.name.startswith("files/") and made.display_name == "Notes é", made
    assert (made.mime_type, made.size_bytes, made.state) == ("text/plain", 4, types.FileState.ACTIVE), made
    assert made.source == types.FileSource.UPLOADED and made.uri.endswith(made.name), made
    assert 0 < (made.expiration_time - made.create_time).total_seconds() <= 48 * 3600
    assert here.files.get(name=made.name).model_dump(exclude={"sdk_http_response"}) == made.model_dump(
        exclude={"sdk_http_response"}
    )
    assert here.files.download(file=made.name) == here.files.download(file=made) == b"a\nb\n"
    big = bytes(range(256)) * 80_000
    with tempfile.NamedTemporaryFile(suffix=".txt") as file:
        file.write(big)
        file.flush()
        stored = here.files.upload(file=file.name)
        assert stored.display_name == os.path.basename(file.name) and stored.size_bytes == len(big), stored
    assert here.files.download(file=stored.name) == big
    empty = here.files.upload(file=io.BytesIO(b""), config={"mime_type": "text/plain"})
    assert empty.size_bytes == 0 and here.files.download(file=empty.name) == b""
    listed = [each.name for each in here.files.list(config={"page_size": 2})]
    assert listed[:3] == [empty.name, stored.name, made.name], listed
    here.files.delete(name=made.name)
    for call in (here.files.get, here.files.delete):
        expect(404, lambda call=call: call(name=made.name))
    expect(404, lambda: here.files.download(file=made.name))


def named_files(url):
    here = client(url)
    name = f"mine-{time.time_ns()}"
    made = upload(here, b"{}", name=name)
    assert made.name == f"files/{name}" and here.files.download(file=made.name) == b"{}", made
    expect(409, lambda: upload(here, b"{}", name=name), "ALREADY_EXISTS")
    for wrong in ("Nö", "batch-x", "file-x", "x-output", "a" * 41, "-x"):
        expect(400, lambda wrong=wrong: upload(here, b"{}", name=wrong), "file.name")
    here.files.delete(name=made.name)
    assert upload(here, b"[]", name=name).size_bytes == 2


def raw(url, path, body=b"", method="POST", **headers):
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url if not path else url + path, body, told, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def protocols(url):
    """The protocols that the SDK does not use, and an upload that was cut off."""
    path = "/genai/upload/v1beta/files"
    body = (
        b'--b1\r\ncontent-type: application/json; charset=utf-8\r\n\r\n{"file": {"displayName": "two parts"}}'
        b"\r\n--b1\r\ncontent-type: text/plain\r\n\r\nhello\r\n--b1--"
    )
    told = {"content_type": "multipart/related; boundary=b1", "x_goog_upload_protocol": "multipart"}
    status, _, answer = raw(url, path, body, **told)
    file = json.loads(answer)["file"]
    assert (status, file["displayName"], file["mimeType"], file["sizeBytes"]) == (200, "two parts", "text/plain", "5")
    assert client(url).files.download(file=file["name"]) == b"hello"
    status, _, answer = raw(url, path, b"raw!", content_type="text/plain", x_goog_upload_protocol="raw")
    assert (status, json.loads(answer)["file"]["sizeBytes"]) == (200, "4"), answer
    begin = {"x_goog_upload_protocol": "resumable", "x_goog_upload_command": "start"}
    status, headers, _ = raw(url, path, b"{}", x_goog_upload_header_content_length="6", **begin)
    headers = {name.lower(): value for name, value in headers.items()}
    there = headers["x-goog-upload-url"]
    assert status == 200 and headers["x-goog-upload-status"] == "active" and "upload_id=" in there

    def send(command, offset="", body=b""):
        status, headers, answer = raw(there, "", body, x_goog_upload_command=command, x_goog_upload_offset=offset)
        told = {name.lower(): value for name, value in headers.items()}
        return status, told["x-goog-upload-status"], told.get("x-goog-upload-size-received"), answer

    assert send("upload", "0", b"abcd")[:3] == (200, "active", "4")
    assert send("upload", "0", b"abcd")[:2] == (400, "final")
    assert send("upload", "4", b"efg")[:2] == (400, "final")
    assert send("query")[:3] == (200, "active", "4")
    assert send("finalize")[:2] == (400, "final")
    assert send("dance")[:2] == (400, "final")
    status, state, _, answer = send("upload, finalize", "4", b"ef")
    assert (status, state, json.loads(answer)["file"]["sizeBytes"]) == (200, "final", "6")
    assert send("query")[:2] == (404, "final")
    status, headers, _ = raw(url, path, b"", **begin)
    there = {name.lower(): value for name, value in headers.items()}["x-goog-upload-url"]
    assert send("cancel")[:2] == (200, "cancelled") and send("query")[0] == 404
    for wrong in (
        {"x_goog_upload_protocol": "dance"}, {"x_goog_upload_protocol": "resumable"}, {},
        {"x_goog_upload_protocol": "multipart"}, {**told, "content_type": "text/plain"}, {**begin, "x": "y"},
    ):  # fmt: skip
        status, _, answer = raw(url, path, b"{", **wrong)
        assert status == 400 and json.loads(answer)["error"]["status"] == "INVALID_ARGUMENT", (wrong, answer)
    too_large = {**begin, "x_goog_upload_header_content_length": str(3 << 30)}
    assert raw(url, path, b"{}", **too_large)[0] == 413


def inlined(url):
    """Own provider and others; results come inlined, in order, with their metadata; one fails."""
    for model in (OWN, "openai/gpt-4o", "anthropic/claude-haiku-4-5"):
        here = client(url, x_bf_batch_mode="live")
        texts = ["first", "[[mock:status=400;error=not this]]", "third"]
        requests = [
            types.InlinedRequest(
                contents=[types.Content(role="user", parts=[types.Part(text=text)])],
                metadata={"key": f"k{n}", "more": "x"} if n else None,
                config=types.GenerateContentConfig(system_instruction="Be brief.", max_output_tokens=50),
            )
            for n, text in enumerate(texts)
        ]
        made = here.batches.create(model=model, src=requests, config={"display_name": "nightly"})
        assert made.name.startswith("batches/") and made.display_name == "nightly", made
        assert made.model == f"models/{model.rpartition('/')[2]}" and made.create_time, made
        ended = wait(here, made.name)
        assert ended.state == "JOB_STATE_SUCCEEDED" and ended.end_time >= ended.create_time, ended
        first, second, third = ended.dest.inlined_responses
        assert "first" in first.response.text and first.metadata is None and first.error is None, first
        assert first.response.usage_metadata.total_token_count > 0
        assert second.response is None and second.error.code == 3 and "not this" in second.error.message, second
        assert second.metadata == {"key": "k1", "more": "x"}
        assert "third" in third.response.text and third.metadata["key"] == "k2", third
        assert made.name in [each.name for each in here.batches.list(config={"page_size": 5})]
        here.batches.delete(name=made.name)
        expect(404, lambda name=made.name, here=here: here.batches.get(name=name))


def by_file(url):
    """From a file of Gemini's lines; results in a file, in order, with their keys."""
    for model in (OWN, "openai/gpt-4o", "anthropic/claude-haiku-4-5"):
        here = client(url, x_bf_batch_mode="live")
        asks = [{"key": f"k{n}", "request": ask(f"prompt {n}")} for n in range(5)]
        asks[3]["request"] = ask("[[mock:status=400;error=not this]]")
        source = upload(here, jsonl(*asks))
        made = here.batches.create(model=model, src=source.name)
        ended = wait(here, made.name)
        assert ended.dest.inlined_responses is None and ended.dest.file_name.startswith("files/batch-"), ended
        answers = lines_of(here, ended)
        assert [each["key"] for each in answers] == [f"k{n}" for n in range(5)]
        reply = types.GenerateContentResponse.model_validate(answers[2]["response"])
        assert "prompt 2" in reply.text and reply.usage_metadata.total_token_count > 0, answers[2]
        assert answers[3]["error"]["code"] == 3 and "not this" in answers[3]["error"]["message"], answers[3]
        told = here.files.get(name=ended.dest.file_name)
        assert told.source == types.FileSource.GENERATED and told.download_uri, told
        expect(400, lambda name=ended.dest.file_name, here=here: here.files.delete(name=name))


def native(url):
    """On the providers' own batch APIs: texts and vectors, inlined and by file."""
    here = client(url, x_bf_batch_mode="native")
    jobs = {}
    for model in (OWN, "openai/gpt-4o", "anthropic/claude-haiku-4-5"):
        src = [{"contents": "native [[mock:status=400;error=not this]]"}, {"contents": f"on {model}"}]
        jobs[model] = here.batches.create(model=model, src=src).name
    vectors = [{"key": f"k{n}", "request": {"content": {"parts": [{"text": f"text {n}"}]}}} for n in range(3)]
    source = types.EmbeddingsBatchJobSource(file_name=upload(here, jsonl(*vectors)).name)
    warnings.simplefilter("ignore")
    embedded = here.batches.create_embeddings(model="gemini-embedding-001", src=source).name
    for model, name in jobs.items():
        bad, good = wait(here, name).dest.inlined_responses
        assert f"on {model}" in good.response.text and good.response.usage_metadata.total_token_count > 0, (model, good)
        assert "not this" in bad.error.message, (model, bad)
    answers = lines_of(here, wait(here, embedded))
    assert [each["key"] for each in answers] == ["k0", "k1", "k2"]
    assert answers[1]["response"]["embedding"]["values"], answers


def by_header(url):
    here = client(url, x_model_provider="openai")
    made = here.batches.create(model="gpt-4o", src=[{"contents": "by header"}])
    assert "by header" in wait(here, made.name).dest.inlined_responses[0].response.text


def embeddings(url):
    warnings.simplefilter("ignore")
    for model in ("gemini-embedding-001", "openai/text-embedding-3-small"):
        here = client(url, x_bf_batch_mode="live")
        config = {"task_type": "RETRIEVAL_QUERY"} if model.startswith("gemini") else {"output_dimensionality": 8}
        source = types.EmbeddingsBatchJobSource(
            inlined_requests=types.EmbedContentBatch(contents=["one", "two"], config=config)
        )
        made = here.batches.create_embeddings(model=model, src=source, config={"display_name": "vectors"})
        ended = wait(here, made.name)
        assert ended.state == "JOB_STATE_SUCCEEDED", ended
        found = ended.dest.inlined_embed_content_responses
        assert len(found) == 2 and all(each.response.embedding.values for each in found), found
        asks = [{"key": f"k{n}", "request": {"content": {"parts": [{"text": f"text {n}"}]}}} for n in range(3)]
        source = types.EmbeddingsBatchJobSource(file_name=upload(here, jsonl(*asks)).name)
        answers = lines_of(here, wait(here, here.batches.create_embeddings(model=model, src=source).name))
        assert [each["key"] for each in answers] == ["k0", "k1", "k2"]
        assert answers[1]["response"]["embedding"]["values"], answers


def paging(url):
    here = client(url)
    made = [here.batches.create(model="acme/m", src=[{"contents": f"page {n}"}]).name for n in range(3)]
    for name in made:
        wait(here, name)
    assert [each.name for each in here.batches.list(config={"page_size": 2})][:3] == made[::-1]
    listed = here.batches.list(config={"page_size": 2})
    assert len(listed) == 2 and listed.page[0].dest.file_name == listed.page[0].name.replace("batches/", "files/batch-")


def cancel(url):
    here = client(url)
    asks = [{"key": f"k{n}", "request": ask(f"{n} [[mock:delay=0.3]]")} for n in range(1500)]
    made = here.batches.create(model="acme/m", src=upload(here, jsonl(*asks)).name)
    expect(400, lambda: here.batches.delete(name=made.name), "cancel")
    here.batches.cancel(name=made.name)
    ended = wait(here, made.name)
    assert ended.state == "JOB_STATE_CANCELLED", ended
    answers = lines_of(here, ended)
    assert len(answers) == 1500 and answers[-1]["error"]["code"] == 1, answers[-1]
    expect(400, lambda: here.batches.cancel(name=made.name), "ended")


def prefixes(url):
    """Frameworks' prefixes and every version."""
    for prefix in ("/litellm/genai", "/langchain", "/pydanticai/genai"):
        for version in ("v1", "v1beta", "v1alpha"):
            options = types.HttpOptions(base_url=url + prefix, api_version=version)
            here = genai.Client(api_key="k", http_options=options)
            KEPT.append(here)
            made = here.batches.create(model="acme/m", src=upload(here, jsonl({"key": "a", "request": ask("x")})).name)
            assert lines_of(here, wait(here, made.name))[0]["key"] == "a"
            assert here.files.get(name=here.files.list().page[0].name).state == "ACTIVE"


def mistakes(url):
    here = client(url)
    good = {"key": "a", "request": ask("x")}

    def create(*lines, model=OWN, code=400):
        source = upload(here, jsonl(*lines)).name
        return str(expect(code, lambda: here.batches.create(model=model, src=source)))

    assert "no such file" in str(expect(400, lambda: here.batches.create(model=OWN, src="files/nothing")))
    assert "line 2.key: 'a' is used already, by line 1" in create(good, good)
    assert "line 2.key" in create(good, {"request": ask("x")})
    assert "line 2.request" in create(good, {"key": "b"})
    assert "line 2" in create(good, "text")
    assert "line 1.request.model: provider 'nobody'" in create(good, model="nobody/x")
    embeds = {"key": "a", "request": {"content": {"parts": [{"text": "x"}]}}}
    assert "these are embed" in create(embeds)
    assert "at least 1 item" in create()
    expect(400, lambda: here.batches.create(model=OWN, src=[]), "requests")
    twice = [{"contents": "x", "metadata": {"key": "a"}}] * 2
    expect(400, lambda: here.batches.create(model=OWN, src=twice), "requests.1.metadata.key")
    for call in (here.batches.get, here.batches.cancel, here.batches.delete):
        expect(404, lambda call=call: call(name="batches/nothing"), "NOT_FOUND")
    expect(400, lambda: list(here.batches.list(config={"page_token": "nothing"})), "pageToken")
    expect(400, lambda: list(here.files.list(config={"page_token": "nothing"})))
    for body in (b"[]", b"{", b"{}", b'{"batch": {}}', b'{"batch": {"inputConfig": {}}}', b'{"batch": {"x": 1}}',
                 b'{"batch": {"inputConfig": {"fileName": "files/x", "requests": {}}}}',
                 b'{"batch": {"inputConfig": {"requests": {"requests": 7}}}}',
                 b'{"batch": {"inputConfig": {"requests": {"requests": [7, {"request": {}, "metadata": 1}]}}}}'):  # fmt: skip
        status, _, answer = raw(url, f"/genai/v1beta/models/{OWN}:batchGenerateContent", body)
        error = json.loads(answer)["error"]
        assert (status, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT"), (body, answer)
    native = client(url, x_bf_batch_mode="dance")
    expect(400, lambda: native.batches.create(model=OWN, src=[{"contents": "x"}]), "x-bf-batch-mode")


def across(url):
    """Made in one dialect, fed from a file of another, read in a third."""
    here = client(url)
    chat = {"model": "acme/m", "max_tokens": 40, "messages": [{"role": "user", "content": "from openai"}]}
    body = {"requests": [{"custom_id": "o1", "body": chat}], "endpoint": "/v1/chat/completions"}
    made = json.loads(raw(url, "/v1/batches", json.dumps(body).encode(), content_type="application/json")[2])
    ended = wait(here, made["id"].replace("batch_", "batches/"))
    (answer,) = lines_of(here, ended)
    assert answer["key"] == "o1" and "from openai" in answer["response"]["candidates"][0]["content"]["parts"][0]["text"]
    params = {"model": "acme/m", "max_tokens": 40, "messages": [{"role": "user", "content": "from anthropic"}]}
    body = {"requests": [{"custom_id": "a1", "params": params}]}
    path = "/anthropic/v1/messages/batches"
    made = json.loads(raw(url, path, json.dumps(body).encode(), content_type="application/json")[2])
    ended = wait(here, made["id"].replace("msgbatch_", "batches/"))
    assert "from anthropic" in json.dumps(lines_of(here, ended))
    text = {"model": "acme/e", "input": ["one", "two"]}
    body = {"requests": [{"custom_id": "e1", "body": text}], "endpoint": "/v1/embeddings"}
    made = json.loads(raw(url, "/v1/batches", json.dumps(body).encode(), content_type="application/json")[2])
    (answer,) = lines_of(here, wait(here, made["id"].replace("batch_", "batches/")))
    assert len(answer["response"]["embeddings"]) == 2, answer
    # OpenAI's lines, uploaded by Google's client, feed Google's batch; they are read in every dialect.
    openai = {"custom_id": "c1", "method": "POST", "url": "/v1/chat/completions", "body": chat}
    source = upload(here, jsonl(openai))
    bare = wait(here, here.batches.create(model=OWN, src=source.name).name).name.removeprefix("batches/")
    status, _, lines = raw(url, f"/v1/batches/batch_{bare}/results", None, "GET")
    assert status == 200 and b"chat.completion" in lines and b'"custom_id":"c1"' in lines, lines
    status, _, lines = raw(url, f"/anthropic/v1/messages/batches/msgbatch_{bare}/results", None, "GET")
    assert status == 200 and json.loads(lines)["result"]["message"]["type"] == "message", lines
    # Gemini's lines feed OpenAI's batch; the file is the same in both dialects.
    source = upload(here, jsonl({"key": "g1", "request": ask("gemini's line", model="models/acme/m")}))
    for name in (source.name, source.name.replace("files/", "file-")):
        body = {"input_file_id": name, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        made = json.loads(raw(url, "/v1/batches", json.dumps(body).encode(), content_type="application/json")[2])
        wait(here, made["id"].replace("batch_", "batches/"))
        lines = raw(url, f"/v1/batches/{made['id']}/results", None, "GET")[2]
        told = json.loads(lines)
        assert told["custom_id"] == "g1" and "gemini's line" in json.dumps(told["response"]["body"]["choices"]), told
    read = raw(url, f"/openai/v1/files/{source.name.replace('files/', 'file-')}/content", None, "GET")[2]
    assert read == here.files.download(file=source.name)


SCENARIOS = (
    files, named_files, protocols, inlined, by_file, native, by_header, embeddings, paging, cancel, prefixes, mistakes, across,
)  # fmt: skip

if __name__ == "__main__":
    name, gateway_url = sys.argv[1:3]
    {each.__name__: each for each in SCENARIOS}[name](gateway_url)
    print(json.dumps({"scenario": name, "sdk": genai.__version__}))
