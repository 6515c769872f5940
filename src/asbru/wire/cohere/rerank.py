"""Cohere's rerank (``cohere`` SDK 7.3, ``v2/raw_client.py``, ``raw_base_client.py``): the codecs of v2 and v1.

Rule 1. v2 takes texts; a document that is an object is its ``text`` there, and the whole object when it has none.
Rule 2. v1 gives documents back when asked to; v2 never does, so they are taken from the request for other formats.
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.failure import Broken
from asbru.model.names import Family, Format
from asbru.model.rerank import Ranked, RerankAsk, RerankReply
from asbru.wire.codec import Codec, Stamp, Written
from asbru.wire.cohere.errors import read_failure, write_failure
from asbru.wire.cohere.usage import WireUsage, read_usage, to_usage
from asbru.wire.envelope import Envelope
from asbru.wire.peeking import peek_whole, put_model
from asbru.wire.ranking import asked_usage, document_of, read_documents, text_of
from asbru.wire.shapes import BAD_JSON, NOTHING, Members, Shape, given, read_members, said, write_json

HERE = Format.COHERE_RERANK
OLDER = Format.COHERE_RERANK_V1
HOME = frozenset({HERE, OLDER})


class Body(Struct, kw_only=True, forbid_unknown_fields=True):
    """``return_documents``: not v2's any more, but clients from before still say it."""

    model: str
    query: str
    documents: list[Raw]
    top_n: int | None = None
    max_tokens_per_doc: int | None = None
    return_documents: bool | None = None


class OlderBody(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    query: str
    documents: list[Raw]
    top_n: int | None = None
    return_documents: bool | None = None


class _Result(Struct):
    index: int
    relevance_score: float
    document: Raw = NOTHING


class _Reply(Struct, kw_only=True):
    id: str | None = None
    results: list[_Result]
    meta: WireUsage | None = None


_BODY = Shape(Body)
_OLDER = Shape(OlderBody)
_reply = msgspec.json.Decoder(_Reply).decode
_READ = frozenset({"id", "results", "meta"})


def read_ask(envelope: Envelope) -> RerankAsk:
    """A v2 request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    body = _BODY.pick(envelope.members, spare)
    return RerankAsk(
        model=body.model,
        query=body.query,
        documents=read_documents(body.documents),
        top=body.top_n,
        with_documents=bool(body.return_documents),
        max_tokens_per_document=body.max_tokens_per_doc,
        extra=spare,
        origin=HERE,
    )


def read_older_ask(envelope: Envelope) -> RerankAsk:
    """A v1 request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    body = _OLDER.pick(envelope.members, spare)
    return RerankAsk(
        model=body.model,
        query=body.query,
        documents=read_documents(body.documents),
        top=body.top_n,
        with_documents=bool(body.return_documents),
        extra=spare,
        origin=OLDER,
    )


def write_ask(ask: RerankAsk) -> Written:
    """A v2 request, and what it cannot carry."""
    body, lost = _begun(ask)
    body["documents"] = [text_of(each) for each in ask.documents]
    if ask.max_tokens_per_document is not None:
        body["max_tokens_per_doc"] = ask.max_tokens_per_document
    return _finished(ask, body, lost)


def write_older_ask(ask: RerankAsk) -> Written:
    """A v1 request, and what it cannot carry."""
    body, lost = _begun(ask)
    body["documents"] = ask.documents
    if ask.max_tokens_per_document is not None:
        lost.append("max_tokens_per_doc")
    if ask.with_documents:
        body["return_documents"] = True
    return _finished(ask, body, lost)


def _begun(ask: RerankAsk) -> tuple[dict[str, object], list[str]]:
    home = ask.origin in HOME
    lost = [name for name, raw in ask.extra.items() if (not home or "." in name) and said(raw)]
    if ask.user:
        lost.append("user")
    return {"model": ask.model, "query": ask.query}, lost


def _finished(ask: RerankAsk, body: dict[str, object], lost: list[str]) -> Written:
    if ask.top is not None:
        body["top_n"] = ask.top
    if ask.origin in HOME:
        body |= {name: raw for name, raw in ask.extra.items() if "." not in name}
    return Written(write_json(body), tuple(lost))


def read_reply(body: bytes) -> RerankReply:
    """The ranking. Raises Broken for what is none."""
    try:
        whole = _reply(body)
        extra = {name: raw for name, raw in read_members(body).items() if name not in _READ}
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a ranking: {error}", code="bad_reply") from None
    meta = whole.meta or WireUsage()
    return RerankReply(
        id=whole.id or "",
        model="",
        results=tuple(
            Ranked(index=each.index, score=each.relevance_score, document=given(each.document))
            for each in whole.results
        ),
        usage=to_usage(meta),
        extra=extra,
        origin=HERE,
    )


def write_reply(reply: RerankReply, stamp: Stamp) -> Written:
    """A v2 reply."""
    return _written(reply, stamp, "2")


def write_older_reply(reply: RerankReply, stamp: Stamp) -> Written:
    """A v1 reply."""
    return _written(reply, stamp, "1")


def _written(reply: RerankReply, stamp: Stamp, version: str) -> Written:
    home = reply.origin is HERE
    lost = [name for name, raw in reply.extra.items() if not home and said(raw)]
    told = (("search_units", reply.usage.searches), ("input_tokens", reply.usage.input))
    units = {name: value for name, value in told if value}
    body: dict[str, object] = {
        "id": stamp.id,
        "results": [_result(each, stamp) for each in reply.results],
        "meta": {"api_version": {"version": version}, "billed_units": units},
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
    family=Family.COHERE,
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

V1: Codec[RerankAsk, RerankReply] = Codec(
    format=OLDER,
    family=Family.COHERE,
    request="rerank",
    body=OlderBody,
    peek=peek_whole,
    put=put_model,
    read_ask=read_older_ask,
    write_ask=write_older_ask,
    read_reply=read_reply,
    write_reply=write_older_reply,
    asked_usage=asked_usage,
    read_usage=read_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)
