"""Google's embeddings and token counts, of the Gemini API and of Vertex AI."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw
from wire_kit import EMBEDDINGS, STAMP

from asbru.model.chat import Image, Text
from asbru.model.embed import EmbedAsk, EmbedReply, Vector
from asbru.model.failure import Broken, Refused
from asbru.model.names import Format
from asbru.model.tokens import Counted
from asbru.model.usage import Usage
from asbru.wire import CODECS, AnyCodec, Envelope

EMBED = CODECS[Format.GEMINI_EMBED]
EMBEDS = CODECS[Format.GEMINI_EMBEDS]
VERTEX = CODECS[Format.VERTEX_EMBED]
COUNT = CODECS[Format.GEMINI_COUNT_TOKENS]
VERTEX_COUNT = CODECS[Format.VERTEX_COUNT_TOKENS]
OWN = (EMBED, EMBEDS, VERTEX)
Json = dict[str, Any]


def envelope(body: Json) -> Envelope:
    return Envelope(msgspec.json.encode(body))


def content(*texts: str) -> Json:
    return {"parts": [{"text": text} for text in texts]}


def written(codec: AnyCodec, asked: Any) -> tuple[Json, tuple[str, ...]]:
    out = codec.write_ask(msgspec.structs.replace(asked, model="m"))
    return msgspec.json.decode(out.body), out.lost


HOW = {"taskType": "RETRIEVAL_DOCUMENT", "title": "Edda", "outputDimensionality": 8}
HOME: list[tuple[AnyCodec, Json]] = [
    (EMBED, {"content": content("Odin")}),
    (EMBED, {"content": content("Odin"), **HOW}),
    (EMBED, {"content": content("Odin"), "taskType": "CODE_RETRIEVAL_QUERY", "brandNew": 1}),
    (EMBEDS, {"requests": [{"model": "models/m", "content": content("Odin"), **HOW}, {"model": "models/m", "content": content("a", "b"), **HOW}]}),
    (EMBEDS, {"requests": [{"model": "models/m", "content": content("Odin")}], "brandNew": 1}),
    (VERTEX, {"instances": [{"content": "Odin", "task_type": "RETRIEVAL_QUERY", "title": "t"}], "parameters": {"outputDimensionality": 8, "autoTruncate": False}}),
    (VERTEX, {"instances": [{"content": "Odin"}, {"content": "Heimdall"}], "labels": {"a": "b"}}),
]  # fmt: skip


@pytest.mark.parametrize(("codec", "body"), HOME)
def test_at_home_it_is_written_as_it_came(codec: AnyCodec, body: Json) -> None:
    assert written(codec, codec.read_ask(envelope(body))) == (body, ())


def test_all_of_them_read_alike() -> None:
    bodies: list[tuple[AnyCodec, Json]] = [
        (EMBED, {"content": content("Odin"), "taskType": "retrieval_query", "outputDimensionality": "8"}),
        (EMBED, {"content": content("Odin"), "embedContentConfig": {"task_type": "RETRIEVAL_QUERY", "outputDimensionality": 8}}),
        (EMBEDS, {"requests": [{"content": content("Odin"), "task_type": "RETRIEVAL_QUERY", "output_dimensionality": 8}]}),
        (VERTEX, {"instances": [{"content": "Odin", "taskType": "RETRIEVAL_QUERY"}], "parameters": {"outputDimensionality": 8}}),
        (EMBEDDINGS, {"model": "", "input": "Odin", "dimensions": 8, "input_type": "search_query"}),
    ]  # fmt: skip
    asks = [
        msgspec.structs.replace(codec.read_ask(envelope(body)), origin=Format.GEMINI_EMBED) for codec, body in bodies
    ]
    assert all(one == asks[0] for one in asks)


def test_what_differs_between_requests_is_named() -> None:
    body = {
        "requests": [
            {"content": content("a"), **HOW},
            {"content": content("b"), "taskType": "CLUSTERING", "title": "Edda"},
        ]
    }
    _, lost = written(EMBEDDINGS, EMBEDS.read_ask(envelope(body)))
    assert set(lost) == {"requests.1.taskType", "input_type", "title"}
    instances = {"instances": [{"content": "a", "title": "x"}, {"content": "b", "title": "y"}]}
    _, lost = written(EMBEDDINGS, VERTEX.read_ask(envelope(instances)))
    assert set(lost) == {"instances.1.title", "title"}


ASKED = EmbedAsk(
    model="m",
    inputs=("a",),
    task="image",
    encodings=("int8", "float"),
    truncate="start",
    user="u",
    extra={"x": Raw(b"1")},
    origin=Format.OPENAI_EMBEDDINGS,
)


@pytest.mark.parametrize("codec", OWN, ids=lambda codec: codec.format)
def test_what_google_cannot_be_told(codec: AnyCodec) -> None:
    assert set(written(codec, ASKED)[1]) == {"x", "truncate", "user", "input_type", "encoding: int8"}
    cut = msgspec.structs.replace(ASKED, truncate="end", task="", encodings=(), user="", extra={})
    assert written(codec, cut)[1] == ()


@pytest.mark.parametrize("codec", OWN, ids=lambda codec: codec.format)
def test_tokens_are_another_models(codec: AnyCodec) -> None:
    with pytest.raises(Refused) as failed:
        written(codec, msgspec.structs.replace(ASKED, inputs=((1, 2),)))
    assert failed.value.param.startswith("input")


def test_one_at_a_time() -> None:
    with pytest.raises(Refused, match="one input at a time, not 2"):
        written(EMBED, msgspec.structs.replace(ASKED, inputs=("a", "b")))


@pytest.mark.parametrize(
    ("codec", "model", "sizes"),
    [(EMBED, "m", [1] * 7), (EMBEDS, "m", [7]), (VERTEX, "m", [5, 2]), (VERTEX, "gemini-embedding-001", [1] * 7)],
)
def test_more_than_google_takes_at_once(codec: AnyCodec, model: str, sizes: list[int]) -> None:
    asked = msgspec.structs.replace(ASKED, model=model, inputs=tuple("abcdefg"))
    assert codec.split is not None
    assert codec.join is not None
    groups = codec.split(asked)
    assert [len(group.inputs) for group in groups] == sizes
    assert "".join(str(each) for group in groups for each in group.inputs) == "abcdefg"
    both = codec.join([reply(), reply()])
    assert (both.vectors, both.usage) == (VECTORS * 2, Usage(input=6))
    with pytest.raises(Refused, match="must not be empty"):
        codec.split(msgspec.structs.replace(ASKED, inputs=()))
    with pytest.raises(Refused, match=r"input\.1: "):
        codec.split(msgspec.structs.replace(ASKED, inputs=("a", (1, 2))))


def test_text_and_image_make_one_vector() -> None:
    both = msgspec.structs.replace(ASKED, inputs=((Text("a"), Image(data="AA==", media_type="image/png")),))
    assert written(EMBED, both)[0]["content"]["parts"] == [
        {"text": "a"},
        {"inlineData": {"mimeType": "image/png", "data": "AA=="}},
    ]
    with pytest.raises(Refused, match="text only"):
        written(VERTEX, both)
    read = EMBED.read_ask(
        envelope({"content": {"parts": [{"text": "a"}, {"inlineData": {"mimeType": "image/png", "data": "AA=="}}]}})
    )
    assert read.inputs == both.inputs


VECTORS = (Vector(raw={"float": Raw(b"[1.0,2.5]")}),)


def reply(**members: Any) -> EmbedReply:
    return EmbedReply(
        **{"model": "m", "vectors": VECTORS, "usage": Usage(input=3), "origin": Format.OPENAI_EMBEDDINGS, **members}
    )


REPLIES: list[tuple[AnyCodec, Json]] = [
    (EMBED, {"embedding": {"values": [1.0, 2.5]}, "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}}),
    (EMBEDS, {"embeddings": [{"values": [1.0, 2.5]}], "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}}),
    (VERTEX, {"predictions": [{"embeddings": {"values": [1.0, 2.5], "statistics": {"token_count": 3, "truncated": False}}}]}),
]  # fmt: skip


@pytest.mark.parametrize(("codec", "body"), REPLIES)
def test_vectors_both_ways(codec: AnyCodec, body: Json) -> None:
    out = codec.write_reply(reply(extra={"x": Raw(b"1")}), STAMP)
    assert msgspec.json.decode(out.body) == body
    assert out.lost == ("x",)
    raw = msgspec.json.encode({**body, "brandNew": 1})
    again = codec.read_reply(raw)
    assert (again.vectors, again.usage) == (VECTORS, Usage(input=3))
    assert msgspec.json.decode(codec.write_reply(again, STAMP).body) == {**body, "brandNew": 1}
    assert codec.read_usage(raw) == Usage(input=3)


@pytest.mark.parametrize("codec", OWN, ids=lambda codec: codec.format)
def test_vectors_without_numbers(codec: AnyCodec) -> None:
    with pytest.raises(Broken, match="not floats"):
        codec.write_reply(reply(vectors=(Vector(raw={"int8": Raw(b"[1]")}),)), STAMP)


def test_one_vector_for_one_text() -> None:
    with pytest.raises(Broken, match="2 embeddings"):
        EMBED.write_reply(reply(vectors=VECTORS * 2), STAMP)


def test_who_counts_for_nobody_is_estimated() -> None:
    assert EMBEDS.read_usage(b'{"embeddings":[]}') is None
    assert VERTEX.read_usage(b'{"predictions":[{"embeddings":{"values":[]}}]}') is None
    usage = EMBEDS.asked_usage(envelope({"requests": [{"content": content("x" * 400)}]}))
    assert usage.estimated
    assert 100 <= usage.input < 150


def test_the_models_name_in_a_body_is_that_of_the_path() -> None:
    one = envelope({"model": "models/alias", "content": content("a")})
    assert bytes(EMBED.put(one, "m", False)["model"]) == b'"models/m"'
    assert EMBED.put(envelope({"content": content("a")}), "m", False) == {}
    many = envelope({"requests": [{"model": "models/alias", "content": content("a")}, {"content": content("b")}]})
    told = msgspec.json.decode(EMBEDS.put(many, "tunedModels/m", False)["requests"])
    assert [request["model"] for request in told] == ["tunedModels/m"] * 2
    assert EMBEDS.put(envelope({}), "m", False) == {}
    with pytest.raises(Refused, match="requests"):
        EMBEDS.put(envelope({"requests": 5}), "m", False)
    whole = envelope({"generate_content_request": {"model": "models/alias", "contents": []}})
    assert msgspec.json.decode(COUNT.put(whole, "m", False)["generate_content_request"])["model"] == "models/m"
    assert COUNT.put(envelope({"contents": []}), "m", False) == {}
    assert COUNT.put(envelope({"generateContentRequest": {"contents": []}}), "m", False) == {}


ASKS: list[Json] = [
    {"contents": [{"role": "user", "parts": [{"text": "?"}]}]},
    {"generateContentRequest": {"model": "models/m", "contents": [{"role": "user", "parts": [{"text": "?"}]}], "systemInstruction": {"parts": [{"text": "s"}]}, "tools": [{"functionDeclarations": [{"name": "f"}]}]}},
]  # fmt: skip


@pytest.mark.parametrize("body", ASKS)
def test_what_is_counted(body: Json) -> None:
    asked = COUNT.read_ask(envelope(body))
    assert written(COUNT, asked) == (body, ())
    inner = {name: value for name, value in body.get("generateContentRequest", body).items() if name != "model"}
    assert written(VERTEX_COUNT, asked) == (inner, ())
    assert written(VERTEX_COUNT, VERTEX_COUNT.read_ask(envelope(inner))) == (inner, ())


def test_numbers_of_tokens() -> None:
    counted = COUNT.read_reply(
        b'{"totalTokens": "31", "cachedContentTokenCount": 4, "promptTokensDetails": [], "x": 1}'
    )
    assert (counted.input, counted.cached) == (31, 4)
    assert msgspec.json.decode(COUNT.write_reply(counted, STAMP).body) == {
        "totalTokens": 31,
        "cachedContentTokenCount": 4,
        "x": 1,
    }
    foreign = Counted(input=5, extra={"x": Raw(b"1")}, origin=Format.BEDROCK_COUNT_TOKENS)
    out = COUNT.write_reply(foreign, STAMP)
    assert (out.body, out.lost) == (b'{"totalTokens":5}', ("x",))
    assert COUNT.read_usage(b"{}") is None
