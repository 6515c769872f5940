"""The official SDKs, pointed at the mock, for every operation it has."""

import io
import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

import anthropic
import openai
import pytest

from mock_thread import RunningMock

T = TypeVar("T")
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
        },
    }
    for name in ("weather", "time")
]
CLAUDE_TOOLS: list[Any] = [
    {"name": tool["function"]["name"], "input_schema": tool["function"]["parameters"]} for tool in TOOLS
]
MODEL, CLAUDE = "gpt-4o-mini", "claude-haiku-4-5"


def until(what: Callable[[], T], good: Callable[[T], bool]) -> T:
    """Ask again until the answer is good."""
    deadline = time.monotonic() + 10
    while not good(found := what()):
        assert time.monotonic() < deadline, found
        time.sleep(0.005)
    return found


@pytest.fixture
def gpt(mock: RunningMock) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{mock.url}/v1", api_key="sk-a", max_retries=0, timeout=10)


@pytest.fixture
def claude(mock: RunningMock) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=mock.url, api_key="sk-a", max_retries=0, timeout=10)


def test_openai_chat(gpt: openai.OpenAI) -> None:
    answer = gpt.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "one two three"}])
    assert answer.choices[0].message.content == "echo: one two three"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (3, 4, 7)


@pytest.mark.parametrize("usage", [False, True])
def test_openai_stream(gpt: openai.OpenAI, usage: bool) -> None:
    chunks = list(
        gpt.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "one two [[mock:cached=5]]"}],
            stream=True,
            **({"stream_options": {"include_usage": True}} if usage else {}),  # type: ignore[call-overload]
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "echo: one two"
    counted = [chunk.usage.prompt_tokens_details.cached_tokens for chunk in chunks if chunk.usage]
    assert counted == ([5] if usage else [])
    assert (not chunks[-1].choices) is usage


def test_openai_parallel_tools_streamed_as_whole(gpt: openai.OpenAI) -> None:
    asked: Any = [{"role": "user", "content": "Oslo [[mock:tools=3]]"}]
    whole = gpt.chat.completions.create(model=MODEL, messages=asked, tools=TOOLS).choices[0]
    calls = [
        (call.function.name, call.function.arguments)
        for call in whole.message.tool_calls or []
        if call.type == "function"
    ]
    assert [name for name, _ in calls] == ["weather", "time", "weather"]
    assert json.loads(calls[0][1]) == {"city": "Oslo", "days": 1}
    assert whole.finish_reason == "tool_calls"
    pieces: dict[int, list[str]] = {}
    for chunk in gpt.chat.completions.create(model=MODEL, messages=asked, tools=TOOLS, stream=True):
        for call in chunk.choices[0].delta.tool_calls or []:
            assert call.function is not None
            pieces.setdefault(call.index, []).append(call.function.arguments or "")
    assert ["".join(part) for part in pieces.values()] == [arguments for _, arguments in calls]
    assert all(len(part) > 2 for part in pieces.values())
    said: Any = whole.message.model_dump(exclude_none=True)
    results: Any = [
        {"role": "tool", "tool_call_id": call["id"], "content": f"result {call['id']}"} for call in said["tool_calls"]
    ]
    after = gpt.chat.completions.create(model=MODEL, messages=[*asked, said, *results], tools=TOOLS)
    assert (after.choices[0].message.content or "").startswith("echo: result call_")


def test_openai_structured_output(gpt: openai.OpenAI) -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}, "warm": {"type": "boolean"}}}
    answer = gpt.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Oslo"}],
        response_format={"type": "json_schema", "json_schema": {"name": "w", "schema": schema}},
    )
    assert json.loads(answer.choices[0].message.content or "") == {"city": "Oslo", "warm": True}


@pytest.mark.parametrize(
    ("told", "finish"),
    [("finish=length", "length"), ("finish=content_filter", "content_filter"), ("finish=refusal", "stop")],
)
def test_openai_finishes(gpt: openai.OpenAI, told: str, finish: str) -> None:
    answer = gpt.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": f"x [[mock:{told}]]"}])
    assert answer.choices[0].finish_reason == finish
    assert (answer.choices[0].message.refusal is not None) is ("refusal" in told)


