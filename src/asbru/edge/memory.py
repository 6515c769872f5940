"""What is remembered of Responses for providers that remember nothing: replies by id, and conversations out of them.

Rule 1. Asked only when a request names what was before, and when a reply of ours is over; no other request waits for
it.
Rule 2. A request whose id we do not know goes on as it is: the provider may know it. Where it must be translated, it is
refused by who reads it.
"""

from collections.abc import Mapping
from functools import partial

import msgspec
from msgspec import Raw

from asbru.model.failure import Refused
from asbru.store import Store, replies
from asbru.store.db import Db
from asbru.store.replies import Kept, TooLong
from asbru.wire.envelope import Envelope
from asbru.wire.openai.responses_ask_in import unknown_previous
from asbru.wire.openai.responses_history import (
    PREVIOUS,
    input_items,
    output_items,
    referred,
    with_items,
)
from asbru.wire.shapes import BAD_JSON, write_json

LIFE = 30 * 86_400.0
"""Seconds that a reply is kept, as OpenAI does."""
MOST = 100 << 20
"""Most bytes of one conversation."""


class Memory:
    """The memory of one gateway."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def resume(self, owner: str, envelope: Envelope) -> Envelope:
        """The request with what it refers to in it. Raises Refused(400) when a part of the conversation is gone."""
        members = envelope.members
        items = input_items(members)
        if items is None:
            return envelope
        id = _text(members.get(PREVIOUS))
        previous = await self.find(owner, id) if id else None
        if previous is None and not any(referred(item) for item in items):
            return envelope
        before = [] if previous is None else await self._before(previous)
        now = [await self._resolved(owner, item) for item in items]
        return with_items(envelope, [*before, *now], drop="" if previous is None else PREVIOUS)

    async def keep(self, owner: str, asked: Mapping[str, Raw], items: list[Raw], reply: tuple[str, bytes]) -> None:
        """Keep a reply (its id and body) of a request whose members and new items are given."""
        now = self._store.clock()
        previous = _text(asked.get(PREVIOUS))
        kept = Kept(
            id=reply[0],
            owner=owner,
            previous=previous,
            asked=write_json(items),
            reply=reply[1],
            created_at=now,
            expires_at=now + LIFE,
        )
        if len(kept.asked) + len(kept.reply) <= MOST:
            await self._store.write(lambda db: replies.add(db, kept))

    async def find(self, owner: str, id: str) -> Kept | None:
        """A reply, or None."""
        now = self._store.clock()
        return await self._store.read(lambda db: replies.find(db, owner, id, now))

    async def delete(self, owner: str, id: str) -> bool:
        """Whether there was such a reply."""
        now = self._store.clock()
        return await self._store.write(lambda db: replies.delete(db, owner, id, now))

    async def _before(self, previous: Kept) -> list[Raw]:
        """All items up to a reply and with it."""
        now = self._store.clock()
        try:
            kept = await self._store.read(partial(_conversation, previous, now))
        except TooLong:
            message = f"{PREVIOUS}: The conversation is longer than {MOST} bytes."
            raise Refused(400, message, code="invalid_request_error", param=PREVIOUS) from None
        if kept is None:
            raise unknown_previous(previous.id)
        return [item for each in kept for item in (*_asked(each), *output_items(each.reply))]

    async def _resolved(self, owner: str, item: Raw) -> Raw:
        """The item that is referred to, when it is one of ours."""
        where = referred(item)
        kept = await self.find(owner, where[0]) if where else None
        if where is None or kept is None:
            return item
        output = output_items(kept.reply)
        return output[where[1]] if where[1] < len(output) else item


def _conversation(previous: Kept, now: float, db: Db) -> list[Kept] | None:
    return replies.conversation(db, previous, now, MOST)


def _asked(kept: Kept) -> list[Raw]:
    return input_items({"input": Raw(kept.asked)}) or []


def _text(raw: Raw | None) -> str:
    """A member's string; "" for anything else, which reading refuses."""
    try:
        return "" if raw is None else msgspec.json.decode(raw, type=str)
    except BAD_JSON:
        return ""
