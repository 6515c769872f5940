"""Replies that are kept, so that a conversation can go on by the id of its last one.

Rule 1. Every question is asked with an owner; others' replies do not exist.
Rule 2. A row holds what was new in its request, and the reply; what came before is in the row that ``previous`` names.
"""

from msgspec import Struct

from asbru.store.db import Db

_STEP = 200
"""Rows removed in one transaction: they may be large."""


class Kept(Struct, frozen=True, kw_only=True):
    """``asked``: a JSON array of the items that were new. ``reply``: the response's JSON. ``previous``: "" for none."""

    id: str
    owner: str
    previous: str
    asked: bytes
    reply: bytes
    created_at: float
    expires_at: float


class TooLong(Exception):
    """The conversation has more bytes than may be put together."""


FIND = "SELECT id, owner, previous, asked, reply, created_at, expires_at FROM replies WHERE id = ? AND owner = ?"
EXPIRED = "SELECT id FROM replies WHERE expires_at <= ? LIMIT ?"


def add(db: Db, kept: Kept) -> None:
    """Keep a reply."""
    db.execute(
        "INSERT INTO replies (id, owner, previous, asked, reply, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO NOTHING",
        (kept.id, kept.owner, kept.previous, kept.asked, kept.reply, kept.created_at, kept.expires_at),
    )


def find(db: Db, owner: str, id: str, now: float) -> Kept | None:
    """One reply, or None."""
    row = db.execute(FIND, (id, owner)).fetchone()
    if row is None or row[6] <= now:
        return None
    names = ("id", "owner", "previous", "asked", "reply", "created_at", "expires_at")
    return Kept(**dict(zip(names, row, strict=True)))


def conversation(db: Db, kept: Kept, now: float, most: int) -> list[Kept] | None:
    """All that led to ``kept``, the first one first; None when a part of it is gone. Raises TooLong."""
    found = [kept]
    size = len(kept.asked) + len(kept.reply)
    while previous := found[-1].previous:
        one = find(db, kept.owner, previous, now)
        if one is None:
            return None
        size += len(one.asked) + len(one.reply)
        if size > most:
            raise TooLong
        found.append(one)
    return found[::-1]


def delete(db: Db, owner: str, id: str, now: float) -> bool:
    """Whether there was such a reply."""
    if find(db, owner, id, now) is None:
        return False
    db.execute("DELETE FROM replies WHERE id = ?", (id,))
    return True


def expire(db: Db, now: float) -> bool:
    """Remove some replies whose time is over; whether there may be more."""
    rows = db.execute(EXPIRED, (now, _STEP)).fetchall()
    db.executemany("DELETE FROM replies WHERE id = ?", rows)
    return len(rows) == _STEP
