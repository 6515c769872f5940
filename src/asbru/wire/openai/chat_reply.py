"""A whole chat completion, read into the model and written from it."""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Choice, Image, Opaque, Part, Refusal, Reply, Text, Thinking, ToolCall, raw_arguments
from asbru.model.failure import Broken
from asbru.model.names import Format
from asbru.wire.codec import Stamp, Written
from asbru.wire.likely import all_of, given_to
from asbru.wire.openai.chat_ask_in import split_data_url
from asbru.wire.openai.chat_ask_out import Json, image_part, tool_call
from asbru.wire.openai.chat_reasoning import read_citations, read_thinking, write_annotations, write_details
from asbru.wire.openai.chat_usage import WireUsage, to_usage, write_usage
from asbru.wire.openai.chat_words import read_finish, write_finish
from asbru.wire.openai.custom_tools import as_call, customs
from asbru.wire.openai.logprobs import read_choice, write_choice
from asbru.wire.shapes import BAD_JSON, NOTHING, Members, given, read_members, said, write_json

HERE = Format.OPENAI_CHAT


class CallFunction(Struct):
    """``arguments`` is a string; some compatible servers send the object itself."""

    name: str | None = None
    arguments: Any = None


class CustomCall(Struct):
    name: str | None = None
    input: str | None = None


class Call(Struct):
    id: str | None = None
    index: int | None = None
    type: str | None = None
    function: CallFunction | None = None
    custom: CustomCall | None = None


class _ImageUrl(Struct):
    url: str


class _ImagePart(Struct):
    image_url: _ImageUrl


class Message(Struct):
    """A reply's message, and a stream's delta. ``content`` may be a list of parts with some compatible servers.

    ``images`` are OpenRouter's, and LiteLLM's.
    """

    content: Any = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Raw] | None = None
    annotations: list[Raw] | None = None
    tool_calls: list[Raw] | None = None
    function_call: CallFunction | None = None
    audio: Raw = NOTHING
    images: list[Raw] | None = None


class _Choice(Struct):
    message: Message
    finish_reason: str | None = None
    logprobs: Raw = NOTHING


class _Body(Struct, kw_only=True):
    id: str | None = None
    model: str | None = None
    created: int | float | None = None
    choices: list[Raw]
    usage: WireUsage | None = None


_body = msgspec.json.Decoder(_Body).decode
_choice = msgspec.json.Decoder(_Choice).decode
_image_part = msgspec.json.Decoder(_ImagePart).decode
call_shape = msgspec.json.Decoder(Call).decode
_READ = frozenset({"id", "object", "model", "created", "choices", "usage"})


def read_reply(body: bytes) -> Reply:
    """The choices. Raises Broken for what is not a chat completion."""
    try:
        return _read_reply(body)
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a chat completion: {error}", code="bad_reply") from None


def _read_reply(body: bytes) -> Reply:
    whole = _body(body)
    if not whole.choices:
        raise Broken(502, "The provider's answer has no choices.", code="bad_reply")
    extra: Members = {name: raw for name, raw in read_members(body).items() if name not in _READ}
    first, *others = [_read_choice(raw, n, whole.id or "", extra) for n, raw in enumerate(whole.choices)]
    return Reply(
        id=whole.id or "",
        model=whole.model or "",
        parts=first.parts,
        finish=first.finish,
        usage=to_usage(whole.usage or WireUsage()),
        created=int(whole.created or 0),
        extra=extra,
        others=tuple(others),
        origin=HERE,
    )


def _read_choice(raw: Raw, n: int, reply_id: str, extra: Members) -> Choice:
    told = _choice(raw)
    parts = _parts(told.message, reply_id if not n else f"{reply_id}_{n}")
    if (logprobs := given(told.logprobs)) is not None:
        tokens, more = read_choice(logprobs)
        likely = given_to(parts, tokens) if tokens else parts
        if likely is None or more:
            extra[f"choices.{n}.logprobs"] = logprobs
        parts = likely or parts
    called = any(isinstance(part, ToolCall) for part in parts)
    finish = read_finish(told.finish_reason, called=called, refused=bool(told.message.refusal))
    return Choice(parts=tuple(parts), finish=finish)


def _parts(message: Message, reply_id: str) -> list[Part]:
    thought = message.reasoning_content or message.reasoning or thinking_text(message.content)
    parts = read_thinking(thought, message.reasoning_details or ())
    text = content_text(message.content)
    if text:
        parts.append(Text(text, citations=read_citations(message.annotations or (), text)))
    if message.refusal:
        parts.append(Refusal(message.refusal))
    if (audio := given(message.audio)) is not None:
        parts.append(Opaque(format=HERE, kind="audio", raw=audio))
    parts += map(read_image, message.images or ())
    for n, raw in enumerate(message.tool_calls or ()):
        parts.append(_call(raw, n, reply_id))
    if message.function_call:
        parts.append(_tool_call(Call(function=message.function_call), 0, reply_id))
    return parts


