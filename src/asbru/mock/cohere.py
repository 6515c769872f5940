"""Cohere's v2 chat: reading strictly, writing answers and streams."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from asbru.mock import cohere_shapes as shape
from asbru.mock.dialect import Dialect, Stamp, bearer, retry_headers
from asbru.mock.said import Asked, Offer, Said, count, halves, pieces
from asbru.mock.strict import Mistake, read
from asbru.model.failure import Failure, Refused
from asbru.model.http import Answer, Headers
from asbru.wire.sse import write_frame

_decoder = msgspec.json.Decoder(shape.ChatRequest)
_encode = msgspec.json.encode
_FINISH = {
    "stop": "COMPLETE",
    "length": "MAX_TOKENS",
    "tool": "TOOL_CALL",
    "stop_sequence": "STOP_SEQUENCE",
    "content_filter": "ERROR_TOXIC",
    "refusal": "COMPLETE",
}
_SPEAKERS = (shape.User, shape.ToolResult)


def ask(body: bytes, headers: Headers) -> Asked:
    """A chat request. Raises Refused(400)."""
    try:
        request = read(_decoder, body)
    except Mistake as mistake:
        raise refusal(mistake) from None
    _check(request)
    texts = [_text(message) for message in request.messages]
    last = next((n for n in reversed(range(len(texts))) if isinstance(request.messages[n], _SPEAKERS)), -1)
    return Asked(
        model=request.model,
        text=texts[last],
        words=sum(map(count, texts)) + sum(count(str(document)) for document in request.documents or ()),
        stream=bool(request.stream),
        offers=tuple(Offer(tool.function.name, tool.function.parameters) for tool in request.tools or ()),
        choice={"REQUIRED": "required", "NONE": "none"}.get(request.tool_choice or "", "auto"),
        schema=_schema(request.response_format),
        limit=request.max_tokens or 0,
        stop=tuple(request.stop_sequences or ()),
        think=bool(request.thinking and request.thinking.type == "enabled"),
    )


def _text(message: shape.Message) -> str:
    content = message.content
    if isinstance(content, str):
        return content
    return " ".join(_words(content or ()))


def _words(parts: Iterable[Any]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, shape.TextPart):
            yield part.text
        elif isinstance(part, shape.DocumentPart):
            data = part.document.data
            yield data if isinstance(data, str) else _encode(data).decode()


def _schema(wanted: shape.ResponseFormat | None) -> Any:
    if wanted is None or wanted.type == "text":
        return None
    return wanted.json_schema or True


def refusal(mistake: Mistake) -> Refused:
    """``mistake`` in Cohere's words."""
    where = mistake.dotted()
    if mistake.kind == "json":
        return Refused(400, f"invalid request: body is not valid JSON: {mistake.text}")
    if mistake.kind == "unknown":
        return Refused(400, f"unknown field: parameter '{where}' is not a valid field", param=where)
    if mistake.kind == "missing":
        return Refused(400, f"invalid request: {where} is required", param=where)
    if mistake.kind == "type":
        text = f"invalid type: parameter '{where}' is of type {mistake.got} but should be of type {mistake.expected}"
        return Refused(400, text, param=where)
    return Refused(400, f"invalid request: {where}: {mistake.text}", param=where)


def _check(request: shape.ChatRequest) -> None:
    """Rules that hold between members."""
    if request.tool_choice and not request.tools:
        raise Refused(400, "invalid request: tool_choice requires tools", param="tool_choice")
    if (
        request.response_format
        and request.response_format.type == "json_object"
        and (request.documents or request.tools)
    ):
        text = "response_format of type json_object is not supported with documents or tools"
        raise Refused(400, f"invalid request: {text}", param="response_format")
    open_calls: set[str] = set()
    for at, message in enumerate(request.messages):
        if isinstance(message, shape.ToolResult):
            if message.tool_call_id not in open_calls:
                text = f"tool call id '{message.tool_call_id}' not found in previous tool calls"
                raise Refused(400, f"invalid request: messages[{at}]: {text}")
            open_calls.discard(message.tool_call_id)
        elif open_calls:
            break
        elif isinstance(message, shape.Assistant):
            open_calls = {call.id for call in message.tool_calls or ()}
            if not open_calls and not message.content:
                raise Refused(400, f"invalid request: messages[{at}]: content or tool_calls must be given")
    if open_calls:
        raise Refused(400, f"invalid request: missing tool results for {', '.join(sorted(open_calls))}")


