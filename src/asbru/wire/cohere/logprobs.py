"""How likely each token was (``cohere.types.LogprobItem``, SDK 7.3): pieces of text, each with its tokens.

Of tokens whose text is told as one the first has it. Which tokens were likely besides is not told here.
"""

from collections.abc import Iterable

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Likely
from asbru.wire.shapes import BAD_JSON

Json = dict[str, object]


class _Piece(Struct):
    text: str | None = None
    token_ids: list[int] | None = None
    logprobs: list[float] | None = None


_pieces = msgspec.json.Decoder(list[_Piece]).decode
_piece = msgspec.json.Decoder(_Piece).decode


def read_pieces(raw: Raw) -> tuple[Likely, ...] | None:
    """The tokens of a whole reply; None for what is not a list of pieces."""
    try:
        return tuple(token for piece in _pieces(raw) for token in _tokens(piece))
    except BAD_JSON:
        return None


def read_piece(raw: Raw) -> tuple[Likely, ...]:
    """The tokens of one piece. Raises msgspec's errors."""
    return _tokens(_piece(raw))


def _tokens(piece: _Piece) -> tuple[Likely, ...]:
    ids, text = piece.token_ids or [], piece.text or ""
    found: list[Likely] = []
    for n, logprob in enumerate(piece.logprobs or ()):
        found.append(Likely(token="" if n else text, logprob=logprob, id=ids[n] if n < len(ids) else -1))
    return tuple(found)


def write_pieces(tokens: Iterable[Likely]) -> list[Json]:
    """One piece for each text."""
    pieces: list[list[Likely]] = []
    for token in tokens:
        if pieces and not token.token:
            pieces[-1].append(token)
        else:
            pieces.append([token])
    return [write_piece(piece) for piece in pieces]


def write_piece(tokens: Iterable[Likely]) -> Json:
    """All tokens as one piece."""
    told = list(tokens)
    ids = [token.id for token in told if token.id >= 0]
    return {
        "text": "".join([token.token for token in told]),
        "token_ids": ids,
        "logprobs": [token.logprob for token in told],
    }
