"""countTokens: the codecs of the Gemini API and of Vertex AI.

Source: google-genai 3.4 ``models.py`` (``_CountTokensConfig_to_*``). The Gemini API counts ``contents`` alone, or a
whole ``generateContentRequest``; Vertex AI has the members of that one at the top.
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Ask
from asbru.model.failure import Broken
from asbru.model.names import Family, Format
from asbru.model.tokens import Counted
from asbru.wire.codec import Codec, Stamp, Written
from asbru.wire.envelope import Envelope
from asbru.wire.gemini.embed_ask import resource
from asbru.wire.gemini.errors import read_failure, write_failure
from asbru.wire.gemini.generate import peek
from asbru.wire.gemini.generate_ask_in import read_body
from asbru.wire.gemini.generate_ask_out import write_body
from asbru.wire.gemini.media import Json
from asbru.wire.shapes import BAD_JSON, Members, given, read_members, refused, said, write_json

_WHOLE = ("generateContentRequest", "generate_content_request")
_COUNTED = ("contents", "systemInstruction", "tools")
_READ = frozenset({"totalTokens", "cachedContentTokenCount", "promptTokensDetails", "totalBillableCharacters"})


class _Reply(Struct, rename="camel"):
    total_tokens: int = 0
    cached_content_token_count: int | None = None


_reply = msgspec.json.Decoder(_Reply, strict=False).decode


def _inner(members: Members) -> tuple[str, Members] | None:
    """The whole request, when there is one, and how it is called. Raises Refused(400)."""
    for name in _WHOLE:
        raw = given(members[name]) if name in members else None
        if raw is not None:
            try:
                return name, read_members(raw)
            except BAD_JSON as error:
                raise refused(name, error) from None
    return None


def put(envelope: Envelope, model: str, stream: bool) -> dict[str, Raw]:
    """The path names the model; a whole request names it too and must agree."""
    found = _inner(envelope.members)
    if found is None or "model" not in found[1]:
        return {}
    return {found[0]: Raw(write_json({**found[1], "model": Raw(write_json(resource(model)))}))}


def read_ask(envelope: Envelope) -> Ask:
    """What is counted. Raises Refused(400) naming the member that is wrong."""
    found = _inner(envelope.members)
    return read_body(envelope.members if found is None else found[1])


def _counted(ask: Ask) -> tuple[Json, tuple[str, ...]]:
    body, lost = write_body(ask)
    told = tuple(name for name in lost if name.startswith(("messages", "system", "tools", "contents", "input")))
    return {name: body[name] for name in _COUNTED if name in body}, told


def write_ask(ask: Ask) -> Written:
    """Contents alone, or a whole request where there is more to count."""
    body, lost = _counted(ask)
    if body.keys() == {"contents"}:
        return Written(write_json(body), lost)
    return Written(write_json({_WHOLE[0]: {"model": resource(ask.model), **body}}), lost)


def write_vertex_ask(ask: Ask) -> Written:
    """The same for Vertex AI."""
    body, lost = _counted(ask)
    return Written(write_json(body), lost)


def read_reply(body: bytes) -> Counted:
    """The number. Raises Broken for what is none."""
    try:
        told = _reply(body)
        extra = {name: raw for name, raw in read_members(body).items() if name not in _READ}
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a number of tokens: {error}", code="bad_reply") from None
    cached = told.cached_content_token_count or 0
    return Counted(input=told.total_tokens, cached=cached, extra=extra, origin=Format.GEMINI_COUNT_TOKENS)


def write_reply(reply: Counted, stamp: Stamp) -> Written:
    """The number."""
    told: Json = {"totalTokens": reply.input}
    if reply.cached:
        told["cachedContentTokenCount"] = reply.cached
    home = reply.origin in (Format.GEMINI_COUNT_TOKENS, Format.VERTEX_COUNT_TOKENS)
    if home:
        told |= reply.extra
    return Written(write_json(told), () if home else tuple(name for name, raw in reply.extra.items() if said(raw)))


CODEC: Codec[Ask, Counted] = Codec(
    format=Format.GEMINI_COUNT_TOKENS,
    family=Family.GEMINI,
    request="count_tokens",
    model_in_path=True,
    peek=peek,
    put=put,
    read_ask=read_ask,
    write_ask=write_ask,
    read_reply=read_reply,
    write_reply=write_reply,
    read_usage=lambda body: None,
    read_failure=read_failure,
    write_failure=write_failure,
)

VERTEX: Codec[Ask, Counted] = msgspec.structs.replace(
    CODEC, format=Format.VERTEX_COUNT_TOKENS, write_ask=write_vertex_ask
)
