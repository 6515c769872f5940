"""Citations of Cohere's replies (``cohere.types.Citation``): a stretch of a text, and the sources it comes from.

Other formats know a URL and a title: those of the first source that is a document with them.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Citation, Part, Text
from asbru.model.names import Format
from asbru.wire.shapes import BAD_JSON, Members, read_members, write_json

HERE = Format.COHERE_CHAT
PLAN = "PLAN"


class _Source(Struct):
    type: str | None = None
    id: str | None = None
    document: dict[str, Any] | None = None


class Cited(Struct):
    """``content_index``: which item of the message's ``content``."""

    start: int | None = None
    end: int | None = None
    text: str | None = None
    sources: list[_Source] | None = None
    content_index: int | None = None
    type: str | None = None


cited_shape = msgspec.json.Decoder(Cited).decode


def read_citation(raw: Raw) -> Citation:
    """One citation, with what other formats can carry of it. Raises msgspec's errors."""
    told = cited_shape(raw)
    url = title = ""
    for source in told.sources or ():
        found = source.document or {}
        url, title = url or _text(found.get("url")), title or _text(found.get("title"))
    return Citation(format=HERE, raw=raw, url=url, title=title, quote=told.text or "")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def attach(parts: Sequence[Part], raws: Iterable[Raw], plan: int, spare: Members, path: str) -> list[Part]:
    """``parts``, which begin with the items of ``content``, with the citations of a message at their texts.

    ``plan``: where the tool plan stands, -1 for none. What points nowhere goes to ``spare``.
    """
    out = list(parts)
    for n, raw in enumerate(raws):
        try:
            told, citation = cited_shape(raw), read_citation(raw)
        except BAD_JSON:
            spare[f"{path}.{n}"] = raw
            continue
        at = plan if told.type == PLAN else told.content_index or 0
        part = out[at] if 0 <= at < len(out) else None
        if isinstance(part, Text):
            out[at] = msgspec.structs.replace(part, citations=(*part.citations, citation))
        else:
            spare[f"{path}.{n}"] = raw
    return out


def write_citation(citation: Citation, text: str, index: int, kind: str) -> Raw:
    """One citation of ``text``, which is item ``index`` of the content. ``kind``: TEXT_CONTENT or PLAN."""
    place: dict[str, object] = {"content_index": index, "type": kind}
    if citation.format is HERE:
        return Raw(write_json(read_members(citation.raw) | place))
    start = text.find(citation.quote) if citation.quote else -1
    start, end = (0, len(text)) if start < 0 else (start, start + len(citation.quote))
    document = {name: value for name, value in (("url", citation.url), ("title", citation.title)) if value}
    told = {
        "start": start,
        "end": end,
        "text": text[start:end],
        "sources": [{"type": "document", "id": citation.url or citation.title, "document": document}],
        **place,
    }
    return Raw(write_json(told))
