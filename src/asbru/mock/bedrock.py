"""Bedrock's Converse: reading strictly, writing answers and streams.

Messages of errors follow those seen from the real API (``Malformed input request``, ``roles must alternate``).
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw, Struct

from asbru.mock import bedrock_shapes as shape
from asbru.mock.aws_signature import access_key
from asbru.mock.dialect import Dialect, Stamp, bearer
from asbru.mock.said import Asked, Offer, Said, count, halves, pieces
from asbru.mock.strict import Mistake, read
from asbru.model.failure import Failure, Refused
from asbru.model.http import Answer, Headers
from asbru.wire.aws import write_event, write_exception
from asbru.wire.sse import Frame

_decoder = msgspec.json.Decoder(shape.ConverseRequest)
_encode = msgspec.json.encode
_STOP = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool": "tool_use",
    "content_filter": "content_filtered",
    "refusal": "content_filtered",
}
_UNSTRUCTURED = re.compile(r"nova|titan|llama|command|claude-[123]")
INVALID = "ValidationException"
_TYPES = {
    400: INVALID,
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
    529: "ServiceUnavailableException",
}


def ask(body: bytes, model: str, stream: bool) -> Asked:
    """A Converse request. Raises Refused(400) as Bedrock words it."""
    try:
        request = read(_decoder, body)
    except Mistake as mistake:
        raise refusal(mistake) from None
    check_unions(request, "")
    check_turns(request.messages, request.tool_config)
    if request.output_config and request.output_config.text_format and _UNSTRUCTURED.search(model):
        raise refused("This model doesn't support the outputConfig.textFormat field. Remove it and try again.")
    texts = [_text(message) for message in request.messages]
    inference = request.inference_config or shape.Inference()
    config = request.tool_config
    return Asked(
        model=model,
        text=[text for message, text in zip(request.messages, texts, strict=True) if message.role == "user"][-1],
        words=sum(map(count, texts)) + sum(count(part.text or "") for part in request.system or ()),
        stream=stream,
        offers=tuple(_offers(config)),
        choice=_choice(config),
        schema=_schema(request.output_config),
        limit=inference.max_tokens or 0,
        stop=tuple(inference.stop_sequences or ()),
        think=_thinks(request.additional_model_request_fields or {}),
    )


def _thinks(fields: dict[str, Any]) -> bool:
    thinking = fields.get("thinking")
    return isinstance(thinking, dict) and thinking.get("type") == "enabled"


def _schema(output: shape.Output | None) -> Any:
    told = output.text_format.structure.json_schema if output and output.text_format else None
    return msgspec.json.decode(told.schema) if told else None


def _offers(config: shape.ToolConfig | None) -> Iterator[Offer]:
    for tool in config.tools if config else ():
        if tool.tool_spec:
            yield Offer(tool.tool_spec.name, tool.tool_spec.input_schema.json)


def _choice(config: shape.ToolConfig | None) -> str:
    choice = config.tool_choice if config else None
    if choice is None or choice.auto is not None:
        return "auto"
    return choice.tool.name if choice.tool else "required"


def _text(message: shape.Message) -> str:
    """The text of blocks; of tool results when there is no other."""
    texts = [block.text for block in message.content if block.text]
    results = [
        inner.text or _encode(inner.json).decode()
        for block in message.content
        for inner in (block.tool_result.content if block.tool_result else ())
    ]
    return " ".join(texts or results)


def refused(words: str) -> Refused:
    """400 in Bedrock's words."""
    return Refused(400, words, code=INVALID)


def refusal(mistake: Mistake) -> Refused:
    """``mistake`` in Bedrock's words."""
    where = mistake.dotted()
    if mistake.kind == "unknown":
        path, _, name = where.rpartition(".")
        return refused(f"Malformed input request: #/{path.replace('.', '/')}: extraneous key [{name}] is not permitted")
    if mistake.kind == "missing":
        return refused(
            f"1 validation error detected: Value at '{where}' failed to satisfy constraint: must not be null"
        )
    return refused(f"1 validation error detected: Value at '{where}': {mistake.text}")


def check_unions(value: object, path: str) -> None:
    """Raises Refused(400) for a union that does not have exactly one member."""
    if isinstance(value, list):
        for n, inner in enumerate(value):
            check_unions(inner, f"{path}.{n}")
    if not isinstance(value, Struct):
        return
    told = {name: inner for name in value.__struct_fields__ if (inner := getattr(value, name)) is not None}
    if isinstance(value, shape.Union) and len(told) != 1:
        raise refused(f"The union at {path.lstrip('.')} must have exactly one member, not {sorted(told)}.")
    for name, inner in told.items():
        check_unions(inner, f"{path}.{name}")


def check_turns(messages: list[shape.Message], config: shape.ToolConfig | None) -> None:
    """Roles alternate, texts are not blank, every toolUse is answered in the next message."""
    if not messages or messages[0].role != "user":
        raise refused("A conversation must start with a user message. Try again with a conversation that starts so.")
    calls: list[str] = []
    names: set[str] = set()
    for n, message in enumerate(messages):
        if n and message.role == messages[n - 1].role:
            raise refused(f"messages.{n}: roles must alternate between user and assistant")
        _check_blocks(n, message, names, config)
        results = [block.tool_result.tool_use_id for block in message.content if block.tool_result]
        if set(calls) != set(results):
            words = "Expected toolResult blocks at messages.{} for the following Ids: {}"
            raise refused(words.format(n, ", ".join(calls) or "none"))
        calls = [block.tool_use.tool_use_id for block in message.content if block.tool_use]
        if (calls and message.role == "user") or (results and message.role == "assistant"):
            raise refused(f"messages.{n}: toolUse blocks are the assistant's, toolResult blocks the user's")


