"""Cohere's tokenizer (``cohere`` SDK 7.3, ``tokenize`` and ``detokenize``): passed on to Cohere as it is.

The ids of tokens are those of one model's own vocabulary: no other provider can give them, and no estimate.
"""

from typing import Any

from msgspec import Struct

from asbru.model.names import Family, Format
from asbru.model.usage import Usage
from asbru.wire.codec import Codec
from asbru.wire.cohere.errors import read_failure, write_failure
from asbru.wire.peeking import peek_whole, put_model


class TokenizeBody(Struct, kw_only=True):
    model: str
    text: str


class DetokenizeBody(Struct, kw_only=True):
    model: str
    tokens: list[int]


def costs_nothing(body: bytes) -> Usage | None:
    """Tokens that are counted are not billed."""
    return Usage()


def _codec(format: Format, body: type[Struct]) -> Codec[Any, Any]:
    return Codec(
        format=format,
        family=Family.COHERE,
        request="count_tokens",
        body=body,
        peek=peek_whole,
        put=put_model,
        read_usage=costs_nothing,
        read_failure=read_failure,
        write_failure=write_failure,
    )


TOKENIZE = _codec(Format.COHERE_TOKENIZE, TokenizeBody)
DETOKENIZE = _codec(Format.COHERE_DETOKENIZE, DetokenizeBody)
