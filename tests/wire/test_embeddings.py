"""Embeddings: numbers in either encoding, inputs of each kind, mistakes named."""

import math
import struct
from base64 import b64encode
from typing import Any

import httpx2
import msgspec
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from wire_kit import EMBEDDINGS, STAMP

from asbru.model.chat import Image, Text
from asbru.model.embed import EmbedAsk, EmbedReply, Input, Vector
from asbru.model.failure import Broken, Refused
from asbru.model.names import Format
from asbru.model.usage import Usage
from asbru.wire import Envelope
from asbru.wire.vectors import base64_of, floats_of, vector_of

FLOATS = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=40)


def packed(numbers: list[float]) -> str:
    return b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def raw(value: object) -> Raw:
    return Raw(msgspec.json.encode(value))


def decoded(value: Raw | None) -> Any:
    assert value is not None
    return msgspec.json.decode(value)


@settings(derandomize=True, deadline=None)
@given(FLOATS)
def test_base64_and_back_is_exact(numbers: list[float]) -> None:
    from_base64 = decoded(floats_of(vector_of(raw(packed(numbers)))))
    assert from_base64 == numbers
    assert [math.copysign(1, one) for one in from_base64] == [math.copysign(1, one) for one in numbers]
    assert decoded(base64_of(vector_of(raw(from_base64)))) == packed(numbers)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.floats(-1e30, 1e30) | st.integers(-99, 99), max_size=20))
def test_numbers_become_the_nearest_32_bit_floats(numbers: list[float]) -> None:
    assert decoded(base64_of(vector_of(raw(numbers)))) == packed(numbers)


def test_what_is_there_keeps_its_bytes() -> None:
    both = Vector(raw={"float": Raw(b"[1.0, 2]"), "base64": Raw(b'"AACAPwAAAEA="')})
    assert bytes(floats_of(both) or b"") == b"[1.0, 2]"
    assert bytes(base64_of(both) or b"") == b'"AACAPwAAAEA="'


def test_other_encodings_are_no_floats() -> None:
    only = Vector(raw={"int8": Raw(b"[1, 2]")})
    assert floats_of(only) is None
    assert base64_of(only) is None
    with pytest.raises(Broken, match="not floats"):
        EMBEDDINGS.write_reply(EmbedReply(model="m", vectors=(only,), origin=Format.OPENAI_EMBEDDINGS), STAMP)


@pytest.mark.parametrize("bad", ["AAA", "AAAA", "!!!!", packed([math.nan]), packed([math.inf])])
def test_bad_base64_is_the_providers_fault(bad: str) -> None:
    with pytest.raises(Broken):
        floats_of(vector_of(raw(bad)))


@pytest.mark.parametrize("bad", [b"[1e300]", b'["x"]', b"[null]", b"{}"])
def test_bad_numbers_are_the_providers_fault(bad: bytes) -> None:
    with pytest.raises(Broken):
        base64_of(vector_of(Raw(bad)))


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"input": 5}, "input"),
    ({"input": None}, "input"),
    ({"input": []}, "input"),
    ({"input": ["a", 5]}, "input.1"),
    ({"input": [1, "a"]}, "input.1"),
    ({"input": [[1, "a"]]}, "input.0.1"),
    ({"input": [[]]}, "input.0"),
    ({"input": [{"text": "a"}]}, "input.0"),
    ({"input": "a", "dimensions": "many"}, "dimensions"),
    ({"input": "a", "encoding_format": "int8"}, "encoding_format"),
    ({"input": "a", "encoding_format": 5}, "encoding_format"),
    ({"input": "a", "user": 5}, "user"),
    ({}, "input"),
]


@pytest.mark.parametrize(("members", "param"), MISTAKES)
def test_a_mistake_is_named(members: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused) as failed:
        EMBEDDINGS.read_ask(Envelope(msgspec.json.encode({"model": "m", **members})))
    assert (failed.value.status, failed.value.param) == (400, param)
    assert failed.value.message.startswith(f"{param}: ")


@pytest.mark.parametrize("members", [{}, {"model": ""}, {"model": 5}, {"model": "m", "fallbacks": 5}])
def test_routing_needs_a_model(members: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        EMBEDDINGS.peek(Envelope(msgspec.json.encode(members)))


def asked(*inputs: Input, **members: Any) -> EmbedAsk:
    return EmbedAsk(model="m", inputs=inputs, origin=Format.OPENAI_CHAT, **members)


def test_parts_of_text_are_joined_and_images_refused() -> None:
    body = msgspec.json.decode(EMBEDDINGS.write_ask(asked((Text("Odin"), Text(" rides")))).body)
    assert body == {"model": "m", "input": "Odin rides"}
    with pytest.raises(Refused) as failed:
        EMBEDDINGS.write_ask(asked("a", (Text("b"), Image(url="u"))))
    assert failed.value.param == "input.1"


def test_what_openai_cannot_say_is_lost() -> None:
    told = asked("a", task="search_query", truncate="end", title="t", encodings=("int8", "base64"), extra={"x": raw(1)})
    written = EMBEDDINGS.write_ask(told)
    assert msgspec.json.decode(written.body) == {"model": "m", "input": "a", "encoding_format": "base64"}
    assert set(written.lost) == {"input_type", "truncate", "title", "encoding: int8", "x"}


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"data": 5}',
        b'{"data": [{"index": 0}]}',
        b'{"data": [{"index": 1, "embedding": []}]}',
        b'{"data": [{"index": 0, "embedding": []}, {"index": 0, "embedding": []}]}',
    ],
)
def test_a_reply_that_is_none(body: bytes) -> None:
    with pytest.raises(Broken):
        EMBEDDINGS.read_reply(body)


def test_usage_by_one_partial_decode() -> None:
    assert EMBEDDINGS.read_usage(b'{"data": "x", "usage": {"prompt_tokens": 9, "total_tokens": 9}}') == Usage(input=9)
    assert EMBEDDINGS.read_usage(b'{"data": []}') is None


@pytest.mark.parametrize("options", [{}, {"encoding_format": "float"}])
def test_the_sdk_reads_what_we_write(options: dict[str, Any]) -> None:
    numbers = [0.1, -2.5, 3.0]
    vector = Vector(raw={"float": raw(numbers)})
    reply = EmbedReply(model="", vectors=(vector, vector), usage=Usage(input=4), origin=Format.OPENAI_CHAT)

    def answer(request: httpx2.Request) -> httpx2.Response:
        stamp = msgspec.structs.replace(STAMP, ask=EMBEDDINGS.read_ask(Envelope(request.read())))
        return httpx2.Response(200, content=EMBEDDINGS.write_reply(reply, stamp).body)

    client = openai.OpenAI(api_key="x", http_client=httpx2.Client(transport=httpx2.MockTransport(answer)))
    read = client.embeddings.create(model="m", input=["a", "b"], **options)
    assert [one.index for one in read.data] == [0, 1]
    assert read.data[1].embedding == pytest.approx(numbers)
    assert (read.model, read.usage.prompt_tokens, read.usage.total_tokens) == (STAMP.model, 4, 4)
