# One case per line, as in a table.
"""InvokeModel: which format a body has, prompts in and answers out, streams in chunks; counting and reranking."""

import base64
import random
from typing import Any

import msgspec
import pytest
from wire_kit import STAMP

from asbru.model.chat import Ask, Image, Opaque, Refusal, Reply, Text, Thinking, ToolCall
from asbru.model.embed import EmbedAsk, EmbedReply, Vector
from asbru.model.events import Close, Delta, Done, Event, Open, Start, fold, unfold
from asbru.model.failure import Broken, Bug, Failure, Overloaded, Refused, Upstream
from asbru.model.names import Finish, Format, Role
from asbru.model.rerank import Ranked, RerankAsk, RerankReply
from asbru.model.tokens import Counted
from asbru.model.usage import Usage
from asbru.wire import CODECS, AnyCodec, Envelope, Stamp
from asbru.wire.aws import ChunkCutter, write_chunk, write_exception
from asbru.wire.bedrock.invoke import INVOKED, format_of, take
from asbru.wire.bedrock.prompts import METRICS
from asbru.wire.sse import Frame

PROMPTS = (
    Format.BEDROCK_TITAN_TEXT, Format.BEDROCK_LLAMA, Format.BEDROCK_MISTRAL, Format.BEDROCK_COMMAND, Format.BEDROCK_COMMAND_R,
)  # fmt: skip
SAID = [{"role": "user", "content": [{"text": "Hi"}]}]

BODIES: list[tuple[dict[str, Any], str, Format]] = [
    ({"anthropic_version": "v", "messages": []}, "openai/gpt-4o", Format.ANTHROPIC_MESSAGES),
    ({"messages": SAID}, "m", Format.BEDROCK_NOVA),
    ({"messages": [], "schemaVersion": "messages-v1"}, "m", Format.BEDROCK_NOVA),
    ({"messages": [], "inferenceConfig": {}}, "m", Format.BEDROCK_NOVA),
    ({"messages": [{"role": "user", "content": "Hi"}]}, "m", Format.OPENAI_CHAT),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}, "m", Format.OPENAI_CHAT),
    ({"messages": [{"role": "user", "content": []}]}, "m", Format.BEDROCK_NOVA),
    ({"messages": 1}, "m", Format.OPENAI_CHAT),
    ({"inputText": "a"}, "amazon.titan-text-lite-v1", Format.BEDROCK_TITAN_TEXT),
    ({"inputText": "a"}, "amazon.titan-embed-text-v1", Format.BEDROCK_TITAN_EMBED),
    ({"inputText": "a", "dimensions": 256}, "m", Format.BEDROCK_TITAN_EMBED),
    ({"inputImage": "a"}, "m", Format.BEDROCK_TITAN_EMBED),
    ({"texts": ["a"]}, "m", Format.BEDROCK_COHERE_EMBED),
    ({"images": ["a"]}, "m", Format.BEDROCK_COHERE_EMBED),
    ({"query": "a", "documents": []}, "m", Format.BEDROCK_RERANK_INVOKE),
    ({"message": "a"}, "m", Format.BEDROCK_COMMAND_R),
    ({"prompt": "a", "max_gen_len": 5}, "mistral", Format.BEDROCK_LLAMA),
    ({"prompt": "a"}, "meta.llama3", Format.BEDROCK_LLAMA),
    ({"prompt": "a"}, "cohere.command-text-v14", Format.BEDROCK_COMMAND),
    ({"prompt": "a", "p": 0.5}, "m", Format.BEDROCK_COMMAND),
    ({"prompt": "a"}, "openai/gpt-4o", Format.BEDROCK_MISTRAL),
]


@pytest.mark.parametrize(("body", "model", "format"), BODIES)
def test_a_body_tells_its_format(body: dict[str, Any], model: str, format: Format) -> None:
    members = Envelope(msgspec.json.encode(body)).members
    assert format_of(members, model) is format
    assert INVOKED[format].format is format


@pytest.mark.parametrize("body", [{}, {"a": 1, "b": 2}])
def test_a_body_of_no_format(body: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="no model's format") as told:
        take(Envelope(msgspec.json.encode(body)), "m", stream=False)
    assert told.value.status == 400


