"""Hostile bodies, replies and streams: whatever stands where, it is understood, refused, or told to be unreadable."""

import contextlib
import copy
import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from wire_kit import HERE, STAMP, told

from asbru.model.events import Event, fold
from asbru.model.failure import Bug, Failure, Refused, Upstream
from asbru.model.names import Format
from asbru.wire import CODECS, Envelope
from asbru.wire.bedrock.invoke import take
from asbru.wire.sse import Frame

ODD: list[Any] = [
    None, True, 0, -1, 1e300, "", "x", "\U0001f600", [], [[]], {}, {"": {}}, [None], {"text": None}, {"type": "x"}, 10**30, [{}], [{"a": 1}],
]  # fmt: skip
ROUNDS = 12
FORMATS = (Format.BEDROCK_CONVERSE, Format.BEDROCK_TITAN_EMBED, Format.BEDROCK_COHERE_EMBED)
ASKS = [
    pytest.param(section.body, section.codec.format, id=f"{file.name}-{n}")
    for folder in ("corpus", "embeddings/asks")
    for file in told(folder)
    for n, section in enumerate(file.sections)
    if section.reads and section.codec.format in FORMATS
]
REPLIES = [
    pytest.param(section.body, section.codec.format, id=f"{file.name}-{n}")
    for folder in ("replies", "embeddings/replies")
    for file in told(folder)
    for n, section in enumerate(file.sections)
    if section.reads and section.codec.format in FORMATS
]
STREAMS = sorted((HERE / "streams" / "bedrock").glob("*.json"))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in inner:
        yield from places(one, (*path, step))


def spoilt(value: Any, dice: random.Random) -> Any:
    """``value`` with something else at one of its places, or without it, or with a stranger beside it."""
    value = copy.deepcopy(value)
    *way, last = dice.choice([path for path in places(value) if path])
    holder = value
    for step in way:
        holder = holder[step]
    kind = dice.randrange(4)
    if kind == 0:
        del holder[last]
    elif kind == 1 and isinstance(holder, dict):
        holder[dice.choice(("x", "text", "image", "toolUse", "cachePoint"))] = dice.choice(ODD)
    else:
        holder[last] = dice.choice(ODD)
    return value


@pytest.mark.parametrize(("body", "format"), ASKS)
def test_a_spoilt_request_is_read_or_refused(body: bytes, format: Format) -> None:
    dice, whole = random.Random(body), msgspec.json.decode(body)
    statuses: set[int] = set()
    for _ in range(ROUNDS):
        told = msgspec.json.encode(spoilt(whole, dice))
        try:
            ask = CODECS[format].read_ask(Envelope(told))
        except Refused as refusal:
            statuses.add(refusal.status)
            continue
        for codec in (CODECS[format], CODECS[Format.OPENAI_CHAT], CODECS[Format.ANTHROPIC_MESSAGES]):
            if format is Format.BEDROCK_CONVERSE or codec is CODECS[format]:
                with contextlib.suppress(Refused):
                    codec.write_ask(ask)
    assert statuses <= {400}


@pytest.mark.parametrize(("body", "format"), REPLIES)
def test_a_spoilt_reply_is_read_or_broken(body: bytes, format: Format) -> None:
    dice, whole = random.Random(body), msgspec.json.decode(body)
    statuses: set[int] = set()
    for _ in range(ROUNDS):
        told = msgspec.json.encode(spoilt(whole, dice))
        CODECS[format].read_usage(told)
        try:
            reply = CODECS[format].read_reply(told)
        except Upstream as failure:
            statuses.add(failure.status)
            continue
        with contextlib.suppress(Upstream):
            CODECS[format].write_reply(reply, STAMP)
    assert statuses <= {502}


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_a_spoilt_stream_is_read_or_broken(path: Any) -> None:
    dice, events = random.Random(path.stem), msgspec.json.decode(path.read_bytes())["events"]
    statuses: set[int] = set()
    for _ in range(ROUNDS * 5):
        for codec, framed in ((CODECS[Format.BEDROCK_CONVERSE], True), (CODECS[Format.BEDROCK_NOVA], False)):
            reader, found = codec.reader(), list[Event]()
            try:
                for event in spoilt(events, dice):
                    if not isinstance(event, list) or len(event) != 2 or not isinstance(event[0], str):
                        continue
                    name, payload = event
                    data = msgspec.json.encode(payload if framed else {name: payload})
                    found += reader.feed(Frame(name if framed else "", data))
            except Upstream as failure:
                statuses.add(failure.status)
                continue
            if found:
                fold(found)
    assert statuses == {502}


INVOKED: list[dict[str, Any]] = [
    {"anthropic_version": "v", "anthropic_beta": ["a"], "max_tokens": 5, "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]},
    {"schemaVersion": "messages-v1", "messages": [{"role": "user", "content": [{"text": "a"}]}], "inferenceConfig": {"topK": 5, "maxTokens": 5}},
    {"messages": [{"role": "user", "content": "a"}], "max_tokens": 5},
    {"inputText": "a", "textGenerationConfig": {"maxTokenCount": 5, "stopSequences": ["a"]}},
    {"prompt": "a", "max_gen_len": 5},
    {"prompt": "a", "max_tokens": 5, "stop": ["a"]},
    {"message": "a", "chat_history": [{"role": "USER", "message": "a"}], "preamble": "b"},
    {"inputText": "a", "inputImage": "b", "embeddingConfig": {"outputEmbeddingLength": 5}},
    {"texts": ["a"], "input_type": "x", "embedding_types": ["float"]},
    {"query": "a", "documents": ["a", {"b": 1}], "top_n": 1},
]  # fmt: skip


@pytest.mark.parametrize("body", INVOKED, ids=lambda body: "-".join(body))
@pytest.mark.parametrize("stream", [False, True])
def test_a_spoilt_body_is_taken_or_refused(body: dict[str, Any], stream: bool) -> None:
    dice = random.Random(str(body))
    statuses: set[int] = set()
    for _ in range(ROUNDS * 5):
        envelope = Envelope(msgspec.json.encode(spoilt(body, dice)))
        try:
            taken = take(envelope, dice.choice(("openai/gpt-4o", "amazon.titan-embed-text-v1", "meta.llama3")), stream)
            taken.codec.peek(envelope)
            ask = taken.codec.read_ask(envelope)
        except Refused as refusal:
            statuses.add(refusal.status)
            continue
        with contextlib.suppress(Refused, Bug):
            taken.codec.write_ask(ask)
    assert statuses == {400}


@pytest.mark.parametrize("format", [Format.BEDROCK_COUNT_TOKENS, Format.BEDROCK_RERANK])
def test_other_spoilt_requests(format: Format) -> None:
    whole: dict[str, Any] = {
        "input": {"converse": {"messages": [{"role": "user", "content": [{"text": "a"}]}]}},
        "queries": [{"type": "TEXT", "textQuery": {"text": "q"}}],
        "sources": [{"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": "a"}}}],
        "rerankingConfiguration": {"bedrockRerankingConfiguration": {"modelConfiguration": {"modelArn": "m"}}},
    }
    dice = random.Random(format)
    for _ in range(300):
        envelope = Envelope(msgspec.json.encode(spoilt(whole, dice)))
        with contextlib.suppress(Refused):
            CODECS[format].peek(envelope)
        with contextlib.suppress(Refused):
            CODECS[format].read_ask(envelope)


def test_failures_of_every_kind_are_written() -> None:
    for status in range(400, 600):
        body = msgspec.json.decode(CODECS[Format.BEDROCK_CONVERSE].write_failure(Failure(status, "why"), "r"))
        assert set(body) == {"__type", "message"}