def write(asked: Asked, said: Said, stamp: Stamp) -> bytes:
    """A chat reply."""
    message: dict[str, Any] = {"role": "assistant"}
    content: list[dict[str, str]] = []
    if said.thinking:
        content.append({"type": "thinking", "thinking": said.thinking})
    if said.calls:
        message["tool_plan"] = said.text or "I will use a tool."
        message["tool_calls"] = [_call(stamp, n, *call) for n, call in enumerate(said.calls)]
    else:
        content.append({"type": "text", "text": said.text})
    if content:
        message["content"] = content
    body = {"id": stamp.id, "finish_reason": _FINISH[said.finish], "message": message, "usage": usage(said)}
    return _encode(body)


def _call(stamp: Stamp, n: int, name: str, arguments: str) -> dict[str, Any]:
    return {"id": f"{name}_{stamp.id}{n}", "type": "function", "function": {"name": name, "arguments": arguments}}


def usage(said: Said) -> dict[str, Any]:
    """Billed units, and tokens with those that Cohere adds."""
    taken = said.input + said.cached + said.cachewrite
    return {
        "billed_units": {"input_tokens": taken, "output_tokens": said.output},
        "tokens": {"input_tokens": taken + 200, "output_tokens": said.output},
        "cached_tokens": said.cached,
    }


def frames(asked: Asked, said: Said, stamp: Stamp) -> Iterator[bytes]:
    """``message-start`` to ``message-end``, then ``[DONE]``."""
    for event in _events(said, stamp):
        yield write_frame(event["type"], _encode(event))
    yield b"data: [DONE]\n\n"


def _events(said: Said, stamp: Stamp) -> Iterator[dict[str, Any]]:
    start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield {"id": stamp.id, **_event("message-start", start)}
    index = 0
    if said.thinking:
        yield from _content(index, "thinking", said.thinking)
        index += 1
    if said.calls:
        for piece in pieces(said.text or "I will use a tool."):
            yield _event("tool-plan-delta", {"tool_plan": piece})
        for n, (name, arguments) in enumerate(said.calls):
            yield {**_event("tool-call-start", {"tool_calls": _call(stamp, n, name, "")}), "index": n}
            for half in halves(arguments):
                yield {**_event("tool-call-delta", {"tool_calls": {"function": {"arguments": half}}}), "index": n}
            yield {"type": "tool-call-end", "index": n}
    else:
        yield from _content(index, "text", said.text)
    yield {"type": "message-end", "delta": {"finish_reason": _FINISH[said.finish], "usage": usage(said)}}


def _content(index: int, kind: str, text: str) -> Iterator[dict[str, Any]]:
    yield {**_event("content-start", {"content": {"type": kind, kind: ""}}), "index": index}
    for piece in pieces(text):
        yield {**_event("content-delta", {"content": {kind: piece}}), "index": index}
    yield {"type": "content-end", "index": index}


def _event(kind: str, message: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "delta": {"message": message}}


def fail(failure: Failure, request_id: str) -> Answer:
    """An error answer."""
    headers = {b"content-type": b"application/json", **retry_headers(failure)}
    return Answer(status=failure.status, headers=headers, body=_encode({"id": request_id, "message": failure.message}))


def error_frame(failure: Failure) -> bytes:
    """An error in the middle of a stream."""
    event = {"type": "message-end", "delta": {"error": failure.message, "finish_reason": "ERROR"}}
    return write_frame("message-end", _encode(event))


def unauthorized(key: str) -> Failure:
    """401."""
    return Refused(401, "invalid api token" if key else "no api key supplied")


def no_such_model(model: str) -> Failure:
    """404 for a model nobody knows."""
    return Refused(404, f"model '{model}' not found, make sure the correct model ID was used")


DIALECT = Dialect(
    name="cohere",
    read=ask,
    write=write,
    frames=frames,
    key=bearer,
    fail=fail,
    error_frame=error_frame,
    headers={b"content-type": b"application/json"},
    unauthorized=unauthorized,
    no_such_model=no_such_model,
    codes=lambda status: "",
)
