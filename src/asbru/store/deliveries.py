"""Results that are to be put into a bucket when their batch has ended, and how that went.

Rule 1. A delivery is planned in the transaction that makes its batch, so that none is forgotten.
Rule 2. It is held by one session at a time. One that a crash interrupts is done again, over what is there.
"""

from collections.abc import Iterable

from msgspec import Struct

from asbru.store.db import Db


class Delivery(Struct, frozen=True, kw_only=True):
    """``target``: ``s3://bucket/prefix/``. ``failure``: why it cannot be done, or could not be until now. ``done``: it
    is over, well when there is no failure.
    """

    batch: int
    id: str
    owner: str
    target: str
    failure: str
    attempts: int
    done: bool


_COLUMNS = "d.batch, b.id, b.owner, d.target, d.failure, d.attempts, d.done_at IS NOT NULL"
_FROM = " FROM deliveries d JOIN batches b ON b.seq = d.batch "
DUE = (
    "SELECT " + _COLUMNS + _FROM + "WHERE d.done_at IS NULL AND d.due_at <= ? AND d.lease IN (0, ?)"
    " AND b.ended_at IS NOT NULL AND b.deleted_at IS NULL ORDER BY d.due_at LIMIT ?"
)
_HOLD = DUE + " /*! FOR UPDATE OF d SKIP LOCKED */"
_OF = "SELECT " + _COLUMNS + _FROM + "WHERE b.id = ?"


def plan(db: Db, batch: int, target: str, now: float) -> None:
    """A batch's results go to ``target`` when it has ended."""
    db.execute("INSERT INTO deliveries (batch, target, due_at) VALUES (?, ?, ?)", (batch, target, now))


def hold(db: Db, session: int, now: float, most: int) -> list[Delivery]:
    """Deliveries that are due and that nobody else holds; they are the session's now."""
    found = [
        _delivery(row)
        for row in db.execute(DUE + " /*! FOR UPDATE OF d SKIP LOCKED */", (now, session, most)).fetchall()
    ]
    for each in found:
        db.execute("UPDATE deliveries SET lease = ? WHERE batch = ?", (session, each.batch))
    return found


def finish(db: Db, session: int, batch: int, failure: str, now: float) -> None:
    """It is over. Nothing changes when it is somebody else's."""
    statement = "UPDATE deliveries SET failure = ?, done_at = ?, lease = 0 WHERE batch = ? AND lease = ?"
    db.execute(statement, (failure, now, batch, session))


def postpone(db: Db, session: int, batch: int, failure: str, due_at: float) -> None:
    """Try it again, not before a time."""
    changed = "failure = ?, attempts = attempts + 1, due_at = ?, lease = 0"
    statement = f"UPDATE deliveries SET {changed} WHERE batch = ? AND lease = ?"  # noqa: S608  Our own words.
    db.execute(statement, (failure, due_at, batch, session))


def of(db: Db, ids: Iterable[str]) -> dict[str, Delivery]:
    """The deliveries of batches, by the ids of these; those that have none are absent."""
    rows = (db.execute(_OF, (id,)).fetchone() for id in ids)
    return {row[1]: _delivery(row) for row in rows if row is not None}


def _delivery(row: tuple[int, str, str, str, str, int, int]) -> Delivery:
    batch, id_, owner, target, failure, attempts, done = row
    return Delivery(
        batch=batch, id=id_, owner=owner, target=target, failure=failure, attempts=attempts, done=bool(done)
    )
