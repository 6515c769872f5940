"""What a user of the official `anthropic` SDK does. Runs under either generation: ``python … SCENARIO GATEWAY_URL``.

Each scenario asserts what the user would rely on; the exit status says whether it held.
"""

import json
import sys
import time

import anthropic
from anthropic import Anthropic

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WEATHER = {
    "name": "get_weather",
    "description": "Weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
PROVIDERS = (
    "claude-sonnet-4-5", "openai/gpt-4o", "acme/some-model", "claudish/claude-haiku", "cohere/command-a",
    "bedrock/anthropic.claude-sonnet-4-5-v1:0", "bedrock/amazon.nova-lite-v1:0",
)  # fmt: skip


def client(url, **options):
    return Anthropic(base_url=f"{url}/anthropic", api_key="sk-anything", **options)


def user(text):
    return [{"role": "user", "content": text}]


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def messages(url):
    for model in PROVIDERS:
        message = client(url).messages.create(
            model=model, max_tokens=64, system="Be brief.", messages=user("Say hello")
        )
        assert "Say hello" in text_of(message), (model, message)
        assert message.stop_reason == "end_turn"
        assert message.usage.input_tokens > 0 and message.usage.output_tokens > 0
        assert message._request_id.startswith("req_")


def stream(url):
    for model in PROVIDERS:
        with client(url).messages.stream(model=model, max_tokens=64, messages=user("one two three four")) as events:
            pieces = list(events.text_stream)
            final = events.get_final_message()
        assert len(pieces) > 1, model
        assert "".join(pieces) == text_of(final)
        assert "one two three four" in text_of(final)
        assert final.usage.output_tokens > 0 and final.stop_reason == "end_turn"


def tools(url):
    for model in PROVIDERS:
        asked = dict(
            model=model, max_tokens=200, tools=[WEATHER], tool_choice={"type": "any"},
            messages=user("Oslo and Rome? [[mock:tools=2]]"),
        )  # fmt: skip
        first = client(url).messages.create(**asked)
        with client(url).messages.stream(**asked) as events:
            streamed = events.get_final_message()
        for message in (first, streamed):
            calls = [block for block in message.content if block.type == "tool_use"]
            assert len(calls) == 2 and message.stop_reason == "tool_use", (model, message)
            assert all(call.name == "get_weather" and isinstance(call.input, dict) for call in calls)
            assert len({call.id for call in calls}) == 2
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": "sunny"}
            for block in first.content
            if block.type == "tool_use"
        ]
        content = [block.model_dump(exclude_none=True) for block in first.content]
        history = [*asked["messages"], {"role": "assistant", "content": content}, {"role": "user", "content": results}]
        final = client(url).messages.create(model=model, max_tokens=200, tools=[WEATHER], messages=history)
        assert "sunny" in text_of(final), (model, final)


def vision(url):
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    for model in PROVIDERS:
        content = [block, {"type": "text", "text": "What is this?"}]
        message = client(url).messages.create(model=model, max_tokens=64, messages=user(content))
        assert "What is this?" in text_of(message)


def thinking(url):
    for model in ("claude-sonnet-4-5", "claudish/claude-haiku", "bedrock/anthropic.claude-sonnet-4-5-v1:0"):
        asked = dict(
            model=model, max_tokens=2000, thinking={"type": "enabled", "budget_tokens": 1024},
            messages=user("Think! [[mock:thinking=I wonder]]"),
        )  # fmt: skip
        message = client(url).messages.create(**asked)
        blocks = [block for block in message.content if block.type == "thinking"]
        assert blocks and blocks[0].signature, message
        with client(url).messages.stream(**asked) as events:
            streamed = events.get_final_message()
        assert [b.type for b in streamed.content] == [b.type for b in message.content]


