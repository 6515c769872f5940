"""What a user of the official `openai` SDK does with files and batches. ``python … SCENARIO GATEWAY_URL``."""

import io
import json
import sys
import time
import urllib.request

import openai
from openai import AzureOpenAI, OpenAI


def client(url, base="/openai/v1"):
    return OpenAI(base_url=url + base, api_key="sk-any", max_retries=0)


def line(n, body, url="/v1/chat/completions"):
    return {"custom_id": f"c{n}", "method": "POST", "url": url, "body": body}


def talk(model, text):
    return {"model": model, "max_tokens": 40, "messages": [{"role": "user", "content": text}]}


def upload(here, lines, purpose="batch"):
    text = "\n".join(json.dumps(each) for each in lines)
    return here.files.create(file=("in.jsonl", text.encode()), purpose=purpose)


def wait(here, batch_id, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = here.batches.retrieve(batch_id)
        if found.status in ("completed", "cancelled", "failed", "expired"):
            return found
        time.sleep(0.1)
    raise AssertionError(f"{batch_id} did not end in {seconds} s")


def results(here, file_id):
    return {each["custom_id"]: each for each in map(json.loads, here.files.content(file_id).text.splitlines())}


def expect(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def files(url):
    here = client(url)
    made = here.files.create(file=("notes é.txt", io.BytesIO(b"a\nb\n"), "text/plain"), purpose="user_data")
    assert made.id.startswith("file-") and made.object == "file" and made.bytes == 4, made
    assert made.filename == "notes é.txt" and made.purpose == "user_data" and made.expires_at is None, made
    assert here.files.retrieve(made.id) == made
    assert here.files.content(made.id).read() == b"a\nb\n"
    others = [here.files.create(file=(f"{n}.txt", b"x" * n), purpose="user_data").id for n in (0, 1, 2)]
    batch = upload(here, [line(0, talk("gpt-4o", "x"))])
    assert batch.expires_at - batch.created_at == 30 * 86_400, batch
    listed = [each.id for each in here.files.list(purpose="user_data", limit=2)]
    assert listed[:4] == [*others[::-1], made.id], (listed, others)
    assert batch.id not in listed
    oldest = here.files.list(purpose="user_data", order="asc", limit=1)
    assert oldest.data[0].id not in others and oldest.has_more
    big = bytes(range(256)) * 20_000
    stored = here.files.create(file=("big.bin", big), purpose="user_data")
    assert here.files.content(stored.id).read() == big
    gone = here.files.delete(made.id)
    assert gone.id == made.id and gone.deleted
    expect(openai.NotFoundError, lambda: here.files.retrieve(made.id))
    expect(openai.NotFoundError, lambda: here.files.content(made.id))
    expect(openai.NotFoundError, lambda: here.files.delete(made.id))
    error = expect(openai.BadRequestError, lambda: here.files.create(file=("a", b"x"), purpose="nonsense"))
    assert "purpose" in error.message


def batch(url):
    """From a file, on our engine, with one item that fails."""
    for base, prefix in (("/openai/v1", ""), ("/v1", "openai/")):
        here = client(url, base)
        lines = [line(n, talk(f"{prefix}gpt-4o-mini", f"prompt {n}")) for n in range(5)]
        lines[3]["body"]["messages"][0]["content"] = "[[mock:status=400;error=not this]]"
        source = upload(here, lines)
        made = here.batches.create(
            input_file_id=source.id, endpoint="/v1/chat/completions", completion_window="24h",
            metadata={"job": "nightly"}, extra_headers={"x-bf-batch-mode": "live"},
        )  # fmt: skip
        assert made.id.startswith("batch_") and made.input_file_id == source.id, made
        assert made.metadata == {"job": "nightly"} and made.endpoint == "/v1/chat/completions", made
        ended = wait(here, made.id)
        counts = ended.request_counts
        assert (counts.total, counts.completed, counts.failed) == (5, 4, 1), ended
        answers = results(here, ended.output_file_id)
        assert sorted(answers) == ["c0", "c1", "c2", "c4"]
        body = answers["c2"]["response"]["body"]
        assert "prompt 2" in body["choices"][0]["message"]["content"] and body["usage"]["total_tokens"] > 0
        assert "not this" in json.dumps(results(here, ended.error_file_id)["c3"])
        told = here.files.retrieve(ended.output_file_id)
        assert told.purpose == "batch_output" and told.filename.endswith(".jsonl"), told
        assert made.id in [each.id for each in here.batches.list(limit=5)]


def native(url):
    here = client(url)
    source = upload(here, [line(n, talk("gpt-4o-mini", f"native {n}")) for n in range(4)])
    made = here.batches.create(
        input_file_id=source.id, endpoint="/v1/chat/completions", completion_window="24h",
        extra_headers={"x-bf-batch-mode": "native"},
    )  # fmt: skip
    ended = wait(here, made.id)
    assert "native 2" in json.dumps(results(here, ended.output_file_id)["c2"]), ended


def foreign(url):
    """OpenAI's lines on Anthropic, natively and on our engine, two providers in one file."""
    here = client(url)
    lines = [line(0, talk("anthropic/claude-haiku-4-5", "first")), line(1, talk("acme/some-model", "second"))]
    for mode in ("auto", "live"):
        source = upload(here, lines)
        made = here.batches.create(
            input_file_id=source.id, endpoint="/v1/chat/completions", completion_window="24h",
            extra_headers={"x-bf-batch-mode": mode},
        )  # fmt: skip
        answers = results(here, wait(here, made.id).output_file_id)
        assert "first" in answers["c0"]["response"]["body"]["choices"][0]["message"]["content"], answers
        assert answers["c0"]["response"]["body"]["object"] == "chat.completion"
        assert "second" in json.dumps(answers["c1"])


def anthropic_lines(url):
    """A file of Anthropic's requests feeds a batch all the same."""
    here = client(url)
    asked = {"model": "claude-haiku-4-5", "max_tokens": 30, "messages": [{"role": "user", "content": "from a file"}]}
    source = upload(here, [{"custom_id": "a", "params": asked}])
    made = here.batches.create(
        input_file_id=source.id, endpoint="/v1/chat/completions", completion_window="24h",
        extra_headers={"x-model-provider": "anthropic", "x-bf-batch-mode": "live"},
    )  # fmt: skip
    answer = results(here, wait(here, made.id).output_file_id)["a"]
    assert "from a file" in answer["response"]["body"]["choices"][0]["message"]["content"], answer


def embeddings(url):
    here = client(url)
    body = {"model": "text-embedding-3-small", "input": ["one", "two"]}
    source = upload(here, [line(n, body, "/v1/embeddings") for n in range(2)])
    for mode in ("live", "native"):
        made = here.batches.create(
            input_file_id=source.id, endpoint="/v1/embeddings", completion_window="24h",
            extra_headers={"x-bf-batch-mode": mode},
        )  # fmt: skip
        ended = wait(here, made.id)
        assert ended.endpoint == "/v1/embeddings" and ended.request_counts.completed == 2, (mode, ended)
        answer = results(here, ended.output_file_id)["c1"]["response"]["body"]
        assert len(answer["data"]) == 2, answer


def create(here, endpoint, lines, mode="auto", **more):
    return here.batches.create(
        input_file_id=upload(here, lines).id, endpoint=endpoint, completion_window="24h",
        extra_headers={"x-bf-batch-mode": mode, **more},
    )  # fmt: skip


def bodies(here, ended):
    return {name: each["response"]["body"] for name, each in results(here, ended.output_file_id).items()}


def responses(url):
    """Responses in a batch: on OpenAI and on Claude, natively and on our engine."""
    here = client(url)
    asked = {"instructions": "Be brief.", "max_output_tokens": 40}
    models = ("gpt-4o-mini", "anthropic/claude-haiku-4-5", "acme/m", "gpt-5-codex")
    lines = [line(n, {**asked, "model": model, "input": f"r{n}"}, "/v1/responses") for n, model in enumerate(models)]
    for mode in ("live", "auto"):
        ended = wait(here, create(here, "/v1/responses", lines, mode).id)
        assert ended.endpoint == "/v1/responses" and ended.request_counts.completed == 4, (mode, ended)
        for name, body in bodies(here, ended).items():
            assert body["object"] == "response" and body["status"] == "completed", body
            message = next(each for each in body["output"] if each["type"] == "message")
            assert name.replace("c", "r") in message["content"][0]["text"], body
            assert body["usage"]["input_tokens"] > 0
        anthropics(url, ended, "message")
    error = expect(openai.BadRequestError, lambda: create(here, "/v1/responses", [{**lines[0], "url": "/v1/nothing"}]))
    assert "line 1: url" in error.message
    lines[0]["body"]["background"] = True
    error = expect(openai.BadRequestError, lambda: create(here, "/v1/responses", lines))
    assert "line 1.body.background" in error.message


def completions(url):
    """Text completions in a batch: on a model that has them, on one that chats, and on Claude."""
    here = client(url)
    models = ("gpt-3.5-turbo-instruct", "gpt-4o-mini", "anthropic/claude-haiku-4-5")
    lines = [
        line(n, {"model": model, "prompt": f"p{n}", "max_tokens": 30}, "/v1/completions")
        for n, model in enumerate(models)
    ]
    for mode in ("live", "native"):
        ended = wait(here, create(here, "/v1/completions", lines, mode).id)
        assert ended.endpoint == "/v1/completions" and ended.request_counts.completed == 3, (mode, ended)
        for name, body in bodies(here, ended).items():
            assert body["object"] == "text_completion", body
            assert name.replace("c", "p") in body["choices"][0]["text"], body
        anthropics(url, ended, "message")


def anthropics(url, batch, kind):
    """The same batch in Anthropic's format."""
    path = f"{url}/anthropic/v1/messages/batches/{batch.id.replace('batch_', 'msgbatch_')}/results"
    with urllib.request.urlopen(path, timeout=10) as answer:
        rows = [json.loads(each)["result"] for each in answer.read().splitlines()]
    assert rows and all(row["type"] == "succeeded" and row["message"]["type"] == kind for row in rows), rows


def azure(url):
    """Azure's client, below ``/openai`` and ``/openai/openai``: its own spelling of endpoints, ``api-version``."""
    for endpoint in (url, f"{url}/openai"):
        here = AzureOpenAI(azure_endpoint=endpoint, api_key="k", api_version="2024-10-21", max_retries=0)
        lines = [line(n, talk("openai/gpt-4o-mini", f"azure {n}"), "/chat/completions") for n in range(2)]
        made = create(here, "/chat/completions", lines)
        assert made.endpoint == "/chat/completions", made
        ended = wait(here, made.id)
        assert "azure 1" in bodies(here, ended)["c1"]["choices"][0]["message"]["content"], ended
        assert made.id in [each.id for each in here.batches.list(limit=5)]
        assert here.files.retrieve(made.input_file_id).purpose == "batch"
        assert here.files.delete(made.input_file_id).deleted
        lines = [line(0, talk("gpt-4o", "x"), "/v1/chat/completions")]
        made = create(here, "/chat/completions", lines, **{"x-model-provider": "openai"})
        assert wait(here, made.id).request_counts.completed == 1


def inline(url):
    """Bifrost's way: the requests stand in the body, and ``/v1/batches/{id}/results`` has a line each."""
    here = client(url, "/v1")
    requests = [{"custom_id": f"r{n}", "body": talk("acme/some-model", f"inline {n}")} for n in range(3)]
    made = here.post("/batches", body={"endpoint": "/v1/chat/completions", "requests": requests}, cast_to=object)
    wait(here, made["id"])
    text = here.get(f"/batches/{made['id']}/results", cast_to=openai.HttpxBinaryResponseContent).text
    assert sorted(json.loads(each)["custom_id"] for each in text.splitlines()) == ["r0", "r1", "r2"], text


def mistakes(url):
    here = client(url)

    def create(lines, **more):
        asked = {"endpoint": "/v1/chat/completions", "completion_window": "24h", **more}
        source = {"input_file_id": upload(here, lines).id, **asked} if lines is not None else asked
        return expect(openai.BadRequestError, lambda: here.batches.create(**source)).message

    good = line(0, talk("gpt-4o", "x"))
    assert "input_file_id" in create(None, input_file_id="file-nothing")
    assert "endpoint" in create([good], endpoint="/v1/nothing")
    assert "completion_window" in create([good], completion_window="1h")
    assert "line 2.custom_id" in create([good, {**good}])
    assert "line 2.body" in create([good, {"custom_id": "x", "url": "/v1/chat/completions"}])
    assert "line 1: url" in create([{**good, "url": "/v1/embeddings"}])
    assert "line 1.body.stream" in create([line(0, {**talk("gpt-4o", "x"), "stream": True})])
    assert "line 1.body.model" in create([line(0, {"messages": []})])
    assert "line 1.body.model" in create([line(0, talk("nobody/gpt", "x"))])
    assert "metadata" in create([good], metadata={"k": "v" * 513})
    assert "line 2" in create([good, "not an object"])
    expect(openai.NotFoundError, lambda: here.batches.retrieve("batch_nothing"))


def cancel(url):
    here = client(url)
    lines = [line(n, talk("acme/m", f"{n} [[mock:delay=0.3]]")) for n in range(1500)]
    made = here.batches.create(
        input_file_id=upload(here, lines).id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    assert here.batches.cancel(made.id).status in ("cancelling", "cancelled")
    ended = wait(here, made.id)
    assert ended.status == "cancelled" and ended.request_counts.failed > 0, ended


SCENARIOS = (
    files, batch, native, foreign, anthropic_lines, embeddings, responses, completions, azure, inline, mistakes, cancel,
)  # fmt: skip

if __name__ == "__main__":
    name, gateway_url = sys.argv[1:3]
    {each.__name__: each for each in SCENARIOS}[name](gateway_url)
    print(json.dumps({"scenario": name, "sdk": openai.__version__}))
