"""Reasoning items and the model's Thinking: what only their maker can read is sealed, so that it finds its way back.

Rule 1. ``encrypted_content`` that OpenAI made becomes a sealed signature (with the item's id and the text it stands
for), or, without text, a sealed redacted blob. Other dialects carry it to their client and back; no other provider is
ever given it (``is_sealed``).
Rule 2. Another provider's signature travels in ``encrypted_content`` behind a mark of ours, and is taken out again.
"""

import base64
import binascii

from asbru.model.chat import OPENAI_SEAL, Thinking, is_sealed

Json = dict[str, object]

_OPENED = b"asbru1:o:"
"""What OPENAI_SEAL is the base64 of."""
_SIGNED = "asbru1:s:"
_REDACTED = "asbru1:r:"
OUR_MARKS = (_SIGNED, _REDACTED)
_APART = "\n\n"
"""Between the parts of a summary when they become one text."""


def read_thinking(id: str, text: str, encrypted: str) -> Thinking | None:
    """The thinking of a reasoning item; None when it says nothing."""
    if encrypted.startswith(_SIGNED):
        return Thinking(text=text, signature=encrypted.removeprefix(_SIGNED))
    if encrypted.startswith(_REDACTED):
        return Thinking(redacted=encrypted.removeprefix(_REDACTED))
    if not encrypted:
        return Thinking(text=text) if text else None
    sealed = base64.b64encode(_OPENED + f"{id}:{encrypted}".encode("utf-8", "replace")).decode()
    return Thinking(text=text, signature=sealed) if text else Thinking(redacted=sealed)


def opened(part: Thinking) -> tuple[str, str]:
    """Id and ``encrypted_content`` of the item that ``part`` was, or ``encrypted_content`` of the one to make of it."""
    kept = part.redacted or part.signature
    if is_sealed(kept, OPENAI_SEAL):
        try:
            id, _, encrypted = base64.b64decode(kept, validate=True).decode()[len(_OPENED) :].partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return id, encrypted
    if part.redacted:
        return "", _REDACTED + part.redacted
    return "", _SIGNED + part.signature if part.signature else ""


def write_item(part: Thinking, id: str = "") -> Json:
    """A reasoning item, without ``status``. The text is told as its summary. ``id``: instead of its own."""
    own, encrypted = opened(part)
    item: Json = {"type": "reasoning", "summary": [{"type": "summary_text", "text": part.text}] if part.text else []}
    if id or own:
        item["id"] = id or own
    if encrypted:
        item["encrypted_content"] = encrypted
    return item


def mark_item(item: Json) -> Json:
    """An item of a reply: marked as ours, so that OpenAI is never asked for reasoning that it does not know."""
    item.setdefault("encrypted_content", _SIGNED)
    return item


def joined(*texts: list[str]) -> str:
    """One text of the parts of summary and content."""
    return _APART.join(text for each in texts for text in each if text)