def count_tokens(url):
    asked = dict(system="Be brief.", tools=[WEATHER], messages=user("one two three"))
    for model in ("claude-sonnet-4-5", "claudish/claude-haiku"):
        assert client(url).messages.count_tokens(model=model, **asked).input_tokens == 5, model
    for model in ("acme/some-model", "cohere/command-a"):
        told = client(url).messages.with_raw_response.count_tokens(model=model, **asked)
        assert told.headers["x-asbru-estimated"] == "true", (model, told.headers)
        assert 300 < told.parse().input_tokens < 400, (model, told.parse())
    for framework in ("litellm", "langchain/anthropic", "pydanticai/anthropic"):
        here = Anthropic(base_url=f"{url}/{framework}", api_key="k")
        assert here.messages.count_tokens(model="claude-sonnet-4-5", messages=user("one two")).input_tokens == 2
    here = client(url, max_retries=0)
    for model in ("claude-sonnet-4-5", "acme/some-model"):
        error = expect(
            anthropic.BadRequestError, lambda m=model: here.messages.count_tokens(model=m, messages=[{"role": "user"}])
        )
        assert "messages.0.content" in error.message, error
    error = expect(
        anthropic.BadRequestError, lambda: here.messages.count_tokens(model="elevenlabs/x", messages=user("x"))
    )
    assert "count_tokens is not supported by elevenlabs" in error.message, error


def complete(url):
    prompt = "\n\nHuman: one two three\n\nAssistant:"
    for model in (*PROVIDERS, "claude-2.1"):
        asked = dict(model=model, max_tokens_to_sample=50, prompt=prompt)
        if not hasattr(Anthropic, "completions"):  # The newest SDK has dropped it, the API has not.
            whole = client(url).post("/v1/complete", body=asked, cast_to=object)
            assert "one two three" in whole["completion"] and whole["stop_reason"] == "stop_sequence", (model, whole)
            continue
        whole = client(url).completions.create(**asked)
        assert "one two three" in whole.completion, (model, whole)
        assert whole.type == "completion" and whole.stop_reason == "stop_sequence"
        events = list(client(url).completions.create(stream=True, **asked))
        assert len(events) > 1 and "one two three" in "".join(event.completion for event in events), (model, events)
        assert events[-1].stop_reason == "stop_sequence", (model, events[-1])


def betas(url):
    message = client(url).beta.messages.create(
        model="claude-sonnet-4-5", max_tokens=20, messages=user("beta"), betas=["context-1m-2025-08-07"]
    )
    assert "beta" in text_of(message)


def errors(url):
    here = client(url, max_retries=0)
    cases = [
        (dict(model="claude-sonnet-4-5", messages=user("x [[mock:status=400;error=bad thing]]")), anthropic.BadRequestError, "bad thing"),
        (dict(model="claude-sonnet-4-5", messages=user("x [[mock:status=404;error=no such model]]")), anthropic.NotFoundError, "no such model"),
        (dict(model="openai/gpt-4o", messages=user("x [[mock:status=400;error=openai says no]]")), anthropic.BadRequestError, "openai says no"),
        (dict(model="claude-sonnet-4-5", messages=user("x [[mock:status=429;error=slow;retry_after=70]]")), anthropic.RateLimitError, "slow"),
        (dict(model="openai/", messages=user("x")), anthropic.BadRequestError, "model"),
    ]  # fmt: skip
    for asked, kind, word in cases:
        try:
            here.messages.create(max_tokens=20, **asked)
        except kind as error:
            assert word in str(error), error
            assert error.body["type"] == "error" and error.body["error"]["type"], error.body
            assert error.body["request_id"].startswith("req_")
            if kind is anthropic.RateLimitError:
                assert int(error.response.headers["retry-after"]) >= 70
        else:
            raise AssertionError(f"no error for {asked}")


def models(url):
    ids = [model.id for model in client(url).models.list(limit=1)]
    assert ids and all("/" not in each for each in ids), ids


