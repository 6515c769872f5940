"""Text completions of either vendor: streams cut anywhere, taps, mistakes named."""

import random
from typing import Any

import msgspec
import openai
import pytest
from hypothesis import given
from test_cohere_mistakes import only_failures
from test_mistakes import FUZZ, bodies
from test_streams import cut
from test_taps import through
from wire_kit import ANTHROPIC, OPENAI, STAMP, asking, events, frames, written

from asbru.model.chat import Text, Thinking, ToolCall
from asbru.model.events import Close, Delta, Done, Event, Open, Start, fold
from asbru.model.failure import Broken, Overloaded, Refused, Upstream
from asbru.model.names import Finish, Format
from asbru.model.usage import Usage
from asbru.wire import CODECS, AnyCodec, Envelope, Frame

COMPLETIONS, COMPLETE = CODECS[Format.OPENAI_COMPLETIONS], CODECS[Format.ANTHROPIC_COMPLETE]
BOTH = (COMPLETIONS, COMPLETE)
USAGE = Usage(input=3, output=2)
TOLD: list[Event] = [
    Start(id="1", model="m-1", created=5),
    Open(0, Thinking()),
    Delta(index=0, text="Hm."),
    Close(0),
    Open(1, Text("")),
    Delta(index=1, text="once "),
    Delta(index=1, text="upon"),
    Close(1),
    Open(2, ToolCall(id="c", name="f", arguments=msgspec.Raw(b""))),
    Delta(index=2, arguments="{}"),
    Close(2),
    Done(finish=Finish.TOOL_CALLS, usage=USAGE),
]


@pytest.mark.parametrize("codec", BOTH, ids=lambda codec: codec.format)
def test_a_stream_carries_the_text(codec: AnyCodec) -> None:
    body = written(codec.writer(STAMP, asking(codec)), TOLD)
    dice = random.Random(1)
    for pieces in ([body], [body[n : n + 1] for n in range(len(body))], *(cut(body, dice) for _ in range(20))):
        reader = codec.reader()
        whole = fold([event for frame in frames(b"".join(pieces)) for event in reader.feed(frame)])
        assert reader.done
        assert (whole.model, whole.parts) == ("m-1", (Text("once upon"),))
        tap = codec.tap(True)
        assert through(tap, pieces) == body
        assert (tap.done, tap.failed) == (True, False)
        assert tap.usage == (USAGE if codec is COMPLETIONS else Usage())


def test_usage_only_when_asked() -> None:
    quiet = written(COMPLETIONS.writer(STAMP, asking(COMPLETIONS, include_usage=False)), TOLD)
    assert b'"usage"' not in quiet
    assert quiet.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("codec", BOTH, ids=lambda codec: codec.format)
@pytest.mark.parametrize("target", [OPENAI, ANTHROPIC], ids=lambda codec: codec.format)
def test_a_completion_reaches_clients_of_chats(codec: AnyCodec, target: AnyCodec) -> None:
    found = events(codec, written(codec.writer(STAMP, asking(codec)), TOLD))
    again = fold(events(target, written(target.writer(STAMP, asking(target)), found)))
    assert [part for part in again.parts if isinstance(part, Text)] == [Text("once upon")]


@pytest.mark.parametrize("codec", BOTH, ids=lambda codec: codec.format)
def test_a_failure_in_the_middle(codec: AnyCodec) -> None:
    writer = codec.writer(STAMP, asking(codec))
    body = written(writer, TOLD[:6]) + writer.fail(Overloaded(529, "Busy.", code="overloaded_error"))
    with pytest.raises(Upstream, match="Busy"):
        events(codec, body)
    tap = codec.tap(True)
    assert through(tap, [body]) == body
    assert (tap.done, tap.failed) == (False, True)


@pytest.mark.parametrize("codec", BOTH, ids=lambda codec: codec.format)
@pytest.mark.parametrize("garbage", [b"{not json", b'{"choices": 5, "completion": 5}'])
def test_garbage_in_a_stream(codec: AnyCodec, garbage: bytes) -> None:
    with pytest.raises(Broken, match="cannot be read"):
        codec.reader().feed(Frame("", garbage))
    codec.tap(True).feed(b"data: " + garbage + b"\n\n")


