"""What a user of `openai` SDK's Responses does. Runs under either generation: ``python … SCENARIO GATEWAY_URL``."""

import json
import sys
import time

import openai
from openai import OpenAI
from pydantic import BaseModel

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}
ON_UNIFIED = ("openai/gpt-4o", "anthropic/claude-sonnet-4-5", "acme/some-model", "claudish/claude-haiku")
FOREIGN = ON_UNIFIED[1:]


def clients(url):
    """(client, models): the unified API, OpenAI's own prefix with and without /v1, a framework's."""
    key = "sk-anything"
    yield OpenAI(base_url=f"{url}/v1", api_key=key), ON_UNIFIED
    yield OpenAI(base_url=f"{url}/openai/v1", api_key=key), ("gpt-4o", "anthropic/claude-sonnet-4-5")
    yield OpenAI(base_url=f"{url}/openai", api_key=key), ("gpt-4o-mini", "claudish/claude-haiku")
    yield OpenAI(base_url=f"{url}/litellm/v1", api_key=key), ("gpt-4o", "claudish/claude-haiku")


def unified(url):
    return OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)


def create(url):
    for client, models in clients(url):
        for model in models:
            reply = client.responses.create(
                model=model, instructions="Be brief.", input="Say hello", max_output_tokens=50, temperature=0.5
            )
            assert reply.object == "response" and reply.status == "completed", (model, reply)
            assert "Say hello" in reply.output_text and reply.id.startswith("resp_"), (model, reply)
            assert reply.usage.total_tokens == reply.usage.input_tokens + reply.usage.output_tokens > 0
            assert reply.instructions == "Be brief." and reply.temperature == 0.5, (model, reply)
            assert reply.output[0].type == "message" and reply.output[0].role == "assistant"


def stream(url):
    for client, models in clients(url):
        for model in models:
            events = list(client.responses.create(model=model, input="a b c d", max_output_tokens=50, stream=True))
            assert [event.type for event in events[:2]] == ["response.created", "response.in_progress"]
            assert [event.sequence_number for event in events] == list(range(len(events)))
            text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
            last = events[-1]
            assert last.type == "response.completed" and last.response.output_text == text, (model, events)
            assert "a b c d" in text and last.response.usage.output_tokens > 0
            with client.responses.stream(model=model, input="a b c d", max_output_tokens=50) as helper:
                seen = [event.type for event in helper]
                assert helper.get_final_response().output_text == text
            assert "response.output_text.done" in seen


def tools(url):
    for client, models in clients(url):
        for model in models:
            asked = dict(model=model, tools=[WEATHER], tool_choice="required", max_output_tokens=200)
            question = [{"role": "user", "content": "Oslo and Rome? [[mock:tools=2]]"}]
            reply = client.responses.create(input=question, **asked)
            calls = [item for item in reply.output if item.type == "function_call"]
            assert [call.name for call in calls] == ["get_weather"] * 2, (model, reply)
            with client.responses.stream(input=question, **asked) as helper:
                final = helper.get_final_response()
            streamed = [item for item in final.output if item.type == "function_call"]
            assert [json.loads(call.arguments) for call in streamed] == [json.loads(call.arguments) for call in calls]
            history = [*question, *reply.output]
            history += [{"type": "function_call_output", "call_id": call.call_id, "output": "rainy"} for call in calls]
            answer = client.responses.create(model=model, tools=[WEATHER], input=history, max_output_tokens=200)
            assert "rainy" in answer.output_text, (model, answer)


class Place(BaseModel):
    city: str


def structured(url):
    for client, models in clients(url):
        for model in models:
            reply = client.responses.parse(model=model, input="where", text_format=Place, max_output_tokens=90)
            assert isinstance(reply.output_parsed, Place), (model, reply)
            with client.responses.stream(model=model, input="where", text_format=Place, max_output_tokens=90) as helper:
                assert helper.get_final_response().output_parsed == reply.output_parsed


