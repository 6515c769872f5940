"""Embeddings: one request, one reply, the same in every format.

Rule 1. Inputs keep their order; ``vectors[n]`` is that of ``inputs[n]``.
Rule 2. What a format has and this model does not is kept in ``extra`` and written back only to the format it came from.
"""

from collections.abc import Mapping

from msgspec import Raw, Struct

from asbru.model.chat import Part
from asbru.model.names import Format
from asbru.model.usage import Usage

Input = str | tuple[int, ...] | tuple[Part, ...]
"""Text, the ids of its tokens (OpenAI), or parts: text and images that make one vector (Gemini, Cohere)."""


class EmbedAsk(Struct, frozen=True, kw_only=True):
    """``task``: what the vectors are for, in the words of Cohere's ``input_type`` (search_document, search_query,
    classification, clustering) or, where it has none, Gemini's in lower case (semantic_similarity, …); "" not said.

    ``encodings``: how the caller wants numbers written (float, base64, int8, …); empty: its format's default.
    ``truncate``: start, end, none; "" not said. ``title``: of the document that is embedded.
    """

    model: str
    inputs: tuple[Input, ...]
    dimensions: int | None = None
    task: str = ""
    encodings: tuple[str, ...] = ()
    truncate: str = ""
    title: str = ""
    user: str = ""
    extra: Mapping[str, Raw] = {}
    origin: Format


class Vector(Struct, frozen=True, kw_only=True):
    """One embedding. ``raw`` by encoding: the JSON value as the provider wrote it ("float": an array of numbers).

    A codec that needs float and finds base64 (little-endian float32) converts, and the other way round.
    """

    raw: Mapping[str, Raw]


class EmbedReply(Struct, frozen=True, kw_only=True):
    """``id`` is the upstream's, "" when it gives none."""

    id: str = ""
    model: str
    vectors: tuple[Vector, ...]
    usage: Usage = Usage()
    extra: Mapping[str, Raw] = {}
    origin: Format