def _check_blocks(n: int, message: shape.Message, names: set[str], config: shape.ToolConfig | None) -> None:
    if not message.content:
        raise refused(f"The content field in the Message object at messages.{n} is empty.")
    for i, block in enumerate(message.content):
        where = f"messages.{n}.content.{i}"
        if block.text is not None and not block.text.strip():
            raise refused(f"The text field in the ContentBlock object at {where} is blank.")
        if (block.tool_use or block.tool_result) and config is None:
            raise refused("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
        if block.cache_point and not i:
            raise refused(f"{where}: a cachePoint must follow what it marks")
        if block.document and block.document.name in names:
            raise refused(f"{where}: duplicate document names are not allowed")
        if block.document:
            names.add(block.document.name)


def write(asked: Asked, said: Said, stamp: Stamp) -> bytes:
    """A whole reply as JSON."""
    reply = {
        "metrics": {"latencyMs": 1},
        "output": {"message": {"content": list(_blocks(said, stamp)), "role": "assistant"}},
        "stopReason": _STOP.get(said.finish, said.finish),
        "usage": usage(said),
    }
    return _encode(reply)


def usage(said: Said) -> dict[str, Any]:
    """``TokenUsage``: ``inputTokens`` excludes what was read from or written to the cache."""
    return {
        "inputTokens": said.input,
        "outputTokens": said.output,
        "totalTokens": said.input + said.output + said.cached + said.cachewrite,
        "cacheReadInputTokens": said.cached,
        "cacheWriteInputTokens": said.cachewrite,
    }


def _blocks(said: Said, stamp: Stamp) -> Iterator[dict[str, Any]]:
    if said.thinking:
        told = {"text": said.thinking, "signature": f"bW9jaw{stamp.id}=="}
        yield {"reasoningContent": {"reasoningText": told}}
    if said.text or not said.calls:
        yield {"text": said.text}
    for n, (name, arguments) in enumerate(said.calls):
        call = {"toolUseId": f"tooluse_{stamp.id}_{n}", "name": name, "input": Raw(arguments.encode())}
        yield {"toolUse": call}


def events(said: Said, stamp: Stamp) -> Iterator[tuple[str, dict[str, Any]]]:
    """``messageStart`` to ``metadata``: only tools have a ``contentBlockStart``."""
    yield "messageStart", {"role": "assistant"}
    for index, block in enumerate(_blocks(said, stamp)):
        if call := block.get("toolUse"):
            start = {"toolUse": {"toolUseId": call["toolUseId"], "name": call["name"]}}
            yield "contentBlockStart", {"contentBlockIndex": index, "start": start}
        for delta in _deltas(block):
            yield "contentBlockDelta", {"contentBlockIndex": index, "delta": delta}
        yield "contentBlockStop", {"contentBlockIndex": index}
    yield "messageStop", {"stopReason": _STOP.get(said.finish, said.finish)}
    yield "metadata", {"metrics": {"latencyMs": 1}, "usage": usage(said)}


def _deltas(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "text" in block:
        yield from ({"text": piece} for piece in pieces(block["text"]))
    elif call := block.get("toolUse"):
        yield from ({"toolUse": {"input": half}} for half in ("", *halves(bytes(call["input"]).decode())))
    else:
        told = block["reasoningContent"]["reasoningText"]
        yield from ({"reasoningContent": {"text": piece}} for piece in pieces(told["text"]))
        yield {"reasoningContent": {"signature": told["signature"]}}


def frames(asked: Asked, said: Said, stamp: Stamp) -> Iterator[bytes]:
    """A streamed reply; every payload is padded, as the real API's are."""
    for n, (name, payload) in enumerate(events(said, stamp)):
        yield write_event(Frame(name, _encode({**payload, "p": "abcdefghij"[: n % 10]})))


def codes(status: int) -> str:
    """The type of an error for a status."""
    return _TYPES.get(status, "InternalServerException" if status >= 500 else INVALID)


def fail(failure: Failure, request_id: str) -> Answer:
    """An error answer. Bedrock tells no time to wait."""
    kind = failure.code or codes(failure.status)
    headers = {
        b"content-type": b"application/json",
        b"x-amzn-errortype": f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/".encode(),
        b"x-amzn-requestid": request_id.encode(),
    }
    return Answer(status=failure.status, headers=headers, body=_encode({"message": failure.message}))


def error_frame(failure: Failure) -> bytes:
    """An exception in the middle of a stream."""
    kind = codes(failure.status)
    return write_exception(kind[0].lower() + kind[1:], _encode({"message": failure.message}))


def key(headers: Headers) -> str:
    """The access key of a signature, or a bearer token."""
    return access_key(headers.get(b"authorization", b"").decode("latin-1")) or bearer(headers)


def unauthorized(credential: str) -> Failure:
    """403, as AWS has no 401."""
    if credential:
        return Refused(
            403, "The security token included in the request is invalid.", code="UnrecognizedClientException"
        )
    return Refused(403, "Missing Authentication Token", code="MissingAuthenticationTokenException")


def no_such_model(model: str) -> Failure:
    """400 for a model nobody knows."""
    return Refused(400, "The provided model identifier is invalid.", code=INVALID)


DIALECT = Dialect(
    name="bedrock",
    read=lambda body, headers: ask(body, "", False),
    write=write,
    frames=frames,
    key=key,
    fail=fail,
    error_frame=error_frame,
    headers={b"content-type": b"application/json"},
    unauthorized=unauthorized,
    no_such_model=no_such_model,
    codes=codes,
    media=b"application/vnd.amazon.eventstream",
    garbage=b"\x00\x00\x00\x10not an event stream",
)
