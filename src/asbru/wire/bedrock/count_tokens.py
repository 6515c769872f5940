"""CountTokens: what Converse or InvokeModel would be asked, and how many tokens that has.

Source: botocore, bedrock-runtime (``CountTokensRequest``: ``input.converse`` or ``input.invokeModel``).
"""

import base64
import binascii

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Ask
from asbru.model.failure import Broken
from asbru.model.names import Family, Format
from asbru.model.tokens import Counted
from asbru.wire.bedrock import converse
from asbru.wire.bedrock.converse_blocks_in import only_member
from asbru.wire.bedrock.converse_fields import PATH
from asbru.wire.bedrock.errors import read_failure, write_failure
from asbru.wire.bedrock.invoke import take
from asbru.wire.codec import Codec, Peek, Stamp, Written
from asbru.wire.envelope import Envelope
from asbru.wire.peeking import peek_fallbacks
from asbru.wire.shapes import BAD_JSON, Shape, read_members, refused, write_json

HERE = Format.BEDROCK_COUNT_TOKENS

COUNTED = ("messages", "system", "toolConfig", PATH)
"""The members of a Converse request that count (``ConverseTokensRequest``)."""


class _Invoke(Struct, forbid_unknown_fields=True):
    body: str


class _Reply(Struct, rename="camel"):
    input_tokens: int


_INVOKE = Shape(_Invoke)
_reply = msgspec.json.Decoder(_Reply).decode


def peek(envelope: Envelope) -> Peek:
    """Fallbacks; the path names the model."""
    return Peek("", False, peek_fallbacks(envelope.members))


def put(envelope: Envelope, model: str, stream: bool) -> dict[str, Raw]:
    """Nothing: the path names the model."""
    return {}


def read_ask(envelope: Envelope) -> Ask:
    """What is counted. Raises Refused(400) naming the member that is wrong."""
    raw = envelope.members.get("input")
    if raw is None:
        raise refused("input", "Field required")
    spare = {name: value for name, value in envelope.members.items() if name not in ("input", "fallbacks")}
    kind, value = only_member(raw, "input")
    if kind == "converse":
        ask = converse.CODEC.read_ask(Envelope(bytes(value)))
    elif kind == "invokeModel":
        ask = _invoked(value)
    else:
        raise refused(f"input.{kind}", "must be converse or invokeModel")
    return msgspec.structs.replace(ask, extra={**ask.extra, **spare})


def _invoked(raw: Raw) -> Ask:
    body = _INVOKE.read(raw, "input.invokeModel", {}).body
    try:
        envelope = Envelope(base64.b64decode(body, validate=True))
    except (binascii.Error, ValueError) as error:
        raise refused("input.invokeModel.body", error) from None
    ask = take(envelope, "m", stream=False).codec.read_ask(envelope)
    if not isinstance(ask, Ask):
        raise refused("input.invokeModel.body", "must ask for a reply")
    return msgspec.structs.replace(ask, model="")


def write_ask(ask: Ask) -> Written:
    """The same as a Converse request, as far as it counts."""
    written = converse.CODEC.write_ask(ask)
    members = {name: raw for name, raw in read_members(written.body).items() if name in COUNTED}
    lost = tuple(name for name in written.lost if name.startswith(("messages", "system", "tools")))
    return Written(write_json({"input": {"converse": members}}), lost)


def read_reply(body: bytes) -> Counted:
    """The number. Raises Broken for what is none."""
    try:
        return Counted(input=_reply(body).input_tokens, origin=HERE)
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a number of tokens: {error}", code="bad_reply") from None


def write_reply(reply: Counted, stamp: Stamp) -> Written:
    """The number."""
    return Written(write_json({"inputTokens": reply.input}))


CODEC: Codec[Ask, Counted] = Codec(
    format=HERE,
    family=Family.BEDROCK,
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
