"""Several answers to one question, and how likely their tokens were: whole and streamed, in every dialect."""

from typing import Any

import msgspec
import pytest
from wire_kit import ANTHROPIC, COHERE, GEMINI, HERE, OPENAI, RESPONSES, STAMP, ask, asking, frames, meaning, written

from asbru.model.chat import Choice, Likely, Reply, Text
from asbru.model.events import Close, Delta, Done, Ended, Event, Open, Start, fold
from asbru.model.failure import Broken, Refused
from asbru.model.names import Finish, Format
from asbru.model.usage import Usage
from asbru.wire import CODECS, AnyCodec, Frame
from asbru.wire.several import as_one, one_each
from asbru.wire.sse import END

CONVERSE = CODECS[Format.BEDROCK_CONVERSE]
COMPLETIONS = CODECS[Format.OPENAI_COMPLETIONS]
COMPLETE = CODECS[Format.ANTHROPIC_COMPLETE]
LIKELY: dict[str, AnyCodec] = {
    "openai-logprobs.sse": OPENAI,
    "responses-logprobs.sse": RESPONSES,
    "gemini/logprobs.sse": GEMINI,
    "cohere-logprobs.sse": COHERE,
}


def stream(name: str) -> bytes:
    return (HERE / "streams" / name).read_bytes()


def told(codec: AnyCodec, body: bytes) -> list[Event]:
    """The events of a whole stream, also of one whose end is that of the connection."""
    reader = codec.reader()
    found = [event for frame in frames(body) for event in reader.feed(frame)]
    return found if reader.done else [*found, *reader.feed(END)]


def tokens(reply: Reply) -> list[Likely]:
    return [token for part in reply.parts if isinstance(part, Text) for token in part.logprobs]


def carried(token: Likely, source: AnyCodec, target: AnyCodec) -> tuple[Any, ...]:
    """Cohere tells no others, and only Google and Cohere have numbers."""
    numbered = (GEMINI, COHERE)
    top = () if COHERE in (source, target) else tuple((each.token, each.logprob) for each in token.top)
    return token.token, token.logprob, token.id if source in numbered and target in numbered else -1, top


@pytest.mark.parametrize("target", LIKELY.values(), ids=lambda codec: codec.format)
@pytest.mark.parametrize("name", LIKELY)
def test_probabilities_travel_with_a_stream(name: str, target: AnyCodec) -> None:
    source = LIKELY[name]
    found = told(source, stream(name))
    again = fold(told(target, written(target.writer(STAMP, asking(target)), found)))
    first = fold(found)
    assert len(tokens(first)) == 3
    assert sum(token.logprob for token in tokens(first)) == -1.5
    assert [carried(one, target, source) for one in tokens(again)] == [
        carried(one, source, target) for one in tokens(first)
    ]


@pytest.mark.parametrize("target", [OPENAI, GEMINI], ids=lambda codec: codec.format)
def test_several_answers_travel_with_a_stream(target: AnyCodec) -> None:
    for name, source in (("openai-several.sse", OPENAI), ("gemini/two-candidates.sse", GEMINI)):
        first = fold(told(source, stream(name)))
        again = fold(told(target, written(target.writer(STAMP, asking(target)), told(source, stream(name)))))
        assert len(first.others) == (2 if source is OPENAI else 1)
        assert texts(again) == texts(first)
        assert [each.finish for each in again.others][:1] == [each.finish for each in first.others][:1]


def texts(reply: Reply) -> list[str]:
    answers = (reply.parts, *(each.parts for each in reply.others))
    return ["".join(getattr(part, "text", "") for part in parts) for parts in answers]


@pytest.mark.parametrize("target", [ANTHROPIC, COHERE, RESPONSES, CONVERSE, COMPLETE], ids=lambda codec: codec.format)
def test_who_has_one_answer_gets_the_first(target: AnyCodec) -> None:
    found = told(OPENAI, stream("openai-several.sse"))
    assert any(isinstance(event, Ended) for event in found)
    body = written(target.writer(STAMP, asking(target)), found)
    alone: list[Event] = [event for event in found if not isinstance(event, Ended) and not is_of_another(event, found)]
    assert body == written(target.writer(STAMP, asking(target)), alone)
    assert b"Let" not in body


def is_of_another(event: Event, found: list[Event]) -> bool:
    others = {each.index for each in found if isinstance(each, Open) and each.choice}
    return isinstance(event, Open | Delta | Close) and event.index in others


def test_a_text_completion_has_several_too() -> None:
    found = told(OPENAI, stream("openai-several.sse"))
    again = fold(told(COMPLETIONS, written(COMPLETIONS.writer(STAMP, asking(COMPLETIONS)), found)))
    assert texts(again) == ["Two days.", "Let me.", "No."]


CHUNK = b'{"id":"1","choices":[{"index":%d,"delta":{"content":"x"}}]}'


@pytest.mark.parametrize("n", [-1, 128, 10**9])
def test_answers_are_counted(n: int) -> None:
    with pytest.raises(Broken, match=f"answer {n}"):
        OPENAI.reader().feed(Frame("", CHUNK % n))
    with pytest.raises(Broken, match=f"candidate {n}"):
        GEMINI.reader().feed(Frame("", b'{"candidates":[{"index":%d}]}' % n))


HELLO: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
CONTENTS: dict[str, Any] = {"contents": [{"parts": [{"text": "Hello"}]}]}


