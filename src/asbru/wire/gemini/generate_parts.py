"""Parts of the model, written as parts of a content.

Rule 1. Google's own signatures go back onto the part that they came with (signatures.py). Other vendors' go to a
client, who brings them back, and never to Google, who refuses them.
Rule 2. Thinking without a signature is written as a thought: Google takes it back as its SDKs send it.
"""

from collections.abc import Iterable

from msgspec import Raw

from asbru.model.chat import (
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
)
from asbru.model.names import Format
from asbru.wire.gemini.media import Json, write_audio, write_document, write_image
from asbru.wire.gemini.results import write_response
from asbru.wire.gemini.signatures import placed, wrapped

HERE = Format.GEMINI_GENERATE

Placed = tuple[str, Part]


class ModelParts:
    """Writes the parts of one turn of the model's. ``to_client``: a reply, not a request."""

    def __init__(self, lost: list[str], to_client: bool) -> None:
        self.out: list[Json | Raw] = []
        self.calls = 0
        self._lost = lost
        self._to_client = to_client
        self._images = 0
        self._signatures: dict[str, str] = {}
        self._text: Json | None = None

    def write(self, parts: Iterable[Placed]) -> list[Json | Raw]:
        """All of them, in order."""
        told = list(parts)
        for _, part in told:
            if isinstance(part, Thinking):
                place, signature = placed(part.signature)
                if place not in ("", "text", "thought"):
                    self._signatures[place] = signature
        for path, part in told:
            self._part(path, part)
        return self.out

    def sign_first_call(self, signature: str) -> None:
        """Gives the first call a signature when none has any."""
        calls = [part for part in self.out if isinstance(part, dict) and "functionCall" in part]
        if calls and not any("thoughtSignature" in call for call in calls):
            calls[0]["thoughtSignature"] = signature

    def _part(self, path: str, part: Part) -> None:
        match part:
            case Text():
                self._say(part, path)
            case Thinking():
                self._think(part, path)
            case ToolCall():
                self.out.append(self._signed(write_call(part, path, self._lost), f"call{self.calls}"))
                self.calls += 1
            case Image():
                self.out.append(self._signed(write_image(part), f"image{self._images}"))
                self._images += 1
            case _:
                written = write_part(part, path, self._lost)
                if written is not None:
                    self.out.append(written)

    def _say(self, part: Text, path: str) -> None:
        if part.citations and not self._to_client:
            self._lost.append(f"{path}.citations")
        self._text = {"text": part.text}
        self.out.append(self._text)

    def _think(self, part: Thinking, path: str) -> None:
        place, signature = placed(part.signature)
        foreign = bool(part.redacted or part.signature) and not place
        if foreign and not self._to_client:
            self._lost.append(f"{path}: thinking")
            return
        thought: Json = {"text": part.text} if part.text else {}
        if foreign:
            thought["thoughtSignature"] = wrapped(part)
        elif place == "thought":
            thought["thoughtSignature"] = signature
        if thought or not place:
            self.out.append({**thought, "thought": True})
        if place == "text":
            self._sign_text(signature)

    def _sign_text(self, signature: str) -> None:
        """The text before it; clients that keep no order have it behind, where an empty one stands for it."""
        if self._text is not None and self.out[-1] is self._text:
            self._text["thoughtSignature"] = signature
        else:
            self.out.append({"text": "", "thoughtSignature": signature})

    def _signed(self, part: Json, place: str) -> Json:
        signature = self._signatures.get(place)
        if signature:
            part["thoughtSignature"] = signature
        return part


def write_part(part: Part, path: str, lost: list[str]) -> Json | Raw | None:
    """One part that carries no signature; None when this format has no word for it, which is then named in ``lost``."""
    match part:
        case Text() | Refusal():
            return {"text": part.text}
        case Image():
            if part.detail not in ("", "auto"):
                lost.append(f"{path}.detail")
            return write_image(part)
        case Document():
            lost += [f"{path}.{name}" for name, said in _unsaid(part) if said]
            return write_document(part)
        case Audio():
            return write_audio(part)
        case Opaque() if part.format is HERE:
            return part.raw
    lost.append(f"{path}: {part.kind if isinstance(part, Opaque) else type(part).__name__.lower()}")
    return None


def _unsaid(part: Document) -> tuple[tuple[str, object], ...]:
    return ("title", part.name), ("context", part.context), ("citations", part.citations)


def write_call(part: ToolCall, path: str, lost: list[str]) -> Json:
    """``args`` must be an object; anything else (a model's slip) is wrapped into one."""
    arguments: object = part.arguments
    if not bytes(part.arguments).startswith(b"{"):
        arguments = {"arguments": part.arguments} if part.arguments else {}
        lost.append(f"{path}: arguments that are not an object")
    call: Json = {"id": part.id} if part.id else {}
    return {"functionCall": {**call, "name": part.name, "args": arguments}}


def write_result(part: ToolResult, name: str, path: str, lost: list[str]) -> Json:
    """``response`` must be an object: the text itself when it is one, else ``output`` or ``error``."""
    texts = [inner.text for inner in part.parts if isinstance(inner, Text)]
    others: list[Json | Raw] = []
    for n, inner in enumerate(part.parts):
        if getattr(inner, "cache", None) is not None:
            lost.append(f"{path}.content.{n}.cache_control")
        if isinstance(inner, Image | Document | Audio | Opaque):
            written = write_part(inner, f"{path}.content.{n}", lost)
            others += [] if written is None else [written]
    result: Json = {"id": part.id} if part.id else {}
    result |= {"name": name, "response": write_response(texts, part.is_error)}
    if others:
        result["parts"] = others
    return {"functionResponse": result}
