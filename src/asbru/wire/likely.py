"""Probabilities of tokens, of formats that tell them for a whole answer: in the model they belong to its texts."""

from collections.abc import Iterable, Sequence

from msgspec import structs

from asbru.model.chat import Likely, Part, Text


def given_to(parts: Sequence[Part], tokens: tuple[Likely, ...]) -> list[Part] | None:
    """``parts``, the first text with all tokens; None when none of them is a text."""
    out = list(parts)
    for n, part in enumerate(out):
        if isinstance(part, Text):
            out[n] = structs.replace(part, logprobs=tokens)
            return out
    return None


def all_of(parts: Iterable[Part]) -> list[Likely]:
    """The tokens of all texts."""
    return [token for part in parts if isinstance(part, Text) for token in part.logprobs]


def has_top(part: Part) -> bool:
    """Whether it tells which tokens were likely besides."""
    return isinstance(part, Text) and any(token.top for token in part.logprobs)
