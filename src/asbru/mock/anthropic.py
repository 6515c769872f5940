"""Anthropic's Messages: reading strictly, writing answers and streams.

Messages of errors follow those seen from the real API (``xyz: Extra inputs are not permitted``).
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from asbru.mock import anthropic_shapes as shape
from asbru.mock.dialect import Dialect, Stamp, bearer, retry_headers
from asbru.mock.said import Asked, Offer, Said, count, halves, pieces
from asbru.mock.strict import Mistake, read
from asbru.model.failure import Failure, Refused
from asbru.model.http import Answer, Headers

_decoder = msgspec.json.Decoder(shape.MessagesRequest)
_encode = msgspec.json.encode
_STOP = {"stop": "end_turn", "length": "max_tokens", "tool": "tool_use", "content_filter": "refusal"}
_WORDS = {
    "int": "integer",
    "str": "string",
    "bool": "boolean",
    "float": "number",
    "object": "dictionary",
    "array": "list",
}
_INVALID = "invalid_request_error"
_TYPES = {
    400: _INVALID,
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def ask(body: bytes, headers: Headers) -> Asked:
    """A Messages request. Raises Refused(400) as Anthropic words it."""
    check_version(headers)
    return ask_params(body, beta=bool(headers.get(b"anthropic-beta")))


def check_version(headers: Headers) -> None:
    """Raises Refused(400) when ``anthropic-version`` is missing."""
    if not headers.get(b"anthropic-version"):
        raise _refused("anthropic-version: header is required")


def ask_params(body: bytes, beta: bool) -> Asked:
    """The body of a request, or ``params`` of a batch's item. Raises Refused(400)."""
    try:
        request = read(_decoder, body)
    except Mistake as mistake:
        raise refusal(mistake) from None
    _check(request, beta)
    _check_turns(request.messages)
    texts = [_text(message.content) for message in request.messages]
    return Asked(
        model=request.model,
        text=[text for message, text in zip(request.messages, texts, strict=True) if message.role == "user"][-1],
        words=sum(map(count, texts)) + count(_text(request.system or "")),
        stream=bool(request.stream),
        offers=tuple(_offer(tool) for tool in request.tools or () if tool.type in (None, "custom")),
        choice=_choice(request.tool_choice),
        parallel=not getattr(request.tool_choice, "disable_parallel_tool_use", False),
        schema=request.output_config.format.schema if request.output_config and request.output_config.format else None,
        limit=request.max_tokens,
        stop=tuple(request.stop_sequences or ()),
        think=isinstance(request.thinking, shape.ThinkingEnabled),
    )


def _text(content: Any) -> str:
    """The text of blocks; of tool results when there is no other."""
    if isinstance(content, str):
        return content
    texts = [block.text for block in content if isinstance(block, shape.Text)]
    results = [_text(block.content or "") for block in content if isinstance(block, shape.ToolResult)]
    return " ".join(texts or results)


def _offer(tool: shape.Tool) -> Offer:
    return Offer(tool.name, None if tool.input_schema is UNSET else tool.input_schema)


def _choice(choice: object) -> str:
    match choice:
        case shape.ChooseTool(name):
            return name
        case shape.ChooseAny():
            return "required"
        case shape.ChooseNone():
            return "none"
    return "auto"


def _refused(message: str) -> Refused:
    return Refused(400, message, code=_INVALID)


def refusal(mistake: Mistake) -> Refused:
    """``mistake`` in Anthropic's words."""
    where = mistake.dotted()
    if mistake.kind == "json":
        return _refused(f"The request body is not valid JSON: {mistake.text}")
    if mistake.kind == "unknown":
        return _refused(f"{where}: Extra inputs are not permitted")
    if mistake.kind == "missing":
        return _refused(f"{where}: Field required")
    if mistake.kind == "type":
        expected = " or ".join(_WORDS.get(word, word) for word in mistake.expected.split(" | ") if word != "null")
        return _refused(f"{where}: Input should be a valid {expected}")
    return _refused(f"{where}: {mistake.text}")


