"""Text completions, read strictly: OpenAI's (``openai`` SDK 3.54) and Anthropic's legacy ones (``anthropic`` 0.115)."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, structs

from asbru.mock import anthropic, openai
from asbru.mock.dialect import Dialect, Stamp
from asbru.mock.said import Asked, Said, count, pieces
from asbru.mock.strict import Mistake, read
from asbru.model.failure import Refused
from asbru.model.http import Headers
from asbru.wire.sse import write_frame

_encode = msgspec.json.encode
Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[int, Meta(ge=1)]


class StreamOptions(Struct, forbid_unknown_fields=True):
    include_usage: bool | None = None


class CompletionRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    prompt: str | list[str]
    best_of: Positive | None = None
    echo: bool | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, int] | None = None
    logprobs: Annotated[int, Meta(ge=0, le=5)] | None = None
    max_tokens: Positive | None = None
    n: Positive | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    suffix: str | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Share | None = None
    user: str | None = None


class Metadata(Struct, forbid_unknown_fields=True):
    user_id: str | None = None


class CompleteRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    prompt: str
    max_tokens_to_sample: Positive
    metadata: Metadata | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    temperature: Share | None = None
    top_k: int | None = None
    top_p: Share | None = None


_completion = msgspec.json.Decoder(CompletionRequest)
_complete = msgspec.json.Decoder(CompleteRequest)


def ask(body: bytes, headers: Headers) -> Asked:
    """A completion request. Raises Refused(400) as OpenAI words it."""
    try:
        request = read(_completion, body)
    except Mistake as mistake:
        raise openai.refusal(mistake) from None
    prompts = [request.prompt] if isinstance(request.prompt, str) else request.prompt
    if not prompts:
        raise Refused(400, "Invalid 'prompt': empty array.", param="prompt")
    return Asked(
        model=request.model,
        text=prompts[-1],
        words=sum(map(count, prompts)),
        stream=bool(request.stream),
        usage=bool(request.stream_options and request.stream_options.include_usage),
        limit=request.max_tokens or 0,
        stop=(request.stop,) if isinstance(request.stop, str) else tuple(request.stop or ()),
        n=(request.n or 1) * len(prompts),
    )


def write(asked: Asked, said: Said, stamp: Stamp) -> bytes:
    """A ``text_completion``."""
    choices = [_choice(said.text, n, said.finish) for n in range(asked.n)]
    return _encode({**_head(stamp), "choices": choices, "usage": openai.usage(said, asked.n)})


def _head(stamp: Stamp) -> dict[str, Any]:
    return {"id": f"cmpl-{stamp.id}", "object": "text_completion", "created": stamp.at, "model": stamp.model}


def _choice(text: str, index: int, finish: str | None) -> dict[str, Any]:
    reason = "stop" if finish == "stop_sequence" else finish
    return {"text": text, "index": index, "logprobs": None, "finish_reason": reason}


def frames(asked: Asked, said: Said, stamp: Stamp) -> Iterator[bytes]:
    """A streamed completion, usage last when it was asked for, then ``[DONE]``."""
    for index in range(asked.n):
        for piece in pieces(said.text):
            yield b"data: " + _encode({**_head(stamp), "choices": [_choice(piece, index, None)]}) + b"\n\n"
        yield b"data: " + _encode({**_head(stamp), "choices": [_choice("", index, said.finish)]}) + b"\n\n"
    if asked.usage:
        yield b"data: " + _encode({**_head(stamp), "choices": [], "usage": openai.usage(said, asked.n)}) + b"\n\n"
    yield b"data: [DONE]\n\n"


OPENAI: Dialect = structs.replace(openai.DIALECT, read=ask, write=write, frames=frames)


def ask_anthropic(body: bytes, headers: Headers) -> Asked:
    """A legacy completion request. Raises Refused(400) as Anthropic words it."""
    anthropic.check_version(headers)
    try:
        request = read(_complete, body)
    except Mistake as mistake:
        raise anthropic.refusal(mistake) from None
    if not request.prompt.rstrip().endswith("Assistant:"):
        text = 'prompt must end with "\n\nAssistant:" turn'
        raise Refused(400, text, code="invalid_request_error")
    text = request.prompt.rpartition("Human:")[2].rpartition("Assistant:")[0].strip()
    return Asked(
        model=request.model,
        text=text,
        words=count(request.prompt),
        stream=bool(request.stream),
        limit=request.max_tokens_to_sample,
        stop=tuple(request.stop_sequences or ()),
    )


def write_anthropic(asked: Asked, said: Said, stamp: Stamp) -> bytes:
    """A ``completion``."""
    return _encode(_event(f" {said.text}", said, stamp))


def _event(text: str, said: Said | None, stamp: Stamp) -> dict[str, Any]:
    reason = None if said is None else "max_tokens" if said.finish == "length" else "stop_sequence"
    stop = None if said is None or reason == "max_tokens" else said.stopped_by or "\n\nHuman:"
    told = {"completion": text, "stop_reason": reason, "model": stamp.model, "stop": stop}
    return {"type": "completion", "id": f"compl_{stamp.id}", **told, "log_id": stamp.id}


def frames_anthropic(asked: Asked, said: Said, stamp: Stamp) -> Iterator[bytes]:
    """Events, the last with the reason."""
    yield write_frame("ping", b'{"type": "ping"}')
    for piece in pieces(f" {said.text}"):
        yield write_frame("completion", _encode(_event(piece, None, stamp)))
    yield write_frame("completion", _encode(_event("", said, stamp)))


ANTHROPIC: Dialect = structs.replace(
    anthropic.DIALECT, read=ask_anthropic, write=write_anthropic, frames=frames_anthropic
)