def read_image(raw: Raw) -> Image:
    """One of a message's ``images``. Raises msgspec's errors."""
    url = _image_part(raw).image_url.url
    media_type, data = split_data_url(url)
    return Image(media_type=media_type, data=data) if data else Image(url=url)


def content_text(content: Any) -> str:
    """The text of ``content``, which is a string or (Mistral and others) a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(text for part in content if isinstance(part, dict) and isinstance(text := part.get("text"), str))
    return ""


def thinking_text(content: Any) -> str:
    """The thinking in a ``content`` that is a list (Mistral's ``ThinkChunk``: its ``thinking`` is a list of texts)."""
    if not isinstance(content, list):
        return ""
    thought = (part["thinking"] for part in content if isinstance(part, dict) and "thinking" in part)
    return "".join(each if isinstance(each, str) else content_text(each) for each in thought)


def _call(raw: Raw, n: int, reply_id: str) -> Part:
    call = call_shape(raw)
    if call.custom is not None:
        return as_call(call.id or missing_id(reply_id, n), call.custom.name or "", call.custom.input or "")
    return _tool_call(call, n, reply_id)


def _tool_call(call: Call, n: int, reply_id: str) -> ToolCall:
    function = call.function or CallFunction()
    return ToolCall(
        id=call.id or missing_id(reply_id, n),
        name=function.name or "",
        arguments=raw_arguments(fragment(function.arguments)),
    )


def missing_id(reply_id: str, n: int) -> str:
    """An id for call ``n`` of a reply whose provider gave none: unlike the ids of other replies, the same if read
    again.
    """
    return f"call_{reply_id}_{n}"


def fragment(arguments: Any) -> str:
    """Arguments, or a piece of them, as text."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else write_json(arguments).decode()


def write_reply(reply: Reply, stamp: Stamp) -> Written:
    """A chat completion with all choices."""
    home = reply.origin is HERE
    lost = [name for name, raw in reply.extra.items() if (not home or "." in name) and said(raw)]
    if reply.stop_sequence:
        lost.append("stop_sequence")
    answers = (Choice(parts=reply.parts, finish=reply.finish), *reply.others)
    offered = customs(stamp.ask)
    choices = [_write_choice(n, each, offered, lost) for n, each in enumerate(answers)]
    body: Json = {
        "id": f"chatcmpl-{stamp.id}",
        "object": "chat.completion",
        "created": reply.created or stamp.at,
        "model": reply.model or stamp.model,
        "choices": choices,
        "usage": write_usage(reply.usage),
    }
    if home:
        body |= {name: raw for name, raw in reply.extra.items() if "." not in name}
    return Written(write_json(body), tuple(lost))


def _write_choice(index: int, told: Choice, offered: frozenset[str], lost: list[str]) -> Json:
    message = _message(told.parts, offered, f"choices.{index}.content" if index else "content", lost)
    return {
        "index": index,
        "message": message,
        "logprobs": write_choice(all_of(told.parts)),
        "finish_reason": write_finish(told.finish, refusal=message["refusal"] is not None),
    }


def _message(parts: tuple[Part, ...], offered: frozenset[str], path: str, lost: list[str]) -> Json:
    texts: list[str] = []
    refusals: list[str] = []
    thoughts: list[Thinking] = []
    calls: list[object] = []
    annotations: list[Raw] = []
    images: list[Json] = []
    for n, part in enumerate(parts):
        match part:
            case Text():
                found, without = write_annotations(part, sum(map(len, texts)))
                annotations += found
                lost += [f"{path}.{n}.citations.{i}" for i in without]
                texts.append(part.text)
            case Thinking():
                thoughts.append(part)
            case Refusal():
                refusals.append(part.text)
            case ToolCall():
                calls.append(tool_call(part, offered))
            case Image():
                if (image := image_part(part, f"{path}.{n}", lost)) is not None:
                    images.append(image)
            case _:
                lost.append(f"{path}.{n}: {part.kind if isinstance(part, Opaque) else type(part).__name__.lower()}")
    message: Json = {"role": "assistant", "content": "".join(texts) if texts else None if calls or refusals else ""}
    message["refusal"] = "".join(refusals) or None
    if annotations:
        message["annotations"] = annotations
    if text := "".join(part.text for part in thoughts):
        message["reasoning_content"] = text
    if details := write_details(thoughts):
        message["reasoning_details"] = details
    if images:
        message["images"] = images
    if calls:
        message["tool_calls"] = calls
    return message
