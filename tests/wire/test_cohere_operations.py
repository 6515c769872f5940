"""Cohere's embed, rerank and tokenize: mistakes named, replies shaped as they were asked for, lists of models read."""

import contextlib
from typing import Any

import cohere
import httpx
import msgspec
import pytest
from hypothesis import given
from msgspec import Raw
from test_mistakes import FUZZ, OBJECTS
from wire_kit import EMBEDDINGS, STAMP

from asbru.model.chat import Audio, Image, Text
from asbru.model.embed import EmbedAsk, EmbedReply, Vector
from asbru.model.failure import Broken, Bug, Failure, Refused
from asbru.model.names import Format
from asbru.model.rerank import Ranked, RerankAsk, RerankReply
from asbru.model.usage import Usage
from asbru.wire import CODECS, AnyCodec, Envelope
from asbru.wire.models import read_models

EMBED, EMBED_V1 = CODECS[Format.COHERE_EMBED], CODECS[Format.COHERE_EMBED_V1]
RERANK, RERANK_V1, UNIFIED = (
    CODECS[Format.COHERE_RERANK], CODECS[Format.COHERE_RERANK_V1], CODECS[Format.OPENAI_RERANK]
)  # fmt: skip
RANKERS = (RERANK, RERANK_V1, UNIFIED)


def raw(value: object) -> Raw:
    return Raw(msgspec.json.encode(value))


def read(codec: AnyCodec, body: dict[str, Any]) -> Any:
    return codec.read_ask(Envelope(msgspec.json.encode(body)))


EMBED_MISTAKES: list[tuple[AnyCodec, dict[str, Any], str]] = [
    (EMBED, {}, "texts"),
    (EMBED, {"texts": []}, "texts"),
    (EMBED, {"texts": "a"}, "texts"),
    (EMBED, {"texts": ["a", 5]}, "texts.1"),
    (EMBED, {"images": [5]}, "images.0"),
    (EMBED, {"inputs": ["a"]}, "inputs.0"),
    (EMBED, {"inputs": [{}]}, "inputs.0.content"),
    (EMBED, {"inputs": [{"content": []}]}, "inputs.0.content"),
    (EMBED, {"inputs": [{"content": [{"type": "text"}]}]}, "inputs.0.content.0.text"),
    (EMBED, {"texts": ["a"], "embedding_types": ["float", "int4"]}, "embedding_types.1"),
    (EMBED, {"texts": ["a"], "truncate": "MIDDLE"}, "truncate"),
    (EMBED, {"texts": ["a"], "output_dimension": "x"}, "output_dimension"),
    (EMBED, {"texts": ["a"], "input_type": 5}, "input_type"),
    (EMBED_V1, {"inputs": [{"content": []}]}, "inputs"),
    (EMBED_V1, {}, "texts"),
]
RERANK_MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({}, "query"),
    ({"query": "?"}, "documents"),
    ({"query": "?", "documents": []}, "documents"),
    ({"query": "?", "documents": "a"}, "documents"),
    ({"query": "?", "documents": ["a", 5]}, "documents.1"),
    ({"query": 5, "documents": ["a"]}, "query"),
    ({"query": "?", "documents": ["a"], "top_n": "x"}, "top_n"),
    ({"query": "?", "documents": ["a"], "return_documents": "x"}, "return_documents"),
]


def refuses(codec: AnyCodec, members: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused) as failed:
        read(codec, {"model": "m", **members})
    assert (failed.value.status, failed.value.param) == (400, param)
    assert failed.value.message.startswith(f"{param}: ")


@pytest.mark.parametrize(("codec", "members", "param"), EMBED_MISTAKES)
def test_a_mistake_of_embed_is_named(codec: AnyCodec, members: dict[str, Any], param: str) -> None:
    refuses(codec, members, param)


@pytest.mark.parametrize("codec", RANKERS, ids=lambda codec: codec.format)
@pytest.mark.parametrize(("members", "param"), RERANK_MISTAKES)
def test_a_mistake_of_rerank_is_named(codec: AnyCodec, members: dict[str, Any], param: str) -> None:
    refuses(codec, members, param)


def asked(*inputs: Any, **members: Any) -> EmbedAsk:
    return EmbedAsk(model="m", inputs=inputs, origin=Format.OPENAI_EMBEDDINGS, **members)


@pytest.mark.parametrize(
    ("codec", "inputs", "word"),
    [
        (EMBED, ((1, 2),), "token ids"),
        (EMBED, ("a", (Audio(data="", format="wav"),)), "audio"),
        (EMBED, ((Image(file_id="f"),),), "file_id"),
        (EMBED_V1, ((Text("a"), Image(url="u")),), "v1 embeds"),
    ],
)
def test_what_cohere_does_not_embed_is_refused(codec: AnyCodec, inputs: tuple[Any, ...], word: str) -> None:
    with pytest.raises(Refused, match=word) as failed:
        codec.write_ask(asked(*inputs))
    assert failed.value.param.startswith("input")


