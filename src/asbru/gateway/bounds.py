"""The most that a call may cost, before it is sent: what limits are asked to hold for it."""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from asbru.gateway.counting import tokens_of
from asbru.gateway.exchange import Exchange
from asbru.model.chat import Ask
from asbru.model.failure import Refused
from asbru.model.names import OPERATIONS, Operation
from asbru.model.usage import Usage

UNSTATED = 4_096
"""Tokens of output that are held for a call that does not say how many it may have: limits are as hard as callers
are clear."""
_BYTES_PER_TOKEN = 3
"""Of a body, JSON and all: fewer are rare in any language."""
_READ_ABOVE = 64 << 10
"""Larger bodies are read: they may hold pictures, whose bytes are no tokens."""

_MOST = ("max_completion_tokens", "max_tokens", "max_output_tokens", "max_tokens_to_sample")
_NESTED = (
    ("generationConfig", "maxOutputTokens"),
    ("inferenceConfig", "maxTokens"),
    ("textGenerationConfig", "maxTokenCount"),
)
_TIMES = ("n", "candidateCount", "candidate_count")
_TALKS = frozenset({Operation.CHAT})

_number = msgspec.json.Decoder(int).decode
_members = msgspec.json.Decoder(dict[str, Raw]).decode


def bound_of(x: Exchange, size: int) -> Usage:
    """What a call may use at most. ``size``: bytes of its body.

    Where several answers are wanted, each may pay for the input: see docs/decisions/0005-several-answers.md.
    """
    if OPERATIONS[x.codec.format] not in _TALKS:
        return msgspec.structs.replace(x.codec.asked_usage(x.envelope), input=size // _BYTES_PER_TOKEN + 1)
    most, times = _output(x.envelope.members, x.extra)
    return Usage(input=_input(x, size) * times, output=most * times)


def _input(x: Exchange, size: int) -> int:
    if size > _READ_ABOVE:
        try:
            ask = x.codec.read_ask(x.envelope)
        except Refused:
            return size // _BYTES_PER_TOKEN + 1
        if isinstance(ask, Ask):
            return tokens_of(ask) * 4 // 3
    return size // _BYTES_PER_TOKEN + 1


def _output(*said: Mapping[str, Raw]) -> tuple[int, int]:
    """The most that any of these bodies asks for, and how often."""
    told = [_most_and_times(members) for members in said if members]
    most = max((most for most, _ in told if most is not None), default=UNSTATED)
    return most, max((times or 1 for _, times in told), default=1)


def _most_and_times(members: Mapping[str, Raw]) -> tuple[int | None, int | None]:
    most, times = _first(members, _MOST), _first(members, _TIMES)
    if most is None:
        for outer, inner in _NESTED:
            below = _below(members, outer)
            if below:
                most, times = _first(below, (inner,)), times or _first(below, _TIMES)
    return most, times


def _below(members: Mapping[str, Raw], name: str) -> Mapping[str, Raw]:
    raw = members.get(name)
    if raw is None:
        return {}
    try:
        return _members(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return {}


def _first(members: Mapping[str, Raw], names: tuple[str, ...]) -> int | None:
    """The first of these members that is a whole number above 0."""
    for name in names:
        raw = members.get(name)
        if raw is not None:
            try:
                number = _number(raw)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            if number > 0:
                return number
    return None
