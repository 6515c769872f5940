"""What a user of the official `openai` SDK does. Runs under either generation: ``python … SCENARIO GATEWAY_URL``."""

import json
import sys
import time
import urllib.request

import openai
from openai import OpenAI

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
ON_UNIFIED = (
    "openai/gpt-4o", "anthropic/claude-sonnet-4-5", "acme/some-model", "claudish/claude-haiku", "cohere/command-a",
    "bedrock/anthropic.claude-sonnet-4-5-v1:0", "bedrock/amazon.nova-lite-v1:0",
)  # fmt: skip


def clients(url):
    """(client, models): the unified API, and OpenAI's own prefix with and without /v1."""
    key = "sk-anything"
    yield OpenAI(base_url=f"{url}/v1", api_key=key), ON_UNIFIED
    yield OpenAI(base_url=f"{url}/openai/v1", api_key=key), ("gpt-4o", "anthropic/claude-sonnet-4-5")
    yield OpenAI(base_url=f"{url}/openai", api_key=key), ("gpt-4o-mini", "claudish/claude-haiku")


def user(content):
    return [{"role": "user", "content": content}]


def chat(url):
    for client, models in clients(url):
        for model in models:
            asked = [{"role": "system", "content": "Be brief."}, *user("Say hello")]
            reply = client.chat.completions.create(model=model, messages=asked, max_tokens=50)
            choice = reply.choices[0]
            assert "Say hello" in choice.message.content, (model, reply)
            assert choice.finish_reason == "stop" and reply.object == "chat.completion"
            assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 0


def stream(url):
    for client, models in clients(url):
        for model in models:
            for with_usage in (False, True):
                options = {"stream_options": {"include_usage": True}} if with_usage else {}
                chunks = list(
                    client.chat.completions.create(
                        model=model, messages=user("a b c d"), max_tokens=50, stream=True, **options
                    )
                )
                text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
                assert "a b c d" in text, (model, text)
                usages = [c.usage for c in chunks if c.usage]
                assert bool(usages) == with_usage, (model, with_usage, usages)
                assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"


def tools(url):
    for client, models in clients(url):
        for model in models:
            asked = dict(
                model=model, tools=[WEATHER], tool_choice="required", max_tokens=200,
                messages=user("Oslo and Rome? [[mock:tools=2]]"),
            )  # fmt: skip
            message = client.chat.completions.create(**asked).choices[0].message
            assert [call.function.name for call in message.tool_calls] == ["get_weather"] * 2, (model, message)
            gathered = {}
            for chunk in client.chat.completions.create(stream=True, **asked):
                for call in chunk.choices[0].delta.tool_calls or () if chunk.choices else ():
                    entry = gathered.setdefault(call.index, ["", "", ""])
                    entry[0] += call.id or ""
                    entry[1] += call.function.name or ""
                    entry[2] += call.function.arguments or ""
            assert len(gathered) == 2, (model, gathered)
            assert all(i and n == "get_weather" and isinstance(json.loads(a), dict) for i, n, a in gathered.values())
            history = [*asked["messages"], message.model_dump(exclude_none=True)]
            history += [{"role": "tool", "tool_call_id": call.id, "content": "rainy"} for call in message.tool_calls]
            final = client.chat.completions.create(model=model, tools=[WEATHER], max_tokens=200, messages=history)
            assert "rainy" in final.choices[0].message.content, (model, final)


def vision(url):
    content = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        {"type": "text", "text": "What is this?"},
    ]
    for client, models in clients(url):
        for model in models:
            reply = client.chat.completions.create(model=model, messages=user(content), max_tokens=40)
            assert "What is this?" in reply.choices[0].message.content


def structured(url):
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema, "strict": True}}
    for client, models in clients(url):
        for model in models:
            reply = client.chat.completions.create(
                model=model, messages=user("where"), response_format=form, max_tokens=90
            )
            assert "city" in json.loads(reply.choices[0].message.content), (model, reply)


def embeddings(url):
    for client, models in embedders(url):
        for model in models:
            reply = client.embeddings.create(model=model, input=["one", "two"], dimensions=8)
            assert [len(one.embedding) for one in reply.data] == [8, 8], (model, reply)
            plain = client.embeddings.create(model=model, input="two", dimensions=8, encoding_format="float")
            assert near(plain.data[0].embedding, reply.data[1].embedding), model
            assert not near(plain.data[0].embedding, reply.data[0].embedding), model
            assert reply.usage.total_tokens == reply.usage.prompt_tokens > 0 and reply.object == "list", reply


