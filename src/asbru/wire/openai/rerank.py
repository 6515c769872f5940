"""Reranking as compatible servers have it (Jina, vLLM, Together) and as Bifrost unifies it (``/v1/rerank``).

Source: Bifrost's OpenAPI of 2026-04; vLLM 0.11 ``RerankRequest``; together 3.1 ``rerank``.
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.failure import Broken
from asbru.model.names import Family, Format
from asbru.model.rerank import Ranked, RerankAsk, RerankReply
from asbru.model.usage import Usage
from asbru.wire.codec import Codec, Stamp, Written
from asbru.wire.envelope import Envelope
from asbru.wire.openai.errors import read_failure, write_failure
from asbru.wire.peeking import peek_whole, put_model
from asbru.wire.ranking import asked_usage, document_of, read_documents
from asbru.wire.shapes import BAD_JSON, NOTHING, Members, Shape, given, read_members, said, write_json

HERE = Format.OPENAI_RERANK


class Body(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    query: str
    documents: list[Raw]
    top_n: int | None = None
    max_tokens_per_doc: int | None = None
    return_documents: bool | None = None
    user: str | None = None


class _Result(Struct):
    index: int
    relevance_score: float
    document: Raw = NOTHING


class RerankUsage(Struct):
    """Servers tell the sum only, or the parts."""

    prompt_tokens: int | None = None
    total_tokens: int | None = None


class _Reply(Struct, kw_only=True):
    id: str | None = None
    model: str | None = None
    results: list[_Result]
    usage: RerankUsage | None = None


class _Told(Struct):
    usage: RerankUsage | None = None


_BODY = Shape(Body)
_reply = msgspec.json.Decoder(_Reply).decode
_told = msgspec.json.Decoder(_Told).decode
_READ = frozenset({"id", "object", "model", "results", "usage"})


def read_ask(envelope: Envelope) -> RerankAsk:
    """The request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    body = _BODY.pick(envelope.members, spare)
    return RerankAsk(
        model=body.model,
        query=body.query,
        documents=read_documents(body.documents),
        top=body.top_n,
        with_documents=bool(body.return_documents),
        max_tokens_per_document=body.max_tokens_per_doc,
        user=body.user or "",
        extra=spare,
        origin=HERE,
    )


def write_ask(ask: RerankAsk) -> Written:
    """The body, and what it cannot carry."""
    home = ask.origin is HERE
    lost = [name for name, raw in ask.extra.items() if (not home or "." in name) and said(raw)]
    body: dict[str, object] = {"model": ask.model, "query": ask.query, "documents": ask.documents}
    if ask.top is not None:
        body["top_n"] = ask.top
    if ask.max_tokens_per_document is not None and home:
        body["max_tokens_per_doc"] = ask.max_tokens_per_document
    elif ask.max_tokens_per_document is not None:
        lost.append("max_tokens_per_doc")
    if ask.with_documents:
        body["return_documents"] = True
    if ask.user:
        body["user"] = ask.user
    if home:
        body |= {name: raw for name, raw in ask.extra.items() if "." not in name}
    return Written(write_json(body), tuple(lost))


def read_reply(body: bytes) -> RerankReply:
    """The ranking. Raises Broken for what is none."""
    try:
        whole = _reply(body)
        extra = {name: raw for name, raw in read_members(body).items() if name not in _READ}
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a ranking: {error}", code="bad_reply") from None
    return RerankReply(
        id=whole.id or "",
        model=whole.model or "",
        results=tuple(
            Ranked(index=each.index, score=each.relevance_score, document=given(each.document))
            for each in whole.results
        ),
        usage=_usage(whole.usage),
        extra=extra,
        origin=HERE,
    )


def read_usage(body: bytes) -> Usage | None:
    """The usage of a whole reply by one partial decode; None when there is none to read."""
    try:
        told = _told(body).usage
    except BAD_JSON:
        return None
    return None if told is None else _usage(told)


def _usage(told: RerankUsage | None) -> Usage:
    return Usage() if told is None else Usage(input=told.prompt_tokens or told.total_tokens or 0)


def write_reply(reply: RerankReply, stamp: Stamp) -> Written:
    """A ranking."""
    home = reply.origin is HERE
    lost = [name for name, raw in reply.extra.items() if not home and said(raw)]
    body: dict[str, object] = {
        "id": f"rerank-{stamp.id}",
        "model": reply.model or stamp.model,
        "results": [_result(each, stamp) for each in reply.results],
        "usage": {"prompt_tokens": reply.usage.input, "total_tokens": reply.usage.input},
    }
    if home:
        body |= reply.extra
    return Written(write_json(body), tuple(lost))


def _result(each: Ranked, stamp: Stamp) -> dict[str, object]:
    written: dict[str, object] = {"index": each.index, "relevance_score": each.score}
    if (document := document_of(each, stamp)) is not None:
        written["document"] = document
    return written


CODEC: Codec[RerankAsk, RerankReply] = Codec(
    format=HERE,
    family=Family.OPENAI,
    request="rerank",
    body=Body,
    peek=peek_whole,
    put=put_model,
    read_ask=read_ask,
    write_ask=write_ask,
    read_reply=read_reply,
    write_reply=write_reply,
    asked_usage=asked_usage,
    read_usage=read_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)