@pytest.mark.parametrize(
    ("codec", "body", "param"),
    [
        (OPENAI, {**HELLO, "n": 0}, "n"),
        (OPENAI, {**HELLO, "n": 129}, "n"),
        (OPENAI, {**HELLO, "top_logprobs": 2}, "top_logprobs"),
        (COMPLETIONS, {"model": "m", "prompt": "x", "n": 129}, "n"),
        (GEMINI, {**CONTENTS, "generationConfig": {"candidateCount": 0}}, "generationConfig.candidateCount"),
        (GEMINI, {**CONTENTS, "generationConfig": {"logprobs": 2}}, "generationConfig.logprobs"),
    ],
)
def test_what_cannot_be_asked_is_named(codec: AnyCodec, body: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused) as refused:
        ask(codec, body)
    assert (refused.value.status, refused.value.param) == (400, param)


def test_a_question_is_asked_as_often() -> None:
    one = ask(OPENAI, {**HELLO, "stream": True})
    assert one_each(one) == (one,)
    asked = one_each(ask(OPENAI, {**HELLO, "n": 3, "stream": True}))
    assert len(asked) == 3
    for each in asked:
        assert (each.stream, each.sampling.n) == (False, None)


def test_answers_become_one_reply() -> None:
    def reply(text: str, **more: Any) -> Reply:
        usage = Usage(input=10, output=2, cache_read=3)
        return Reply(id=text, model="m", parts=(Text(text),), usage=usage, origin=Format.ANTHROPIC_MESSAGES, **more)

    whole = as_one([reply("a"), reply("b", finish=Finish.LENGTH), reply("c", extra={"x": msgspec.Raw(b"1")})])
    assert whole.others == (
        Choice(parts=(Text("b"),), finish=Finish.LENGTH),
        Choice(parts=(Text("c"),)),
    )
    assert whole.usage == Usage(input=30, output=6, cache_read=9)
    assert whole.extra == {"choices.2.x": msgspec.Raw(b"1")}
    assert meaning(whole, "others", "usage", "extra") == meaning(reply("a"), "others", "usage", "extra")


def test_probabilities_without_a_text_open_one() -> None:
    """A token that writes nothing."""
    found: list[Event] = [Start(id="1", model="m"), Open(0, Text(""))]
    found += [Delta(index=0, logprobs=(Likely(token="", logprob=-0.5),)), Close(0), Done()]
    for codec in (OPENAI, RESPONSES, GEMINI, COHERE):
        again = fold(told(codec, written(codec.writer(STAMP, asking(codec)), found)))
        assert [token.logprob for token in tokens(again)] == [-0.5]


def cohere_reply(content: list[dict[str, Any]], logprobs: Any) -> Reply:
    message = {"role": "assistant", "content": content}
    body = {"id": "1", "finish_reason": "COMPLETE", "message": message, "logprobs": logprobs}
    read: Reply = COHERE.read_reply(msgspec.json.encode(body))
    return read


def test_tokens_told_as_one_text_stay_together() -> None:
    pieces = [{"text": "Two", "token_ids": [5, 6], "logprobs": [-0.5, -0.25]}]
    reply = cohere_reply([{"type": "text", "text": "Two"}], pieces)
    assert [(token.token, token.id, token.logprob) for token in tokens(reply)] == [("Two", 5, -0.5), ("", 6, -0.25)]
    assert msgspec.json.decode(COHERE.write_reply(reply, STAMP).body)["logprobs"] == pieces


def test_probabilities_that_are_none_are_lost_by_name() -> None:
    """Of a kind to come, or of what is no text."""
    text = [{"type": "text", "text": "Two"}]
    for content, told in ((text, [5]), ([{"type": "thinking", "thinking": "Hm."}], [{"text": "x", "logprobs": [-1]}])):
        assert "logprobs" in OPENAI.write_reply(cohere_reply(content, told), STAMP).lost
    body = msgspec.json.encode({"choices": [{"text": "Two", "index": 0, "logprobs": 5}]})
    assert "choices.0.logprobs" in OPENAI.write_reply(COMPLETIONS.read_reply(body), STAMP).lost
    part = {"type": "output_text", "text": "Two", "logprobs": [5]}
    item = {"type": "message", "content": [part]}
    assert tokens(RESPONSES.read_reply(msgspec.json.encode({"id": "1", "output": [item]}))) == []


def test_a_text_completions_probabilities_lie_side_by_side() -> None:
    told = {"tokens": ["Two", " days"], "token_logprobs": [None, -0.5], "top_logprobs": [None, {" days": -0.5}]}
    body = msgspec.json.encode({"choices": [{"text": "Two days", "index": 0, "logprobs": told}]})
    reply = COMPLETIONS.read_reply(body)
    assert [(token.token, token.logprob, len(token.top)) for token in tokens(reply)] == [
        ("Two", 0.0, 0),
        (" days", -0.5, 1),
    ]
    written_again = msgspec.json.decode(COMPLETIONS.write_reply(reply, STAMP).body)["choices"][0]["logprobs"]
    assert written_again["text_offset"] == [0, 3]
    assert written_again["top_logprobs"] == [{}, {" days": -0.5}]
    with pytest.raises(Broken, match="answer 200"):
        COMPLETIONS.reader().feed(Frame("", b'{"choices":[{"index":200,"text":"x"}]}'))
