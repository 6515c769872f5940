"""Details of the two dialects that the corpus does not reach: thinking budgets, models, merged turns, usage."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw
from wire_kit import ANTHROPIC, OPENAI, RESPONSES, STAMP, ask, asking, events, frames, written

from asbru.model.chat import Ask, Document, Effort, Image, Reply, Sampling, Text, ToolCall, ToolResult, Turn
from asbru.model.events import Close, Delta, Done, Event, Open, Start, fold, unfold
from asbru.model.failure import Broken
from asbru.model.names import Finish, Format, Role
from asbru.model.usage import Usage
from asbru.wire.anthropic.messages_thinking import is_adaptive

MODELS = {
    "claude-3-7-sonnet-20250219": False,
    "claude-3-5-haiku-latest": False,
    "claude-2.1": False,
    "claude-instant-1.2": False,
    "claude-opus-4-20250514": False,
    "claude-sonnet-4-0": False,
    "claude-opus-4-1-20250805": False,
    "claude-haiku-4-5": False,
    "claude-haiku-4-5-20251001": False,
    "anthropic.claude-sonnet-4-5-20250929-v1:0": False,
    "claude-sonnet-4@20250514": False,
    "claude-opus-4-6": True,
    "claude-sonnet-4-6": True,
    "claude-opus-4-8": True,
    "claude-opus-4-10": True,
    "claude-sonnet-5": True,
    "claude-haiku-5-5": True,
    "claude-fable-5-1": True,
    "claude-mythos-preview": True,
    "deepseek-reasoner": False,
    "smollm2-135m": False,
}


@pytest.mark.parametrize(("model", "adaptive"), MODELS.items())
def test_which_models_think_as_they_see_fit(model: str, adaptive: bool) -> None:
    assert is_adaptive(model) == adaptive


def asked(effort: Effort, **sampling: Any) -> Ask:
    turns = (Turn(Role.USER, (Text("?"),)),)
    return Ask(model="m", turns=turns, thinking=effort, sampling=Sampling(**sampling), origin=Format.OPENAI_CHAT)


def anthropic_body(question: Ask) -> Any:
    return msgspec.json.decode(ANTHROPIC.write_ask(question).body)


BUDGETS = [
    (Effort(word="low"), None, 2048, 6144),
    (Effort(word="high"), None, 16384, 20480),
    (Effort(word="strange"), None, 8192, 12288),
    (Effort(budget=5000), 9000, 5000, 9000),
    (Effort(word="high"), 10000, 5000, 10000),
    (Effort(word="low"), 2048, 1024, 2048),
]


@pytest.mark.parametrize(("effort", "most", "budget", "max_tokens"), BUDGETS)
def test_a_budget_fits_into_max_tokens(effort: Effort, most: int | None, budget: int, max_tokens: int) -> None:
    body = anthropic_body(asked(effort, max_tokens=most))
    assert body["thinking"] == {"type": "enabled", "budget_tokens": budget}
    assert body["max_tokens"] == max_tokens
    assert body["max_tokens"] > budget


def test_thinking_without_room_is_lost() -> None:
    out = ANTHROPIC.write_ask(asked(Effort(word="high"), max_tokens=500))
    assert out.lost == ("reasoning_effort",)
    assert b"thinking" not in out.body


def test_a_forced_tool_wins_over_thinking() -> None:
    body = {
        "model": "claude-opus-4-6",
        "messages": [{"role": "user", "content": "?"}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "tool_choice": "required",
        "reasoning_effort": "high",
    }
    out = ANTHROPIC.write_ask(ask(OPENAI, body))
    assert out.lost == ("reasoning_effort",)
    assert msgspec.json.decode(out.body)["tool_choice"] == {"type": "any"}


def test_signed_thinking_goes_on_in_a_tool_loop() -> None:
    body = {
        "model": "claude-opus-4-6",
        "reasoning_effort": "high",
        "messages": [
            {"role": "user", "content": "?"},
            {
                "role": "assistant",
                "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "signature": "c2ln"}],
                "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "a", "content": "x"},
        ],
    }
    out = ANTHROPIC.write_ask(ask(OPENAI, body))
    assert out.lost == ()
    assert msgspec.json.decode(out.body)["thinking"] == {"type": "adaptive"}


def test_turns_that_touch_results_are_joined() -> None:
    result = ToolResult(id="a", parts=(Text("x"),))
    turns = tuple(
        Turn(Role.USER, parts) for parts in ((result,), (ToolResult(id="b"),), (Text("go on"),), (Text("!"),))
    )
    body = anthropic_body(Ask(model="m", turns=turns, origin=Format.OPENAI_CHAT))
    assert [len(message["content"]) for message in body["messages"]] == [3, 1]


def test_an_assistants_refusal_and_missing_schema_members() -> None:
    choice = {"model": "m", "messages": [], "tool_choice": "auto", "parallel_tool_calls": False}
    assert ANTHROPIC.write_ask(ask(OPENAI, choice)).lost == ("tool_choice",)
    del choice["tool_choice"]
    assert ANTHROPIC.write_ask(ask(OPENAI, choice)).lost == ("parallel_tool_calls",)


def test_text_documents_that_are_no_text_are_lost() -> None:
    turn = Turn(Role.USER, (Document(media_type="text/plain", data="//8="), Text("?")))
    out = ANTHROPIC.write_ask(Ask(model="m", turns=(turn,), origin=Format.OPENAI_CHAT))
    assert out.lost == ("messages.0.content.0: document of type text/plain",)


def test_a_schema_that_is_no_object_is_left_to_the_provider() -> None:
    body = {"model": "m", "messages": [], "tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]}
    assert anthropic_body(ask(OPENAI, body))["tools"][0]["input_schema"] == []


USAGES = [
    (b"{}", None),
    (b'{"usage":null}', None),
    (b'{"usage":{}}', Usage()),
    (b"[]", None),
    (b'{"usage":{"prompt_tokens":"x","input_tokens":"x"}}', None),
]


@pytest.mark.parametrize(("body", "usage"), USAGES)
def test_usage_of_odd_bodies(body: bytes, usage: Usage | None) -> None:
    assert OPENAI.read_usage(body) == usage
    assert ANTHROPIC.read_usage(body) == usage


def test_usage_is_never_written_below_zero() -> None:
    reply = Reply(id="", model="m", parts=(), usage=Usage(input=5, cache_read=9), origin=Format.OPENAI_CHAT)
    told = msgspec.json.decode(ANTHROPIC.write_reply(reply, STAMP).body)["usage"]
    assert (told["input_tokens"], told["cache_read_input_tokens"]) == (0, 9)


NOT_REPLIES = [
    b"",
    b"{}",
    b"[]",
    b"\xff",
    b'{"choices":[]}',
    b'{"choices":[{}]}',
    b'{"choices":5,"content":5}',
    b"<html>",
]


@pytest.mark.parametrize("body", NOT_REPLIES)
def test_what_is_not_a_reply_is_broken(body: bytes) -> None:
    for codec in (OPENAI, ANTHROPIC):
        with pytest.raises(Broken) as failed:
            codec.read_reply(body)
        assert failed.value.status == 502


def test_schema_and_argument_bytes_are_kept() -> None:
    schema = b'{"type": "object",  "properties":{"b":{"const":1.0},"a":{"maximum":12345678901234567890}}}'
    body = b'{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f",'
    body += b'"input":{"x": 1.0, "u": "\\u00e9"}}]}],"tools":[{"name":"f","input_schema":' + schema + b"}]}"
    out = OPENAI.write_ask(ask(ANTHROPIC, body)).body
    assert schema in out
    call = msgspec.json.decode(out)["messages"][0]["tool_calls"][0]
    assert call["function"]["arguments"] == '{"x": 1.0, "u": "\\u00e9"}'
    again = ANTHROPIC.write_ask(ask(OPENAI, out)).body
    assert schema in again
    assert b'{"x": 1.0, "u": "\\u00e9"}' in again


def test_arguments_of_an_empty_call() -> None:
    turn = Turn(Role.ASSISTANT, (ToolCall(id="a", name="f", arguments=Raw(b"")),))
    question = Ask(model="m", turns=(turn,), origin=Format.OPENAI_CHAT)
    assert anthropic_body(question)["messages"][0]["content"][0]["input"] == {}
    assert msgspec.json.decode(OPENAI.write_ask(question).body)["messages"][0]["tool_calls"][0]["function"] == {
        "name": "f",
        "arguments": "{}",
    }


def test_calls_that_end_before_the_one_under_way() -> None:
    call = ToolCall(id="a", name="f", arguments=Raw(b""))
    found: list[Event] = [
        Start(id="", model="m"),
        Open(0, call),
        Open(1, call),
        Delta(index=1, arguments="{}"),
        Close(1),
    ]
    found += [Open(2, Image(url="u")), Close(2), Close(0), Done()]
    body = written(ANTHROPIC.writer(STAMP, asking(ANTHROPIC)), found)
    kinds = [frame.event for frame in frames(body)]
    one = ["content_block_start", "content_block_stop"]
    two = ["content_block_start", "content_block_delta", "content_block_stop"]
    assert kinds == ["message_start", *one, *two, "message_delta", "message_stop"]


def test_parts_a_stream_cannot_hold_are_passed_over() -> None:
    found: list[Event] = [Start(id="", model="m"), Open(0, Image(file_id="f")), Close(0), Open(1, Text(""))]
    found += [Delta(index=1, text=""), Delta(index=1, text="Hi"), Done()]
    for codec in (OPENAI, ANTHROPIC):
        reply = fold(events(codec, written(codec.writer(STAMP, asking(codec)), found)))
        assert reply.parts == (Text("Hi"),)


def test_calls_that_begin_with_arguments_keep_them() -> None:
    call = ToolCall(id="a", name="f", arguments=Raw(b'{"a":'))
    found: list[Event] = [Start(id="", model="m"), Open(0, call), Delta(index=0, arguments="1}"), Close(0), Done()]
    for codec in (OPENAI, ANTHROPIC):
        (part,) = fold(events(codec, written(codec.writer(STAMP, asking(codec)), found))).parts
        assert isinstance(part, ToolCall)
        assert bytes(part.arguments) == b'{"a":1}'


def test_calls_of_an_unknown_kind_in_a_stream_are_passed_over() -> None:
    body = b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","type":"newest","newest":{}}]}}]}\n\n'
    assert fold(events(OPENAI, body + b"data: [DONE]\n\n")).parts == ()


SHELL = {"type": "custom", "custom": {"name": "shell"}}


@pytest.mark.parametrize("arguments", [b'{"input":"ls"}', b'"ls"', b'{"input":5}', b"{}"])
def test_a_function_call_answers_a_custom_tool(arguments: bytes) -> None:
    """Whole and streamed, in both of OpenAI's formats; arguments that keep to no schema are the text themselves."""
    text = "ls" if b"ls" in arguments else arguments.decode()
    call = ToolCall(id="a", name="shell", arguments=Raw(arguments))
    reply = Reply(id="", model="m", parts=(call,), finish=Finish.TOOL_CALLS, origin=Format.ANTHROPIC_MESSAGES)
    asked = ask(OPENAI, {"model": "m", "messages": [{"role": "user", "content": "?"}], "tools": [SHELL]})
    stamp = msgspec.structs.replace(STAMP, ask=asked)
    for codec in (OPENAI, RESPONSES):
        whole = codec.read_reply(codec.write_reply(reply, stamp).body)
        streamed = fold(events(codec, written(codec.writer(stamp, asked), list(unfold(reply)))))
        for told in (whole, streamed):
            (part,) = told.parts
            assert isinstance(part, ToolCall)
            assert (part.id, part.name, part.custom) == ("a", "shell", True)
            assert msgspec.json.decode(part.arguments) == {"input": text}
            assert told.finish is Finish.TOOL_CALLS