def test_an_answer_keeps_to_max_tokens_and_stop(gpt: openai.OpenAI) -> None:
    asked: Any = [{"role": "user", "content": "a b c d e [[mock:words=9]]"}]
    short = gpt.chat.completions.create(model=MODEL, messages=asked, max_completion_tokens=4).choices[0]
    assert (short.message.content, short.finish_reason) == ("echo: a b c", "length")
    stopped = gpt.chat.completions.create(model=MODEL, messages=asked, stop="d").choices[0]
    assert (stopped.message.content, stopped.finish_reason) == ("echo: a b c ", "stop")


def test_models_in_both_dialects(gpt: openai.OpenAI, claude: anthropic.Anthropic) -> None:
    assert MODEL in [model.id for model in gpt.models.list()]
    assert CLAUDE in [model.id for model in claude.models.list()]


def test_openai_errors_are_typed(gpt: openai.OpenAI) -> None:
    for status, kind in (
        (400, openai.BadRequestError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ):
        with pytest.raises(kind) as caught:
            gpt.chat.completions.create(
                model=MODEL,
                messages=[{"role": "user", "content": f"[[mock:status={status};retry_after=2;error=so there]]"}],
            )
        assert caught.value.response.headers["retry-after"] == "2"
        assert caught.value.body is not None
        assert caught.value.message.endswith("so there") or "so there" in str(caught.value.body)


def test_anthropic_message(claude: anthropic.Anthropic) -> None:
    answer = claude.messages.create(
        model=CLAUDE,
        max_tokens=100,
        system="be brief",
        messages=[{"role": "user", "content": "one two [[mock:cached=7;cachewrite=2]]"}],
    )
    assert answer.content[0].type == "text"
    assert answer.content[0].text == "echo: one two"
    assert answer.stop_reason == "end_turn"
    usage = answer.usage
    counts = (usage.input_tokens, usage.output_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens)
    assert counts == (5, 3, 7, 2)
    assert answer._request_id is not None


def test_anthropic_stream_is_the_whole_in_pieces(claude: anthropic.Anthropic) -> None:
    asked: Any = {
        "model": CLAUDE,
        "max_tokens": 3000,
        "messages": [{"role": "user", "content": "Oslo [[mock:tools=2]]"}],
        "tools": CLAUDE_TOOLS,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    whole = claude.messages.create(**asked)
    with claude.messages.stream(**asked) as stream:
        streamed = stream.get_final_message()
    assert [block.type for block in whole.content] == ["thinking", "tool_use", "tool_use"]
    shown = [
        [block.model_dump(exclude={"id", "signature"}) for block in answer.content] for answer in (whole, streamed)
    ]
    assert shown[0] == shown[1]
    assert streamed.stop_reason == "tool_use"
    assert streamed.usage.output_tokens == whole.usage.output_tokens
    calls = [block for block in whole.content if block.type == "tool_use"]
    results: Any = [{"type": "tool_result", "tool_use_id": call.id, "content": f"it is {call.name}"} for call in calls]
    turns: Any = [
        *asked["messages"],
        {"role": "assistant", "content": whole.content},
        {"role": "user", "content": results},
    ]
    after = claude.messages.create(model=CLAUDE, max_tokens=100, messages=turns, tools=CLAUDE_TOOLS)
    assert after.content[0].type == "text"
    assert after.content[0].text == "echo: it is weather it is time"


def test_anthropic_errors_are_typed(claude: anthropic.Anthropic) -> None:
    table: list[tuple[int, type[anthropic.APIStatusError], str]] = [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (529, anthropic.InternalServerError, "overloaded_error"),
    ]
    for status, kind, code in table:
        with pytest.raises(kind) as caught:
            claude.messages.create(
                model=CLAUDE, max_tokens=9, messages=[{"role": "user", "content": f"[[mock:status={status}]]"}]
            )
        body: Any = caught.value.body
        assert body["error"]["type"] == code


def jsonl(*bodies: dict[str, Any], **members: Any) -> io.BytesIO:
    rows = [
        {"custom_id": f"i{n}", "method": "POST", "url": "/v1/chat/completions", "body": body, **members}
        for n, body in enumerate(bodies)
    ]
    file = io.BytesIO(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    file.name = "in.jsonl"
    return file


def said(text: str, model: str = MODEL) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}]}


