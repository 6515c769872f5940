"""Google's Gemini: reading strictly, writing answers and streams.

Messages of errors follow those seen from the real API (``Invalid JSON payload received. Unknown name "x"``).
"""

import base64
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw

from asbru.mock import gemini_shapes as shape
from asbru.mock.dialect import Dialect, Stamp, bearer, retry_headers
from asbru.mock.gemini_checks import check_request, plain, refused, signature_of
from asbru.mock.gemini_voices import speaks
from asbru.mock.openai_images import PIXEL
from asbru.mock.said import Asked, Offer, Said, count, pieces
from asbru.mock.sounds import sound
from asbru.mock.strict import Mistake, read
from asbru.model.failure import Failure, Refused
from asbru.model.http import Answer, Headers

_decoder = msgspec.json.Decoder(shape.GenerateRequest, strict=False)
_encode = msgspec.json.encode
_FINISH = {"length": "MAX_TOKENS", "refusal": "SAFETY", "content_filter": "SAFETY"}
_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}
_RPC = "type.googleapis.com/google.rpc."


def ask(body: bytes, model: str, stream: bool) -> Asked:
    """A generateContent request. Raises Refused(400) as Google words it."""
    try:
        request = read(_decoder, plain(body))
    except Mistake as mistake:
        raise refusal(mistake) from None
    check_request(request, model)
    return asked(request, model, stream)


def asked(request: shape.GenerateRequest, model: str, stream: bool) -> Asked:
    """The request as every dialect has it."""
    contents = request.contents or []
    texts = [text_of(content) for content in contents]
    config = request.generation_config or shape.GenerationConfig()
    users = [text for content, text in zip(contents, texts, strict=True) if content.role != "model"]
    thinking = config.thinking_config or shape.ThinkingConfig()
    return Asked(
        model=model,
        text=users[-1] if users else "",
        words=sum(map(count, texts)) + count(text_of(request.system_instruction or shape.Content())),
        stream=stream,
        offers=tuple(_offers(request)),
        choice=_choice(request),
        schema=_schema(config),
        limit=config.max_output_tokens or 0,
        stop=tuple(config.stop_sequences or ()),
        think=bool(thinking.include_thoughts) and thinking.thinking_budget != 0,
        n=config.candidate_count or 1,
        body=request,
    )


def text_of(content: shape.Content) -> str:
    """The text of parts, thoughts left out; of functions' answers when there is no other."""
    parts = content.parts or []
    texts = [part.text for part in parts if part.text and not part.thought]
    answers = [_encode(part.function_response.response).decode() for part in parts if part.function_response]
    return " ".join(texts or answers)


def _offers(request: shape.GenerateRequest) -> Iterator[Offer]:
    config = request.tool_config.function_calling_config if request.tool_config else None
    allowed = (config.allowed_function_names if config else None) or ()
    for tool in request.tools or ():
        for declared in tool.function_declarations or ():
            if not allowed or declared.name in allowed:
                yield Offer(declared.name, declared.parameters_json_schema or json_schema(declared.parameters))


def _choice(request: shape.GenerateRequest) -> str:
    config = request.tool_config.function_calling_config if request.tool_config else None
    return {"ANY": "required", "NONE": "none"}.get((config.mode if config else None) or "AUTO", "auto")


def _schema(config: shape.GenerationConfig) -> Any:
    if config.response_mime_type != "application/json":
        return None
    return config.response_json_schema or json_schema(config.response_schema) or True


def json_schema(schema: shape.Schema | None) -> Any:
    """A schema as JSON schema, as far as examples need it."""
    if schema is None:
        return None
    told: dict[str, Any] = {"type": schema.type.lower()} if schema.type else {}
    if schema.enum:
        told["enum"] = schema.enum
    if schema.properties:
        told["properties"] = {name: json_schema(inner) for name, inner in schema.properties.items()}
    if schema.items:
        told["items"] = json_schema(schema.items)
    if schema.any_of:
        told["anyOf"] = [json_schema(inner) for inner in schema.any_of]
    return told


def refusal(mistake: Mistake) -> Refused:
    """``mistake`` in Google's words."""
    where = mistake.bracketed()
    head, _, name = where.rpartition(".")
    if mistake.kind == "json":
        return refused(f"Invalid JSON payload received. {mistake.text}")
    if mistake.kind == "unknown":
        at = f" at '{head}'" if head else ""
        return refused(f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.', where)
    if mistake.kind == "missing":
        return refused(f"* {where}: {name} is not specified", where)
    return refused(f"Invalid value at '{where}': {mistake.text}", where)


def write(asked: Asked, said: Said, stamp: Stamp) -> bytes:
    """A whole response."""
    candidates = [
        {"content": {"parts": list(_parts(asked, said, stamp)), "role": "model"}, "finishReason": _finish(said)}
        | ({"index": n} if n else {})
        for n in range(asked.n)
    ]
    return _encode({"candidates": candidates, **_beside(said, stamp, said.output)})


def _finish(said: Said) -> str:
    return _FINISH.get(said.finish, "STOP")


def _beside(said: Said, stamp: Stamp, output: int) -> dict[str, Any]:
    """Usage excludes thoughts from candidates; zeros are left out, as the real API does."""
    usage: dict[str, Any] = {"promptTokenCount": said.input + said.cached}
    if output:
        usage["candidatesTokenCount"] = output - said.reasoning
    usage["totalTokenCount"] = said.input + said.cached + output
    usage["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": said.input + said.cached}]
    if said.cached:
        usage["cachedContentTokenCount"] = said.cached
    if said.reasoning and output:
        usage["thoughtsTokenCount"] = said.reasoning
    return {"usageMetadata": usage, "modelVersion": stamp.model, "responseId": stamp.id}