def test_what_the_path_says_is_put_where_the_format_has_it() -> None:
    body = {"anthropic_version": "v", "anthropic_beta": ["a", "b"], "max_tokens": 5, "messages": []}
    envelope = Envelope(msgspec.json.encode(body))
    taken = take(envelope, "openai/gpt-4o", stream=True)
    assert taken.headers == {b"anthropic-beta": b"a,b"}
    assert msgspec.json.decode(envelope.splice()) == {
        "max_tokens": 5,
        "messages": [],
        "model": "openai/gpt-4o",
        "stream": True,
    }
    envelope = Envelope(b'{"anthropic_version":"v","anthropic_beta":null,"messages":[]}')
    assert take(envelope, "m", stream=False).headers == {}
    envelope = Envelope(msgspec.json.encode({"messages": [{"role": "user", "content": "Hi"}]}))
    assert take(envelope, "m", stream=False).codec.peek(envelope).model == "m"
    for beta in (1, ["\n"], ["\u00e4"]):
        with pytest.raises(Refused, match="anthropic_beta"):
            take(Envelope(msgspec.json.encode({"anthropic_version": "v", "anthropic_beta": beta})), "m", stream=False)


def test_embeddings_are_not_streamed() -> None:
    with pytest.raises(Refused, match="cannot be answered as a stream"):
        take(Envelope(b'{"texts":["a"]}'), "m", stream=True)


# Prompts.

ASKED: dict[Format, dict[str, Any]] = {
    Format.BEDROCK_TITAN_TEXT: {
        "inputText": "Hi",
        "textGenerationConfig": {"maxTokenCount": 9, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]},
    },
    Format.BEDROCK_LLAMA: {"prompt": "Hi", "max_gen_len": 9, "temperature": 0.5, "top_p": 0.9},
    Format.BEDROCK_MISTRAL: {
        "prompt": "Hi",
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 3,
        "stop": ["END"],
    },
    Format.BEDROCK_COMMAND: {
        "prompt": "Hi",
        "max_tokens": 9,
        "temperature": 0.5,
        "p": 0.9,
        "k": 3,
        "stop_sequences": ["END"],
    },
    Format.BEDROCK_COMMAND_R: {
        "message": "Hi",
        "max_tokens": 9,
        "temperature": 0.5,
        "p": 0.9,
        "k": 3,
        "stop_sequences": ["END"],
    },
}


@pytest.mark.parametrize("format", PROMPTS)
def test_a_prompt_is_what_the_user_says(format: Format) -> None:
    codec = CODECS[format]
    ask: Ask = codec.read_ask(Envelope(msgspec.json.encode({**ASKED[format], "odd": 1})))
    assert [(turn.role, turn.parts) for turn in ask.turns] == [(Role.USER, (Text("Hi"),))]
    sampling = ask.sampling
    assert (sampling.max_tokens, sampling.temperature, sampling.top_p) == (9, 0.5, 0.9)
    assert sampling.top_k in (None, 3)
    assert sampling.stop in ((), ("END",))
    assert set(ask.extra) == {"odd"}
    assert ask.origin is format
    assert codec.peek(Envelope(b'{"fallbacks":["a/b"]}')).fallbacks == ("a/b",)
    assert codec.put(Envelope(b"{}"), "m", True) == {}


def test_what_came_before_a_message() -> None:
    body = {
        "message": "And?", "preamble": "Be brief.",
        "chat_history": [{"role": "USER", "message": "Hi"}, {"role": "CHATBOT", "message": "Hello"}, {"role": "SYSTEM", "message": "x"}],
    }  # fmt: skip
    ask = CODECS[Format.BEDROCK_COMMAND_R].read_ask(Envelope(msgspec.json.encode(body)))
    assert [turn.role for turn in ask.turns] == [Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.SYSTEM, Role.USER]