def ended(client: openai.OpenAI, name: str) -> Any:
    return until(
        lambda: client.batches.retrieve(name),
        lambda batch: batch.status in ("completed", "failed", "expired", "cancelled"),
    )


def start(client: openai.OpenAI, file: io.BytesIO, **metadata: str) -> Any:
    uploaded = client.files.create(file=file, purpose="batch")
    return client.batches.create(
        input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h", metadata=metadata
    )


def rows(client: openai.OpenAI, name: str | None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in client.files.content(name).text.splitlines()] if name else []


def test_openai_batch(gpt: openai.OpenAI) -> None:
    created = start(
        gpt, jsonl(said("first"), said("second [[mock:status=429]]"), {**said("third"), "nope": 1}), job="j1"
    )
    assert created.status == "validating"
    batch = ended(gpt, created.id)
    assert (batch.status, batch.metadata) == ("completed", {"job": "j1"})
    counts = batch.request_counts
    assert (counts.total, counts.completed, counts.failed) == (3, 1, 2)
    (good,) = rows(gpt, batch.output_file_id)
    assert good["custom_id"] == "i0"
    assert good["response"]["body"]["choices"][0]["message"]["content"] == "echo: first"
    bad = {row["custom_id"]: row["response"] for row in rows(gpt, batch.error_file_id)}
    assert {name: answer["status_code"] for name, answer in bad.items()} == {"i1": 429, "i2": 400}
    assert [found.id for found in gpt.batches.list(limit=1)] == [batch.id]
    assert gpt.files.delete(batch.input_file_id).deleted
    with pytest.raises(openai.NotFoundError):
        gpt.files.retrieve(batch.input_file_id)