def test_custom_calls_of_a_reply_go_home() -> None:
    call = {"id": "a", "type": "custom", "custom": {"name": "shell", "input": "ls"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    body = msgspec.json.encode({"choices": [{"message": message, "finish_reason": "tool_calls"}]})
    reply = OPENAI.read_reply(body)
    assert msgspec.json.decode(OPENAI.write_reply(reply, STAMP).body)["choices"][0]["message"]["tool_calls"] == [call]
    assert ANTHROPIC.write_reply(reply, STAMP).lost == ()


def test_further_choices_of_a_stream_are_not_mixed_in() -> None:
    body = b'data: {"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}\n\n'
    assert fold(events(OPENAI, body + b"data: [DONE]\n\n")).parts == (Text("a"),)


def test_a_stream_of_nothing_is_an_empty_reply() -> None:
    assert events(OPENAI, b"data: [DONE]\n\n") == [Start(id="", model=""), Done()]
    assert fold(events(ANTHROPIC, b'data: {"type":"message_stop"}\n\n')).parts == ()


def test_odd_citations_and_details_are_kept_or_passed_over() -> None:
    message = {
        "content": "x",
        "annotations": [5, {"type": "file"}],
        "reasoning_details": ["x", {"type": "reasoning.summary"}],
    }
    body = msgspec.json.encode({"choices": [{"message": message}]})
    assert OPENAI.read_reply(body).parts == (Text("x"),)
    body = b'{"content":[{"type":"text","text":"x","citations":[5]}]}'
    (text,) = ANTHROPIC.read_reply(body).parts
    assert isinstance(text, Text)
    assert bytes(text.citations[0].raw) == b"5"
    lost = OPENAI.write_reply(ANTHROPIC.read_reply(body), STAMP).lost
    assert lost == ("content.0.citations.0",)


def test_parts_that_stand_where_they_should_not_are_lost() -> None:
    turn = Turn(Role.USER, (ToolCall(id="a", name="f", arguments=Raw(b"{}")), Text("x")))
    out = OPENAI.write_ask(Ask(model="m", turns=(turn,), origin=Format.OPENAI_CHAT))
    assert out.lost == ("messages.0.content.0: toolcall",)


def test_results_without_a_call_do_not_forbid_thinking() -> None:
    messages = [{"role": "tool", "tool_call_id": "a", "content": "x"}]
    body = {"model": "claude-sonnet-5", "reasoning_effort": "low", "messages": messages}
    assert ANTHROPIC.write_ask(ask(OPENAI, body)).lost == ()


def test_the_last_frame_of_a_tap_may_lack_its_end() -> None:
    tap = ANTHROPIC.tap(True)
    tap.feed(b'data: {"type":"message_stop"}')
    assert not tap.done
    assert tap.finish() == b""
    assert tap.done


def test_a_user_has_no_images_but_in_the_content() -> None:
    picture = {"image_url": {"url": "https://example.com/fox.png"}}
    message = {"role": "user", "content": "?", "images": [picture]}
    told = ask(OPENAI, {"model": "m", "messages": [message]})
    assert told.turns == (Turn(Role.USER, (Text("?"),)),)
    assert ANTHROPIC.write_ask(told).lost == ("messages.0.images",)
    drawn = {"role": "assistant", "content": None, "images": [picture]}
    told = ask(OPENAI, {"model": "m", "messages": [drawn]})
    assert told.turns == (Turn(Role.ASSISTANT, (Image(url="https://example.com/fox.png"),)),)
    assert [name.partition(": ")[2] for name in RESPONSES.write_ask(told).lost] == ["image"]