def test_what_cohere_cannot_say_of_embeddings_is_lost() -> None:
    written = EMBED.write_ask(asked((Image(url="u"),), title="t", encodings=("int2",), extra={"x": raw(1)}))
    body = {"model": "m", "images": ["u"], "input_type": "image", "embedding_types": ["float"]}
    assert msgspec.json.decode(written.body) == body
    assert set(written.lost) == {"title", "encoding: int2", "x"}


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"embeddings": 5}', b'{"embeddings": {"float": 5}}', b'{"embeddings": {}}',
     b'{"embeddings": {"float": [[1]], "int8": []}}'],
)  # fmt: skip
def test_embeddings_that_are_none(body: bytes) -> None:
    with pytest.raises(Broken):
        EMBED.read_reply(body)


@pytest.mark.parametrize("body", [b"{}", b'{"results": 5}', b'{"results": [{"index": 0}]}', b"x"])
@pytest.mark.parametrize("codec", RANKERS, ids=lambda codec: codec.format)
def test_rankings_that_are_none(codec: AnyCodec, body: bytes) -> None:
    with pytest.raises(Broken):
        codec.read_reply(body)
    assert codec.read_usage(body) in (None, Usage())


def test_usage_by_one_partial_decode() -> None:
    assert UNIFIED.read_usage(b'{"usage": {"total_tokens": 9}}') == Usage(input=9)
    assert RERANK.read_usage(b'{"meta": {"billed_units": {"search_units": 1}}}') == Usage(searches=1)
    assert EMBED.read_usage(b'{"meta": {"billed_units": {"input_tokens": 4}}}') == Usage(input=4)
    assert EMBED.read_usage(b'{"id": "x"}') is None
    assert CODECS[Format.COHERE_TOKENIZE].read_usage(b"{}") == Usage()


VECTOR = Vector(raw={"float": raw([0.5, -0.25])})
REPLY = EmbedReply(model="m", vectors=(VECTOR, VECTOR), usage=Usage(input=4), origin=Format.OPENAI_EMBEDDINGS)


