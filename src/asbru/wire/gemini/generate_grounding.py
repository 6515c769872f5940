"""Where a text comes from: ``groundingMetadata`` and ``citationMetadata`` (``google.genai.types.Candidate``).

A support names a piece of the text and the chunks, mostly web pages, that it rests on. Places are counted in bytes.
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Citation
from asbru.model.names import Format
from asbru.wire.shapes import BAD_JSON, given, write_json

HERE = Format.GEMINI_GENERATE

Json = dict[str, object]


class _Source(Struct):
    uri: str | None = None
    title: str | None = None


class _Chunk(Struct, rename="camel"):
    web: _Source | None = None
    retrieved_context: _Source | None = None
    maps: _Source | None = None


class _Segment(Struct):
    text: str | None = None


class _Support(Struct, rename="camel"):
    segment: _Segment | None = None
    grounding_chunk_indices: list[int] | None = None


class _Grounding(Struct, rename="camel"):
    grounding_chunks: list[_Chunk] | None = None
    grounding_supports: list[_Support] | None = None


class _Cited(Struct):
    uri: str | None = None
    title: str | None = None


class _Citations(Struct):
    citations: list[_Cited] | None = None


_grounding = msgspec.json.Decoder(_Grounding).decode
_citations = msgspec.json.Decoder(_Citations).decode
_NONE = Raw(b"null")


def read_citations(grounding: Raw, cited: Raw) -> tuple[Citation, ...]:
    """All citations of a candidate; what is not understood is none."""
    found: list[Citation] = []
    try:
        if (raw := given(grounding)) is not None:
            found += _grounded(_grounding(raw))
        if (raw := given(cited)) is not None:
            told = _citations(raw).citations or ()
            found += [_citation(one.uri, one.title, "") for one in told if one.uri]
    except BAD_JSON:
        pass
    return tuple(found)


def _grounded(told: _Grounding) -> list[Citation]:
    sources = [chunk.web or chunk.retrieved_context or chunk.maps for chunk in told.grounding_chunks or ()]
    found: list[Citation] = []
    for support in told.grounding_supports or ():
        quote = (support.segment.text if support.segment else None) or ""
        for index in support.grounding_chunk_indices or ():
            source = sources[index] if 0 <= index < len(sources) else None
            if source is not None and source.uri:
                found.append(_citation(source.uri, source.title, quote))
    return found


def _citation(url: str | None, title: str | None, quote: str) -> Citation:
    return Citation(format=HERE, raw=_NONE, url=url or "", title=title or "", quote=quote)


class Grounding:
    """Gathers citations of a reply's texts, to be written as ``groundingMetadata``."""

    def __init__(self) -> None:
        self._chunks: dict[tuple[str, str], int] = {}
        self._supports: list[Json] = []

    def add(self, citation: Citation, start: int, text: str) -> bool:
        """``text`` begins at byte ``start`` and ends where the citation stands. False for one without a URL."""
        if not citation.url:
            return False
        index = self._chunks.setdefault((citation.url, citation.title), len(self._chunks))
        segment: Json = {"endIndex": start + len(text.encode()), "text": citation.quote or text}
        if start:
            segment["startIndex"] = start
        self._supports.append({"segment": segment, "groundingChunkIndices": [index]})
        return True

    def written(self) -> Raw | None:
        """``groundingMetadata``; None when nothing was cited."""
        if not self._supports:
            return None
        chunks = [{"web": {"uri": url, "title": title} if title else {"uri": url}} for url, title in self._chunks]
        return Raw(write_json({"groundingChunks": chunks, "groundingSupports": self._supports}))
