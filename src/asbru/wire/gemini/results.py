"""What functions answer: ``response`` is an object, other formats have texts.

Source: ``google.genai.types.FunctionResponse``: ``output`` and ``error`` are Google's words for either, when they stand
alone; any other object is the answer itself.
"""

import msgspec
from msgspec import Raw

from asbru.model.chat import Part, Text
from asbru.wire.gemini.media import Json
from asbru.wire.shapes import BAD_JSON, read_members


def read_response(response: Raw) -> tuple[list[Part], bool]:
    """What a function answered, and whether it failed."""
    members = read_members(response)
    name = next(iter(members)) if len(members) == 1 else ""
    if name in ("output", "error"):
        try:
            told = msgspec.json.decode(members[name], type=str | list[str])
        except BAD_JSON:
            return [Text(bytes(response).decode())], False
        return [Text(text) for text in ([told] if isinstance(told, str) else told)], name == "error"
    return ([Text(bytes(response).decode())] if members else []), False


def write_response(texts: list[str], failed: bool) -> Json | Raw:
    """``response``: the text itself when it is an object, else ``output`` or ``error``; several as a list."""
    if not texts:
        return {"error": ""} if failed else {}
    told: object = texts[0] if len(texts) == 1 else texts
    if failed:
        return {"error": told}
    return _object(texts[0]) or {"output": told} if len(texts) == 1 else {"output": told}


def _object(text: str) -> Raw | None:
    """A text that is a JSON object, unless it would be read as another text (``{"output": "…"}``)."""
    if not text.startswith("{"):
        return None
    try:
        raw = msgspec.json.decode(text, type=Raw).copy()
        return raw if read_members(raw) and read_response(raw) == ([Text(text)], False) else None
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None
