"""Reasoning items and the model's Thinking: what only their maker can read is sealed, so that it finds its way back.

Rule 1. ``encrypted_content`` that OpenAI made becomes a sealed signature (with the item's id and the text it stands
for), or, without text, a sealed redacted blob. Other dialects carry it to their client and back; no other provider is
ever given it (``is_sealed``).
Rule 2. Another provider's signature travels in ``encrypted_content`` behind a mark of ours, and is taken out again.
"""

import re

from asbru.model.chat import OPENAI_SEAL, SEAL, Thinking, is_sealed

Json = dict[str, object]

_SIGNED = SEAL + "s:"
_REDACTED = SEAL + "r:"
_APART = "\n\n"
"""Between the parts of a summary when they become one text."""

_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_-]")


def read_thinking(id: str, text: str, encrypted: str) -> Thinking | None:
    """The thinking of a reasoning item; None when it says nothing."""
    if encrypted.startswith(_SIGNED):
        return Thinking(text=text, signature=encrypted.removeprefix(_SIGNED))
    if encrypted.startswith(_REDACTED):
        return Thinking(redacted=encrypted.removeprefix(_REDACTED))
    if not encrypted:
        return Thinking(text=text) if text else None
    sealed = f"{OPENAI_SEAL}{_NOT_IN_IDS.sub('', id)}:{encrypted}"
    return Thinking(text=text, signature=sealed) if text else Thinking(redacted=sealed)


def encrypted_of(part: Thinking) -> str:
    """``encrypted_content`` of the item for ``part``; "" when there is nothing to keep."""
    kept = part.redacted or part.signature
    if is_sealed(kept, OPENAI_SEAL):
        return kept.removeprefix(OPENAI_SEAL).partition(":")[2]
    if part.redacted:
        return _REDACTED + part.redacted
    return _SIGNED + part.signature if part.signature else ""


def id_of(part: Thinking) -> str:
    """The item's id that a seal holds; "" for thinking that OpenAI did not make."""
    kept = part.redacted or part.signature
    return kept.removeprefix(OPENAI_SEAL).partition(":")[0] if is_sealed(kept, OPENAI_SEAL) else ""


def write_item(part: Thinking, id: str) -> Json:
    """A reasoning item, without ``status``. The text is told as its summary."""
    item: Json = {"type": "reasoning", "summary": [{"type": "summary_text", "text": part.text}] if part.text else []}
    if id:
        item["id"] = id
    if encrypted := encrypted_of(part):
        item["encrypted_content"] = encrypted
    return item


def joined(*texts: list[str]) -> str:
    """One text of the parts of summary and content."""
    return _APART.join(text for each in texts for text in each if text)
