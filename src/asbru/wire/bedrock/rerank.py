"""Reranking: the agent runtime's ``Rerank``, with its model in the body, and the models' own bodies for InvokeModel.

Sources: botocore, bedrock-agent-runtime 2023-07-26 (``RerankRequest``); the user guide's "Rerank models" for
InvokeModel (``query``, ``documents``, ``top_n``, Cohere's ``api_version`` 2).
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.failure import Broken
from asbru.model.names import Family, Format
from asbru.model.rerank import Ranked, RerankAsk, RerankReply
from asbru.model.usage import Usage
from asbru.wire.bedrock.errors import read_failure, write_failure
from asbru.wire.codec import Codec, Peek, Stamp, Written
from asbru.wire.envelope import Envelope
from asbru.wire.peeking import LONGEST_MODEL, peek_fallbacks
from asbru.wire.ranking import asked_usage
from asbru.wire.shapes import BAD_JSON, NOTHING, Members, Shape, given, join, read_members, refused, said, write_json

AGENT = Format.BEDROCK_RERANK
INVOKE = Format.BEDROCK_RERANK_INVOKE

Json = dict[str, object]


class _Text(Struct, forbid_unknown_fields=True):
    text: str


class _Query(Struct, forbid_unknown_fields=True, rename="camel"):
    text_query: _Text
    type: str = "TEXT"


class _Document(Struct, forbid_unknown_fields=True, rename="camel"):
    type: str
    text_document: _Text | None = None
    json_document: Raw = NOTHING


class _Source(Struct, forbid_unknown_fields=True, rename="camel"):
    inline_document_source: _Document
    type: str = "INLINE"


class _Model(Struct, forbid_unknown_fields=True, rename="camel"):
    model_arn: str
    additional_model_request_fields: Raw = NOTHING


class _Bedrock(Struct, forbid_unknown_fields=True, rename="camel"):
    model_configuration: _Model
    number_of_results: int | None = None


class _Configuration(Struct, forbid_unknown_fields=True, rename="camel"):
    bedrock_reranking_configuration: _Bedrock
    type: str = "BEDROCK_RERANKING_MODEL"


class Body(Struct, forbid_unknown_fields=True, rename="camel"):
    queries: list[Raw]
    sources: list[Raw]
    reranking_configuration: Raw


_BODY = Shape(Body)
_QUERY = Shape(_Query)
_SOURCE = Shape(_Source)
_CONFIGURATION = Shape(_Configuration)
_CONFIG = "rerankingConfiguration"
_MODEL = "rerankingConfiguration.bedrockRerankingConfiguration.modelConfiguration.modelArn"


def peek(envelope: Envelope) -> Peek:
    """The model, from deep in the body. Raises Refused(400)."""
    raw = envelope.members.get(_CONFIG)
    if raw is None:
        raise refused(_MODEL, "Field required")
    model = _CONFIGURATION.read(raw, _CONFIG, {}).bedrock_reranking_configuration.model_configuration.model_arn
    if not 0 < len(model) <= LONGEST_MODEL:
        raise refused(_MODEL, f"must have 1 to {LONGEST_MODEL} characters")
    return Peek(model, fallbacks=peek_fallbacks(envelope.members))


def put(envelope: Envelope, model: str, stream: bool) -> dict[str, Raw]:
    """Nothing: no endpoint is asked in the agent runtime's words, and the invoked model stands in the path."""
    return {}


def read_ask(envelope: Envelope) -> RerankAsk:
    """The request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    body = _BODY.pick(envelope.members, spare)
    if len(body.queries) != 1:
        raise refused("queries", "must have exactly one item")
    config = _CONFIGURATION.read(body.reranking_configuration, _CONFIG, spare).bedrock_reranking_configuration
    if (fields := given(config.model_configuration.additional_model_request_fields)) is not None:
        spare["additionalModelRequestFields"] = fields
    return RerankAsk(
        model=config.model_configuration.model_arn,
        query=_QUERY.read(body.queries[0], "queries.0", spare).text_query.text,
        documents=tuple(_document(raw, join("sources", n), spare) for n, raw in enumerate(body.sources)),
        top=config.number_of_results,
        extra=spare,
        origin=AGENT,
    )


def _document(raw: Raw, path: str, spare: Members) -> str | Raw:
    source = _SOURCE.read(raw, path, spare).inline_document_source
    where = join(path, "inlineDocumentSource")
    if source.type == "TEXT" and source.text_document is not None:
        return source.text_document.text
    if source.type == "JSON" and (told := given(source.json_document)) is not None:
        return told
    raise refused(where, "must be a textDocument of type TEXT or a jsonDocument of type JSON")


class _Result(Struct, rename={"score": "relevance_score"}):
    index: int
    score: float
    document: Raw = NOTHING


class _Reply(Struct):
    results: list[_Result]
    id: str | None = None


_reply = msgspec.json.Decoder(_Reply).decode
_READ = frozenset({"results", "id"})


def read_reply(body: bytes) -> RerankReply:
    """The ranking in an answer to InvokeModel. Raises Broken for what is none."""
    try:
        whole = _reply(body)
        extra = {name: raw for name, raw in read_members(body).items() if name not in _READ}
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a ranking: {error}", code="bad_reply") from None
    results = tuple(Ranked(index=one.index, score=one.score, document=given(one.document)) for one in whole.results)
    return RerankReply(id=whole.id or "", model="", results=results, extra=extra, origin=INVOKE)


def write_reply(reply: RerankReply, stamp: Stamp) -> Written:
    """The agent runtime's answer."""
    lost = [name for name, raw in reply.extra.items() if said(raw) and reply.origin is not AGENT]
    results = [{"index": one.index, "relevanceScore": one.score} for one in reply.results]
    return Written(write_json({"results": results}), tuple(lost))


