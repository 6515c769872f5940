"""Citations in Converse: ``Citation`` in a whole reply, ``CitationsDelta`` in a stream, which are alike."""

from collections.abc import Iterable

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Citation
from asbru.model.names import Format
from asbru.wire.shapes import BAD_JSON, write_json

HERE = Format.BEDROCK_CONVERSE


class _Words(Struct):
    text: str | None = None


class _Web(Struct):
    url: str | None = None


class _Location(Struct):
    web: _Web | None = None


class _Shape(Struct, rename="camel"):
    title: str | None = None
    source: str | None = None
    source_content: list[_Words] | None = None
    location: _Location | None = None


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
    web = told.location.web if told.location else None
    url = (web.url if web else None) or told.source or ""
    quote = "".join(words.text or "" for words in told.source_content or ())
    return Citation(format=HERE, raw=raw, url=url, title=told.title or "", quote=quote)


def write_citation(citation: Citation) -> Raw:
    """One citation. Another format's becomes a place on the web."""
    if citation.format is HERE:
        return citation.raw
    told: dict[str, object] = {"title": citation.title} if citation.title else {}
    if citation.quote:
        told["sourceContent"] = [{"text": citation.quote}]
    if citation.url:
        told["location"] = {"web": {"url": citation.url}}
    return Raw(write_json(told))