def batch(url):
    here = client(url)
    models = [*PROVIDERS, "plain-model"]
    requests = [
        {
            "custom_id": f"item-{n}",
            "params": {"model": models[n % len(models)], "max_tokens": 30, "messages": user(f"prompt {n}")},
        }
        for n in range(20)
    ]
    requests.append(
        {
            "custom_id": "bad",
            "params": {"model": "acme/m", "max_tokens": 9, "messages": user("[[mock:status=400;error=not this]]")},
        }
    )
    created = here.messages.batches.create(
        requests=requests, extra_headers={"x-model-provider": "acme", "x-bf-batch-mode": "live"}
    )
    assert created.id.startswith("msgbatch_") and created.type == "message_batch"
    assert created.processing_status == "in_progress" and created.results_url is None
    assert created.request_counts.processing == 21
    assert created.expires_at > created.created_at
    ended = wait(here, created.id)
    counts = ended.request_counts
    assert (counts.succeeded, counts.errored, counts.processing) == (20, 1, 0), counts
    assert ended.results_url.startswith(url) and ended.ended_at is not None
    results = {row.custom_id: row.result for row in here.messages.batches.results(created.id)}
    assert len(results) == 21
    for n in range(20):
        result = results[f"item-{n}"]
        assert result.type == "succeeded" and f"prompt {n}" in text_of(result.message), (n, result)
        assert result.message.usage.output_tokens > 0
    bad = results["bad"]
    assert bad.type == "errored" and bad.error.type == "error"
    assert bad.error.error.type == "invalid_request_error" and "not this" in bad.error.error.message
    deleted = here.messages.batches.delete(created.id)
    assert deleted.id == created.id and deleted.type == "message_batch_deleted"
    expect(anthropic.NotFoundError, lambda: here.messages.batches.retrieve(created.id))


def native(url):
    here = client(url)
    for provider, model in (("anthropic", "claude-haiku-4-5"), ("openai", "gpt-4o-mini")):
        requests = [
            {"custom_id": f"n{n}", "params": {"model": model, "max_tokens": 30, "messages": user(f"native {n}")}}
            for n in range(6)
        ]
        requests[3]["params"]["messages"] = user("[[mock:status=400;error=refused upstream]]")
        headers = {"x-model-provider": provider, "x-bf-batch-mode": "native"}
        created = here.messages.batches.create(requests=requests, extra_headers=headers)
        ended = wait(here, created.id)
        assert (ended.request_counts.succeeded, ended.request_counts.errored) == (5, 1), (provider, ended)
        results = {row.custom_id: row.result for row in here.messages.batches.results(created.id)}
        assert sorted(results) == [f"n{n}" for n in range(6)]
        for n in (0, 1, 2, 4, 5):
            assert f"native {n}" in text_of(results[f"n{n}"].message), (provider, results[f"n{n}"])
        assert "refused upstream" in results["n3"].error.error.message, results["n3"]


def cancel(url):
    here = client(url)
    requests = [
        {
            "custom_id": f"c{n}",
            "params": {"model": "acme/m", "max_tokens": 9, "messages": user(f"{n} [[mock:delay=0.3]]")},
        }
        for n in range(3000)
    ]
    created = here.messages.batches.create(requests=requests)
    canceling = here.messages.batches.cancel(created.id)
    assert canceling.processing_status in ("canceling", "ended")
    assert canceling.cancel_initiated_at is not None and canceling.created_at == created.created_at
    ended = wait(here, created.id)
    assert ended.request_counts.canceled > 0
    kinds = [row.result.type for row in here.messages.batches.results(created.id)]
    assert len(kinds) == 3000 and set(kinds) <= {"canceled", "succeeded"}


def listing(url):
    here = client(url)
    made = []
    for n in range(5):
        item = {"custom_id": "x", "params": {"model": "acme/m", "max_tokens": 9, "messages": user(f"list {n}")}}
        made.append(here.messages.batches.create(requests=[item]).id)
    seen = [each.id for each in here.messages.batches.list(limit=2)]
    assert seen[:5] == made[::-1], (seen, made)
    page = here.messages.batches.list(limit=2, before_id=made[0])
    assert [each.id for each in page.data] == [made[2], made[1]], page
    assert page.has_more and page.first_id == made[2] and page.last_id == made[1]
    for each in made:
        wait(here, each)