def many_embeddings(url):
    """More texts than the provider takes at once: Titan one, Cohere on Bedrock 96."""
    client = OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)
    texts = [f"text {n}" for n in range(100)]
    for model in ("bedrock/amazon.titan-embed-text-v2:0", "bedrock/cohere.embed-english-v3"):
        reply = client.embeddings.create(model=model, input=texts)
        assert [one.index for one in reply.data] == list(range(100)), model
        for n in (0, 7, 99):
            alone = client.embeddings.create(model=model, input=texts[n])
            assert near(alone.data[0].embedding, reply.data[n].embedding), (model, n)
        assert reply.usage.prompt_tokens == (200 if "titan" in model else 0), reply.usage
    for wrong, kind in (
        ([[1, 2]], openai.BadRequestError),
        (["x", "[[mock:status=429;error=slow]]"], openai.RateLimitError),
    ):
        try:
            client.embeddings.create(model="bedrock/amazon.titan-embed-text-v2:0", input=wrong)
        except kind:
            continue
        raise AssertionError(wrong)


def embedders(url):
    key = "sk-anything"
    yield (
        OpenAI(base_url=f"{url}/v1", api_key=key),
        ("openai/text-embedding-3-small", "acme/some-embedder", "cohere/embed-v4.0"),
    )
    yield OpenAI(base_url=f"{url}/openai/v1", api_key=key), ("text-embedding-3-large", "acme/some-embedder")
    yield OpenAI(base_url=f"{url}/openai", api_key=key), ("text-embedding-3-small",)
    for framework in ("litellm", "langchain", "pydanticai"):
        yield OpenAI(base_url=f"{url}/{framework}/v1", api_key=key), ("text-embedding-3-small",)


def near(one, other):
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) < 1e-6


def embedding_errors(url):
    client = OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)
    cases = [
        (dict(model="openai/e", input=[]), openai.BadRequestError, "input"),
        (dict(model="openai/e", input="x", dimensions=-1), openai.BadRequestError, "dimensions"),
        (dict(model="e", input="x"), openai.BadRequestError, "provider/model"),
        (dict(model="claudish/e", input="x"), openai.BadRequestError, "embed is not supported by claudish"),
        (dict(model="openai/e", input="[[mock:status=429;error=slow]]"), openai.RateLimitError, "slow"),
    ]
    for asked, kind, word in cases:
        try:
            client.embeddings.create(**asked)
        except kind as error:
            assert word in error.message, error
        else:
            raise AssertionError(f"no error for {asked}")


def completions(url):
    for client, models in clients(url):
        for model in (*models, "openai/gpt-3.5-turbo-instruct"):
            asked = dict(model=model, prompt="one two three four", max_tokens=50)
            whole = client.completions.create(**asked)
            assert "one two three four" in whole.choices[0].text, (model, whole)
            assert whole.object == "text_completion" and whole.choices[0].finish_reason == "stop"
            assert whole.usage.total_tokens > 0
            chunks = list(client.completions.create(stream=True, **asked))
            pieces = [chunk.choices[0].text for chunk in chunks if chunk.choices]
            assert len(pieces) > 1 and "one two three four" in "".join(pieces), (model, chunks)
            assert chunks[-1].choices[0].finish_reason == "stop", (model, chunks[-1])
    client = OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)
    two = client.completions.create(model="openai/gpt-3.5-turbo-instruct", prompt=["a", "b"], n=2)
    assert len(two.choices) == 4
    try:
        client.completions.create(model="anthropic/claude-sonnet-4-5", prompt=["a", "b"])
    except openai.BadRequestError as error:
        assert "prompt: this model chats" in error.message, error
    else:
        raise AssertionError("several prompts were taken")


def rerank(url):
    """OpenAI has no rerank: its client posts Bifrost's unified one."""
    client = OpenAI(base_url=f"{url}/v1", api_key="k")
    documents = [{"text": "odin rides", "id": "d1"}, {"text": "heimdall keeps watch"}]
    for model in ("cohere/rerank-v3.5", "together/some-ranker"):
        body = {"model": model, "query": "who keeps watch", "documents": documents, "top_n": 1}
        if model.startswith("together"):
            body["documents"] = [each["text"] for each in documents]
        told = client.post("/rerank", body={**body, "return_documents": True}, cast_to=object)
        assert [one["index"] for one in told["results"]] == [1], (model, told)
        assert told["results"][0]["document"]["text"] == "heimdall keeps watch" and told["model"], (model, told)


