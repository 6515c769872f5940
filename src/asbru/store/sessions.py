"""Who is alive: one row per running worker, renewed by heartbeat.

Rule 1. The number of a session is the fencing number of all that its worker claims: numbers only grow and are never
reused.
Rule 2. A session that is not renewed in time, or whose worker is known to be dead, is removed; what it had claimed is
free again, and whatever it still writes under its old number changes nothing.
"""

from asbru.store.db import Db
from asbru.store.meters import FREE_SLICES
from asbru.store.stopping import stop_all

LEASE = 30.0
"""Seconds for which a heartbeat holds."""


BEGIN = "INSERT INTO sessions (worker, until) VALUES (?, ?) RETURNING seq"


def begin(db: Db, worker: str, until: float) -> int:
    """A new session; its number."""
    return int(db.execute(BEGIN, (worker, until)).fetchone()[0])


def renew(db: Db, session: int, until: float) -> bool:
    """Whether the session was still there."""
    return db.execute("UPDATE sessions SET until = ? WHERE seq = ?", (until, session)).rowcount == 1


def end(db: Db, session: int, now: float) -> None:
    """End one session and free what it holds."""
    db.execute("DELETE FROM sessions WHERE seq = ?", (session,))
    free(db, now)


def end_worker(db: Db, worker: str, now: float) -> None:
    """End all sessions of a worker that is known to be dead, and free what they hold."""
    db.execute("DELETE FROM sessions WHERE worker = ?", (worker,))
    free(db, now)


def end_all(db: Db, now: float) -> None:
    """End every session: the caller knows that nobody else is alive."""
    db.execute("DELETE FROM sessions")
    free(db, now)


def lapse(db: Db, now: float) -> None:
    """End the sessions that were not renewed in time, and free what they hold."""
    if db.execute("DELETE FROM sessions WHERE until < ?", (now,)).rowcount:
        free(db, now)


FREE_ITEMS = (
    "UPDATE items SET state = 'waiting', lease = 0 WHERE state = 'claimed' AND lease NOT IN (SELECT seq FROM sessions)"
)
FREE_JOBS = (
    "UPDATE jobs SET lease = 0 WHERE state <> 'ended' AND lease <> 0 AND lease NOT IN (SELECT seq FROM sessions)"
)
FREE_HOOKS = (
    "UPDATE webhooks SET lease = 0 WHERE done_at IS NULL AND lease <> 0 AND lease NOT IN (SELECT seq FROM sessions)"
)


def free(db: Db, now: float) -> None:
    """What nobody alive holds is free again."""
    db.execute(FREE_ITEMS)
    db.execute(FREE_JOBS)
    db.execute("UPDATE deliveries SET lease = 0 WHERE lease <> 0 AND lease NOT IN (SELECT seq FROM sessions)")
    db.execute(FREE_HOOKS)
    db.execute("UPDATE shares SET lease = 0 WHERE lease <> 0 AND lease NOT IN (SELECT seq FROM sessions)")
    db.execute(FREE_SLICES)
    stop_all(db, now)
