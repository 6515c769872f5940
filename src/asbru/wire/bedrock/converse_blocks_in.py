"""Content blocks of Converse, read into parts: the same in requests and in replies.

A block is an object with one member, whose name is its kind. A ``cachePoint`` marks the part before it.
"""

from collections.abc import Callable, Iterable

import msgspec
from msgspec import Raw

from asbru.model.chat import (
    Audio,
    Cache,
    Document,
    Image,
    Opaque,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from asbru.model.names import Format
from asbru.wire.bedrock import converse_shapes as shapes
from asbru.wire.bedrock.converse_citations import read_citations
from asbru.wire.bedrock.converse_words import DOCUMENTS, IMAGES
from asbru.wire.shapes import BAD_JSON, Members, join, read_members, refused

HERE = Format.BEDROCK_CONVERSE

Readers = dict[str, Callable[[Raw, str, Members], Part | None]]

_MARKABLE = (Text, Image, Document, ToolCall, ToolResult)


def only_member(raw: Raw, path: str) -> tuple[str, Raw]:
    """Name and value of the one member that a union has. Raises Refused(400)."""
    try:
        members = {name: value for name, value in read_members(raw).items() if bytes(value) != b"null"}
    except BAD_JSON as error:
        raise refused(path, error) from None
    if len(members) != 1:
        raise refused(path, f"must have exactly one member, not {', '.join(sorted(members)) or 'none'}")
    return members.popitem()


def read_cache(raw: Raw, path: str, spare: Members) -> Cache:
    """The mark that a ``cachePoint`` is."""
    return Cache(shapes.CACHE_POINT.read(raw, path, spare).ttl or "")


def read_content(raws: Iterable[Raw], path: str, spare: Members) -> tuple[Part, ...]:
    """The parts of one message, or of ``system``."""
    parts: list[Part] = []
    for n, raw in enumerate(raws):
        where = join(path, n)
        name, value = only_member(raw, where)
        last = parts[-1] if parts else None
        if name == "cachePoint" and isinstance(last, _MARKABLE) and last.cache is None:
            mark = read_cache(value, join(where, name), spare)
            parts[-1] = msgspec.structs.replace(last, cache=mark)
        else:
            parts.append(_part(name, value, raw, (where, spare, _PARTS)))
    return tuple(parts)


def _part(name: str, value: Raw, raw: Raw, place: tuple[str, Members, Readers]) -> Part:
    where, spare, readers = place
    reader = readers.get(name)
    part = reader(value, join(where, name), spare) if reader else None
    return Opaque(format=HERE, kind=name, raw=raw) if part is None else part


def _text(raw: Raw, path: str, spare: Members) -> Part:
    try:
        return Text(_string(raw))
    except BAD_JSON as error:
        raise refused(path, error) from None


_string = msgspec.json.Decoder(str).decode


def _image(raw: Raw, path: str, spare: Members) -> Part | None:
    """None when it lies in S3, where only Amazon can fetch it."""
    block = shapes.MEDIUM.read(raw, path, spare)
    if block.format not in IMAGES:
        raise refused(join(path, "format"), f"must be one of {', '.join(IMAGES)}")
    data = block.source.bytes
    return None if data is None else Image(media_type=IMAGES[block.format], data=data)


def _audio(raw: Raw, path: str, spare: Members) -> Part | None:
    block = shapes.MEDIUM.read(raw, path, spare)
    return None if block.source.bytes is None else Audio(data=block.source.bytes, format=block.format)


def _document(raw: Raw, path: str, spare: Members) -> Part | None:
    block = shapes.DOCUMENT.read(raw, path, spare)
    source, kind = block.source, block.format or "txt"
    if kind not in DOCUMENTS:
        raise refused(join(path, "format"), f"must be one of {', '.join(DOCUMENTS)}")
    document = Document(
        name=block.name,
        context=block.context or "",
        citations=block.citations is not None and block.citations.enabled,
    )
    if source.bytes is not None:
        return msgspec.structs.replace(document, media_type=DOCUMENTS[kind], data=source.bytes)
    return None if source.text is None else msgspec.structs.replace(document, text=source.text)


def _tool_use(raw: Raw, path: str, spare: Members) -> Part | None:
    """None for a tool that runs at Amazon's (``server_tool_use``)."""
    block = shapes.TOOL_USE.read(raw, path, spare)
    if block.type:
        return None
    try:
        told = bytes(block.input).decode()
    except BAD_JSON as error:
        raise refused(join(path, "input"), error) from None
    if not told.startswith("{"):
        raise refused(join(path, "input"), "Expected `object`")
    return ToolCall(id=block.tool_use_id, name=block.name, arguments=block.input)


def _tool_result(raw: Raw, path: str, spare: Members) -> Part | None:
    block = shapes.TOOL_RESULT.read(raw, path, spare)
    if block.type:
        return None
    parts: list[Part] = []
    for n, inner in enumerate(block.content):
        where = join(path, "content", n)
        name, value = only_member(inner, where)
        parts.append(_part(name, value, inner, (where, spare, _INNER)))
    return ToolResult(id=block.tool_use_id, parts=tuple(parts), is_error=block.status == "error")


def _json(raw: Raw, path: str, spare: Members) -> Part:
    """A tool's result that is JSON is told to other models as they hear it: in text."""
    try:
        return Text(bytes(raw).decode())
    except UnicodeDecodeError as error:
        raise refused(path, error) from None


def _reasoning(raw: Raw, path: str, spare: Members) -> Part | None:
    block = shapes.REASONING.read(raw, path, spare)
    if block.reasoning_text is not None:
        return Thinking(text=block.reasoning_text.text, signature=block.reasoning_text.signature or "")
    return None if block.redacted_content is None else Thinking(redacted=block.redacted_content)


def _cited(raw: Raw, path: str, spare: Members) -> Part:
    block = shapes.CITED.read(raw, path, spare)
    text = "".join(words.text for words in block.content or ())
    return Text(text, citations=read_citations(block.citations or ()))


_INNER: Readers = {"text": _text, "json": _json, "image": _image, "document": _document}
"""What may stand in a tool's result. Results do not nest, or a hostile body would make us recurse."""

_PARTS: Readers = {
    "text": _text,
    "image": _image,
    "document": _document,
    "audio": _audio,
    "toolUse": _tool_use,
    "toolResult": _tool_result,
    "reasoningContent": _reasoning,
    "citationsContent": _cited,
}