def _check(request: shape.MessagesRequest, beta: bool) -> None:
    """Rules that hold between members."""
    for name in shape.BETA:
        if not beta and getattr(request, name) is not UNSET:
            raise _refused(f"{name}: Extra inputs are not permitted")
    if not request.messages:
        raise _refused("messages: at least one message is required")
    for at, tool in enumerate(request.tools or ()):
        if tool.type in (None, "custom") and tool.input_schema is UNSET:
            raise _refused(f"tools.{at}.custom.input_schema: Field required")
        if not tool.name:
            raise _refused(f"tools.{at}.name: Field required")
    if isinstance(request.thinking, shape.ThinkingEnabled) and request.max_tokens <= request.thinking.budget_tokens:
        raise _refused("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if isinstance(request.tool_choice, shape.ChooseTool) and not any(
        tool.name == request.tool_choice.name for tool in request.tools or ()
    ):
        raise _refused(f"Tool '{request.tool_choice.name}' not found in provided tools")
    if isinstance(request.tool_choice, shape.ChooseAny | shape.ChooseAuto) and not request.tools:
        raise _refused("tool_choice: may only be specified while providing tools")


def _check_turns(messages: list[shape.Message]) -> None:
    """Roles, and every tool_use answered in the next message."""
    calls: list[str] = []
    for at, message in enumerate(messages):
        if message.role not in ("user", "assistant"):
            hint = 'The Messages API accepts a top-level `system` parameter, not "system" as an input message role.'
            raise _refused(f'messages.{at}: Unexpected role "{message.role}". {hint}')
        blocks = [] if isinstance(message.content, str) else message.content
        if not message.content and at < len(messages) - 1:
            text = "all messages must have non-empty content except for the optional final assistant message"
            raise _refused(f"messages.{at}: {text}")
        _check_results(at, calls, [block.tool_use_id for block in blocks if isinstance(block, shape.ToolResult)])
        calls = [block.id for block in blocks if isinstance(block, shape.ToolUse)]
        if (calls and message.role != "assistant") or (message.role == "assistant" and _has_results(blocks)):
            raise _refused(
                f"messages.{at}: `tool_use` blocks belong to the assistant, `tool_result` blocks to the user"
            )
    if all(message.role != "user" for message in messages):
        raise _refused('messages: first message must use the "user" role')


def _has_results(blocks: list[shape.Block]) -> bool:
    return any(isinstance(block, shape.ToolResult) for block in blocks)


def _check_results(at: int, calls: list[str], results: list[str]) -> None:
    if missing := [call for call in calls if call not in results]:
        text = "`tool_use` ids were found without `tool_result` blocks immediately after"
        text = f"messages.{at - 1}: {text}: {', '.join(missing)}."
        raise _refused(
            f"{text} Each `tool_use` block must have a corresponding `tool_result` block in the next message."
        )
    if strange := [result for result in results if result not in calls]:
        text = f"messages.{at}: unexpected `tool_use_id` found in `tool_result` blocks: {', '.join(strange)}."
        raise _refused(
            f"{text} Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
        )


def message(asked: Asked, said: Said, stamp: Stamp, tier: str = "standard") -> dict[str, Any]:
    """A whole Message."""
    return {
        "id": f"msg_{stamp.id}",
        "type": "message",
        "role": "assistant",
        "model": stamp.model,
        "content": list(_blocks(said, stamp)),
        "stop_reason": _STOP.get(said.finish, said.finish),
        "stop_sequence": said.stopped_by or None,
        "usage": _usage(said, said.output, tier),
    }


def write(asked: Asked, said: Said, stamp: Stamp) -> bytes:
    """A whole Message as JSON."""
    return _encode(message(asked, said, stamp))


def _usage(said: Said, output: int, tier: str = "standard") -> dict[str, Any]:
    """Anthropic's usage: ``input_tokens`` excludes what was read from or written to the cache."""
    return {
        "input_tokens": said.input,
        "cache_creation_input_tokens": said.cachewrite,
        "cache_read_input_tokens": said.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": said.cachewrite, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output,
        "service_tier": tier,
    }


