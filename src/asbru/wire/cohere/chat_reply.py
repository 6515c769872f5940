"""A whole v2 chat reply, read into the model and written from it."""

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Opaque, Part, Refusal, Reply, Text, Thinking, ToolCall, raw_arguments
from asbru.model.failure import Broken
from asbru.model.names import Format
from asbru.wire.codec import Stamp, Written
from asbru.wire.cohere.chat_ask_out import Json, tool_call
from asbru.wire.cohere.chat_citations import PLAN, attach, write_citation
from asbru.wire.cohere.chat_words import FAILED, read_finish, write_finish
from asbru.wire.cohere.errors import ended_badly
from asbru.wire.cohere.logprobs import read_pieces, write_pieces
from asbru.wire.cohere.usage import WireUsage, to_usage, write_usage
from asbru.wire.likely import all_of, given_to, has_top
from asbru.wire.openai.chat_reply import missing_id
from asbru.wire.shapes import BAD_JSON, NOTHING, Members, given, read_members, said, write_json

HERE = Format.COHERE_CHAT


class Item(Struct):
    """One of a message's ``content``, and a stream's piece of one."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None


class CallFunction(Struct):
    name: str | None = None
    arguments: str | None = None


class Call(Struct):
    id: str | None = None
    function: CallFunction | None = None


class _Message(Struct):
    content: str | list[Raw] | None = None
    tool_plan: str | None = None
    tool_calls: list[Call] | None = None
    citations: list[Raw] | None = None


class _Body(Struct, kw_only=True):
    id: str | None = None
    message: _Message
    finish_reason: str | None = None
    usage: WireUsage | None = None
    logprobs: Raw = NOTHING


_body = msgspec.json.Decoder(_Body).decode
_item = msgspec.json.Decoder(Item).decode
_READ = frozenset({"id", "message", "finish_reason", "usage", "meta", "logprobs"})


def read_reply(body: bytes) -> Reply:
    """The message. Raises Broken for what is not one, and for an answer that ended with an error."""
    try:
        whole = _body(body)
        extra: Members = {name: raw for name, raw in read_members(body).items() if name not in _READ}
        parts = _parts(whole, extra)
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a chat reply: {error}", code="bad_reply") from None
    reason = whole.finish_reason or ""
    if reason in FAILED:
        raise ended_badly(reason, "")
    return Reply(
        id=whole.id or "",
        model="",
        parts=tuple(parts),
        finish=read_finish(reason),
        usage=to_usage(whole.usage or WireUsage()),
        extra=extra,
        origin=HERE,
    )


def _parts(whole: _Body, extra: Members) -> list[Part]:
    message = whole.message
    content = message.content or ()
    parts: list[Part] = [Text(content)] if isinstance(content, str) else [_part(raw) for raw in content]
    plan = -1
    if message.tool_plan:
        plan = len(parts)
        parts.append(Text(message.tool_plan))
    parts = attach(parts, message.citations or (), plan, extra, "message.citations")
    if (raw := given(whole.logprobs)) is not None:
        tokens = read_pieces(raw)
        told = given_to(parts, tokens) if tokens else None
        if told is None:
            extra["logprobs"] = raw
        else:
            parts = told
    for n, call in enumerate(message.tool_calls or ()):
        function = call.function or CallFunction()
        call_id = call.id or missing_id(whole.id or "", n)
        parts.append(ToolCall(id=call_id, name=function.name or "", arguments=raw_arguments(function.arguments or "")))
    return parts


def _part(raw: Raw) -> Part:
    item = _item(raw)
    part = empty_part(item)
    return Opaque(format=HERE, kind=item.type or "", raw=raw) if part is None else part


def empty_part(item: Item) -> Part | None:
    """An item as a part, and how a streamed part begins; None for a type that the model has no word for."""
    if item.type == "thinking":
        return Thinking(text=item.thinking or "")
    return Text(item.text or "") if item.type in (None, "text") else None


def write_reply(reply: Reply, stamp: Stamp) -> Written:
    """A chat reply."""
    home = reply.origin is HERE
    lost = [name for name, raw in reply.extra.items() if (not home or "." in name) and said(raw)]
    if reply.stop_sequence:
        lost.append("stop_sequence")
    body: Json = {
        "id": stamp.id,
        "finish_reason": write_finish(reply.finish),
        "message": _message(reply, lost),
        "usage": write_usage(reply.usage),
    }
    if pieces := write_pieces(all_of(reply.parts)):
        body["logprobs"] = pieces
    lost += [f"choices.{n}" for n, _ in enumerate(reply.others, 1)]
    lost += [f"content.{n}.logprobs.top" for n, part in enumerate(reply.parts) if has_top(part)]
    if home:
        body |= {name: raw for name, raw in reply.extra.items() if "." not in name}
    return Written(write_json(body), tuple(lost))


def _message(reply: Reply, lost: list[str]) -> Json:
    calls = [tool_call(part) for part in reply.parts if isinstance(part, ToolCall)]
    content: list[object] = []
    plan: list[str] = []
    citations: list[Raw] = []
    for n, part in enumerate(reply.parts):
        match part:
            case Text() | Refusal():
                index, kind = (0, PLAN) if calls else (len(content), "TEXT_CONTENT")
                cited = part.citations if isinstance(part, Text) else ()
                citations += [write_citation(each, part.text, index, kind) for each in cited]
                if calls:
                    plan.append(part.text)
                else:
                    content.append({"type": "text", "text": part.text})
            case Thinking() if not part.redacted:
                content.append({"type": "thinking", "thinking": part.text})
                if part.signature:
                    lost.append(f"content.{n}.signature")
            case Opaque() if part.format is HERE:
                content.append(part.raw)
            case ToolCall():
                pass
            case _:
                lost.append(f"content.{n}: {part.kind if isinstance(part, Opaque) else type(part).__name__.lower()}")
    message: Json = {"role": "assistant"}
    if content or not calls:
        message["content"] = content or [{"type": "text", "text": ""}]
    if plan:
        message["tool_plan"] = "".join(plan)
    if calls:
        message["tool_calls"] = calls
    if citations:
        message["citations"] = citations
    return message
