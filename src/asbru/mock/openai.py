"""OpenAI's chat completions: reading strictly, writing answers and streams.

Messages of errors follow those seen from the real API (``Unrecognized request argument supplied``,
``missing_required_parameter``).
"""

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from asbru.mock import openai_shapes as shape
from asbru.mock.dialect import Dialect, Stamp, bearer, retry_headers
from asbru.mock.said import Asked, Offer, Said, count, halves, pieces
from asbru.mock.strict import Mistake, read
from asbru.model.failure import Failure, Refused
from asbru.model.http import Answer, Headers
from asbru.providers import named
from asbru.providers.openai import RESPONSES_ONLY

_decoder = msgspec.json.Decoder(shape.ChatRequest)
_encode = msgspec.json.encode
_FINISH = {"tool": "tool_calls", "refusal": "stop", "stop_sequence": "stop"}
_REASONING = re.compile(r"^(o\d|gpt-5|gpt-6)")
_WORDS = {
    "int": "integer",
    "str": "string",
    "bool": "boolean",
    "float": "decimal",
    "object": "object",
    "array": "array",
}
_INVALID = "invalid_request_error"


FLEXIBLE = ("*", "!gpt-3*", "!gpt-4*")
"""Models with a flex tier."""


def ask(body: bytes, headers: Headers) -> Asked:
    """A chat request. Raises Refused(400) as OpenAI words it."""
    try:
        request = read(_decoder, body)
    except Mistake as mistake:
        raise refusal(mistake) from None
    if any(fnmatchcase(request.model, pattern) for pattern in RESPONSES_ONLY):
        text = "This model is only supported in v1/responses and not in v1/chat/completions."
        raise Refused(404, text, param="model")
    if request.service_tier == "flex" and not named(request.model, FLEXIBLE):
        raise _refused(f"Invalid service_tier argument: {request.model} has no flex tier.", "service_tier")
    _check(request)
    _check_tools(request.messages)
    texts = [_text(message) for message in request.messages]
    last = next((n for n in reversed(range(len(texts))) if isinstance(request.messages[n], _SPEAKERS)), -1)
    return Asked(
        model=request.model,
        text=texts[last],
        words=sum(map(count, texts)),
        stream=bool(request.stream),
        usage=bool(request.stream_options and request.stream_options.include_usage),
        offers=tuple(_offers(request.tools or ())),
        choice=_choice(request.tool_choice),
        parallel=request.parallel_tool_calls is not False,
        schema=_schema(request.response_format),
        limit=request.max_completion_tokens or request.max_tokens or 0,
        stop=(request.stop,) if isinstance(request.stop, str) else tuple(request.stop or ()),
        n=request.n or 1,
        tier=request.service_tier or "",
    )


_SPEAKERS = (shape.User, shape.ToolResult)


def _text(message: shape.Message) -> str:
    content = message.content
    if isinstance(content, str):
        return content
    return " ".join(part.text for part in content or () if isinstance(part, shape.TextPart))


def _offers(tools: Iterable[shape.FunctionTool | shape.CustomTool]) -> Iterator[Offer]:
    for tool in tools:
        if isinstance(tool, shape.FunctionTool):
            yield Offer(tool.function.name, tool.function.parameters)


def _choice(choice: object) -> str:
    if isinstance(choice, shape.FunctionChoice):
        return choice.function.name
    return choice if isinstance(choice, str) else "auto"


def _schema(wanted: object) -> Any:
    if isinstance(wanted, shape.SchemaFormat):
        return wanted.json_schema.schema or True
    return True if isinstance(wanted, shape.ObjectFormat) else None


def _refused(message: str, param: str, code: str = "") -> Refused:
    return Refused(400, message, code=code, param=param)


