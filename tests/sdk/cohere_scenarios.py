"""What a user of the official `cohere` SDK does. Runs under either generation: ``python … SCENARIO GATEWAY_URL``."""

import base64
import json
import struct
import sys

import cohere
from cohere.core.api_error import ApiError

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CHATTERS = ("command-a-03-2025", "openai/gpt-4o", "anthropic/claude-sonnet-4-5", "acme/some-model")
EMBEDDERS = ("embed-v4.0", "openai/text-embedding-3-small", "acme/some-embedder")
PREFIXES = ("/cohere", "/litellm", "/litellm/cohere", "/langchain/cohere", "/pydanticai")


def client(url, prefix="/cohere"):
    return cohere.ClientV2("sk-anything", base_url=url + prefix, log_warning_experimental_features=False)


def user(content):
    return [{"role": "user", "content": content}]


def text_of(reply):
    return "".join(item.text for item in reply.message.content or () if item.type == "text")


def chat(url):
    asked = [{"role": "system", "content": "Be brief."}, *user("Say hello")]
    for prefix in PREFIXES:
        reply = client(url, prefix).chat(model="command-r7b", messages=asked, max_tokens=50)
        assert "Say hello" in text_of(reply), (prefix, reply)
    for model in CHATTERS:
        reply = client(url).chat(model=model, messages=asked, max_tokens=50, temperature=0.3, p=0.9)
        assert "Say hello" in text_of(reply), (model, reply)
        assert reply.finish_reason == "COMPLETE" and reply.message.role == "assistant" and reply.id
        assert reply.usage.billed_units.input_tokens > 0 and reply.usage.billed_units.output_tokens > 0


def stream(url):
    for model in CHATTERS:
        events = list(client(url).chat_stream(model=model, messages=user("one two three four"), max_tokens=50))
        pieces = [event.delta.message.content.text for event in events if event.type == "content-delta"]
        assert len(pieces) > 1 and "one two three four" in "".join(pieces), (model, events)
        assert events[0].type == "message-start" and events[-1].type == "message-end", model
        assert events[-1].delta.finish_reason == "COMPLETE"
        assert events[-1].delta.usage.billed_units.output_tokens > 0, model


def tools(url):
    for model in CHATTERS:
        asked = dict(
            model=model, tools=[WEATHER], tool_choice="REQUIRED", max_tokens=200,
            messages=user("Oslo and Rome? [[mock:tools=2]]"),
        )  # fmt: skip
        first = client(url).chat(**asked)
        assert first.finish_reason == "TOOL_CALL", (model, first)
        assert [call.function.name for call in first.message.tool_calls] == ["get_weather"] * 2, (model, first)
        assert all(isinstance(json.loads(call.function.arguments), dict) for call in first.message.tool_calls)
        gathered = {}
        for event in client(url).chat_stream(**asked):
            if event.type == "tool-call-start":
                gathered[event.index] = event.delta.message.tool_calls.function.arguments
            elif event.type == "tool-call-delta":
                gathered[event.index] += event.delta.message.tool_calls.function.arguments
        assert len(gathered) == 2 and all(isinstance(json.loads(a), dict) for a in gathered.values()), (model, gathered)
        history = [
            *asked["messages"],
            {"role": "assistant", "tool_plan": "I look.", "tool_calls": first.message.tool_calls},
        ]
        for call in first.message.tool_calls:
            document = {"type": "document", "document": {"data": {"result": "sunny"}}}
            history.append({"role": "tool", "tool_call_id": call.id, "content": [document]})
        final = client(url).chat(model=model, tools=[WEATHER], max_tokens=200, messages=history)
        assert "sunny" in text_of(final), (model, final)


def structured(url):
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    for model in CHATTERS:
        reply = client(url).chat(
            model=model, messages=user("where"), max_tokens=90,
            response_format={"type": "json_object", "json_schema": schema},
        )  # fmt: skip
        assert "city" in json.loads(text_of(reply)), (model, reply)


def vision(url):
    content = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        {"type": "text", "text": "What is this?"},
    ]
    for model in CHATTERS:
        assert "What is this?" in text_of(client(url).chat(model=model, messages=user(content), max_tokens=40))


def documents(url):
    for model in CHATTERS:
        reply = client(url).chat(
            model=model, messages=user("Who keeps watch?"), max_tokens=40,
            documents=[{"id": "d1", "data": {"title": "Edda", "text": "Heimdall keeps watch."}}, "Odin rides."],
        )  # fmt: skip
        assert "Who keeps watch?" in text_of(reply), (model, reply)


def thinking(url):
    asked = dict(messages=user("Think! [[mock:thinking=I wonder]]"), max_tokens=2000)
    for model in ("command-a-reasoning", "acme/some-model"):
        reply = client(url).chat(model=model, thinking={"type": "enabled", "token_budget": 1024}, **asked)
        assert [item.type for item in reply.message.content] == ["thinking", "text"], (model, reply)
        assert reply.message.content[0].thinking == "I wonder"


