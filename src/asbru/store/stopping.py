"""How a batch comes to its end: items withdrawn before they ran, and the moment nothing remains."""

from asbru.store.db import Db
from asbru.store.twins import settle

WITHDRAW = (
    "UPDATE items SET state = ? WHERE batch = ? AND state = 'waiting'",
    "UPDATE items SET state = ? WHERE batch = ? AND state = 'queued'",
)
"""Two statements, as each state has its own index."""
RESERVED = (
    "SELECT COALESCE(SUM(reserve), 0) FROM items WHERE batch = ? AND state = 'waiting'",
    "SELECT COALESCE(SUM(reserve), 0) FROM items WHERE batch = ? AND state = 'queued'",
)
_TELL = (
    "INSERT INTO webhooks (id, batch, url, created_at, due_at) SELECT 'msg_' || id, seq, webhook, ended_at, ended_at"
    " FROM batches WHERE seq = ? AND webhook <> '' ON CONFLICT (id) DO NOTHING"
)

_OUTCOME = {"canceling": "canceled", "expiring": "expired"}
_COUNT = {
    "canceled": "UPDATE batches SET remaining = remaining - ?1, canceled = canceled + ?1 WHERE seq = ?2",
    "expired": "UPDATE batches SET remaining = remaining - ?1, expired = expired + ?1 WHERE seq = ?2",
}
END = (
    "UPDATE batches SET phase = 'ended', ended_at = ?, reserved = 0"
    " WHERE seq = ? AND remaining = 0 AND phase IN ('in_progress', 'canceling', 'expiring')"
)


def stop(db: Db, batch: int, phase: str, now: float) -> None:
    """Withdraw what has not been sent from a batch that is ``canceling`` or ``expiring``."""
    outcome = _OUTCOME[phase]
    release = sum(int(db.execute(statement, (batch,)).fetchone()[0]) for statement in RESERVED)
    gone = sum(db.execute(statement, (outcome, batch)).rowcount for statement in WITHDRAW)
    if gone:
        db.execute(_COUNT[outcome], (gone, batch))
        db.execute("UPDATE batches SET reserved = reserved - ? WHERE seq = ?", (release, batch))
    settle(db, batch)
    end_if_done(db, batch, now)


def stop_all(db: Db, now: float) -> None:
    """Withdraw what came back unsent from every batch that is being stopped."""
    stopping = "SELECT seq, phase FROM batches WHERE ended_at IS NULL AND phase IN ('canceling', 'expiring')"
    for batch, phase in db.execute(stopping).fetchall():
        stop(db, batch, phase, now)


def end_if_done(db: Db, batch: int, now: float) -> None:
    """End the batch when no item is without an outcome, and have that told to its webhook."""
    if db.execute(END, (now, batch)).rowcount:
        db.execute(_TELL, (batch,))
