"""Reasoning and citations in chat completions messages, which OpenAI has no or few words for.

Reasoning text is ``reasoning_content`` (DeepSeek, vLLM, llama.cpp) or ``reasoning`` (Groq, OpenRouter). Signatures and
redacted blocks travel in ``reasoning_details`` as OpenRouter has it; a client that sends its messages back whole
keeps them.
"""

from collections.abc import Iterable

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Citation, Part, Text, Thinking
from asbru.model.names import Format
from asbru.wire.shapes import BAD_JSON, write_json

HERE = Format.OPENAI_CHAT


class _Detail(Struct):
    type: str = ""
    text: str | None = None
    signature: str | None = None
    data: str | None = None


class _UrlCitation(Struct):
    url: str = ""
    title: str | None = None
    start_index: int = 0
    end_index: int = 0


class _Annotation(Struct):
    type: str = ""
    url_citation: _UrlCitation | None = None


_detail = msgspec.json.Decoder(_Detail).decode
_annotation = msgspec.json.Decoder(_Annotation).decode


def read_thinking(text: str | None, details: Iterable[Raw]) -> list[Part]:
    """The thinking of a message: by its details where they are signed or redacted, else by its text."""
    parts: list[Part] = []
    for raw in details:
        try:
            detail = _detail(raw)
        except BAD_JSON:
            continue
        if detail.type == "reasoning.encrypted" and detail.data:
            parts.append(Thinking(redacted=detail.data))
        elif detail.signature:
            parts.append(Thinking(text=detail.text or "", signature=detail.signature))
    if parts or not text:
        return parts
    return [Thinking(text=text)]


def write_details(parts: Iterable[Thinking]) -> list[dict[str, object]]:
    """``reasoning_details`` for the parts that are signed or redacted."""
    return [write_detail(n, part) for n, part in enumerate(parts) if part.signature or part.redacted]


def write_detail(index: int, part: Thinking) -> dict[str, object]:
    """One of ``reasoning_details``."""
    if part.redacted:
        return {"type": "reasoning.encrypted", "index": index, "data": part.redacted}
    return {"type": "reasoning.text", "index": index, "text": part.text, "signature": part.signature}


def read_citations(annotations: Iterable[Raw], content: object) -> tuple[Citation, ...]:
    """The URL citations among a message's annotations; ``content`` is the text they point into."""
    found: list[Citation] = []
    for raw in annotations:
        try:
            cited = _annotation(raw).url_citation
        except BAD_JSON:
            continue
        if cited is not None:
            quote = content[max(cited.start_index, 0) : max(cited.end_index, 0)] if isinstance(content, str) else ""
            found.append(Citation(format=HERE, raw=raw, url=cited.url, title=cited.title or "", quote=quote))
    return tuple(found)


def write_annotations(text: Text, start: int) -> tuple[list[Raw], list[int]]:
    """Annotations for a text that begins at ``start`` of the content, and the places of citations without a URL."""
    annotations: list[Raw] = []
    lost: list[int] = []
    for n, citation in enumerate(text.citations):
        if citation.format is HERE:
            annotations.append(citation.raw)
        elif citation.url:
            annotations.append(_url_citation(citation, start, text.text))
        else:
            lost.append(n)
    return annotations, lost


def _url_citation(citation: Citation, start: int, text: str) -> Raw:
    """It points at its quote, where that is a part of the text (another format of OpenAI's), else at all of it."""
    found = text.rfind(citation.quote) if citation.quote else -1
    length = len(text) if found < 0 else len(citation.quote)
    begin = start + max(found, 0)
    where = {"start_index": begin, "end_index": begin + length, "title": citation.title, "url": citation.url}
    return Raw(write_json({"type": "url_citation", "url_citation": where}))