def embedded(codec: AnyCodec, **members: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    ask = read(codec, {"model": "m", "texts": ["a", "b"], **members})
    written = codec.write_reply(REPLY, msgspec.structs.replace(STAMP, ask=ask))
    return msgspec.json.decode(written.body), written.lost


def test_embeddings_come_in_the_types_that_were_asked_for() -> None:
    body, lost = embedded(EMBED, embedding_types=["base64", "float", "int8"])
    assert body["embeddings"] == {"float": [[0.5, -0.25]] * 2, "base64": ["AAAAPwAAgL4="] * 2}
    assert (body["texts"], lost) == (["a", "b"], ("embedding_types: int8",))
    body, lost = embedded(EMBED_V1)
    assert (body["embeddings"], body["response_type"], lost) == ([[0.5, -0.25]] * 2, "embeddings_floats", ())
    body, lost = embedded(EMBED_V1, embedding_types=["float"])
    assert (body["embeddings"], body["response_type"]) == ({"float": [[0.5, -0.25]] * 2}, "embeddings_by_type")


def test_openai_gets_numbers_from_any_type() -> None:
    reply = EMBED.read_reply(b'{"id": "1", "embeddings": {"base64": ["AAAAPwAAgL4="]}}')
    body = msgspec.json.decode(EMBEDDINGS.write_reply(reply, STAMP).body)
    assert body["data"][0]["embedding"] == [0.5, -0.25]


def ranked(codec: AnyCodec, ask: RerankAsk | None, *results: Ranked) -> list[dict[str, Any]]:
    reply = RerankReply(model="m", results=results, origin=Format.OPENAI_CHAT)
    body = msgspec.json.decode(codec.write_reply(reply, msgspec.structs.replace(STAMP, ask=ask)).body)
    found: list[dict[str, Any]] = body["results"]
    return found


@pytest.mark.parametrize("codec", RANKERS, ids=lambda codec: codec.format)
def test_documents_come_back_when_asked_for(codec: AnyCodec) -> None:
    ask = RerankAsk(
        model="m", query="?", documents=("a", raw({"text": "b"})), with_documents=True, origin=Format.OPENAI_RERANK
    )
    results = (Ranked(index=1, score=0.9), Ranked(index=0, score=0.5), Ranked(index=7, score=0.1))
    shown = [each.get("document") for each in ranked(codec, ask, *results)]
    assert shown == [{"text": "b"}, {"text": "a"}, None]
    quiet = msgspec.structs.replace(ask, with_documents=False)
    assert ranked(codec, quiet, results[0]) == [{"index": 1, "relevance_score": 0.9}]
    assert ranked(codec, None, results[0]) == [{"index": 1, "relevance_score": 0.9}]
    given_back = (Ranked(index=0, score=0.5, document="x"), Ranked(index=0, score=0.5, document=raw("y")))
    assert [each["document"] for each in ranked(codec, None, *given_back)] == [{"text": "x"}, {"text": "y"}]


def test_documents_that_hold_no_text_are_ranked_as_they_are() -> None:
    ask = RerankAsk(
        model="m", query="?", documents=(raw({"text": 5}), raw({"a": 1})), origin=Format.OPENAI_RERANK
    )  # fmt: skip
    assert msgspec.json.decode(RERANK.write_ask(ask).body)["documents"] == ['{"text":5}', '{"a":1}']


def test_tokens_are_only_passed() -> None:
    for format in (Format.COHERE_TOKENIZE, Format.COHERE_DETOKENIZE):
        codec = CODECS[format]
        assert codec.peek(Envelope(b'{"model": "m"}')).model == "m"
        with pytest.raises(Bug):
            codec.read_ask(Envelope(b"{}"))


@FUZZ
@given(OBJECTS)
def test_anything_is_read_or_refused(body: dict[str, Any]) -> None:
    told = msgspec.json.encode(body | {"model": "m"})
    for codec in (EMBED, EMBED_V1, *RANKERS, EMBEDDINGS):
        with contextlib.suppress(Refused):
            codec.read_ask(Envelope(told))
        with contextlib.suppress(Failure):
            codec.read_reply(told)
        codec.read_usage(told)


def answering(codec: AnyCodec, reply: Any) -> httpx.Client:
    """Answers the SDK's request as the gateway would."""

    def answer(request: httpx.Request) -> httpx.Response:
        stamp = msgspec.structs.replace(STAMP, ask=codec.read_ask(Envelope(request.read())))
        return httpx.Response(200, content=codec.write_reply(reply, stamp).body)

    return httpx.Client(transport=httpx.MockTransport(answer))


@pytest.mark.parametrize(
    ("format", "member"),
    [
        (Format.OPENAI_RERANK, "documents"),
        (Format.COHERE_RERANK, "documents"),
        (Format.COHERE_RERANK_V1, "documents"),
        (Format.BEDROCK_RERANK, "sources"),
        (Format.BEDROCK_RERANK_INVOKE, "documents"),
    ],
)
def test_searches_that_are_not_told_are_counted(format: Format, member: str) -> None:
    for count, searches in ((1, 1), (100, 1), (101, 2), (1000, 10)):
        body = msgspec.json.encode({member: ["x"] * count})
        assert CODECS[format].asked_usage(Envelope(body)) == Usage(searches=searches)
    assert CODECS[format].asked_usage(Envelope(b'{"%b": 5}' % member.encode())) == Usage()


def test_the_sdk_reads_what_we_write() -> None:
    found: Any = cohere.ClientV2("x", httpx_client=answering(EMBED, REPLY)).embed(
        model="m", texts=["a", "b"], input_type="search_query", embedding_types=["float", "base64"]
    )
    assert found.embeddings.float_ == [[0.5, -0.25]] * 2
    assert found.embeddings.base64 == ["AAAAPwAAgL4="] * 2
    older: Any = cohere.Client("x", httpx_client=answering(EMBED_V1, REPLY)).embed(model="m", texts=["a", "b"])
    assert older.embeddings == [[0.5, -0.25]] * 2
    ranking = RerankReply(
        model="m", results=(Ranked(index=1, score=0.9),), usage=Usage(searches=2), origin=Format.OPENAI_RERANK
    )
    newer = cohere.ClientV2("x", httpx_client=answering(RERANK, ranking))
    result: Any = newer.rerank(model="m", query="?", documents=["a", "b"])
    assert (result.results[0].index, result.results[0].relevance_score) == (1, 0.9)
    assert result.meta.billed_units.search_units == 2
    oldest = cohere.Client("x", httpx_client=answering(RERANK_V1, ranking))
    shown: Any = oldest.rerank(model="m", query="?", documents=["a", {"text": "b"}], return_documents=True)
    assert shown.results[0].document.text == "b"


def test_coheres_list_of_models() -> None:
    page = read_models(b'{"models": [{"name": "command-a", "endpoints": ["chat"]}], "next_page_token": "n"}', "cohere")
    assert [(model.id, model.name, model.owned_by) for model in page.models] == [("command-a", "command-a", "cohere")]
    assert page.after == "page_token=n"
    assert read_models(b'{"models": []}', "cohere").after == ""
    with pytest.raises(Broken, match="no models"):
        read_models(b"{}", "cohere")
