"""A whole response, read into the model and written from it."""

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Image, Opaque, Part, Refusal, Reply, Text, Thinking, ToolCall, raw_arguments
from asbru.model.failure import Broken
from asbru.model.names import Finish, Format
from asbru.wire.codec import Stamp, Written
from asbru.wire.openai.custom_tools import as_call, customs, input_of, is_custom
from asbru.wire.openai.errors import read_stream_error
from asbru.wire.openai.logprobs import read_tokens
from asbru.wire.openai.responses_citations import read_citations, write_text
from asbru.wire.openai.responses_object import (
    begin,
    call_item,
    custom_item,
    end,
    incomplete_reason,
    is_said,
    item_id,
    message,
    reasoning_item,
)
from asbru.wire.openai.responses_pictures import KIND, picture_item, read_picture, read_prompts
from asbru.wire.openai.responses_reasoning import joined, read_thinking
from asbru.wire.openai.responses_usage import WireUsage, to_usage
from asbru.wire.shapes import BAD_JSON, NOTHING, Members, given, read_members, said

HERE = Format.OPENAI_RESPONSES

Json = dict[str, object]


class Content(Struct):
    """A part of a message, or of reasoning."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None
    annotations: list[Raw] | None = None
    logprobs: Raw = NOTHING


class Item(Struct):
    """An output item of a type we know."""

    type: str = ""
    id: str | None = None
    content: list[Content] | None = None
    summary: list[Content] | None = None
    encrypted_content: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None


class Details(Struct):
    reason: str | None = None


class Told(Struct, kw_only=True):
    """What is read of a response object, whole or in a stream."""

    id: str = ""
    model: str = ""
    created_at: float | None = None
    status: str | None = None
    output: list[Raw] | None = None
    incomplete_details: Details | None = None
    usage: WireUsage | None = None


read_told = msgspec.json.Decoder(Told).decode
item_shape = msgspec.json.Decoder(Item).decode

_NOT_EXTRA = frozenset(
    {
        *("id", "object", "model", "created_at", "completed_at", "status", "output", "incomplete_details", "usage"),
        *("background", "billing", "conversation", "error", "frequency_penalty", "instructions", "max_output_tokens"),
        *("max_tool_calls", "metadata", "output_text", "parallel_tool_calls", "presence_penalty"),
        *("previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
        *("reasoning", "safety_identifier", "service_tier", "store", "temperature", "text", "tool_choice", "tools"),
        *("top_logprobs", "top_p", "truncation", "user"),
    }
)
"""Read, or repeated from the request: nothing that another format would lose."""


def read_reply(body: bytes) -> Reply:
    """The response. Raises Broken for what is not one, and the failure that a failed one tells."""
    try:
        told = read_told(body)
        if told.status == "failed":
            raise read_stream_error(body)
        if told.output is None:
            raise Broken(502, "The provider's answer has no output.", code="bad_reply")
        parts = tuple(part for raw in told.output for part in read_item(raw))
        extra = extra_of(body, told)
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a response: {error}", code="bad_reply") from None
    return Reply(
        id=told.id,
        model=told.model,
        parts=parts,
        finish=read_finish(told, _called(parts), _refused(parts)),
        usage=to_usage(told.usage or WireUsage()),
        created=int(told.created_at or 0),
        extra=extra,
        origin=HERE,
    )


def extra_of(body: bytes, told: Told) -> Members:
    """Members that are neither read nor repeated from the request."""
    extra = {name: raw for name, raw in read_members(body).items() if name not in _NOT_EXTRA}
    return extra | read_prompts(told.output or [])


def read_finish(told: Told, called: bool, refused: bool) -> Finish:
    """Why it ended, for a reply that calls tools, or that carries the model's refusal."""
    reason = told.incomplete_details.reason if told.incomplete_details else None
    if told.status == "incomplete" or reason:
        return Finish.CONTENT_FILTER if reason == "content_filter" else Finish.LENGTH
    if called:
        return Finish.TOOL_CALLS
    return Finish.REFUSAL if refused else Finish.STOP


def _called(parts: tuple[Part, ...]) -> bool:
    return any(isinstance(part, ToolCall) for part in parts)