WRONG: list[tuple[Format, dict[str, Any], str]] = [
    (Format.BEDROCK_LLAMA, {"prompt": ""}, "prompt: must not be empty"),
    (Format.BEDROCK_LLAMA, {}, "prompt: Field required"),
    (Format.BEDROCK_LLAMA, {"prompt": None}, "prompt: Field required"),
    (Format.BEDROCK_LLAMA, {"prompt": 1}, "prompt: Expected `str`, got `int`"),
    (Format.BEDROCK_LLAMA, {"prompt": "a", "max_gen_len": "many"}, "max_gen_len: Expected `int`, got `str`"),
    (
        Format.BEDROCK_TITAN_TEXT,
        {"inputText": "a", "textGenerationConfig": {"topP": "x"}},
        "textGenerationConfig.topP: Expected `float`, got `str`",
    ),
    (
        Format.BEDROCK_TITAN_TEXT,
        {"inputText": "a", "textGenerationConfig": 1},
        "textGenerationConfig: Expected `object`, got `int`",
    ),
    (
        Format.BEDROCK_COMMAND_R,
        {"message": "a", "chat_history": [{"role": "TOOL", "message": "x"}]},
        "chat_history.0.role: must be one of USER, CHATBOT, SYSTEM",
    ),
    (Format.BEDROCK_COMMAND_R, {"message": "a", "chat_history": [{}]}, "chat_history.0.role: Field required"),
    (Format.BEDROCK_NOVA, {"messages": [], "inferenceConfig": 1}, "inferenceConfig: Expected `object`, got `int`"),
    (Format.BEDROCK_TITAN_EMBED, {}, "inputText: Field required"),
    (
        Format.BEDROCK_TITAN_EMBED,
        {"inputText": "a", "embeddingConfig": {"outputEmbeddingLength": "x"}},
        "embeddingConfig.outputEmbeddingLength: Expected `int | null`, got `str`",
    ),
    (Format.BEDROCK_COHERE_EMBED, {"input_type": "x"}, "texts: Field required"),
    (Format.BEDROCK_COHERE_EMBED, {"images": ["http://x/y.png"]}, "images.0: must be a data URI of an image in base64"),
    (Format.BEDROCK_RERANK_INVOKE, {"query": "a", "documents": [1]}, "documents.0: Expected `str`, got `int`"),
    (Format.BEDROCK_COUNT_TOKENS, {}, "input: Field required"),
    (Format.BEDROCK_COUNT_TOKENS, {"input": {}}, "input: must have exactly one member, not none"),
    (Format.BEDROCK_COUNT_TOKENS, {"input": {"other": {}}}, "input.other: must be converse or invokeModel"),
    (Format.BEDROCK_COUNT_TOKENS, {"input": {"invokeModel": {"body": "*"}}}, "input.invokeModel.body: "),
    (
        Format.BEDROCK_COUNT_TOKENS,
        {"input": {"invokeModel": {"body": "eyJ0ZXh0cyI6WyJhIl19"}}},
        "input.invokeModel.body: must ask for a reply",
    ),
]


