"""How likely each token of a text completion was (``openai.types.completion_choice.Logprobs``): lists side by side."""

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Likely
from asbru.wire.shapes import BAD_JSON

Json = dict[str, object]


class _Logprobs(Struct):
    tokens: list[str] | None = None
    token_logprobs: list[float | None] | None = None
    top_logprobs: list[dict[str, float] | None] | None = None


_logprobs = msgspec.json.Decoder(_Logprobs).decode


def read_logprobs(raw: Raw) -> tuple[Likely, ...] | None:
    """The tokens; None for what does not tell them. The first token of a prompt that is echoed has no probability."""
    try:
        told = _logprobs(raw)
    except BAD_JSON:
        return None
    found, tops = told.token_logprobs or [], told.top_logprobs or []
    tokens: list[Likely] = []
    for n, token in enumerate(told.tokens or ()):
        logprob = found[n] if n < len(found) else None
        top = tops[n] if n < len(tops) else None
        likeliest = tuple(Likely(token=one, logprob=at) for one, at in (top or {}).items())
        tokens.append(Likely(token=token, logprob=logprob or 0.0, top=likeliest))
    return tuple(tokens)


def write_logprobs(tokens: Sequence[Likely], start: int) -> Json | None:
    """The lists, for a text that begins at ``start``; None for no tokens."""
    if not tokens:
        return None
    offsets: list[int] = []
    for token in tokens:
        offsets.append(start)
        start += len(token.token)
    return {
        "tokens": [token.token for token in tokens],
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [{one.token: one.logprob for one in token.top} for token in tokens],
        "text_offset": offsets,
    }