def _refused(parts: tuple[Part, ...]) -> bool:
    return any(isinstance(part, Refusal) for part in parts)


def read_item(raw: Raw) -> list[Part]:
    """The parts of one output item. Raises msgspec's errors."""
    item = item_shape(raw)
    match item.type:
        case "message":
            return [part for content in item.content or () if (part := read_content(content)) is not None]
        case "function_call":
            arguments = raw_arguments(item.arguments or "")
            return [ToolCall(id=item.call_id or item.id or "", name=item.name or "", arguments=arguments)]
        case "custom_tool_call":
            return [as_call(item.call_id or item.id or "", item.name or "", item.input or "")]
        case "reasoning":
            thinking = read_reasoning(item)
            return [] if thinking is None else [thinking]
        case _ if item.type == KIND and (picture := read_picture(raw)) is not None:
            return [picture]
    return [Opaque(format=HERE, kind=item.type, raw=raw)]


def read_content(content: Content) -> Part | None:
    """A part of a message; None for a type to come, and for an empty text."""
    if content.refusal:
        return Refusal(content.refusal)
    if not content.text:
        return None
    raw = given(content.logprobs)
    tokens = () if raw is None else read_tokens(raw) or ()
    return Text(content.text, citations=read_citations(content.annotations or (), content.text), logprobs=tokens)


def read_reasoning(item: Item) -> Thinking | None:
    """The thinking of a reasoning item; None when it tells nothing."""
    summary = [each.text or "" for each in item.summary or ()]
    content = [each.text or "" for each in item.content or ()]
    return read_thinking(item.id or "", joined(summary, content), item.encrypted_content or "")


def write_reply(reply: Reply, stamp: Stamp) -> Written:
    """A response."""
    home = reply.origin is HERE
    lost = [name for name, raw in reply.extra.items() if (not home or "." in name) and said(raw)]
    if reply.stop_sequence:
        lost.append("stop_sequence")
    reason = incomplete_reason(reply.finish, refusal=_refused(reply.parts))
    lost += [f"choices.{n}" for n, _ in enumerate(reply.others, 1)]
    output = _Output(stamp, lost).write(reply.parts, reason)
    body = end(begin(stamp, reply.created, reply.model), output, reply.usage, reason)
    if home:
        body |= {name: raw for name, raw in reply.extra.items() if "." not in name}
    return Written(msgspec.json.encode(body), tuple(lost))


class _Output:
    """Writes parts as output items."""

    def __init__(self, stamp: Stamp, lost: list[str]) -> None:
        self._stamp = stamp
        self._lost = lost
        self._items: list[object] = []
        self._offered = customs(stamp.ask)

    def write(self, parts: tuple[Part, ...], reason: str) -> list[object]:
        content: list[object] = []
        for n, part in enumerate(parts):
            path = f"content.{n}"
            if is_said(part):
                content.append(self._content(part, path))
                continue
            self._say(content, "completed")
            content = []
            if (item := self._item(part, path)) is not None:
                self._items.append(item)
        self._say(content, "incomplete" if reason else "completed")
        return self._items

    def _say(self, content: list[object], status: str) -> None:
        if content:
            self._items.append(message(self._id("msg"), content, status))

    def _content(self, part: Part, path: str) -> Json:
        if isinstance(part, Text):
            return write_text(part, path, self._lost)
        assert isinstance(part, Refusal)
        return {"type": "refusal", "refusal": part.text}

    def _item(self, part: Part, path: str) -> object | None:
        match part:
            case ToolCall() if is_custom(part, self._offered):
                return custom_item(part, self._id("ctc"), input_of(part.arguments), "completed")
            case ToolCall():
                return call_item(part, self._id("fc"), "completed")
            case Thinking():
                return reasoning_item(part, self._id("rs"))
            case Image() if (item := picture_item(part, self._id("ig"))) is not None:
                return item
            case Opaque() if part.format is HERE:
                return part.raw
        self._lost.append(f"{path}: {part.kind if isinstance(part, Opaque) else type(part).__name__.lower()}")
        return None

    def _id(self, kind: str) -> str:
        return item_id(kind, self._stamp, len(self._items))
