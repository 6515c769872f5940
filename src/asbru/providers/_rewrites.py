"""A rewrite that several rows need: what lies deeper in a body than ``Quirks`` can say."""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from string import ascii_letters, digits
from typing import Any, cast

import msgspec
from msgspec import Raw, Struct

_documents = msgspec.json.Decoder(list[str | dict[str, Raw]]).decode
_messages = msgspec.json.Decoder(list[dict[str, Raw]]).decode
_calls = msgspec.json.Decoder(list[dict[str, Raw]] | None).decode
_CALLS = ("tool_call_id", "tool_calls")
_LETTERS = digits + ascii_letters
_NOTHING = frozenset({b"null", b"false", b'""', b"[]", b"{}"})


class Messages(Struct, frozen=True, kw_only=True):
    """What is different in each message: one role for another, a member for another, members that are refused.

    ``drop`` leaves tools' results alone. ``call_ids``: how many letters and digits the ids of tool calls must have, 0
    for any kind; ids that another provider has made are replaced. A body that needs no change is not even decoded.
    """

    roles: Mapping[str, str] = {}
    rename: Mapping[str, str] = {}
    drop: frozenset[str] = frozenset()
    call_ids: int = 0

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
        words = (*self.roles, *self.rename, *self.drop, *(_CALLS if self.call_ids else ()))
        if not any(f'"{word}"'.encode() in raw for word in words):
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
        if role in self.roles:
            out["role"] = self.roles[role]
        if self.call_ids:
            self._rename_calls(out)
        return out

    def _rename_calls(self, out: dict[str, object]) -> None:
        """Whatever is not as OpenAI has it is left for the provider to refuse."""
        if "tool_call_id" in out:
            out["tool_call_id"] = self._id(out["tool_call_id"])
        if "tool_calls" in out:
            try:
                calls = _calls(bytes(cast(Raw, out["tool_calls"])))
            except msgspec.DecodeError:
                return
            out["tool_calls"] = [call | {"id": self._id(call["id"])} if "id" in call else call for call in calls or ()]

    def _id(self, raw: object) -> object:
        said = bytes(cast(Raw, raw))
        if re.fullmatch(rb'"[a-zA-Z0-9]{%d}"' % self.call_ids, said) or not said.startswith(b'"'):
            return raw
        number = int.from_bytes(sha256(said).digest())
        return "".join(_LETTERS[number // 62**place % 62] for place in range(self.call_ids))

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
