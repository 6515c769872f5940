"""Webhooks that are to be told of the end of a batch: rows made by the end itself, held by one session at a time."""

from msgspec import Struct

from asbru.model.batches import Batch
from asbru.store import batches
from asbru.store.db import Db


class Hook(Struct, frozen=True, kw_only=True):
    """One delivery. ``batch``: the batch's number. ``attempts``: those that failed."""

    id: str
    batch: int
    url: str
    attempts: int
    created_at: float


_DUE = "SELECT 1 FROM webhooks WHERE done_at IS NULL AND due_at <= ? LIMIT 1"
HOLD = (
    "UPDATE webhooks SET lease = ?1 WHERE id IN (SELECT id FROM webhooks"
    " WHERE done_at IS NULL AND due_at <= ?2 AND lease IN (0, ?1) ORDER BY due_at LIMIT ?3"
    " /*! FOR UPDATE SKIP LOCKED */) RETURNING id, batch, url, attempts, created_at"
)


def due(db: Db, now: float) -> bool:
    """Whether any is to be delivered now."""
    return db.execute(_DUE, (now,)).fetchone() is not None


def hold(db: Db, session: int, now: float, most: int) -> list[Hook]:
    """Those to be delivered now, which are the session's from now on."""
    rows = db.execute(HOLD, (session, now, most)).fetchall()
    return [Hook(id=row[0], batch=row[1], url=row[2], attempts=row[3], created_at=row[4]) for row in rows]


def batch_of(db: Db, hook: Hook) -> Batch | None:
    """The batch that it is about, be it deleted or not; None when its row is gone."""
    return batches.numbered(db, hook.batch)


def delivered(db: Db, session: int, hook: Hook, now: float) -> None:
    """It was taken."""
    _write(db, session, hook, (now, "", hook.attempts, now))


def failed(db: Db, session: int, hook: Hook, failure: str, times: tuple[float | None, float]) -> None:
    """It was not taken. ``times``: when it is tried again, None for never; now."""
    due, now = times
    _write(db, session, hook, (due if due is not None else now, failure, hook.attempts + 1, None if due else now))


def _write(db: Db, session: int, hook: Hook, values: tuple[float, str, int, float | None]) -> None:
    db.execute(
        "UPDATE webhooks SET due_at = ?, failure = ?, attempts = ?, done_at = ?, lease = 0 WHERE id = ? AND lease = ?",
        (*values, hook.id, session),
    )
