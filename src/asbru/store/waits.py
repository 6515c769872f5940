"""Waits that a clock made endless: when the time of day is set back, what was due in a minute would be due in hours.

Rule 1. Nothing here is ever put off by more than HORIZON seconds. What seems to be due later was written by a clock
that was wrong, then or now: it is due at once.
"""

from asbru.store.db import Db

HORIZON = 3_600.0
"""Seconds: longer than any wait between tries, any that a provider may ask for, and any between two polls."""

_SHARES = (
    "SELECT s.batch, s.provider FROM shares s JOIN batches b ON b.seq = s.batch"
    " WHERE b.ended_at IS NULL AND b.phase <> 'intake'"
)
ITEMS = "UPDATE items SET not_before = 0 WHERE batch = ? AND provider = ? AND state = 'waiting' AND not_before > ?"
DUE = (
    "UPDATE jobs SET due_at = ? WHERE state <> 'ended' AND due_at > ?",
    "UPDATE webhooks SET due_at = ? WHERE done_at IS NULL AND due_at > ?",
    "UPDATE deliveries SET due_at = ? WHERE done_at IS NULL AND due_at > ?",
)


def cut_short(db: Db, now: float) -> None:
    """End the waits that are longer than any may be."""
    for share in db.execute(_SHARES).fetchall():
        db.execute(ITEMS, (*share, now + HORIZON))
    for statement in DUE:
        db.execute(statement, (now, now + HORIZON))
