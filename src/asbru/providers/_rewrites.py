"""A rewrite that several rows need: what lies deeper in a body than ``Quirks`` can say."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

_documents = msgspec.json.Decoder(list[str | dict[str, Raw]]).decode
_messages = msgspec.json.Decoder(list[dict[str, Raw]]).decode
_NOTHING = frozenset({b"null", b"false", b'""', b"[]", b"{}"})


class Messages(Struct, frozen=True, kw_only=True):
    """What is different in each message: one role for another, a member for another, members that are refused.

    ``drop`` leaves tools' results alone. A body without such words in it is not even decoded.
    """

    roles: Mapping[str, str] = {}
    rename: Mapping[str, str] = {}
    drop: frozenset[str] = frozenset()

    def put(self, members: Mapping[str, Any]) -> Mapping[str, Any]:
        """``messages`` as the provider wants them; nothing when they are right as they are, or cannot be read."""
        messages = self._decoded(members)
        return {"messages": [self._message(message) for message in messages]} if messages else {}

    def lost(self, members: Mapping[str, Any]) -> tuple[str, ...]:
        """What was said and is dropped (``messages.3.name``)."""
        messages = enumerate(self._decoded(members)) if self.drop else ()
        return tuple(f"messages.{n}.{name}" for n, message in messages for name in self._dropped(message))

    def _decoded(self, members: Mapping[str, Any]) -> list[dict[str, Raw]]:
        raw = bytes(members.get("messages", b""))
        if not any(f'"{word}"'.encode() in raw for word in (*self.roles, *self.rename, *self.drop)):
            return []
        try:
            return _messages(raw)
        except msgspec.DecodeError:  # The provider will tell what is wrong with it.
            return []

    def _message(self, members: dict[str, Raw]) -> dict[str, object]:
        role = _role(members)
        drop = self.drop if role != "tool" else ()
        out: dict[str, object] = {
            self.rename.get(name, name): value for name, value in members.items() if name not in drop
        }
        return out | {"role": self.roles[role]} if role in self.roles else out

    def _dropped(self, members: dict[str, Raw]) -> Iterator[str]:
        if _role(members) != "tool":
            yield from (name for name in members if name in self.drop and bytes(members[name]) not in _NOTHING)


def _role(members: dict[str, Raw]) -> str:
    return bytes(members.get("role", b"")).strip(b'"').decode("utf-8", "replace")


NO_DEVELOPER = Messages(roles={"developer": "system"})
"""For servers that refuse OpenAI's newer word for the system's role."""

ONLY_OPENAIS = frozenset({"annotations", "audio", "function_call", "reasoning_details", "refusal"})
"""What a client that sends OpenAI's replies back whole leaves in its messages, and strict servers refuse."""


class TextDocuments(Struct, frozen=True):
    """For servers that rank texts only: documents that are objects become their ``text``."""

    def put(self, members: Mapping[str, Any]) -> Mapping[str, Any]:
        """``documents`` as texts; nothing when they are, or cannot be read."""
        documents = self._decoded(members)
        return {"documents": [_text(each) for each in documents]} if documents else {}

    def lost(self, members: Mapping[str, Any]) -> tuple[str, ...]:
        """What stood beside a text (``documents.0.id``)."""
        return tuple(
            f"documents.{n}.{name}"
            for n, each in enumerate(self._decoded(members))
            if isinstance(each, dict) and "text" in each
            for name in each
            if name != "text"
        )

    def _decoded(self, members: Mapping[str, Any]) -> list[str | dict[str, Raw]]:
        raw = bytes(members.get("documents", b""))
        try:
            return _documents(raw) if b"{" in raw else []
        except msgspec.DecodeError:  # The provider will tell what is wrong with it.
            return []


def _text(document: str | dict[str, Raw]) -> object:
    return document if isinstance(document, str) else document.get("text", document)