def _blocks(said: Said, stamp: Stamp) -> Iterator[dict[str, Any]]:
    if said.thinking:
        yield {"type": "thinking", "thinking": said.thinking, "signature": _signature(stamp)}
    if said.text or not said.calls:
        yield {"type": "text", "text": said.text}
    for n, (name, arguments) in enumerate(said.calls):
        yield {"type": "tool_use", "id": f"toolu_{stamp.id}_{n}", "name": name, "input": Raw(arguments.encode())}


def _signature(stamp: Stamp) -> str:
    return f"bW9jaw{stamp.id}=="


def frames(asked: Asked, said: Said, stamp: Stamp) -> Iterator[bytes]:
    """``message_start`` to ``message_stop``, with a ping as the real API sends it."""
    start = message(asked, said, stamp) | {"content": [], "stop_reason": None, "usage": _usage(said, 1)}
    yield _event({"type": "message_start", "message": start})
    for index, block in enumerate(_blocks(said, stamp)):
        yield _event({"type": "content_block_start", "index": index, "content_block": _opening(block)})
        if index == 0:
            yield _event({"type": "ping"})
        for delta in _deltas(block):
            yield _event({"type": "content_block_delta", "index": index, "delta": delta})
        yield _event({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": _STOP.get(said.finish, said.finish), "stop_sequence": said.stopped_by or None}
    yield _event({"type": "message_delta", "delta": delta, "usage": {"output_tokens": said.output}})
    yield _event({"type": "message_stop"})


def _opening(block: dict[str, Any]) -> dict[str, Any]:
    empty: dict[str, dict[str, Any]] = {
        "thinking": {"thinking": "", "signature": ""},
        "text": {"text": ""},
        "tool_use": {"input": {}},
    }
    return block | empty[block["type"]]


def _deltas(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if block["type"] == "text":
        yield from ({"type": "text_delta", "text": piece} for piece in pieces(block["text"]))
    elif block["type"] == "thinking":
        yield from ({"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"]))
        yield {"type": "signature_delta", "signature": block["signature"]}
    else:
        for half in ("", *halves(bytes(block["input"]).decode())):
            yield {"type": "input_json_delta", "partial_json": half}


def _event(payload: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (payload["type"].encode(), _encode(payload))


def codes(status: int) -> str:
    """``error.type`` for a status."""
    return _TYPES.get(status, "api_error" if status >= 500 else _INVALID)


def error_body(failure: Failure, request_id: str | None) -> dict[str, Any]:
    """An error as Anthropic writes it."""
    error = {"type": failure.code or codes(failure.status), "message": failure.message}
    return {"type": "error", "error": error, "request_id": request_id}


def fail(failure: Failure, request_id: str) -> Answer:
    """An error answer."""
    headers = {b"content-type": b"application/json", **retry_headers(failure)}
    return Answer(status=failure.status, headers=headers, body=_encode(error_body(failure, request_id)))


def error_frame(failure: Failure) -> bytes:
    """An error in the middle of a stream."""
    return _event(error_body(failure, None))


def key(headers: Headers) -> str:
    """``x-api-key``, or a bearer token."""
    return headers.get(b"x-api-key", b"").decode("latin-1") or bearer(headers)


def unauthorized(credential: str) -> Failure:
    """401, in Anthropic's words."""
    text = "invalid x-api-key" if credential else "x-api-key header is required"
    return Refused(401, text, code="authentication_error")


def no_such_model(model: str) -> Failure:
    """404 for a model nobody knows."""
    return Refused(404, f"model: {model}", code="not_found_error")


DIALECT = Dialect(
    name="anthropic",
    read=ask,
    write=write,
    frames=frames,
    key=key,
    fail=fail,
    error_frame=error_frame,
    headers={
        b"content-type": b"application/json",
        b"anthropic-organization-id": b"mock",
        b"anthropic-ratelimit-requests-limit": b"10000",
        b"anthropic-ratelimit-requests-remaining": b"9999",
    },
    unauthorized=unauthorized,
    no_such_model=no_such_model,
    codes=codes,
)
