"""How likely each token was: read in every format that tells it, kept apart when it cannot be read, written back."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw
from wire_kit import COHERE, OPENAI, STAMP

from asbru.model.chat import Likely, Reply, Text
from asbru.model.events import Ended
from asbru.model.failure import Broken
from asbru.model.names import Finish, Format
from asbru.wire import CODECS, Frame
from asbru.wire.bedrock import job_lines
from asbru.wire.cohere import logprobs as coheres
from asbru.wire.openai import completions_logprobs, logprobs

COMPLETIONS = CODECS[Format.OPENAI_COMPLETIONS]
CONVERSE = CODECS[Format.BEDROCK_CONVERSE]
TOLD = {"tokens": ["Hi", "!"], "token_logprobs": [None, -0.5], "top_logprobs": [None, {"!": -0.5, "?": -2.0}]}
HI = (Likely(token="Hi", logprob=0.0), Likely(token="!", logprob=-0.5, top=(Likely(token="!", logprob=-0.5), Likely(token="?", logprob=-2.0))))  # fmt: skip
WRONG = [b"5", b'"x"', b"[5]", b'{"tokens": 5, "content": 5, "text": 5}', b"\xff", b"[[1]]", b'[{"token": 5}]']


def completion(told: Any, text: str = "Hi!") -> bytes:
    return msgspec.json.encode({"choices": [{"text": text, "index": 0, "logprobs": told, "finish_reason": "stop"}]})


def test_of_a_text_completion() -> None:
    reply = COMPLETIONS.read_reply(completion(TOLD))
    assert reply.parts == (Text("Hi!", logprobs=HI),)
    shown = msgspec.json.decode(COMPLETIONS.write_reply(reply, STAMP).body)["choices"][0]["logprobs"]
    assert (shown["tokens"], shown["text_offset"], shown["token_logprobs"]) == (["Hi", "!"], [0, 2], [0.0, -0.5])
    assert shown["top_logprobs"] == [{}, {"!": -0.5, "?": -2.0}]
    assert completions_logprobs.write_logprobs((), 0) is None


@pytest.mark.parametrize("told", [{"tokens": 5}, "x", {"tokens": []}])
def test_what_a_text_completion_tells_otherwise_is_kept_apart(told: Any) -> None:
    reply = COMPLETIONS.read_reply(completion(told))
    assert (reply.parts, list(reply.extra)) == ((Text("Hi!"),), ["choices.0.logprobs"])


def test_fewer_numbers_than_tokens() -> None:
    read = completions_logprobs.read_logprobs(Raw(b'{"tokens": ["a", "b"], "token_logprobs": [-1.0]}'))
    assert read == (Likely(token="a", logprob=-1.0), Likely(token="b", logprob=0.0))


@pytest.mark.parametrize("raw", WRONG)
def test_what_are_no_tokens(raw: bytes) -> None:
    assert completions_logprobs.read_logprobs(Raw(raw)) in (None, ())
    assert logprobs.read_tokens(Raw(raw)) is None
    assert logprobs.read_choice(Raw(raw)) == ((), True) or raw.startswith(b"[")
    assert coheres.read_pieces(Raw(raw)) in (None, ())


def test_tokens_of_chats() -> None:
    raw = Raw(b'{"content": [{"token": "Hi", "logprob": -0.5, "bytes": [72], "top_logprobs": []}], "refusal": null}')
    assert logprobs.read_choice(raw) == ((Likely(token="Hi", logprob=-0.5, bytes=(72,)),), False)
    assert logprobs.read_tokens(Raw(b'[{"token": "Hi"}]')) == (Likely(token="Hi", logprob=0.0),)


def test_cohere_joins_the_tokens_of_a_text() -> None:
    pieces = [{"token_ids": [1, 2], "text": "Hi!", "logprobs": [-0.5, -1.0]}, {"text": "x", "logprobs": [-2.0]}]
    body = {"id": "x", "message": {"role": "assistant", "content": [{"type": "text", "text": "Hi!x"}]}}
    reply = COHERE.read_reply(msgspec.json.encode({**body, "finish_reason": "COMPLETE", "logprobs": pieces}))
    (part,) = reply.parts
    assert [(one.token, one.logprob, one.id) for one in part.logprobs] == [
        ("Hi!", -0.5, 1),
        ("", -1.0, 2),
        ("x", -2.0, -1),
    ]
    again = msgspec.json.decode(COHERE.write_reply(reply, STAMP).body)
    assert [piece["logprobs"] for piece in again["logprobs"]] == [[-0.5, -1.0], [-2.0]]


@pytest.mark.parametrize("index", [-1, 1_000_000])
def test_an_answer_of_a_stream_beyond_all_measure(index: int) -> None:
    for codec in (COMPLETIONS, OPENAI):
        body = {"choices": [{"index": index, "text": "x", "delta": {"content": "x"}}]}
        with pytest.raises(Broken, match="answer"):
            codec.reader().feed(Frame("", msgspec.json.encode(body)))


def test_further_answers_have_no_place_in_converse() -> None:
    writer = CONVERSE.writer(STAMP, None)
    assert writer.send(Ended(choice=1, finish=Finish.STOP)) == b""


def test_what_bedrock_calls_the_bodies_of_a_job() -> None:
    assert job_lines.invocation_type(Format.BEDROCK_CONVERSE) == "Converse"
    assert job_lines.invocation_type(Format.BEDROCK_LLAMA) == "InvokeModel"


def test_tokens_are_lost_where_they_cannot_be_told() -> None:
    reply = Reply(id="x", model="m", parts=(Text("Hi!", logprobs=HI),), origin=Format.OPENAI_CHAT)
    assert any("logprobs" in name for name in CONVERSE.write_reply(reply, STAMP).lost)


@pytest.mark.parametrize(("told", "content"), [(5, "Hi"), ([], "Hi"), ([{"text": "Hi", "logprobs": [-1.0]}], [])])
def test_what_cohere_tells_of_no_text_is_kept_apart(told: Any, content: Any) -> None:
    body = {
        "id": "x",
        "message": {"role": "assistant", "content": content},
        "finish_reason": "COMPLETE",
        "logprobs": told,
    }
    reply = COHERE.read_reply(msgspec.json.encode(body))
    assert list(reply.extra) == ["logprobs"]
    assert not any(getattr(part, "logprobs", ()) for part in reply.parts)
