"""Rewrites that several rows need: what lies deeper in a body than ``Quirks`` can say."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from asbru.providers._kinds import Rewrite

_messages = msgspec.json.Decoder(list[dict[str, Raw]]).decode


class Messages(Struct, frozen=True, kw_only=True):
    """What is different in each message. ``roles``: one role for another. ``rename``: a member for another."""

    roles: Mapping[str, str] = {}
    rename: Mapping[str, str] = {}

    def message(self, members: dict[str, Raw]) -> dict[str, object]:
        """One message as the provider wants it."""
        out: dict[str, object] = {self.rename.get(name, name): value for name, value in members.items()}
        role = bytes(members["role"]).strip(b'"').decode("utf-8", "replace") if "role" in members else ""
        return out | {"role": self.roles[role]} if role in self.roles else out


def in_messages(change: Messages) -> Rewrite:
    """``change`` in every message of a body. A body without such words in it is not even decoded."""
    words = tuple(f'"{word}"'.encode() for word in (*change.roles, *change.rename))

    def rewrite(members: Mapping[str, Any]) -> dict[str, object]:
        raw = members.get("messages")
        if raw is None or not any(word in bytes(raw) for word in words):
            return {}
        try:
            messages = _messages(raw)
        except msgspec.DecodeError:  # The provider will tell what is wrong with it.
            return {}
        return {"messages": [change.message(message) for message in messages]}

    return rewrite


NO_DEVELOPER = in_messages(Messages(roles={"developer": "system"}))
"""For servers that refuse OpenAI's newer word for the system's role."""
