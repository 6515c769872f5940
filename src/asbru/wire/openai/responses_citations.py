"""Annotations of an output text (``ResponseOutputText.annotations``): flat, unlike those of chat completions.

Citations of a URL are what other formats have too; those of files and containers keep their bytes only.
"""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Citation, Text
from asbru.model.names import Format
from asbru.wire.openai.logprobs import write_tokens
from asbru.wire.shapes import BAD_JSON, write_json

HERE = Format.OPENAI_RESPONSES


class _Annotation(Struct):
    type: str = ""
    url: str = ""
    title: str | None = None
    start_index: int = 0
    end_index: int = 0


_annotation = msgspec.json.Decoder(_Annotation).decode


def read_citations(annotations: Iterable[Raw], text: str) -> tuple[Citation, ...]:
    """Each annotation; ``text`` is what they point into. What is not an annotation is passed over."""
    found: list[Citation] = []
    for raw in annotations:
        try:
            told = _annotation(raw)
        except BAD_JSON:
            continue
        quote = text[max(told.start_index, 0) : max(told.end_index, 0)] if told.url else ""
        found.append(Citation(format=HERE, raw=raw, url=told.url, title=told.title or "", quote=quote))
    return tuple(found)


def write_annotations(citations: Sequence[Citation], text: str) -> tuple[list[Raw], list[int]]:
    """Annotations for a text, and the places of citations that have no URL."""
    annotations: list[Raw] = []
    lost: list[int] = []
    for n, citation in enumerate(citations):
        if citation.format is HERE:
            annotations.append(citation.raw)
        elif citation.url:
            annotations.append(_url_citation(citation, text))
        else:
            lost.append(n)
    return annotations, lost


def write_text(part: Text, path: str, lost: list[str]) -> dict[str, object]:
    """An ``output_text`` with its annotations."""
    annotations, without = write_annotations(part.citations, part.text)
    lost += [f"{path}.citations.{n}" for n in without]
    return {
        "type": "output_text",
        "text": part.text,
        "annotations": annotations,
        "logprobs": write_tokens(part.logprobs),
    }


def _url_citation(citation: Citation, text: str) -> Raw:
    """It points at its quote, where that is a part of the text (another format of OpenAI's), else at all of it."""
    start = text.rfind(citation.quote) if citation.quote else -1
    end = len(text) if start < 0 else start + len(citation.quote)
    where = {"type": "url_citation", "start_index": max(start, 0), "end_index": end}
    return Raw(write_json({**where, "title": citation.title, "url": citation.url}))
