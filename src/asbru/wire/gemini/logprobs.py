"""How likely each token was (``google.genai.types.LogprobsResult``): the chosen ones, the likeliest at each place."""

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Likely
from asbru.wire.gemini.media import Json
from asbru.wire.shapes import BAD_JSON


class _Token(Struct, rename="camel"):
    token: str | None = None
    token_id: int | None = None
    log_probability: float | None = None


class _Place(Struct):
    candidates: list[_Token] | None = None


class _Result(Struct, rename="camel"):
    chosen_candidates: list[_Token] | None = None
    top_candidates: list[_Place] | None = None


_result = msgspec.json.Decoder(_Result).decode


def read_result(raw: Raw) -> tuple[Likely, ...] | None:
    """The chosen tokens; None for what is not a result."""
    try:
        told = _result(raw)
    except BAD_JSON:
        return None
    tops = told.top_candidates or []
    return tuple(
        _likely(token, tops[n].candidates or [] if n < len(tops) else [])
        for n, token in enumerate(told.chosen_candidates or ())
    )


def _likely(told: _Token, top: list[_Token]) -> Likely:
    return Likely(
        token=told.token or "",
        logprob=told.log_probability or 0.0,
        id=-1 if told.token_id is None else told.token_id,
        top=tuple([_likely(each, []) for each in top]),
    )


def write_result(tokens: list[Likely]) -> Json:
    """``logprobsResult``."""
    told: Json = {"chosenCandidates": [_written(each) for each in tokens]}
    if any(each.top for each in tokens):
        told["topCandidates"] = [{"candidates": [_written(one) for one in each.top]} for each in tokens]
    return told


def average(tokens: list[Likely]) -> float:
    """``avgLogprobs``."""
    return sum(each.logprob for each in tokens) / len(tokens)


def _written(told: Likely) -> Json:
    number: Json = {} if told.id < 0 else {"tokenId": told.id}
    return {"token": told.token, **number, "logProbability": told.logprob}
