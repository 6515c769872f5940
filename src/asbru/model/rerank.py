"""Reranking: which documents answer a query best."""

from collections.abc import Mapping

from msgspec import Raw, Struct

from asbru.model.names import Format
from asbru.model.usage import Usage


class RerankAsk(Struct, frozen=True, kw_only=True):
    """``documents``: each a text, or the bytes of a JSON object with one. ``top``: most results, None for all."""

    model: str
    query: str
    documents: tuple[str | Raw, ...]
    top: int | None = None
    with_documents: bool = False
    max_tokens_per_document: int | None = None
    user: str = ""
    extra: Mapping[str, Raw] = {}
    origin: Format


class Ranked(Struct, frozen=True, kw_only=True):
    """One document's ``score``; ``index`` is its place in the request. ``document``: when it was asked for."""

    index: int
    score: float
    document: str | Raw | None = None


class RerankReply(Struct, frozen=True, kw_only=True):
    """``results``: the best first."""

    id: str = ""
    model: str
    results: tuple[Ranked, ...]
    usage: Usage = Usage()
    extra: Mapping[str, Raw] = {}
    origin: Format


_PER_SEARCH = 100
"""Documents that are billed as one search, by Cohere and by Amazon alike."""


def searches_for(documents: int) -> int:
    """What ranking so many documents is billed as, where the provider does not tell."""
    return max(-(-documents // _PER_SEARCH), 1)
