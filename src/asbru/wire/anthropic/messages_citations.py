"""Citations of text blocks (``anthropic.types.TextCitation``).

Those of web search and of search results have a URL, which OpenAI's ``url_citation`` has too; places in documents
have none.
"""

from collections.abc import Iterable

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Citation
from asbru.model.names import Format
from asbru.wire.shapes import BAD_JSON, write_json

HERE = Format.ANTHROPIC_MESSAGES


class _Shape(Struct):
    url: str | None = None
    source: str | None = None
    title: str | None = None
    cited_text: str | None = None


_shape = msgspec.json.Decoder(_Shape).decode


def read_citations(raws: Iterable[Raw]) -> tuple[Citation, ...]:
    """Each as it came, with what other formats can carry of it."""
    return tuple(read_citation(raw) for raw in raws)


def read_citation(raw: Raw) -> Citation:
    """One citation; one that is not understood keeps its bytes only."""
    try:
        told = _shape(raw)
    except BAD_JSON:
        return Citation(format=HERE, raw=raw)
    url = told.url or told.source or ""
    return Citation(format=HERE, raw=raw, url=url, title=told.title or "", quote=told.cited_text or "")


def write_citation(citation: Citation) -> Raw:
    """One citation.

    Another format's becomes a web search result; ``encrypted_index`` is Anthropic's own and stays empty.
    """
    if citation.format is HERE:
        return citation.raw
    told = {
        "type": "web_search_result_location",
        "url": citation.url,
        "title": citation.title or None,
        "encrypted_index": "",
        "cited_text": citation.quote,
    }
    return Raw(write_json(told))
