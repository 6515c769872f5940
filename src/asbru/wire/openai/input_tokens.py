"""OpenAI's token counting (``openai.types.responses.InputTokenCountParams``, 3.54): the codec.

The request is that of Responses, without what only concerns the answer. Bifrost's unified API says ``messages`` for
``input`` (api-inventory.md, ``/v1/count_tokens``): both are read.
"""

import msgspec
from msgspec import Struct

from asbru.model.chat import Ask
from asbru.model.failure import Broken
from asbru.model.names import Family, Format
from asbru.model.tokens import Counted
from asbru.wire.codec import Codec, Peek, Stamp, Written
from asbru.wire.envelope import Envelope
from asbru.wire.openai import responses
from asbru.wire.openai.errors import read_failure, write_failure
from asbru.wire.openai.responses_shapes import Body
from asbru.wire.peeking import peek_whole, put_model
from asbru.wire.shapes import BAD_JSON, Members, read_members, write_json

HERE = Format.OPENAI_INPUT_TOKENS

COUNTED = frozenset(
    {
        *("model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "reasoning", "text"),
        "truncation",
    }
)
"""The members of a Responses request that count."""


class _Reply(Struct):
    input_tokens: int


_reply = msgspec.json.Decoder(_Reply).decode


def peek(envelope: Envelope) -> Peek:
    """Model and fallbacks. What is called ``messages`` becomes ``input``. Raises Refused(400)."""
    members = envelope.members
    if "input" not in members and "messages" in members:
        members["input"] = members.pop("messages")
    return peek_whole(envelope)


def read_ask(envelope: Envelope) -> Ask:
    """What is counted. Raises Refused(400) naming the member that is wrong."""
    return responses.CODEC.read_ask(envelope)


def write_ask(ask: Ask) -> Written:
    """The same as a Responses request, as far as it counts."""
    written = responses.CODEC.write_ask(ask)
    members = {name: raw for name, raw in read_members(written.body).items() if name in COUNTED}
    lost = tuple(name for name in written.lost if name.startswith(("messages", "input", "system", "tools")))
    return Written(write_json(members), lost)


def read_reply(body: bytes) -> Counted:
    """The number. Raises Broken for what is none."""
    try:
        known = ("object", "input_tokens")
        extra: Members = {name: raw for name, raw in read_members(body).items() if name not in known}
        return Counted(input=_reply(body).input_tokens, extra=extra, origin=HERE)
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a number of tokens: {error}", code="bad_reply") from None


def write_reply(reply: Counted, stamp: Stamp) -> Written:
    """The number."""
    return Written(write_json({"object": "response.input_tokens", "input_tokens": reply.input}))


CODEC: Codec[Ask, Counted] = Codec(
    format=HERE,
    family=Family.OPENAI,
    request="count_tokens",
    words=responses.WORDS,
    body=Body,
    peek=peek,
    put=put_model,
    read_ask=read_ask,
    write_ask=write_ask,
    read_reply=read_reply,
    write_reply=write_reply,
    read_usage=lambda body: None,
    read_failure=read_failure,
    write_failure=write_failure,
)