def refusal(mistake: Mistake) -> Refused:
    """``mistake`` in OpenAI's words."""
    where = mistake.bracketed()
    if mistake.kind == "json":
        return _refused(f"We could not parse the JSON body of your request. ({mistake.text})", "")
    if mistake.kind == "unknown":
        if len(mistake.path) == 1:
            return _refused(f"Unrecognized request argument supplied: {where}", "")
        return _refused(f"Unknown parameter: '{where}'.", where, "unknown_parameter")
    if mistake.kind == "missing":
        return _refused(f"Missing required parameter: '{where}'.", where, "missing_required_parameter")
    if mistake.kind == "type":
        expected = " or ".join(_WORDS.get(word, word) for word in mistake.expected.split(" | ") if word != "null")
        got = _WORDS.get(mistake.got, mistake.got)
        text = f"Invalid type for '{where}': expected {expected}, but got {got} instead."
        return _refused(text, where, "invalid_type")
    return _refused(f"Invalid value for '{where}': {mistake.text}.", where, "invalid_value")


def _check(request: shape.ChatRequest) -> None:
    """Rules that hold between members."""
    if request.stream_options is not None and not request.stream:
        raise _refused("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
    if not request.tools:
        for name in ("tool_choice", "parallel_tool_calls"):
            if getattr(request, name) is not None:
                raise _refused(f"'{name}' is only allowed when 'tools' are specified.", name)
    if isinstance(request.tool_choice, str) and request.tool_choice not in ("auto", "none", "required"):
        raise _refused(f"Invalid value: '{request.tool_choice}'.", "tool_choice", "invalid_value")
    if request.max_tokens is not None and request.max_completion_tokens is not None:
        raise _refused(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.", "max_tokens"
        )
    if request.max_tokens is not None and _REASONING.match(request.model):
        text = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        raise _refused(text, "max_tokens", "unsupported_parameter")
    if isinstance(request.stop, list) and len(request.stop) > 4:
        raise _refused("Invalid 'stop': array too long. Expected an array with maximum length 4.", "stop")


def _check_tools(messages: list[shape.Message]) -> None:
    """Every call is answered at once, and nothing else is."""
    open_calls: set[str] = set()
    for at, message in enumerate(messages):
        if isinstance(message, shape.ToolResult):
            if message.tool_call_id not in open_calls:
                text = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
                raise _refused(f"Invalid parameter: {text}", f"messages.[{at}].role")
            open_calls.discard(message.tool_call_id)
        elif open_calls:
            break
        elif isinstance(message, shape.Assistant):
            open_calls = {call.id for call in message.tool_calls or ()}
            if not open_calls and message.content is None and message.refusal is None and message.audio is None:
                raise _refused("Invalid value for 'content': expected a string, got null.", f"messages.[{at}].content")
    if open_calls:
        text = "An assistant message with 'tool_calls' must be followed by tool messages responding to each"
        text = f"{text} 'tool_call_id'. The following tool_call_ids did not have response messages:"
        raise _refused(f"{text} {', '.join(sorted(open_calls))}", "messages")


def write(asked: Asked, said: Said, stamp: Stamp) -> bytes:
    """A ``chat.completion``."""
    return _encode(
        {
            "id": f"chatcmpl-{stamp.id}",
            "object": "chat.completion",
            "created": stamp.at,
            "model": stamp.model,
            "choices": [_written_choice(said, stamp, n) for n in range(asked.n)],
            "usage": usage(said, asked.n),
            "service_tier": "default" if asked.tier in ("", "auto") else asked.tier,
            "system_fingerprint": "fp_mock",
        }
    )


def _written_choice(said: Said, stamp: Stamp, index: int) -> dict[str, Any]:
    refused = said.finish == "refusal"
    message: dict[str, Any] = {
        "role": "assistant",
        "content": said.text if said.text and not refused else None if said.calls or refused else "",
        "refusal": said.text if refused else None,
        "annotations": [],
    }
    if said.thinking:
        message["reasoning_content"] = said.thinking
    if said.calls:
        message["tool_calls"] = [
            {"id": _call_id(stamp, n), "type": "function", "function": {"name": name, "arguments": arguments}}
            for n, (name, arguments) in enumerate(said.calls)
        ]
    return {
        "index": index,
        "message": message,
        "logprobs": None,
        "finish_reason": _FINISH.get(said.finish, said.finish),
    }


def _call_id(stamp: Stamp, n: int) -> str:
    return f"call_{stamp.id}_{n}"


def usage(said: Said, n: int = 1) -> dict[str, Any]:
    """OpenAI's usage: ``prompt_tokens`` includes the cached ones, ``completion_tokens`` the reasoning."""
    prompt = said.input + said.cached + said.cachewrite
    return {
        "prompt_tokens": prompt,
        "completion_tokens": said.output * n,
        "total_tokens": prompt + said.output * n,
        "prompt_tokens_details": {"cached_tokens": said.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": said.reasoning * n,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def frames(asked: Asked, said: Said, stamp: Stamp) -> Iterator[bytes]:
    """``chat.completion.chunk`` events, usage last when it was asked for, then ``[DONE]``."""
    head = {
        "id": f"chatcmpl-{stamp.id}",
        "object": "chat.completion.chunk",
        "created": stamp.at,
        "model": stamp.model,
        "service_tier": "default",
        "system_fingerprint": "fp_mock",
    }
    start = b"data: " + _encode(head)[:-1] + b',"choices":['
    end = b'],"usage":null}\n\n' if asked.usage else b"]}\n\n"
    for index in range(asked.n):
        for delta, finish in _deltas(said, stamp):
            choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
            yield start + _encode(choice) + end
    if asked.usage:
        yield start + b'],"usage":' + _encode(usage(said, asked.n)) + b"}\n\n"
    yield b"data: [DONE]\n\n"


def _deltas(said: Said, stamp: Stamp) -> Iterator[tuple[dict[str, Any], str | None]]:
    name = "refusal" if said.finish == "refusal" else "content"
    yield {"role": "assistant", "content": None if said.calls or name == "refusal" else "", "refusal": None}, None
    for piece in pieces(said.thinking):
        yield {"reasoning_content": piece}, None
    for piece in pieces(said.text):
        yield {name: piece}, None
    for n, (called, arguments) in enumerate(said.calls):
        opening = {
            "index": n,
            "id": _call_id(stamp, n),
            "type": "function",
            "function": {"name": called, "arguments": ""},
        }
        yield {"tool_calls": [opening]}, None
        for half in halves(arguments):
            yield {"tool_calls": [{"index": n, "function": {"arguments": half}}]}, None
    yield {}, _FINISH.get(said.finish, said.finish)


def error_body(failure: Failure) -> dict[str, Any]:
    """The inside of OpenAI's ``error``."""
    return {
        "message": failure.message,
        "type": _type(failure.status),
        "param": failure.param or None,
        "code": failure.code or None,
    }


def _type(status: int) -> str:
    if status >= 500:
        return "server_error"
    return {429: "requests", 403: "insufficient_permissions"}.get(status, _INVALID)


def codes(status: int) -> str:
    """The code of a scripted error."""
    return {401: "invalid_api_key", 404: "not_found", 429: "rate_limit_exceeded"}.get(status, "")


def fail(failure: Failure, request_id: str) -> Answer:
    """An error answer."""
    headers = {b"content-type": b"application/json", b"x-request-id": request_id.encode(), **retry_headers(failure)}
    return Answer(status=failure.status, headers=headers, body=_encode({"error": error_body(failure)}))


def error_frame(failure: Failure) -> bytes:
    """An error in the middle of a stream."""
    return b"data: " + _encode({"error": error_body(failure)}) + b"\n\n"


def unauthorized(key: str) -> Failure:
    """401, with the key masked as OpenAI does."""
    if not key:
        text = "You didn't provide an API key. You need to provide it in an Authorization header using Bearer auth."
        return Refused(401, text)
    return Refused(401, f"Incorrect API key provided: {key[:3]}***{key[-2:]}.", code="invalid_api_key")


def no_such_model(model: str) -> Failure:
    """404 for a model nobody knows."""
    text = f"The model `{model}` does not exist or you do not have access to it."
    return Refused(404, text, code="model_not_found")


DIALECT = Dialect(
    name="openai",
    read=ask,
    write=write,
    frames=frames,
    key=bearer,
    fail=fail,
    error_frame=error_frame,
    headers={
        b"content-type": b"application/json",
        b"openai-processing-ms": b"1",
        b"openai-version": b"2020-10-01",
        b"x-ratelimit-limit-requests": b"10000",
        b"x-ratelimit-remaining-requests": b"9999",
    },
    unauthorized=unauthorized,
    no_such_model=no_such_model,
    codes=codes,
)