def embed(url):
    for model in EMBEDDERS:
        asked = dict(model=model, texts=["one", "two"], input_type="search_document")
        reply = client(url).embed(embedding_types=["float", "base64"], output_dimension=8, **asked)
        assert [len(vector) for vector in reply.embeddings.float_] == [8, 8], (model, reply)
        packed = [struct.unpack("<8f", base64.b64decode(text)) for text in reply.embeddings.base64]
        for one, other in zip(packed, reply.embeddings.float_, strict=True):
            assert max(abs(a - b) for a, b in zip(one, other, strict=True)) < 1e-6
        assert reply.texts == ["one", "two"] and reply.meta.billed_units.input_tokens > 0
        older = cohere.Client("k", base_url=f"{url}/cohere", log_warning_experimental_features=False)
        assert len(older.embed(**asked).embeddings) == 2, model
        typed = older.embed(embedding_types=["float"], **asked)
        assert len(typed.embeddings.float_) == 2, model
    own = client(url).embed(model="embed-v4.0", texts=["one"], input_type="search_query", embedding_types=["int8"])
    assert len(own.embeddings.int8[0]) == 16


def rerank(url):
    asked = dict(query="who keeps watch", documents=["odin rides", "heimdall keeps watch"])
    for model in ("rerank-v3.5", "together/some-ranker"):
        reply = client(url).rerank(model=model, top_n=1, **asked)
        assert [one.index for one in reply.results] == [1], (model, reply)
        assert reply.results[0].relevance_score > 0.5
        older = cohere.Client("k", base_url=f"{url}/litellm", log_warning_experimental_features=False)
        shown = older.rerank(model=model, return_documents=True, **asked)
        assert [one.document.text for one in shown.results] == ["heimdall keeps watch", "odin rides"], (model, shown)


def tokens(url):
    told = client(url).tokenize(text="one two", model="command-a", offline=False)
    assert told.token_strings == ["one", "two"] and len(told.tokens) == 2
    assert client(url).detokenize(tokens=told.tokens, model="command-a", offline=False).text == "one two"
    error = expect(400, lambda: client(url).tokenize(text="one", model="openai/gpt-4o", offline=False))
    assert "tokenize is not supported by openai" in error.body["message"], error


def models(url):
    listed = client(url).models.list(page_size=2)
    assert len(listed.models) == 2 and listed.next_page_token
    rest = client(url).models.list(page_size=1000, page_token=listed.next_page_token)
    assert rest.models and not rest.next_page_token
    assert client(url).models.get(listed.models[0].name).name == listed.models[0].name


def errors(url):
    cases = [
        (dict(model="command-a", messages=user("x [[mock:status=400;error=bad thing]]")), 400, "bad thing"),
        (dict(model="openai/gpt-4o", messages=user("x [[mock:status=404;error=no such]]")), 404, "no such"),
        (dict(model="command-a", messages=user("x [[mock:status=429;error=slow;retry_after=70]]")), 429, "slow"),
        (dict(model="openai/gpt-4o", messages=[{"role": "king", "content": "x"}]), 400, "messages.0.role"),
        (dict(model="nowhere/", messages=user("x")), 404, "nowhere/"),
    ]
    for asked, status, word in cases:
        error = expect(status, lambda a=asked: client(url).chat(request_options={"max_retries": 0}, **a))
        assert word in error.body["message"], error
    (last,) = [
        event
        for event in client(url).chat_stream(
            model="openai/gpt-4o", messages=user("a b c d e [[mock:errorafter=3;pace=0.1]]")
        )
        if event.type == "message-end"
    ]
    assert last.delta.finish_reason == "ERROR" and last.delta.error, last


def expect(status, call):
    try:
        call()
    except ApiError as error:
        assert error.status_code == status, error
        return error
    raise AssertionError(f"no {status}")


def embed_jobs(url):
    """Datasets and embed jobs are Cohere's own: passed on as they are."""
    co = cohere.Client("sk-anything", base_url=url + "/cohere", log_warning_experimental_features=False)
    rows = b'{"text": "one"}\n{"text": "two"}\n'
    made = co.datasets.create(name="rows", type="embed-input", data=("rows.jsonl", rows))
    assert co.datasets.get(made.id).dataset.validation_status == "validated"
    job = co.embed_jobs.create(model="embed-v4.0", dataset_id=made.id, input_type="search_document", name="nightly")
    told = co.embed_jobs.get(job.job_id)
    assert told.status == "complete" and told.name == "nightly" and told.input_dataset_id == made.id, told
    assert job.job_id in [each.job_id for each in co.embed_jobs.list().embed_jobs]
    output = co.datasets.get(told.output_dataset_id).dataset
    assert output.dataset_type == "embed-result" and output.dataset_parts[0].num_rows == 2, output
    co.embed_jobs.cancel(job.job_id)
    co.datasets.delete(made.id)
    try:
        co.embed_jobs.create(model="embed-v4.0", dataset_id=made.id, input_type="search_document")
    except ApiError as error:
        assert error.status_code == 404 and "not found" in json.dumps(error.body), error
    else:
        raise AssertionError("of what?")


SCENARIOS = (
    chat, stream, tools, structured, vision, documents, thinking, embed, rerank, tokens, models, errors, embed_jobs,
)  # fmt: skip

if __name__ == "__main__":
    name, gateway_url = sys.argv[1:3]
    {each.__name__: each for each in SCENARIOS}[name](gateway_url)
    print(json.dumps({"scenario": name, "sdk": cohere.__version__}))