def vision(url):
    content = [
        {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"},
        {"type": "input_text", "text": "What is this?"},
    ]
    for client, models in clients(url):
        for model in models:
            reply = client.responses.create(
                model=model, input=[{"role": "user", "content": content}], max_output_tokens=40
            )
            assert "What is this?" in reply.output_text, (model, reply)


def reasoning(url):
    client = unified(url)
    for model in ("openai/gpt-5-mini", "anthropic/claude-sonnet-4-5"):
        asked = dict(model=model, reasoning={"effort": "low", "summary": "auto"}, max_output_tokens=9000)
        asked |= dict(include=["reasoning.encrypted_content"], store=False)
        events = list(client.responses.create(input="Think", stream=True, **asked))
        assert "response.reasoning_summary_text.delta" in [event.type for event in events], (model, events)
        reply = events[-1].response
        thought, message = reply.output
        assert thought.type == "reasoning" and "Think" in thought.summary[0].text and thought.encrypted_content
        assert message.type == "message" and reply.usage.output_tokens_details.reasoning_tokens >= 0
        # Sent back whole, its maker accepts it; the mock refuses a signature that it has not made.
        back = [{"role": "user", "content": "Think"}, *reply.output, {"role": "user", "content": "More"}]
        again = client.responses.create(input=back, **asked)
        assert "More" in again.output_text, (model, again)
        # Another provider never sees it.
        other = FOREIGN[1] if model.startswith("anthropic") else FOREIGN[0]
        other = client.responses.with_raw_response.create(input=back, **{**asked, "model": other, "reasoning": None})
        assert "More" in other.parse().output_text, (model, other)


def previous(url):
    """A conversation by ids: kept here for providers that keep none, found again by OpenAI otherwise."""
    for client, models in clients(url):
        for model in models:
            first = client.responses.create(model=model, input="one", instructions="Only now.", max_output_tokens=60)
            second = client.responses.create(
                model=model, input="two", previous_response_id=first.id, max_output_tokens=60
            )
            assert second.previous_response_id == first.id, (model, second)
            assert "two" in second.output_text and second.usage.input_tokens > first.usage.input_tokens - 2
            with client.responses.stream(
                model=model, input="three", previous_response_id=second.id, max_output_tokens=60
            ) as helper:
                third = helper.get_final_response()
            assert third.usage.input_tokens > second.usage.input_tokens, (model, third)
            fourth = client.responses.create(
                model=model, input="four", previous_response_id=third.id, max_output_tokens=60, store=False
            )
            assert fourth.usage.input_tokens > third.usage.input_tokens, (model, fourth)
            try:
                client.responses.create(model=model, input="five", previous_response_id=fourth.id)
            except openai.BadRequestError as error:
                assert error.code == "previous_response_not_found" and error.param == "previous_response_id", error
            else:
                raise AssertionError(f"{model} remembered what was not to be stored")


def previous_tools(url):
    client = unified(url)
    for model in ON_UNIFIED:
        asked = dict(model=model, tools=[WEATHER], max_output_tokens=200)
        first = client.responses.create(input="Oslo?", tool_choice="required", **asked)
        (call,) = [item for item in first.output if item.type == "function_call"]
        output = {"type": "function_call_output", "call_id": call.call_id, "output": "rainy"}
        second = client.responses.create(input=[output], previous_response_id=first.id, **asked)
        assert "rainy" in second.output_text, (model, second)


def previous_elsewhere(url):
    """A conversation begun with a provider that keeps none goes on with OpenAI."""
    client = unified(url)
    first = client.responses.create(model="claudish/claude-haiku", input="one", max_output_tokens=60)
    second = client.responses.create(
        model="openai/gpt-4o", input="two", previous_response_id=first.id, max_output_tokens=60
    )
    assert second.usage.input_tokens >= 4 and "two" in second.output_text, second
    third = client.responses.create(
        model="openai/gpt-4o", input="three", previous_response_id=second.id, max_output_tokens=60
    )
    assert third.usage.input_tokens > second.usage.input_tokens, third


def references(url):
    """Items named by their ids, as Vercel's SDK sends them."""
    client = unified(url)
    first = client.responses.create(model="claudish/claude-haiku", input="one", max_output_tokens=60)
    items = [{"role": "user", "content": "one"}, {"type": "item_reference", "id": first.output[0].id}]
    items.append({"role": "user", "content": "two"})
    second = client.responses.create(model="claudish/claude-haiku", input=items, max_output_tokens=60)
    assert second.usage.input_tokens > first.usage.input_tokens + 1, second
    items[1] = {"type": "item_reference", "id": "msg_nowhere_0"}
    try:
        client.responses.create(model="claudish/claude-haiku", input=items)
    except openai.NotFoundError as error:
        assert "msg_nowhere_0" in error.message, error
    else:
        raise AssertionError("an unknown item was found")


def kept(url):
    """Retrieved, listed, cancelled, deleted: ours by us, OpenAI's by OpenAI."""
    for client, models in clients(url):
        for model in models:
            made = client.responses.create(model=model, input="keep me", max_output_tokens=60)
            got = client.responses.retrieve(made.id)
            assert got.output_text == made.output_text and got.id == made.id, (model, got)
            items = client.responses.input_items.list(made.id, order="asc").data
            assert items[0].role == "user" and items[0].content[0].text == "keep me", (model, items)
            try:
                client.responses.cancel(made.id)
            except openai.BadRequestError as error:
                assert "synchronous" in error.message
            else:
                raise AssertionError("what is over was cancelled")
            client.responses.delete(made.id)
            try:
                client.responses.retrieve(made.id)
            except openai.NotFoundError as error:
                assert made.id in error.message
            else:
                raise AssertionError(f"{made.id} is still there")


def replayed(url):
    """A kept response as a stream, from the beginning and from the middle."""
    client = unified(url)
    made = client.responses.create(model="claudish/claude-haiku", input="a b c", max_output_tokens=60)
    events = list(client.responses.retrieve(made.id, stream=True))
    assert events[0].type == "response.created" and events[-1].response.output_text == made.output_text
    later = list(client.responses.retrieve(made.id, stream=True, starting_after=3))
    assert [event.sequence_number for event in later] == [event.sequence_number for event in events][4:]


def input_tokens(url):
    for client, models in clients(url):
        for model in models:
            told = client.responses.input_tokens.count(model=model, input="one two three four")
            assert told.object == "response.input_tokens" and told.input_tokens >= 3, (model, told)


def errors(url):
    client = unified(url)
    cases = [
        ("gpt-4o", {"input": "x"}, openai.BadRequestError, "provider/model"),
        ("openai/gpt-4o", {"input": "x [[mock:status=400;error=bad thing]]"}, openai.BadRequestError, "bad thing"),
        ("anthropic/claude-x", {"input": "x [[mock:status=404;error=no such]]"}, openai.NotFoundError, "no such"),
        ("acme/m", {"input": "x [[mock:status=429;error=slow;retry_after=70]]"}, openai.RateLimitError, "slow"),
        ("acme/m", {"input": [{"role": "king", "content": "x"}]}, openai.BadRequestError, "input.0.role"),
        ("acme/m", {"input": "x", "conversation": "conv_1"}, openai.BadRequestError, "conversation"),
        ("acme/m", {}, openai.BadRequestError, "input"),
    ]
    for model, members, kind, word in cases:
        for extra in ({}, {"stream": True}):
            try:
                client.responses.create(model=model, max_output_tokens=20, **members, **extra)
            except kind as error:
                assert word in error.message, error
                assert error.response.headers["request-id"].startswith("req_")
            else:
                raise AssertionError(f"no error for {model} {members}")


def broken_streams(url):
    client = unified(url)
    for model in ON_UNIFIED:
        for fault in ("errorafter=4", "cut=4"):
            events = []
            try:
                for event in client.responses.create(model=model, input=f"a b c d [[mock:{fault}]]", stream=True):
                    events.append(event)
            except openai.APIError as error:
                assert error.message, error
            else:
                # The SDK raises no error for OpenAI's own flat event.
                assert events[-1].type == "error" and model.startswith("openai/"), (model, fault, events)


def fallbacks(url):
    client = unified(url)
    reply = client.responses.create(
        model="openai/gpt-4o", max_output_tokens=40, extra_body={"fallbacks": ["anthropic/claude-haiku-4-5"]},
        input=f"fall back [[mock:status=500;times=3;id=rfb{time.time_ns()}]]",
    )  # fmt: skip
    assert reply.model == "claude-haiku-4-5", reply


def only_there(url):
    """Models that only Responses has, asked in the other dialects."""
    client = unified(url)
    chat = client.chat.completions
    for model in ("openai/gpt-5-codex", "openai/o3-pro"):
        asked = dict(model=model, max_completion_tokens=50, messages=[{"role": "user", "content": "Hello codex"}])
        reply = chat.create(**asked)
        assert "Hello codex" in reply.choices[0].message.content, reply
        text = "".join(c.choices[0].delta.content or "" for c in chat.create(stream=True, **asked) if c.choices)
        assert "Hello codex" in text


def codex(url):
    """The shape of Codex CLI's request: messages with ids, item and tool types newer than the SDK's."""
    client = unified(url)
    body = {
        "instructions": "You are Codex.",
        "input": [
            {
                "type": "message",
                "id": "msg_0",
                "role": "developer",
                "content": [{"type": "input_text", "text": "Rules."}],
            },
            {"type": "message", "id": "msg_1", "role": "user", "content": [{"type": "input_text", "text": "say hi"}]},
        ],
        "tools": [
            {"type": "function", "name": "shell", "strict": False, "parameters": {"type": "object", "properties": {}}},
            {
                "type": "custom",
                "name": "apply_patch",
                "format": {"type": "grammar", "syntax": "lark", "definition": "x"},
            },
            {"type": "web_search", "external_web_access": False},
            {"type": "local_shell"},
        ],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "0199-abc",
        "text": {"verbosity": "medium"},
    }
    for model in ("openai/gpt-5", "acme/some-model", "anthropic/claude-sonnet-4-5"):
        events = list(client.responses.create(model=model, **body))
        assert events[-1].type == "response.completed" and "say hi" in events[-1].response.output_text, (model, events)


SCENARIOS = (
    create, stream, tools, structured, vision, reasoning, previous, previous_tools, previous_elsewhere, references,
    kept, replayed, input_tokens, errors, broken_streams, fallbacks, only_there, codex,
)  # fmt: skip

if __name__ == "__main__":
    name, gateway_url = sys.argv[1:3]
    {each.__name__: each for each in SCENARIOS}[name](gateway_url)
    print(json.dumps({"scenario": name, "sdk": openai.__version__}))