def _parts(asked: Asked, said: Said, stamp: Stamp) -> Iterator[dict[str, Any]]:
    """Gemini 3 signs its first call, and so does 2.5 when it thinks; only Gemini 3 numbers calls."""
    if isinstance(asked.body, shape.GenerateRequest) and speaks(asked.body):
        samples = base64.b64encode(sound(said.text, "pcm")).decode()
        yield {"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": samples}}
        return
    signs = bool(said.thinking) or stamp.model.startswith("gemini-3")
    if said.thinking:
        yield {"text": said.thinking, "thought": True}
    if said.text or not said.calls:
        signed = {"thoughtSignature": signature_of(stamp)} if signs and not said.calls else {}
        yield {"text": said.text, **signed}
    if _draws(asked):
        yield {"inlineData": {"mimeType": "image/png", "data": PIXEL}}
    for n, (name, arguments) in enumerate(said.calls):
        call: dict[str, Any] = {"name": name, "args": Raw(arguments.encode())}
        if stamp.model.startswith("gemini-3"):
            call["id"] = f"fc{stamp.id}{n}"
        yield {"functionCall": call, **({"thoughtSignature": signature_of(stamp)} if signs and not n else {})}


def _draws(asked: Asked) -> bool:
    config = asked.body.generation_config if isinstance(asked.body, shape.GenerateRequest) else None
    return "IMAGE" in ((config.response_modalities if config else None) or ())


def chunks(asked: Asked, said: Said, stamp: Stamp) -> Iterator[bytes]:
    """A streamed response in pieces, usage in each; a signature of text comes on an empty text."""
    written = 0
    for part in _parts(asked, said, stamp):
        signed: dict[str, Any] = {name: part[name] for name in ("thought", "thoughtSignature") if name in part}
        if "text" not in part:
            yield _chunk([part], said, stamp, written)
            continue
        thought: dict[str, Any] = {"thought": True} if part.get("thought") else {}
        for piece in pieces(part["text"]):
            written += 1
            yield _chunk([{"text": piece, **thought}], said, stamp, written)
        if "thoughtSignature" in signed:
            yield _chunk([{"text": "", **signed}], said, stamp, written)
    last = {"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": _finish(said)}
    yield _encode({"candidates": [last], **_beside(said, stamp, said.output)})


def _chunk(parts: list[dict[str, Any]], said: Said, stamp: Stamp, written: int) -> bytes:
    beside = _beside(said, stamp, max(written, said.reasoning))
    return _encode({"candidates": [{"content": {"parts": parts, "role": "model"}}], **beside})


def frames(asked: Asked, said: Said, stamp: Stamp) -> Iterator[bytes]:
    """The same as server-sent events (``alt=sse``)."""
    return (b"data: %b\r\n\r\n" % chunk for chunk in chunks(asked, said, stamp))


def items(asked: Asked, said: Said, stamp: Stamp) -> Iterator[bytes]:
    """The same as one JSON array that grows."""
    before = b"["
    for chunk in chunks(asked, said, stamp):
        yield before + chunk
        before = b",\r\n"
    yield b"]"


def codes(status: int) -> str:
    """``status`` of an error, in words."""
    return _WORDS.get(status, "INTERNAL" if status >= 500 else "INVALID_ARGUMENT")


def error_body(failure: Failure) -> dict[str, Any]:
    """An error as Google writes it."""
    details: list[dict[str, Any]] = []
    if failure.code == "API_KEY_INVALID":
        info = {"reason": failure.code, "domain": "googleapis.com"}
        details.append({"@type": f"{_RPC}ErrorInfo", **info})
    if failure.param:
        found = {"field": failure.param, "description": failure.message}
        details.append({"@type": f"{_RPC}BadRequest", "fieldViolations": [found]})
    if failure.retry_after is not None:
        details.append({"@type": f"{_RPC}RetryInfo", "retryDelay": f"{failure.retry_after:g}s"})
    error = {"code": failure.status, "message": failure.message, "status": codes(failure.status)}
    return {"error": error | ({"details": details} if details else {})}


def fail(failure: Failure, request_id: str) -> Answer:
    """An error answer."""
    headers = {b"content-type": b"application/json; charset=UTF-8", **retry_headers(failure)}
    return Answer(status=failure.status, headers=headers, body=_encode(error_body(failure)))


def error_frame(failure: Failure) -> bytes:
    """An error in the middle of a stream."""
    return b"data: %b\r\n\r\n" % _encode(error_body(failure))


def key(headers: Headers) -> str:
    """``x-goog-api-key``, or a token."""
    return headers.get(b"x-goog-api-key", b"").decode("latin-1") or bearer(headers)


def unauthorized(credential: str) -> Failure:
    """A key that is unknown is 400 here, and none 403."""
    if credential:
        return Refused(400, "API key not valid. Please pass a valid API key.", code="API_KEY_INVALID")
    return Refused(
        403, "Method doesn't allow unregistered callers. Please use API Key or other form of API consumer identity."
    )


def no_such_model(model: str) -> Failure:
    """404 for a model nobody knows."""
    message = f"models/{model} is not found for API version v1beta, or is not supported for generateContent."
    return Refused(404, message)


DIALECT = Dialect(
    name="gemini",
    read=lambda body, headers: ask(body, "", False),
    write=write,
    frames=frames,
    key=key,
    fail=fail,
    error_frame=error_frame,
    headers={b"content-type": b"application/json; charset=UTF-8", b"server-timing": b"gfet4t7; dur=5"},
    unauthorized=unauthorized,
    no_such_model=no_such_model,
    codes=codes,
    media=b"text/event-stream",
)