def mistakes(url):
    """Section 14 of batch.md: 4xx with the place named, and nothing stored. The SDK must not retry them."""
    here = client(url)
    good = {"model": "acme/m", "max_tokens": 9, "messages": user("x")}
    before = here.messages.batches.list(limit=1).data
    cases = [
        ([], "requests"),
        ([{"custom_id": "a", "params": good}, {"custom_id": "a", "params": good}], "requests.1.custom_id"),
        ([{"custom_id": "a b", "params": good}], "requests.0.custom_id"),
        ([{"custom_id": "x" * 65, "params": good}], "requests.0.custom_id"),
        ([{"params": good}], "requests.0.custom_id"),
        ([{"custom_id": "a"}], "requests.0.params"),
        ([{"custom_id": "a", "params": "no"}], "requests.0.params"),
        ([{"custom_id": "a", "params": {**good, "stream": True}}], "requests.0.params.stream"),
        ([{"custom_id": "a", "params": {**good, "max_tokens": 0}}], "requests.0.params.max_tokens"),
        ([{"custom_id": "a", "params": {"max_tokens": 1, "messages": user("x")}}], "requests.0.params.model"),
    ]
    for requests, place in cases:
        started = time.monotonic()
        error = expect(anthropic.BadRequestError, lambda r=requests: here.messages.batches.create(requests=r))
        assert place in error.message, (place, error.message)
        assert time.monotonic() - started < 5
    bad_header = {"x-model-provider": "antropic"}
    error = expect(
        anthropic.BadRequestError,
        lambda: here.messages.batches.create(requests=[{"custom_id": "a", "params": good}], extra_headers=bad_header),
    )
    assert "anthropic" in error.message
    expect(anthropic.NotFoundError, lambda: here.messages.batches.retrieve("msgbatch_nothing"))
    assert [b.id for b in here.messages.batches.list(limit=1).data] == [b.id for b in before]


def early(url):
    here = client(url)
    item = {"custom_id": "x", "params": {"model": "acme/m", "max_tokens": 9, "messages": user("[[mock:delay=1]]")}}
    created = here.messages.batches.create(requests=[item])
    expect(anthropic.AnthropicError, lambda: list(here.messages.batches.results(created.id)))
    expect(anthropic.BadRequestError, lambda: here.messages.batches.delete(created.id))
    wait(here, created.id)
    expect(anthropic.BadRequestError, lambda: here.messages.batches.cancel(created.id))


def beta_batches(url):
    here = client(url)
    item = {"custom_id": "x", "params": {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": user("beta batch")}}
    created = here.beta.messages.batches.create(requests=[item], betas=["message-batches-2024-09-24"])
    wait(here, created.id)
    (row,) = here.beta.messages.batches.results(created.id)
    assert "beta batch" in text_of(row.result.message)


def idempotent(url):
    here = client(url)
    item = {"custom_id": "x", "params": {"model": "acme/m", "max_tokens": 9, "messages": user("once")}}
    headers = {"idempotency-key": f"key-{time.time_ns()}"}
    first = here.messages.batches.create(requests=[item], extra_headers=headers)
    again = here.messages.batches.create(requests=[item], extra_headers=headers)
    assert first.id == again.id
    wait(here, first.id)


def wait(here, batch_id, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = here.messages.batches.retrieve(batch_id)
        if found.processing_status == "ended":
            return found
        assert found.results_url is None
        counts = found.request_counts
        assert counts.succeeded == counts.errored == counts.canceled == counts.expired == 0, counts
        time.sleep(0.1)
    raise AssertionError(f"{batch_id} did not end in {seconds} s")


def expect(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


SCENARIOS = (
    messages, stream, tools, vision, thinking, count_tokens, complete, betas, errors, models, batch, native, cancel, listing, mistakes, early,
    beta_batches, idempotent,
)  # fmt: skip

if __name__ == "__main__":
    name, gateway_url = sys.argv[1:3]
    {each.__name__: each for each in SCENARIOS}[name](gateway_url)
    print(json.dumps({"scenario": name, "sdk": anthropic.__version__}))
