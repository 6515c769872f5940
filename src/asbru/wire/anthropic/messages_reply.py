"""A whole message, read into the model and written from it."""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Opaque, Part, Refusal, Reply, Text, Thinking, ToolCall, raw_arguments
from asbru.model.failure import Broken
from asbru.model.names import Format
from asbru.wire.anthropic.messages_citations import read_citations, write_citation
from asbru.wire.anthropic.messages_parts import Json, write_tool_use
from asbru.wire.anthropic.messages_usage import WireUsage, to_usage, write_usage
from asbru.wire.anthropic.messages_words import read_stop, write_stop
from asbru.wire.codec import Stamp, Written
from asbru.wire.several import unsaid
from asbru.wire.shapes import BAD_JSON, NOTHING, Members, read_members, said, write_json

HERE = Format.ANTHROPIC_MESSAGES


class Block(Struct):
    """A reply's content block of any type we know."""

    type: str
    text: str = ""
    citations: list[Raw] | None = None
    thinking: str = ""
    signature: str | None = None
    data: str = ""
    id: str = ""
    name: str = ""
    input: Raw = NOTHING


class _Body(Struct, kw_only=True):
    id: str = ""
    model: str = ""
    content: list[Raw]
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: WireUsage | None = None


_body = msgspec.json.Decoder(_Body).decode
block_shape = msgspec.json.Decoder(Block).decode
_READ = frozenset({"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"})


def read_reply(body: bytes) -> Reply:
    """The message. Raises Broken for what is not one."""
    try:
        whole = _body(body)
        parts = tuple(read_block(raw) for raw in whole.content)
        extra: Members = {name: raw for name, raw in read_members(body).items() if name not in _READ}
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a message: {error}", code="bad_reply") from None
    return Reply(
        id=whole.id,
        model=whole.model,
        parts=parts,
        finish=read_stop(whole.stop_reason),
        stop_sequence=whole.stop_sequence or "",
        usage=to_usage(whole.usage or WireUsage()),
        extra=extra,
        origin=HERE,
    )


def read_block(raw: Raw) -> Part:
    """One block; of a type that the model has no word for, as it came. Raises msgspec's errors."""
    block = block_shape(raw)
    match block.type:
        case "text":
            return Text(block.text, citations=read_citations(block.citations or ()))
        case "thinking":
            return Thinking(text=block.thinking, signature=block.signature or "")
        case "redacted_thinking":
            return Thinking(redacted=block.data)
        case "tool_use":
            return ToolCall(id=block.id, name=block.name, arguments=raw_arguments(bytes(block.input).decode()))
    return Opaque(format=HERE, kind=block.type, raw=raw)


def write_reply(reply: Reply, stamp: Stamp) -> Written:
    """A message."""
    home = reply.origin is HERE
    lost = [name for name, raw in reply.extra.items() if not home and said(raw)]
    content = [block for n, part in enumerate(reply.parts) if (block := _write(part, f"content.{n}", lost)) is not None]
    lost += unsaid(reply)
    body: Json = {
        "id": f"msg_{stamp.id}",
        "type": "message",
        "role": "assistant",
        "model": reply.model or stamp.model,
        "content": content,
        "stop_reason": write_stop(reply.finish),
        "stop_sequence": reply.stop_sequence or None,
        "usage": write_usage(reply.usage),
    }
    if home:
        body |= dict(reply.extra)
    return Written(write_json(body), tuple(lost))


def _write(part: Part, path: str, lost: list[str]) -> Json | Raw | None:
    match part:
        case ToolCall():
            return write_tool_use(part, path, lost)
        case Opaque() if part.format is HERE:
            return part.raw
    written = open_block(part)
    if written is None:
        lost.append(f"{path}: {part.kind if isinstance(part, Opaque) else type(part).__name__.lower()}")
    return written


def open_block(part: Part) -> Json | None:
    """A part as a reply's block, which is also how a streamed block begins; None for a part that this format lacks."""
    match part:
        case Text():
            citations: Any = [write_citation(one) for one in part.citations] or None
            return {"type": "text", "text": part.text, "citations": citations}
        case Refusal():
            return {"type": "text", "text": part.text, "citations": None}
        case Thinking() if part.redacted:
            return {"type": "redacted_thinking", "data": part.redacted}
        case Thinking():
            return {"type": "thinking", "thinking": part.text, "signature": part.signature}
    return None
