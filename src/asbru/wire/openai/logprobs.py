"""How likely each token was, as chat completions and Responses tell it.

Sources: ``openai.types.chat.ChatCompletionTokenLogprob``, ``openai.types.responses.ResponseOutputText.Logprob`` (3.54).
Both tell the bytes of a token's text, which other formats do not: they are made of the text then.
"""

from collections.abc import Iterable

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Likely
from asbru.wire.shapes import BAD_JSON, NOTHING, given, said

Json = dict[str, object]


class _Top(Struct):
    token: str = ""
    logprob: float = 0.0
    bytes: list[int] | None = None


class _Token(_Top):
    top_logprobs: list[_Top] | None = None


class _Choice(Struct):
    content: list[_Token] | None = None
    refusal: Raw = NOTHING


_tokens = msgspec.json.Decoder(list[_Token]).decode
_choice = msgspec.json.Decoder(_Choice).decode


def read_tokens(raw: Raw) -> tuple[Likely, ...] | None:
    """A list of tokens; None for what is not one."""
    try:
        return tuple(map(_likely, _tokens(raw)))
    except BAD_JSON:
        return None


def read_choice(raw: Raw) -> tuple[tuple[Likely, ...], bool]:
    """``logprobs`` of a choice: those of its content, and whether there is more (of a refusal, of an unknown kind)."""
    try:
        told = _choice(raw)
    except BAD_JSON:
        return (), True
    refusal = given(told.refusal)
    return tuple(map(_likely, told.content or ())), refusal is not None and said(refusal)


def _likely(told: _Token) -> Likely:
    top = tuple(Likely(token=each.token, logprob=each.logprob, bytes=_bytes(each)) for each in told.top_logprobs or ())
    return Likely(token=told.token, logprob=told.logprob, bytes=_bytes(told), top=top)


def _bytes(told: _Top) -> tuple[int, ...] | None:
    """None where they only repeat the text."""
    return None if told.bytes is None or told.bytes == list(told.token.encode()) else tuple(told.bytes)


def write_tokens(tokens: Iterable[Likely]) -> list[Json]:
    """The list of tokens."""
    return [{**_written(each), "top_logprobs": [_written(one) for one in each.top]} for each in tokens]


def write_choice(tokens: Iterable[Likely]) -> Json | None:
    """``logprobs`` of a choice; None for none."""
    written = write_tokens(tokens)
    return {"content": written, "refusal": None} if written else None


def _written(told: Likely) -> Json:
    octets = told.token.encode() if told.bytes is None else told.bytes
    return {"token": told.token, "bytes": list(octets), "logprob": told.logprob}
