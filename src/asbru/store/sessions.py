"""Who is alive: one row per running worker, renewed by heartbeat.

Rule 1. The number of a session is the fencing number of all that its worker claims: numbers only grow and are never
reused.
Rule 2. A session whose heartbeat stood still for LEASE seconds, or whose worker is known to be dead, is removed; what
it had claimed is free again, and whatever it still writes under its old number changes nothing.
Rule 3. Whether a heartbeat stands still is seen by others on their own monotonic clocks: ``until`` is for people, and
for that it changes. No clock that jumps, here or on another machine, ends a session.
"""

from collections.abc import Callable, Collection

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


def end(db: Db, sessions: Collection[int], now: float) -> None:
    """End sessions and free what they hold."""
    if sessions:
        db.executemany("DELETE FROM sessions WHERE seq = ?", [(session,) for session in sessions])
        free(db, now)


def end_worker(db: Db, worker: str, now: float) -> None:
    """End all sessions of a worker that is known to be dead, and free what they hold."""
    db.execute("DELETE FROM sessions WHERE worker = ?", (worker,))
    free(db, now)


class Watch:
    """Remembers the heartbeats of the others. ``ticks``: monotonic seconds."""

    def __init__(self, ticks: Callable[[], float]) -> None:
        self._ticks = ticks
        self._seen: dict[int, tuple[float, float, bool]] = {}

    def dead(self, db: Db, absent: Collection[int] = ()) -> list[int]:
        """Look once more: those whose heartbeat stood still for too long.

        ``absent``: sessions that seem to be gone; who was so at two looks, without a heartbeat between them, is dead.
        """
        now = self._ticks()
        seen, dead = {}, []
        for seq, until in db.execute("SELECT seq, until FROM sessions").fetchall():
            before = self._seen.get(seq)
            still = before is not None and before[0] == until
            since = before[1] if before is not None and still else now
            if now - since > LEASE or (before is not None and still and before[2] and seq in absent):
                dead.append(seq)
            else:
                seen[seq] = (until, since, seq in absent)
        self._seen = seen
        return dead


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
