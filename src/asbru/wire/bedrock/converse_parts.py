"""Parts of the model, written as content blocks of Converse.

Rule 1. Media are bytes: what is known by its URL or file id only is lost, and named.
Rule 2. A document must have a name of its own, of letters, digits, blanks, hyphens, parentheses and brackets.
Rule 3. A mark for the cache is a block after its part.
"""

import hashlib
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
from asbru.wire.bedrock.converse_citations import write_citation
from asbru.wire.bedrock.converse_words import AUDIOS, FORMATS_OF_DOCUMENTS, FORMATS_OF_IMAGES
from asbru.wire.shapes import join

HERE = Format.BEDROCK_CONVERSE

Json = dict[str, object]

LONGEST_ID = 64
_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_.:-]")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9\s\-()\[\]]+")
_BLANKS = re.compile(r"\s+")


def tool_id(call_id: str) -> str:
    """An id that Bedrock accepts; a longer one ends with its digest."""
    plain = _NOT_IN_IDS.sub("_", call_id)
    if len(plain) <= LONGEST_ID:
        return plain
    digest = hashlib.blake2b(call_id.encode("utf-8", "replace"), digest_size=8).hexdigest()
    return f"{plain[: LONGEST_ID - len(digest) - 1]}_{digest}"


def cache_point(cache: Cache) -> Json:
    """The block that marks what stands before it."""
    return {"cachePoint": {"type": "default", "ttl": cache.ttl} if cache.ttl else {"type": "default"}}


class Blocks:
    """Writes the parts of one request, or of one reply. ``lost``: what has no place, by its path.

    ``replies``: reasoning needs no signature there.
    """

    def __init__(self, origin: Format, lost: list[str], *, replies: bool = False) -> None:
        self._unsigned = replies or origin is HERE
        self._replies = replies
        self._lost = lost
        self._names: set[str] = set()

    def write(self, part: Part, path: str) -> list[Json | Raw]:
        """The block, and the cache point after it; nothing when this format has no word for the part."""
        block = self._block(part, path)
        if block is None:
            return []
        cache: Cache | None = getattr(part, "cache", None)
        if cache is None and isinstance(part, ToolResult):
            cache = next((mark for inner in part.parts if (mark := getattr(inner, "cache", None))), None)
        return [block] if cache is None else [block, cache_point(cache)]

    def _block(self, part: Part, path: str) -> Json | Raw | None:
        if isinstance(part, Opaque):
            if part.format is HERE:
                return part.raw
            self._lost.append(f"{path}: {part.kind}")
            return None
        writer: Callable[[Blocks, Part, str], Json | None] = _WRITERS[type(part)]
        return writer(self, part, path)

    def _text(self, part: Text, path: str) -> Json:
        if not part.citations:
            return {"text": part.text}
        citations = [write_citation(citation) for citation in part.citations]
        return {"citationsContent": {"content": [{"text": part.text}], "citations": citations}}

    def _refusal(self, part: Refusal, path: str) -> Json:
        return {"text": part.text}

    def _thinking(self, part: Thinking, path: str) -> Json | None:
        if is_sealed(part.redacted or part.signature) and not self._replies:
            self._lost.append(f"{path}: thinking")
            return None
        if part.redacted:
            return {"reasoningContent": {"redactedContent": part.redacted}}
        if part.signature:
            return {"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.signature}}}
        if self._unsigned:
            return {"reasoningContent": {"reasoningText": {"text": part.text}}}
        self._lost.append(f"{path}: thinking")
        return None

    def _image(self, part: Image, path: str) -> Json | None:
        if part.detail not in ("", "auto"):
            self._lost.append(f"{path}.detail")
        if not part.data:
            self._lost.append(f"{path}: image by {'url' if part.url else 'file_id'}")
            return None
        if part.media_type not in FORMATS_OF_IMAGES:
            self._lost.append(f"{path}: image of type {part.media_type}")
            return None
        return {"image": {"format": FORMATS_OF_IMAGES[part.media_type], "source": {"bytes": part.data}}}

    def _audio(self, part: Audio, path: str) -> Json | None:
        if part.format not in AUDIOS:
            self._lost.append(f"{path}: audio of type {part.format}")
            return None
        return {"audio": {"format": part.format, "source": {"bytes": part.data}}}

    def _document(self, part: Document, path: str) -> Json | None:
        block: Json = {}
        if part.url or part.file_id:
            self._lost.append(f"{path}: document by {'url' if part.url else 'file_id'}")
            return None
        if part.data and part.media_type not in FORMATS_OF_DOCUMENTS:
            self._lost.append(f"{path}: document of type {part.media_type}")
            return None
        if part.data:
            block["format"] = FORMATS_OF_DOCUMENTS[part.media_type]
        block["name"] = self._name(part.name)
        block["source"] = {"bytes": part.data} if part.data else {"text": part.text}
        if part.context:
            block["context"] = part.context
        if part.citations:
            block["citations"] = {"enabled": True}
        return {"document": block}

    def _name(self, wanted: str) -> str:
        plain = _BLANKS.sub(" ", _NOT_IN_NAMES.sub("-", wanted)).strip()[:180] or "document"
        name, n = plain, 1
        while name in self._names:
            n += 1
            name = f"{plain} ({n})"
        self._names.add(name)
        return name

    def _tool_call(self, part: ToolCall, path: str) -> Json:
        """``input`` must be an object; anything else (a model's slip) is wrapped into one."""
        arguments: object = part.arguments
        if not bytes(part.arguments).startswith(b"{"):
            arguments = {"arguments": part.arguments} if part.arguments else {}
            self._lost.append(f"{path}: arguments that are not an object")
        return {"toolUse": {"toolUseId": tool_id(part.id), "name": part.name, "input": arguments}}

    def _tool_result(self, part: ToolResult, path: str) -> Json:
        content: list[Json | Raw] = []
        for n, inner in enumerate(part.parts):
            empty = isinstance(inner, Text) and not inner.text
            block = None if empty else self._block(inner, join(path, "content", n))
            if block is not None:
                content.append(block)
        result: Json = {"toolUseId": tool_id(part.id), "content": content}
        if part.is_error:
            result["status"] = "error"
        return {"toolResult": result}


_WRITERS: dict[type, Callable[..., Json | None]] = {
    Text: Blocks._text,
    Refusal: Blocks._refusal,
    Thinking: Blocks._thinking,
    Image: Blocks._image,
    Audio: Blocks._audio,
    Document: Blocks._document,
    ToolCall: Blocks._tool_call,
    ToolResult: Blocks._tool_result,
}
