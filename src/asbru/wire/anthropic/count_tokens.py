"""Anthropic's token counting (``anthropic.types.MessageCountTokensParams``, ``MessageTokensCount`` 0.115): the codec.

The request is that of a message, without what only concerns the answer.
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Ask
from asbru.model.failure import Broken
from asbru.model.names import Family, Format
from asbru.model.tokens import Counted
from asbru.wire.anthropic import messages
from asbru.wire.anthropic.errors import read_failure, write_failure
from asbru.wire.codec import Codec, Stamp, Written
from asbru.wire.envelope import Envelope
from asbru.wire.peeking import peek_whole, put_model
from asbru.wire.shapes import BAD_JSON, read_members, write_json

HERE = Format.ANTHROPIC_COUNT_TOKENS

COUNTED = ("model", "messages", "system", "tools", "tool_choice", "thinking", "output_config")
"""The members of a message's request that count."""

_ANY = Raw(b"1")


class Body(Struct, kw_only=True):
    model: str
    messages: list[Raw]
    system: str | list[Raw] | None = None
    tools: list[Raw] | None = None
    tool_choice: Raw = Raw(b"")
    thinking: Raw = Raw(b"")


class _Reply(Struct):
    input_tokens: int


_reply = msgspec.json.Decoder(_Reply).decode


def read_ask(envelope: Envelope) -> Ask:
    """What is counted. Raises Refused(400) naming the member that is wrong."""
    ask = messages.CODEC.read_ask(Envelope(envelope.splice({"max_tokens": _ANY}, drop=("stream",))))
    return msgspec.structs.replace(ask, sampling=msgspec.structs.replace(ask.sampling, max_tokens=None))


def write_ask(ask: Ask) -> Written:
    """The same as a message's request, as far as it counts."""
    written = messages.CODEC.write_ask(ask)
    members = {name: raw for name, raw in read_members(written.body).items() if name in COUNTED}
    lost = tuple(name for name in written.lost if name.startswith(("messages", "system", "tools")))
    return Written(write_json(members), lost)


def read_reply(body: bytes) -> Counted:
    """The number. Raises Broken for what is none."""
    try:
        extra = {name: raw for name, raw in read_members(body).items() if name != "input_tokens"}
        return Counted(input=_reply(body).input_tokens, extra=extra, origin=HERE)
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a number of tokens: {error}", code="bad_reply") from None


def write_reply(reply: Counted, stamp: Stamp) -> Written:
    """The number."""
    return Written(write_json({"input_tokens": reply.input}))


CODEC: Codec[Ask, Counted] = Codec(
    format=HERE,
    family=Family.ANTHROPIC,
    request="count_tokens",
    body=Body,
    peek=peek_whole,
    put=put_model,
    read_ask=read_ask,
    write_ask=write_ask,
    read_reply=read_reply,
    write_reply=write_reply,
    read_usage=lambda body: None,
    read_failure=read_failure,
    write_failure=write_failure,
)
