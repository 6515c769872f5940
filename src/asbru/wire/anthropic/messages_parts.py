"""Parts of the model, written as content blocks."""

import base64
import binascii
import re
from collections.abc import Callable

from msgspec import Raw

from asbru.model.chat import (
    Audio,
    Cache,
    Document,
    Image,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    is_sealed,
)
from asbru.model.names import Format
from asbru.wire.anthropic.messages_citations import write_citation
from asbru.wire.shapes import join

HERE = Format.ANTHROPIC_MESSAGES

Json = dict[str, object]

_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")


def write_part(part: Part, path: str, origin: Format, lost: list[str]) -> Json | Raw | None:
    """One block; None when this format has no word for the part, which is then named in ``lost``."""
    match part:
        case Text():
            return _text(part, path, lost)
        case Thinking():
            return _thinking(part, path, origin, lost)
        case ToolResult():
            return _tool_result(part, path, origin, lost)
        case Opaque():
            if part.format is HERE:
                return part.raw
            lost.append(f"{path}: {part.kind}")
            return None
    return _WRITERS[type(part)](part, path, lost)


def plain(blocks: list[Json | Raw]) -> object:
    """A text without marks, alone, is written as a string."""
    only = blocks[0] if len(blocks) == 1 else None
    return only["text"] if isinstance(only, dict) and only.keys() == {"type", "text"} else blocks


def mark(block: Json, cache: Cache | None) -> Json:
    """``block`` with its caching mark."""
    if cache is not None:
        block["cache_control"] = {"type": "ephemeral", "ttl": cache.ttl} if cache.ttl else {"type": "ephemeral"}
    return block


def _text(part: Text, path: str, lost: list[str]) -> Json:
    """Another format's citations are lost in a request: ``encrypted_index`` cannot be made up."""
    block: Json = {"type": "text", "text": part.text}
    kept = [citation for citation in part.citations if citation.format is HERE]
    if len(kept) < len(part.citations):
        lost.append(f"{path}.citations")
    if kept:
        block["citations"] = [write_citation(citation) for citation in kept]
    return mark(block, part.cache)


def _thinking(part: Thinking, path: str, origin: Format, lost: list[str]) -> Json | None:
    if is_sealed(part.redacted or part.signature):
        lost.append(f"{path}: thinking")
        return None
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.redacted}
    if part.signature or origin is HERE:
        return {"type": "thinking", "thinking": part.text, "signature": part.signature}
    lost.append(f"{path}: thinking")
    return None


def tool_id(call_id: str) -> str:
    """An id that Anthropic accepts: some compatible servers put dots and colons into theirs."""
    return _NOT_IN_IDS.sub("_", call_id)


def write_tool_use(part: ToolCall, path: str, lost: list[str]) -> Json:
    """``input`` must be an object; anything else (a model's slip) is wrapped into one."""
    arguments: object = part.arguments
    if not bytes(part.arguments).startswith(b"{"):
        arguments = {"arguments": part.arguments} if part.arguments else {}
        lost.append(f"{path}: arguments that are not an object")
    return mark({"type": "tool_use", "id": tool_id(part.id), "name": part.name, "input": arguments}, part.cache)


def _tool_result(part: ToolResult, path: str, origin: Format, lost: list[str]) -> Json:
    block: Json = {"type": "tool_result", "tool_use_id": tool_id(part.id)}
    content = [
        written
        for n, inner in enumerate(part.parts)
        if not (isinstance(inner, Text) and not inner.text)
        and (written := write_part(inner, join(path, "content", n), origin, lost)) is not None
    ]
    if content:
        block["content"] = plain(content)
    if part.is_error:
        block["is_error"] = True
    return mark(block, part.cache)


def _refusal(part: Refusal, path: str, lost: list[str]) -> Json:
    return {"type": "text", "text": part.text}


def _image(part: Image, path: str, lost: list[str]) -> Json:
    if part.detail not in ("", "auto"):
        lost.append(f"{path}.detail")
    if part.url:
        source: Json = {"type": "url", "url": part.url}
    elif part.file_id:
        source = {"type": "file", "file_id": part.file_id}
    else:
        source = {"type": "base64", "media_type": part.media_type, "data": part.data}
    return mark({"type": "image", "source": source}, part.cache)


def _document(part: Document, path: str, lost: list[str]) -> Json | None:
    source = _document_source(part)
    if source is None:
        lost.append(f"{path}: document of type {part.media_type}")
        return None
    block: Json = {"type": "document", "source": source}
    if part.name:
        block["title"] = part.name
    if part.context:
        block["context"] = part.context
    if part.citations:
        block["citations"] = {"enabled": True}
    return mark(block, part.cache)


def _document_source(part: Document) -> Json | None:
    """PDF as base64, text as text; Anthropic takes no other type."""
    if part.url:
        return {"type": "url", "url": part.url}
    if part.file_id:
        return {"type": "file", "file_id": part.file_id}
    if part.media_type == "application/pdf":
        return {"type": "base64", "media_type": part.media_type, "data": part.data}
    text = part.text
    if part.media_type.startswith("text/") or part.media_type == "application/json":
        try:
            text = base64.b64decode(part.data, validate=True).decode()
        except (binascii.Error, ValueError):
            return None
    return {"type": "text", "media_type": "text/plain", "data": text} if text else None


def _audio(part: Audio, path: str, lost: list[str]) -> None:
    lost.append(f"{path}: audio")


_WRITERS: dict[type, Callable[..., Json | None]] = {
    Refusal: _refusal,
    Image: _image,
    Document: _document,
    Audio: _audio,
    ToolCall: write_tool_use,
}