@pytest.mark.parametrize(("format", "body", "words"), WRONG)
def test_a_mistake_is_named(format: Format, body: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as told:
        CODECS[format].read_ask(Envelope(msgspec.json.encode(body)))
    assert told.value.message.startswith(words)
    assert told.value.status == 400


ANSWERED = Reply(
    id="", model="m", parts=(Text("Two "), Thinking(text="?"), Refusal("days.")), finish=Finish.LENGTH, usage=Usage(input=3, output=2),
    extra={"more": msgspec.Raw(b"1")}, origin=Format.OPENAI_CHAT,
)  # fmt: skip

WHOLE: dict[Format, dict[str, Any]] = {
    Format.BEDROCK_TITAN_TEXT: {
        "inputTextTokenCount": 3,
        "results": [{"tokenCount": 2, "outputText": "Two days.", "completionReason": "LENGTH"}],
    },
    Format.BEDROCK_LLAMA: {
        "generation": "Two days.",
        "prompt_token_count": 3,
        "generation_token_count": 2,
        "stop_reason": "length",
    },
    Format.BEDROCK_MISTRAL: {"outputs": [{"text": "Two days.", "stop_reason": "length"}]},
    Format.BEDROCK_COMMAND: {
        "generations": [{"finish_reason": "MAX_TOKENS", "id": "01test", "text": "Two days."}],
        "id": "01test",
        "prompt": "",
    },
    Format.BEDROCK_COMMAND_R: {
        "response_id": "01test",
        "text": "Two days.",
        "generation_id": "01test",
        "finish_reason": "MAX_TOKENS",
    },
}


@pytest.mark.parametrize("format", PROMPTS)
def test_an_answer_is_one_text(format: Format) -> None:
    codec = CODECS[format]
    written = codec.write_reply(ANSWERED, STAMP)
    assert msgspec.json.decode(written.body) == WHOLE[format]
    assert set(written.lost) == {"more", "content.1: thinking"}
    usage = codec.read_usage(written.body)
    assert usage == (Usage(input=3, output=2) if "ount" in str(WHOLE[format]) else None)
    for body in (b"[", b"{}", b'{"prompt_token_count":"x","generation_token_count":1}'):
        assert codec.read_usage(body) is None


def test_other_parts_are_named() -> None:
    reply = msgspec.structs.replace(
        ANSWERED, parts=(Opaque(format=Format.OPENAI_CHAT, kind="audio", raw=msgspec.Raw(b"{}")),), extra={}
    )
    assert CODECS[Format.BEDROCK_LLAMA].write_reply(reply, STAMP).lost == ("content.0: audio",)


STREAM: list[Event] = [
    Start(id="", model="m"), Open(0, Thinking()), Delta(index=0, text="?"), Close(0), Open(1, Text("Two")), Delta(index=1, text=" days."),
    Delta(index=1, signature="c2ln"), Close(1), Open(2, ToolCall(id="t", name="f", arguments=msgspec.Raw(b""))), Close(2),
    Done(finish=Finish.STOP_SEQUENCE, usage=Usage(input=3, output=2)),
]  # fmt: skip
PIECES: dict[Format, tuple[list[str], str]] = {
    Format.BEDROCK_TITAN_TEXT: (["outputText"], "STOP_CRITERIA_MET"),
    Format.BEDROCK_LLAMA: (["generation"], "stop"),
    Format.BEDROCK_MISTRAL: (["outputs", "0", "text"], "stop"),
    Format.BEDROCK_COMMAND: (["text"], "COMPLETE"),
    Format.BEDROCK_COMMAND_R: (["text"], "COMPLETE"),
}


def chunks(body: bytes) -> list[dict[str, Any]]:
    return [msgspec.json.decode(frame.data) for frame in ChunkCutter().feed(body)]


def at(value: Any, path: list[str]) -> Any:
    for step in path:
        value = value[int(step)] if step.isdigit() else value[step]
    return value


@pytest.mark.parametrize("format", PROMPTS)
def test_a_streamed_answer_is_pieces_of_one_text(format: Format) -> None:
    codec = CODECS[format]
    writer = codec.writer(STAMP, None)
    body = b"".join(writer.send(event) for event in STREAM)
    path, reason = PIECES[format]
    told = chunks(body)
    assert [at(chunk, path) for chunk in told[:2]] == ["Two", " days."]
    assert reason in str(told[-1])
    assert told[-1][METRICS] == {"inputTokenCount": 3, "outputTokenCount": 2}
    dice = random.Random(format)
    for _ in range(5):
        tap, place = codec.tap(True), dice.randrange(len(body))
        assert tap.feed(body[:place]) + tap.feed(body[place:]) + tap.finish() == body
        assert (tap.usage, tap.done, tap.failed) == (Usage(input=3, output=2), True, False)
    with pytest.raises(Overloaded, match="slow"):
        ChunkCutter().feed(writer.fail(Overloaded(429, "slow")))
    reader = codec.reader()
    assert reader.feed(Frame("", b"{}")) == ()
    assert not codec.streams


def test_a_tap_of_chunks_that_say_nothing() -> None:
    tap = CODECS[Format.BEDROCK_LLAMA].tap(True)
    for data in (METRICS.encode(), b'{"x":"%b"}' % METRICS.encode(), b'{"generation":"a"}'):
        tap.feed(write_chunk(Frame("", data)))
    assert (tap.usage, tap.done, tap.failed) == (Usage(), False, False)


# Nova.


def test_nova_is_converse_with_its_own_words() -> None:
    nova = CODECS[Format.BEDROCK_NOVA]
    body = {
        "schemaVersion": "messages-v1", "messages": SAID, "inferenceConfig": {"maxTokens": 9, "topP": 0.5, "topK": 5},
        "additionalModelRequestFields": {"foo": 1},
    }  # fmt: skip
    ask = msgspec.structs.replace(nova.read_ask(Envelope(msgspec.json.encode(body))), model="amazon.nova-lite-v1:0")
    assert (ask.sampling.top_k, ask.sampling.max_tokens, ask.origin) == (5, 9, Format.BEDROCK_NOVA)
    assert msgspec.json.decode(nova.write_ask(ask).body) == body
    older = {"messages": SAID, "inferenceConfig": {"max_new_tokens": 9, "top_p": 0.5}}
    ask = nova.read_ask(Envelope(msgspec.json.encode(older)))
    assert (ask.sampling.top_p, ask.sampling.max_tokens) == (0.5, 9)
    plain = msgspec.structs.replace(ask, origin=Format.OPENAI_CHAT)
    assert msgspec.json.decode(nova.write_ask(plain).body)["schemaVersion"] == "messages-v1"


def test_nova_answers_in_chunks() -> None:
    nova = CODECS[Format.BEDROCK_NOVA]
    reply = Reply(
        id="", model="", parts=(Text("Two days."),), usage=Usage(input=3, output=2), origin=Format.OPENAI_CHAT
    )
    written = nova.write_reply(reply, STAMP)
    assert "metrics" not in msgspec.json.decode(written.body)
    assert nova.read_reply(written.body).parts == reply.parts
    writer = nova.writer(STAMP, None)
    body = b"".join(writer.send(event) for event in unfold(reply))
    assert [next(iter(chunk)) for chunk in chunks(body)] == [
        "messageStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    reader = nova.reader()
    again = fold(event for frame in ChunkCutter().feed(body) for event in reader.feed(frame))
    assert (again.parts, again.usage, reader.done) == (reply.parts, reply.usage, True)
    tap = nova.tap(True)
    assert tap.feed(body) == body
    assert (tap.usage, tap.done) == (reply.usage, True)
    tap.feed(write_chunk(Frame("", b'{"metadata"')))
    with pytest.raises(Broken, match="cannot be read"):
        nova.reader().feed(Frame("", b"["))
    with pytest.raises(Overloaded):
        ChunkCutter().feed(writer.fail(Overloaded(503, "busy")))


# Formats with server-sent events, in chunks.


def test_anthropics_stream_in_chunks() -> None:
    codec = INVOKED[Format.ANTHROPIC_MESSAGES]
    ask = Ask(model="m", turns=(), stream=True, include_usage=True, origin=Format.OPENAI_CHAT)
    reply = Reply(
        id="", model="m", parts=(Text("Two days."),), usage=Usage(input=3, output=2), origin=Format.OPENAI_CHAT
    )
    writer = codec.writer(STAMP, ask)
    body = b"".join(writer.send(event) for event in unfold(reply))
    assert [chunk["type"] for chunk in chunks(body)] == [
        "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop",
    ]  # fmt: skip
    for place in range(0, len(body), 7):
        tap = codec.tap(True)
        assert tap.feed(body[:place]) + tap.feed(body[place:]) + tap.finish() == body
        assert (tap.usage, tap.done, tap.failed) == (reply.usage, True, False)
    with pytest.raises(Overloaded, match="busy"):
        ChunkCutter().feed(writer.fail(Overloaded(529, "busy")))


def test_a_tap_of_chunks_sees_failures() -> None:
    codec = INVOKED[Format.ANTHROPIC_MESSAGES]
    exception = write_exception("throttlingException", b"{}")
    event = write_chunk(Frame("", b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}'))
    start = write_chunk(Frame("", b'{"type":"message_start","message":{}}'))
    for body, early in ((exception, True), (event, True), (start + exception, False)):
        tap = codec.tap(True)
        assert tap.feed(body) == body
        assert tap.failed is early
        assert tap.finish() == b""
        assert tap.failed
        assert tap.feed(b"x") == b"x"


NAMES: list[tuple[bytes, str]] = [
    (b'{"type":"ping"}', "ping"),
    (b'{"a":1,"type":"ping"}', "ping"),
    (b'{ "type": "ping"}', "ping"),
    (b'{"type":"a\\nb"}', "a\\nb"),
    (b'{"a":1,"type":"a\\nb"}', ""),
    (b"[]", ""),
    (b"{", ""),
]


@pytest.mark.parametrize(("data", "name"), NAMES)
def test_events_are_named_after_their_type(data: bytes, name: str) -> None:
    assert CODECS[Format.ANTHROPIC_MESSAGES].event_name(data) == name
    assert CODECS[Format.OPENAI_CHAT].event_name(data) == ""


def test_an_end_marker_is_no_chunk() -> None:
    assert write_chunk(Frame("", b"[DONE]")) == b""


# Counting.

COUNT = CODECS[Format.BEDROCK_COUNT_TOKENS]


def test_what_is_counted() -> None:
    converse = {"messages": SAID, "system": [{"text": "Be brief."}]}
    ask = COUNT.read_ask(Envelope(msgspec.json.encode({"input": {"converse": converse}, "odd": 1})))
    assert set(ask.extra) == {"odd"}
    written = COUNT.write_ask(
        msgspec.structs.replace(ask, sampling=msgspec.structs.replace(ask.sampling, max_tokens=5))
    )
    assert msgspec.json.decode(written.body) == {"input": {"converse": converse}}
    claude = {"anthropic_version": "v", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
    for body in (claude, {"prompt": "Hi"}, {"messages": SAID}):
        told = base64.b64encode(msgspec.json.encode(body)).decode()
        ask = COUNT.read_ask(Envelope(msgspec.json.encode({"input": {"invokeModel": {"body": told}}})))
        assert ask.turns[-1].parts == (Text("Hi"),)
        assert ask.model == ""
    assert COUNT.peek(Envelope(b"{}")).model == ""
    assert COUNT.put(Envelope(b"{}"), "m", False) == {}


def test_a_number_of_tokens() -> None:
    counted = COUNT.read_reply(b'{"inputTokens":7}')
    assert counted == Counted(input=7, origin=Format.BEDROCK_COUNT_TOKENS)
    assert counted.usage == Usage()
    assert COUNT.write_reply(counted, STAMP).body == b'{"inputTokens":7}'
    assert COUNT.read_usage(b'{"inputTokens":7}') is None
    with pytest.raises(Broken, match="number of tokens"):
        COUNT.read_reply(b"{}")


# Reranking.

AGENT, INVOKE = CODECS[Format.BEDROCK_RERANK], CODECS[Format.BEDROCK_RERANK_INVOKE]


def source(text: str) -> dict[str, Any]:
    return {"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": text}}}


def agent(**changed: Any) -> Envelope:
    model = {"modelArn": "cohere/rerank-v3.5", "additionalModelRequestFields": {"x": 1}}
    body = {
        "queries": [{"type": "TEXT", "textQuery": {"text": "q"}}],
        "sources": [source("a"), {"type": "INLINE", "inlineDocumentSource": {"type": "JSON", "jsonDocument": {"b": 1}}}],
        "rerankingConfiguration": {"type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": {"modelConfiguration": model, "numberOfResults": 2}},
        **changed,
    }  # fmt: skip
    return Envelope(msgspec.json.encode(body))


def test_the_agent_runtime_asks_what_a_model_is_invoked_with() -> None:
    assert AGENT.peek(agent()).model == "cohere/rerank-v3.5"
    ask = AGENT.read_ask(agent())
    assert (ask.query, ask.top, ask.documents[0], bytes(ask.documents[1])) == ("q", 2, "a", b'{"b":1}')
    assert set(ask.extra) == {"additionalModelRequestFields"}
    written = INVOKE.write_ask(
        msgspec.structs.replace(
            ask, model="cohere.rerank-v3-5:0", extra={}, user="u", with_documents=True, max_tokens_per_document=5
        )
    )
    assert msgspec.json.decode(written.body) == {
        "query": "q", "documents": ["a", {"b": 1}], "top_n": 2, "api_version": 2, "return_documents": True, "max_tokens_per_doc": 5,
    }  # fmt: skip
    assert written.lost == ("user",)
    assert AGENT.put(agent(), "m", False) == {}


AGENT_WRONG: list[tuple[dict[str, Any], str]] = [
    ({"queries": []}, "queries: must have exactly one item"),
    ({"queries": [{}]}, "queries.0.textQuery: Field required"),
    (
        {"sources": [{"type": "INLINE", "inlineDocumentSource": {"type": "TEXT"}}]},
        "sources.0.inlineDocumentSource: must be a textDocument",
    ),
    ({"sources": 1}, "sources: Expected `array`, got `int`"),
]


@pytest.mark.parametrize(("changed", "words"), AGENT_WRONG)
def test_a_wrong_request_of_the_agent_runtime(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as told:
        AGENT.read_ask(agent(**changed))
    assert told.value.message.startswith(words)


def test_a_request_without_a_model() -> None:
    for envelope in (
        Envelope(b"{}"),
        agent(rerankingConfiguration={}),
        agent(rerankingConfiguration={"bedrockRerankingConfiguration": {"modelConfiguration": {"modelArn": ""}}}),
    ):
        with pytest.raises(Refused, match="rerankingConfiguration"):
            AGENT.peek(envelope)


def test_invoked_reranking_there_and_back() -> None:
    body = {"query": "q", "documents": ["a", {"b": 1}], "top_n": 1, "odd": 1}
    ask: RerankAsk = INVOKE.read_ask(Envelope(msgspec.json.encode(body)))
    assert msgspec.json.decode(INVOKE.write_ask(msgspec.structs.replace(ask, model="amazon.rerank-v1:0")).body) == body
    foreign = msgspec.structs.replace(ask, origin=Format.OPENAI_CHAT)
    assert INVOKE.write_ask(foreign).lost == ("odd",)
    assert INVOKE.peek(Envelope(b'{"fallbacks":["a/b"]}')).fallbacks == ("a/b",)
    reply = INVOKE.read_reply(
        b'{"id":"1","results":[{"index":1,"relevance_score":0.5,"document":{"text":"a"}},{"index":0,"relevance_score":0}],"meta":{"x":1}}'
    )
    assert [(one.index, one.score) for one in reply.results] == [(1, 0.5), (0, 0.0)]
    assert msgspec.json.decode(INVOKE.write_reply(reply, STAMP).body) == {
        "id": "1", "results": [{"index": 1, "relevance_score": 0.5, "document": {"text": "a"}}, {"index": 0, "relevance_score": 0.0}], "meta": {"x": 1},
    }  # fmt: skip
    written = AGENT.write_reply(reply, STAMP)
    assert msgspec.json.decode(written.body) == {
        "results": [{"index": 1, "relevanceScore": 0.5}, {"index": 0, "relevanceScore": 0.0}]
    }
    assert written.lost == ("meta",)
    other = RerankReply(
        model="",
        results=(Ranked(index=0, score=1.0, document="a"),),
        extra={"x": msgspec.Raw(b"1")},
        origin=Format.OPENAI_CHAT,
    )
    written = INVOKE.write_reply(other, STAMP)
    assert msgspec.json.decode(written.body) == {
        "id": "01test",
        "results": [{"index": 0, "relevance_score": 1.0, "document": {"text": "a"}}],
    }
    assert written.lost == ("x",)
    assert INVOKE.read_usage(b"{}") is None
    with pytest.raises(Broken, match="not a ranking"):
        INVOKE.read_reply(b"[]")


# Embeddings, beyond the corpus.

TITAN, COHERE = CODECS[Format.BEDROCK_TITAN_EMBED], CODECS[Format.BEDROCK_COHERE_EMBED]
IMAGE = Image(media_type="image/png", data="eA==")


def split(codec: AnyCodec, ask: EmbedAsk) -> tuple[EmbedAsk, ...]:
    assert codec.split is not None
    return codec.split(ask)


def embed(*inputs: Any, **more: Any) -> EmbedAsk:
    return EmbedAsk(model="m", inputs=inputs, origin=Format.OPENAI_EMBEDDINGS, **more)


@pytest.mark.parametrize(
    ("format", "ask", "words"),
    [
        (TITAN, embed((1, 2)), "input.0: this model embeds texts"),
        (TITAN, embed((IMAGE, IMAGE)), "input.0: this model embeds texts"),
        (TITAN, embed((Image(url="https://x"),)), "input.0: this model embeds texts"),
        (COHERE, embed((Text("a"), IMAGE)), "input.0: this model embeds texts or images"),
        (COHERE, embed("a", (IMAGE,)), "input.1: this model embeds texts or images"),
        (TITAN, embed(), "input: must not be empty"),
        (TITAN, embed("a", (1, 2)), "input.1: this model embeds texts"),
        (COHERE, embed(), "input: must not be empty"),
    ],
)
def test_inputs_that_no_vector_can_be_made_of(format: Any, ask: EmbedAsk, words: str) -> None:
    with pytest.raises(Refused) as told:
        format.write_ask(ask if ask.inputs and len(ask.inputs) > 1 and format is COHERE else split(format, ask)[0])
    assert told.value.message.startswith(words)
    assert told.value.param == words.partition(":")[0]


def test_more_inputs_than_a_request_may_hold() -> None:
    texts = [f"t{n}" for n in range(100)]
    assert [each.inputs for each in split(TITAN, embed(*texts[:3]))] == [("t0",), ("t1",), ("t2",)]
    assert [len(each.inputs) for each in split(COHERE, embed(*texts))] == [96, 4]
    mixed = split(COHERE, embed("a", "b", (IMAGE,), (IMAGE,), (Text("c"),)))
    assert [len(each.inputs) for each in mixed] == [2, 1, 1, 1]
    for codec in (TITAN, COHERE):
        assert codec.join is not None
        joined = codec.join([vectors({"float": [0.5]}), vectors({"float": [1]})])
        assert [bytes(vector.raw["float"]) for vector in joined.vectors] == [b"[0.5]", b"[1]"]


def test_words_that_others_do_not_have() -> None:
    ask = embed("a", task="search_query", truncate="start", title="t", user="u", encodings=("base64", "int8"))
    assert set(TITAN.write_ask(ask).lost) == {"input_type", "truncate", "title", "user", "encoding: int8"}
    written = COHERE.write_ask(ask)
    assert msgspec.json.decode(written.body) == {
        "texts": ["a"],
        "input_type": "search_query",
        "truncate": "START",
        "embedding_types": ["int8"],
    }
    assert set(written.lost) == {"title", "user"}
    assert COHERE.read_ask(Envelope(b'{"texts":["a"],"truncate":"NONE"}')).truncate == "none"
    assert TITAN.read_ask(Envelope(b'{"inputImage":"????"}')).inputs == ((Image(media_type="image/png", data="????"),),)
    assert TITAN.peek(Envelope(b"{}")).model == ""
    assert TITAN.put(Envelope(b"{}"), "m", False) == {}


def vectors(*raw: dict[str, Any]) -> EmbedReply:
    told = tuple(
        Vector(raw={name: msgspec.Raw(msgspec.json.encode(value)) for name, value in one.items()}) for one in raw
    )
    return EmbedReply(model="", vectors=told, extra={"x": msgspec.Raw(b"1")}, origin=Format.OPENAI_EMBEDDINGS)


def test_vectors_that_cannot_be_told() -> None:
    with pytest.raises(Broken, match="2 embeddings for one input"):
        TITAN.write_reply(vectors({"float": [1]}, {"float": [1]}), STAMP)
    with pytest.raises(Broken, match="not floats"):
        TITAN.write_reply(vectors({"int8": [1]}), STAMP)
    for body in (b"[", b"{}"):
        with pytest.raises(Broken, match="embedding"):
            TITAN.read_reply(body)
    for body in (b"{}", b'{"embeddings":1}', b"["):
        with pytest.raises(Broken, match="not an embedding"):
            COHERE.read_reply(body)
    assert COHERE.read_reply(b'{"embeddings":{"float":[[1]],"int8":[]},"meta":1}').vectors == (
        Vector(raw={"float": msgspec.Raw(b"[1]")}),
    )
    assert TITAN.read_usage(b"[") is None
    assert TITAN.read_usage(b"{}") is None
    assert TITAN.read_usage(b'{"inputTextTokenCount":3}') == Usage(input=3)
    assert COHERE.read_usage(b"{}") is None


def test_vectors_by_the_types_that_were_asked_for() -> None:
    stamp = Stamp(id="s", at=0, ask=embed("a", encodings=("float", "int8", "binary")))
    written = COHERE.write_reply(vectors({"float": [0.5], "int8": [1]}), stamp)
    assert msgspec.json.decode(written.body) == {
        "id": "s", "response_type": "embeddings_by_type", "embeddings": {"float": [[0.5]], "int8": [[1]]}, "texts": ["a"],
    }  # fmt: skip
    assert set(written.lost) == {"x", "encoding: binary"}
    assert TITAN.write_reply(vectors({"float": [0.5]}), STAMP).lost == ("x",)
    for codec in (TITAN, COHERE):
        at_home = msgspec.structs.replace(vectors({"float": [0.5]}), origin=codec.format)
        assert msgspec.json.decode(codec.write_reply(at_home, STAMP).body)["x"] == 1


def test_nobody_is_asked_in_a_prompt_format() -> None:
    for format in PROMPTS:
        with pytest.raises(Bug):
            CODECS[format].write_ask(None)
    failure = CODECS[Format.BEDROCK_LLAMA].read_failure(429, {}, b'{"message":"slow"}')
    assert isinstance(failure, Upstream)
    assert b"ThrottlingException" in CODECS[Format.BEDROCK_LLAMA].write_failure(Failure(429, "slow"), "r")