def test_nothing_before_the_end() -> None:
    reader = COMPLETIONS.reader()
    assert [type(event) for event in reader.feed(Frame("", b"[DONE]"))] == [Start, Done]
    assert reader.feed(Frame("", b"[DONE]")) == ()
    older = COMPLETE.reader()
    assert older.feed(Frame("ping", b'{"type": "ping"}')) == ()
    assert not older.done


def test_only_the_first_choice_is_streamed() -> None:
    body = b'data: {"choices": [{"index": 1, "text": "b"}, {"index": 0, "text": "a"}]}\n\ndata: [DONE]\n\n'
    assert fold(events(COMPLETIONS, body)).parts == (Text("a"),)


MISTAKES: list[tuple[AnyCodec, dict[str, Any], str]] = [
    (COMPLETIONS, {}, "prompt"),
    (COMPLETIONS, {"prompt": 5}, "prompt"),
    (COMPLETIONS, {"prompt": []}, "prompt"),
    (COMPLETIONS, {"prompt": ["a", "b"]}, "prompt"),
    (COMPLETIONS, {"prompt": [1, 2]}, "prompt"),
    (COMPLETIONS, {"prompt": "a", "max_tokens": "9"}, "max_tokens"),
    (COMPLETIONS, {"prompt": "a", "stop": 5}, "stop"),
    (COMPLETE, {"prompt": "a"}, "max_tokens_to_sample"),
    (COMPLETE, {"prompt": 5, "max_tokens_to_sample": 5}, "prompt"),
    (COMPLETE, {"prompt": "\n\nHuman:", "max_tokens_to_sample": 5}, "prompt"),
    (COMPLETE, {"prompt": "a", "max_tokens_to_sample": 5, "metadata": 5}, "metadata"),
]


@pytest.mark.parametrize(("codec", "members", "param"), MISTAKES)
def test_a_mistake_is_named(codec: AnyCodec, members: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused) as failed:
        codec.read_ask(Envelope(msgspec.json.encode({"model": "m", **members})))
    assert (failed.value.status, failed.value.param) == (400, param)


def test_a_conversation_is_no_prompt() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    with pytest.raises(Refused, match="takes no conversation"):
        COMPLETIONS.write_ask(OPENAI.read_ask(Envelope(msgspec.json.encode(body))))


def test_what_a_chat_says_beyond_a_prompt_is_lost() -> None:
    body = {
        "model": "m", "messages": [{"role": "user", "content": "a"}], "top_k": 5, "service_tier": "flex", "stream": True,
        "response_format": {"type": "json_object"}, "reasoning_effort": "low", "logit_bias": {"5": 1}, "user": "u",
    }  # fmt: skip
    lost = COMPLETIONS.write_ask(OPENAI.read_ask(Envelope(msgspec.json.encode(body)))).lost
    assert set(lost) == {"top_k", "service_tier", "response_format", "reasoning_effort", "logit_bias"}


@pytest.mark.parametrize("codec", BOTH, ids=lambda codec: codec.format)
@pytest.mark.parametrize("body", [b"{}", b"x", b'{"choices": []}', b'{"choices": 5, "completion": 5}'])
def test_a_reply_that_is_none(codec: AnyCodec, body: bytes) -> None:
    with pytest.raises(Broken):
        codec.read_reply(body)


@FUZZ
@given(bodies(COMPLETIONS), bodies(COMPLETE))
def test_failures_only(openai_body: bytes, anthropic_body: bytes) -> None:
    only_failures(COMPLETIONS, openai_body, (OPENAI, ANTHROPIC, COMPLETE))
    only_failures(COMPLETE, anthropic_body, (OPENAI, ANTHROPIC, COMPLETIONS))


def test_the_sdk_reads_what_we_write() -> None:
    whole = fold(TOLD)
    read = openai.types.Completion.model_validate_json(COMPLETIONS.write_reply(whole, STAMP).body)
    assert (read.choices[0].text, read.choices[0].finish_reason) == ("once upon", "stop")
    assert COMPLETIONS.write_reply(whole, STAMP).lost == ("content.0: thinking", "content.2: toolcall")
