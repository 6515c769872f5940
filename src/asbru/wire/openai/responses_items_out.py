"""Turns, written as items of a Responses request.

Rule 1. A text alone is a string as content, which every compatible server takes; what an assistant said is always a
list.
Rule 2. Thinking goes back only to the maker who can read it: sealed by us, or of a request that came in this format.
"""

from collections.abc import Callable, Iterable

from msgspec import Raw

from asbru.model.chat import (
    OPENAI_SEAL,
    Ask,
    Audio,
    Document,
    Image,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
    is_sealed,
)
from asbru.model.names import Format, Role
from asbru.wire.openai.chat_words import write_arguments
from asbru.wire.openai.custom_tools import input_of
from asbru.wire.openai.responses_citations import write_annotations
from asbru.wire.openai.responses_pictures import picture_item
from asbru.wire.openai.responses_reasoning import write_item
from asbru.wire.places import Places, stands_alone
from asbru.wire.shapes import join

HERE = Format.OPENAI_RESPONSES

Json = dict[str, object]
Placed = tuple[str, Part]


class Items:
    """Writes the turns of one request; paths in ``lost`` are those of the client's body."""

    def __init__(self, ask: Ask, lost: list[str]) -> None:
        self._ask = ask
        self._lost = lost
        self._out: list[Json | Raw] = []
        self._customs: set[str] = set()

    def instructions(self) -> str:
        """What the first turn says when it is the system's, and one plain text; "" otherwise."""
        first = self._ask.turns[0] if self._ask.turns else None
        if first is None or first.role is not Role.SYSTEM or first.name or len(first.parts) != 1:
            return ""
        part = first.parts[0]
        return part.text if isinstance(part, Text) else ""

    def write(self) -> list[Json | Raw]:
        """The items."""
        places = Places(self._ask)
        above = bool(self.instructions())
        for n, turn in enumerate(self._ask.turns):
            placed = [(places.part(n, turn, i), part) for i, part in enumerate(turn.parts)]
            if turn.name:
                self._lost.append(f"{places.turn(n)}.name")
            if n == 0 and above:
                self._mark(*placed[0])
            else:
                self._turn(turn, placed)
        return self._out

    def _turn(self, turn: Turn, placed: list[Placed]) -> None:
        if turn.role is not Role.ASSISTANT:
            self._check_order(turn, placed)
            placed = sorted(placed, key=lambda at: not stands_alone(at[1], turn.role))
        inside: list[Placed] = []
        for path, part in placed:
            if not stands_alone(part, turn.role):
                inside.append((path, part))
                continue
            self._say(turn, inside)
            inside = []
            if (item := self._item(part, path)) is not None:
                self._out.append(item)
        self._say(turn, inside)

    def _check_order(self, turn: Turn, placed: list[Placed]) -> None:
        inside = [path for path, part in placed if not stands_alone(part, turn.role)]
        if inside and stands_alone(turn.parts[-1], turn.role):
            self._lost.append(f"{inside[0]}: order")

    def _say(self, turn: Turn, placed: list[Placed]) -> None:
        if not placed:
            return
        content: object = self._contents(placed, turn.role)
        if turn.role is not Role.ASSISTANT:
            content = _plain(content) or ""
        self._out.append({"type": "message", "role": turn.role, "content": content})

    def _contents(self, placed: Iterable[Placed], role: Role) -> list[Json | Raw]:
        return [written for path, part in placed if (written := self._content(part, path, role)) is not None]

    def _content(self, part: Part, path: str, role: Role) -> Json | Raw | None:
        self._mark(path, part)
        match part:
            case Text() if role is Role.ASSISTANT:
                return self._said(part, path)
            case Opaque():
                return self._opaque(part, path)
        return _WRITERS[type(part)](part, path, self._lost)

    def _said(self, part: Text, path: str) -> Json:
        """Annotations of another format would be made up in a request."""
        kept = [citation for citation in part.citations if citation.format is HERE]
        if len(kept) < len(part.citations):
            self._lost.append(f"{path}.citations")
        annotations = write_annotations(kept, part.text)[0]
        return {"type": "output_text", "text": part.text, "annotations": annotations}

    def _item(self, part: Part, path: str) -> Json | Raw | None:
        self._mark(path, part)
        match part:
            case ToolCall() if part.custom:
                self._customs.add(part.id)
                text = input_of(part.arguments)
                return {"type": "custom_tool_call", "call_id": part.id, "name": part.name, "input": text}
            case ToolCall():
                arguments = write_arguments(part)
                return {"type": "function_call", "call_id": part.id, "name": part.name, "arguments": arguments}
            case ToolResult():
                return self._result(part, path)
            case Thinking():
                return self._think(part, path)
            case Image() if (item := picture_item(part, f"ig_{len(self._out)}")) is not None:
                return item
            case Opaque():
                return self._opaque(part, path)
        self._lost.append(f"{path}: {type(part).__name__.lower()}")
        return None

    def _result(self, part: ToolResult, path: str) -> Json:
        if part.is_error:
            self._lost.append(f"{path}.is_error")
        where = join(path, "output" if self._ask.origin is HERE else "content")
        placed = [(join(where, n), inner) for n, inner in enumerate(part.parts)]
        output = _plain(self._contents(placed, Role.USER)) or ""
        kind = "custom_tool_call_output" if part.id in self._customs else "function_call_output"
        return {"type": kind, "call_id": part.id, "output": output}

    def _think(self, part: Thinking, path: str) -> Json | None:
        if self._ask.origin is HERE or is_sealed(part.redacted or part.signature, OPENAI_SEAL):
            return write_item(part)
        self._lost.append(f"{path}: thinking")
        return None

    def _opaque(self, part: Opaque, path: str) -> Raw | None:
        if part.format is HERE:
            return part.raw
        self._lost.append(f"{path}: {part.kind}")
        return None

    def _mark(self, path: str, part: Part) -> None:
        if getattr(part, "cache", None) is not None:
            self._lost.append(f"{path}.cache_control")


