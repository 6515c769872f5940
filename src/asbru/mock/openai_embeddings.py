"""OpenAI's embeddings, read strictly (``openai`` SDK 3.54.0, types/embedding_create_params.py).

The words of refusals follow those seen from the real API (``'$.input' is invalid``).
"""

from base64 import b64encode
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from asbru.mock.dialect import Stamp, Task
from asbru.mock.openai import refusal
from asbru.mock.said import count
from asbru.mock.strict import Mistake, read
from asbru.mock.vectors import packed, vector
from asbru.model.failure import Refused

SIZE = 16
"""Numbers of a vector when nobody says; real ones have a thousand, which tests do not need."""
MOST = 2048
"""Most inputs of one request."""

Ids = Annotated[list[int], Meta(min_length=1)]


class EmbeddingRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    input: str | list[str | int | Ids]
    dimensions: Annotated[int, Meta(ge=1, le=3072)] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None


_decoder = msgspec.json.Decoder(EmbeddingRequest)


def task(body: bytes) -> Task:
    """A request for embeddings. Raises Refused(400) as OpenAI words it."""
    try:
        request = read(_decoder, body)
    except Mistake as mistake:
        raise refusal(mistake) from None
    inputs = _inputs(request.input)
    words = sum(len(one) if isinstance(one, list) else count(one) for one in inputs)

    def write(stamp: Stamp) -> bytes:
        data = [_entry(n, one, request) for n, one in enumerate(inputs)]
        usage = {"prompt_tokens": words, "total_tokens": words}
        return msgspec.json.encode({"object": "list", "data": data, "model": stamp.model, "usage": usage})

    return Task(request.model, next((one for one in reversed(inputs) if isinstance(one, str)), ""), write)


def _inputs(told: str | list[str | int | list[int]]) -> list[str | list[int]]:
    if isinstance(told, str):
        found: list[str | list[int]] = [told]
    elif told and all(isinstance(one, int) for one in told):
        found = [[one for one in told if isinstance(one, int)]]
    else:
        found = [one for one in told if not isinstance(one, int)]
        if len(found) < len(told) or len({type(one) for one in found}) > 1:
            raise _refused("expected all items to be of one kind")
    if not found or "" in found:
        raise _refused("input cannot be an empty string")
    if len(found) > MOST:
        raise _refused(f"array too long, at most {MOST}")
    return found


def _refused(why: str) -> Refused:
    return Refused(400, f"'$.input' is invalid: {why}.", param="input")


def _entry(index: int, one: str | list[int], request: EmbeddingRequest) -> dict[str, object]:
    numbers = vector(one if isinstance(one, str) else repr(one), request.dimensions or SIZE)
    written = b64encode(packed(numbers)).decode() if request.encoding_format == "base64" else numbers
    return {"object": "embedding", "index": index, "embedding": written}
