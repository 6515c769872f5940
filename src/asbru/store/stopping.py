"""How a batch comes to its end: items withdrawn before they ran, and the moment nothing remains."""

from asbru.store.db import Db

WITHDRAW = (
    "UPDATE items SET state = ? WHERE batch = ? AND state = 'waiting'",
    "UPDATE items SET state = ? WHERE batch = ? AND state = 'queued'",
)
"""Two statements, as each state has its own index."""

_OUTCOME = {"canceling": "canceled", "expiring": "expired"}
_COUNT = {
    "canceled": "UPDATE batches SET remaining = remaining - ?1, canceled = canceled + ?1 WHERE seq = ?2",
    "expired": "UPDATE batches SET remaining = remaining - ?1, expired = expired + ?1 WHERE seq = ?2",
}
END = (
    "UPDATE batches SET phase = 'ended', ended_at = ?"
    " WHERE seq = ? AND remaining = 0 AND phase IN ('in_progress', 'canceling', 'expiring')"
)


def stop(db: Db, batch: int, phase: str, now: float) -> None:
    """Withdraw what has not been sent from a batch that is ``canceling`` or ``expiring``."""
    outcome = _OUTCOME[phase]
    gone = sum(db.execute(statement, (outcome, batch)).rowcount for statement in WITHDRAW)
    if gone:
        db.execute(_COUNT[outcome], (gone, batch))
    end_if_done(db, batch, now)


def stop_all(db: Db, now: float) -> None:
    """Withdraw what came back unsent from every batch that is being stopped."""
    stopping = "SELECT seq, phase FROM batches WHERE ended_at IS NULL AND phase IN ('canceling', 'expiring')"
    for batch, phase in db.execute(stopping).fetchall():
        stop(db, batch, phase, now)


def end_if_done(db: Db, batch: int, now: float) -> None:
    """End the batch when no item is without an outcome."""
    db.execute(END, (now, batch))