@pytest.mark.parametrize(
    ("file", "codes"),
    [
        (jsonl({"model": MODEL, "messages": []}, method="GET"), ["invalid_method"]),
        (jsonl(said("x"), url="/v1/embeddings"), ["url_mismatch"]),
        (jsonl(said("x"), said("y", "gpt-4o")), ["model_mismatch"]),
        (jsonl(said("x"), said("y"), custom_id="same"), ["duplicate_custom_id"]),
        (jsonl({"messages": []}), ["missing_required_parameter"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_openai_validates_before_it_works(gpt: openai.OpenAI, file: io.BytesIO, codes: list[str]) -> None:
    file.seek(0)
    batch = ended(gpt, start(gpt, file).id)
    assert batch.status == "failed"
    assert batch.errors is not None
    assert [problem.code for problem in batch.errors.data or []] == codes
    assert batch.output_file_id is None


def test_lines_without_method_url_and_body_fail(gpt: openai.OpenAI) -> None:
    file = io.BytesIO(b'{"custom_id":"a","params":{}}\nnot json\n')
    file.name = "in.jsonl"
    batch = ended(gpt, start(gpt, file).id)
    assert batch.errors is not None
    assert {problem.line for problem in batch.errors.data or []} == {1, 2}


def test_openai_batch_cancelled_and_expired(gpt: openai.OpenAI) -> None:
    slow = start(gpt, jsonl(said("x")), mock="took=60")
    until(lambda: gpt.batches.retrieve(slow.id).status, lambda status: status == "in_progress")
    assert gpt.batches.cancel(slow.id).status == "cancelling"
    assert ended(gpt, slow.id).status == "cancelled"
    with pytest.raises(openai.BadRequestError):
        gpt.batches.cancel(slow.id)
    late = ended(gpt, start(gpt, jsonl(said("x"), said("y")), mock="expireafter=1").id)
    assert late.status == "expired"
    assert [row["custom_id"] for row in rows(gpt, late.output_file_id)] == ["i0"]
    assert [row["error"]["code"] for row in rows(gpt, late.error_file_id)] == ["batch_expired"]


def test_another_key_sees_nothing(mock: RunningMock, gpt: openai.OpenAI) -> None:
    created = start(gpt, jsonl(said("x")))
    other = gpt.with_options(api_key="sk-b")
    for look in (lambda: other.batches.retrieve(created.id), lambda: other.files.retrieve(created.input_file_id)):
        with pytest.raises(openai.NotFoundError):
            look()


def request(name: str, text: str, **members: Any) -> Any:
    params = {"model": CLAUDE, "max_tokens": 50, "messages": [{"role": "user", "content": text}], **members}
    return {"custom_id": name, "params": params}


def done(client: anthropic.Anthropic, name: str) -> Any:
    return until(lambda: client.messages.batches.retrieve(name), lambda batch: batch.processing_status == "ended")


def test_anthropic_batch(mock: RunningMock, claude: anthropic.Anthropic) -> None:
    created = claude.messages.batches.create(
        requests=[
            request("a", "first"),
            request("b", "x [[mock:status=529]]"),
            request("c", "y", nope=1),
            request("d", "[[mock:stall]]"),
        ]
    )
    assert (created.processing_status, created.request_counts.processing) == ("in_progress", 4)
    batch = done(claude, created.id)
    assert batch.results_url == f"{mock.url}/v1/messages/batches/{batch.id}/results"
    results: dict[str, Any] = {row.custom_id: row.result for row in claude.messages.batches.results(batch.id)}
    assert results["a"].message.content[0].text == "echo: first"
    assert results["a"].message.usage.service_tier == "batch"
    assert results["b"].error.error.type == "overloaded_error"
    assert results["c"].error.error.message == "nope: Extra inputs are not permitted"
    assert results["d"].type == "expired"
    counts = batch.request_counts
    assert (counts.succeeded, counts.errored, counts.expired, counts.processing) == (1, 2, 1, 0)


def test_anthropic_batches_are_listed_in_pages_both_ways(claude: anthropic.Anthropic) -> None:
    names = [claude.messages.batches.create(requests=[request("a", f"n{n}")]).id for n in range(5)]
    assert [batch.id for batch in claude.messages.batches.list(limit=2)] == names[::-1]
    before = claude.messages.batches.list(limit=2, before_id=names[0])
    assert [batch.id for batch in before.data] == [names[2], names[1]]
    assert before.has_more


def test_anthropic_batch_cancelled_deleted(claude: anthropic.Anthropic) -> None:
    slow = claude.messages.batches.create(requests=[request("a", "x")], extra_headers={"x-mock": "took=60"})
    with pytest.raises(anthropic.BadRequestError):
        claude.messages.batches.delete(slow.id)
    cancelled = claude.messages.batches.cancel(slow.id)
    assert cancelled.cancel_initiated_at is not None
    done(claude, slow.id)
    assert [row.result.type for row in claude.messages.batches.results(slow.id)] == ["canceled"]
    with pytest.raises(anthropic.BadRequestError):
        claude.messages.batches.cancel(slow.id)
    assert claude.messages.batches.delete(slow.id).type == "message_batch_deleted"
    with pytest.raises(anthropic.NotFoundError):
        claude.messages.batches.retrieve(slow.id)


@pytest.mark.parametrize(
    ("requests", "message"),
    [
        ([], "requests: "),
        ([request("", "x")], "requests.0.custom_id: "),
        ([request("ok", "x"), request("not ok", "x")], "requests.1.custom_id: "),
        ([request("a", "x"), request("a", "x")], "requests.1.custom_id: "),
        ([{"custom_id": "a"}], "requests.0.params: Field required"),
        ([{"custom_id": "a", "params": []}], "requests.0.params: Input should be a valid dictionary"),
        ([{"custom_id": "a", "params": {}, "x": 1}], "requests.0.x: Extra inputs are not permitted"),
    ],
)
def test_anthropic_refuses_a_wrong_batch(claude: anthropic.Anthropic, requests: Any, message: str) -> None:
    with pytest.raises(anthropic.BadRequestError) as caught:
        claude.messages.batches.create(requests=requests)
    body: Any = caught.value.body
    assert body["error"]["message"].startswith(message)