def errors(url):
    client = OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)
    cases = [
        ("gpt-4o", "x", openai.BadRequestError, "provider/model"),
        ("openai/gpt-4o", "x [[mock:status=400;error=bad thing]]", openai.BadRequestError, "bad thing"),
        ("anthropic/claude-x", "x [[mock:status=404;error=no such]]", openai.NotFoundError, "no such"),
        ("acme/m", "x [[mock:status=429;error=slow;retry_after=70]]", openai.RateLimitError, "slow"),
    ]
    for model, text, kind, word in cases:
        try:
            client.chat.completions.create(model=model, messages=user(text), max_tokens=10)
        except kind as error:
            assert word in error.message, error
            assert error.response.headers["request-id"].startswith("req_")
        else:
            raise AssertionError(f"no error for {model} {text}")


def fallbacks(url):
    client = OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)
    reply = client.chat.completions.create(
        model="openai/gpt-4o", max_tokens=40, extra_body={"fallbacks": ["anthropic/claude-haiku-4-5"]},
        messages=user(f"fall back [[mock:status=500;times=3;id=fb{time.time_ns()}]]"),
    )  # fmt: skip
    assert reply.model == "claude-haiku-4-5", reply


def retries(url):
    client = OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)
    reply = client.chat.completions.create(
        model="openai/gpt-4o", max_tokens=40, messages=user(f"again [[mock:status=503;times=1;id=r{time.time_ns()}]]")
    )
    assert "again" in reply.choices[0].message.content


def models(url):
    unified = [model.id for model in OpenAI(base_url=f"{url}/v1", api_key="k").models.list()]
    assert any(each.startswith("openai/") for each in unified) and any(each.startswith("claudish/") for each in unified)
    own = [model.id for model in OpenAI(base_url=f"{url}/openai/v1", api_key="k").models.list()]
    assert own and not any(each.startswith("openai/") for each in own)


def reads_anthropic_batch(url):
    """A batch made in Anthropic's dialect, read in OpenAI's."""
    body = {
        "requests": [
            {"custom_id": f"o{n}", "params": {"model": "acme/m", "max_tokens": 20, "messages": user(f"both {n}")}}
            for n in range(5)
        ]
    }
    body["requests"][2]["params"]["messages"] = user("[[mock:status=400;error=not this]]")
    request = urllib.request.Request(
        f"{url}/anthropic/v1/messages/batches", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    made = json.load(urllib.request.urlopen(request))
    client = OpenAI(base_url=f"{url}/openai/v1", api_key="k")
    batch_id = made["id"].replace("msgbatch_", "batch_")
    deadline = time.monotonic() + 30
    while (batch := client.batches.retrieve(batch_id)).status != "completed":
        assert batch.status in ("validating", "in_progress", "finalizing"), batch
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert (batch.request_counts.total, batch.request_counts.completed, batch.request_counts.failed) == (5, 4, 1)
    lines = [json.loads(line) for line in client.files.content(batch.output_file_id).text.splitlines()]
    assert sorted(line["custom_id"] for line in lines) == ["o0", "o1", "o3", "o4"]
    for line in lines:
        n = line["custom_id"][1:]
        assert line["response"]["status_code"] == 200 and line["error"] is None
        assert f"both {n}" in line["response"]["body"]["choices"][0]["message"]["content"]
    (error,) = [json.loads(line) for line in client.files.content(batch.error_file_id).text.splitlines()]
    assert error["custom_id"] == "o2" and "not this" in json.dumps(error)


SCENARIOS = (
    chat, stream, tools, vision, structured, errors, fallbacks, retries, models, reads_anthropic_batch,
    embeddings, embedding_errors, many_embeddings, rerank, completions,
)  # fmt: skip

if __name__ == "__main__":
    name, gateway_url = sys.argv[1:3]
    {each.__name__: each for each in SCENARIOS}[name](gateway_url)
    print(json.dumps({"scenario": name, "sdk": openai.__version__}))