def _plain(content: object) -> object:
    """A text alone, as a string."""
    only = content[0] if isinstance(content, list) and len(content) == 1 else None
    return only["text"] if isinstance(only, dict) and only.keys() == {"type", "text"} else content


def _text(part: Text, path: str, lost: list[str]) -> Json:
    return {"type": "input_text", "text": part.text}


def _refusal(part: Refusal, path: str, lost: list[str]) -> Json:
    return {"type": "refusal", "refusal": part.text}


def _image(part: Image, path: str, lost: list[str]) -> Json:
    written: Json = {"type": "input_image"}
    if part.file_id:
        written["file_id"] = part.file_id
    else:
        written["image_url"] = part.url or f"data:{part.media_type};base64,{part.data}"
    if part.detail:
        written["detail"] = part.detail
    return written


def _document(part: Document, path: str, lost: list[str]) -> Json:
    if part.context:
        lost.append(f"{path}.context")
    if part.citations:
        lost.append(f"{path}.citations")
    if part.text:
        if part.name:
            lost.append(f"{path}.title")
        return {"type": "input_text", "text": part.text}
    file: Json = {"type": "input_file"}
    if part.file_id:
        file["file_id"] = part.file_id
    elif part.url:
        file["file_url"] = part.url
    else:
        file["file_data"] = f"data:{part.media_type};base64,{part.data}"
    if part.name:
        file["filename"] = part.name
    return file


def _nowhere(part: Part, path: str, lost: list[str]) -> None:
    lost.append(f"{path}: {type(part).__name__.lower()}")


_WRITERS: dict[type, Callable[..., Json | None]] = {
    Text: _text,
    Refusal: _refusal,
    Image: _image,
    Document: _document,
    Audio: _nowhere,
    ToolCall: _nowhere,
    ToolResult: _nowhere,
    Thinking: _nowhere,
}
