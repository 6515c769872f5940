"""A whole Converse reply, read into the model and written from it."""

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Part, Reply, Text, ToolCall
from asbru.model.failure import Broken, Refused
from asbru.model.names import Format
from asbru.wire.bedrock.converse_blocks_in import read_content
from asbru.wire.bedrock.converse_output import as_output, finished
from asbru.wire.bedrock.converse_parts import Blocks, Json
from asbru.wire.bedrock.converse_usage import WireUsage, to_usage, write_usage
from asbru.wire.bedrock.converse_words import read_stop, write_stop
from asbru.wire.codec import Stamp, Written
from asbru.wire.several import unsaid
from asbru.wire.shapes import BAD_JSON, Members, read_members, said, write_json

HERE = Format.BEDROCK_CONVERSE


class _Message(Struct):
    content: list[Raw]


class _Output(Struct):
    message: _Message


class _Body(Struct, kw_only=True, rename="camel"):
    output: _Output
    stop_reason: str | None = None
    usage: WireUsage | None = None


_body = msgspec.json.Decoder(_Body).decode
_READ = frozenset({"output", "stopReason", "usage", "metrics"})
"""``metrics`` tells how long it took, which the gateway measures itself."""


def read_reply(body: bytes) -> Reply:
    """The reply, which tells neither an id nor a model. Raises Broken for what is none."""
    spare: Members = {}
    try:
        whole = _body(body)
        parts = read_content(whole.output.message.content, "content", spare)
        extra: Members = {name: raw for name, raw in read_members(body).items() if name not in _READ}
    except (*BAD_JSON, Refused) as error:
        raise Broken(502, f"The provider's answer is not a Converse reply: {error}", code="bad_reply") from None
    told = tuple(as_output(part) for part in parts)
    return Reply(
        id="",
        model="",
        parts=told,
        finish=finished(read_stop(whole.stop_reason), told != parts, any(isinstance(one, ToolCall) for one in told)),
        usage=to_usage(whole.usage or WireUsage()),
        extra=extra,
        origin=HERE,
    )


def write_reply(reply: Reply, stamp: Stamp) -> Written:
    """A reply. ``latencyMs`` is a required member; the gateway's own clock is in its log."""
    home = reply.origin is HERE
    lost = [name for name, raw in reply.extra.items() if not home and said(raw)]
    blocks = Blocks(reply.origin, lost, replies=True)
    content: list[Json | Raw] = []
    for n, part in enumerate(reply.parts):
        if not _empty(part, reply.parts):
            content += blocks.write(part, f"content.{n}")
    if reply.stop_sequence:
        lost.append("stop_sequence")
    lost += unsaid(reply)
    body: Json = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": write_stop(reply.finish),
        "usage": write_usage(reply.usage),
        "metrics": {"latencyMs": 0},
    }
    if home:
        body |= dict(reply.extra)
    return Written(write_json(body), tuple(lost))


def _empty(part: Part, parts: tuple[Part, ...]) -> bool:
    """An empty text beside calls of tools says nothing."""
    return isinstance(part, Text) and not part.text and any(isinstance(other, ToolCall) for other in parts)