class InvokeBody(Struct, forbid_unknown_fields=True):
    query: str
    documents: list[Raw]
    top_n: int | None = None
    max_tokens_per_doc: int | None = None
    return_documents: bool = False
    api_version: int | None = None


_INVOKE_BODY = Shape(InvokeBody)
_text = msgspec.json.Decoder(str).decode


def peek_invoke(envelope: Envelope) -> Peek:
    """Fallbacks; the path names the model."""
    return Peek("", False, peek_fallbacks(envelope.members))


def read_invoke(envelope: Envelope) -> RerankAsk:
    """The request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    body = _INVOKE_BODY.pick(envelope.members, spare)
    return RerankAsk(
        model="",
        query=body.query,
        documents=tuple(_text_or_json(raw, join("documents", n)) for n, raw in enumerate(body.documents)),
        top=body.top_n,
        with_documents=body.return_documents,
        max_tokens_per_document=body.max_tokens_per_doc,
        extra=spare,
        origin=INVOKE,
    )


def _text_or_json(raw: Raw, path: str) -> str | Raw:
    told = bytes(raw)
    if told.startswith(b"{"):
        return raw
    try:
        return _text(raw)
    except BAD_JSON as error:
        raise refused(path, error) from None


def write_invoke(ask: RerankAsk) -> Written:
    """The body, and what it cannot carry."""
    home = ask.origin in (INVOKE, AGENT)
    lost = [name for name, raw in ask.extra.items() if (not home or "." in name) and said(raw)]
    body: Json = {"query": ask.query, "documents": ask.documents}
    if ask.top is not None:
        body["top_n"] = ask.top
    if "cohere" in ask.model.lower():
        body["api_version"] = 2
    if ask.with_documents:
        body["return_documents"] = True
    if ask.max_tokens_per_document is not None:
        body["max_tokens_per_doc"] = ask.max_tokens_per_document
    if ask.user:
        lost.append("user")
    if home:
        body |= {name: raw for name, raw in ask.extra.items() if "." not in name}
    return Written(write_json(body), tuple(lost))


def write_invoke_reply(reply: RerankReply, stamp: Stamp) -> Written:
    """The answer of an invoked model."""
    lost = [name for name, raw in reply.extra.items() if said(raw) and reply.origin is not INVOKE]
    results: list[Json] = []
    for one in reply.results:
        result: Json = {"index": one.index, "relevance_score": one.score}
        if one.document is not None:
            result["document"] = {"text": one.document} if isinstance(one.document, str) else one.document
        results.append(result)
    body: Json = {"id": reply.id or stamp.id, "results": results}
    return Written(write_json(body | (dict(reply.extra) if reply.origin is INVOKE else {})), tuple(lost))


def _no_usage(body: bytes) -> Usage | None:
    return None


CODEC: Codec[RerankAsk, RerankReply] = Codec(
    format=AGENT,
    family=Family.BEDROCK,
    request="rerank",
    body=Body,
    peek=peek,
    put=put,
    read_ask=read_ask,
    write_reply=write_reply,
    asked_usage=lambda envelope: asked_usage(envelope, "sources"),
    read_usage=_no_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)

INVOKE_CODEC: Codec[RerankAsk, RerankReply] = Codec(
    format=INVOKE,
    family=Family.BEDROCK,
    request="rerank",
    model_in_path=True,
    peek=peek_invoke,
    put=put,
    read_ask=read_invoke,
    write_ask=write_invoke,
    read_reply=read_reply,
    write_reply=write_invoke_reply,
    asked_usage=asked_usage,
    read_usage=_no_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)
