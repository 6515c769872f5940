"""Items that are the same as one before them: they wait for its result and get it, at no cost."""

from collections import Counter
from collections.abc import Sequence

from asbru.model.batches import Outcome
from asbru.store.db import Db

_COPY = (
    "UPDATE items SET (state, format, status, reply_segment, reply_at, reply_length, request_id, model, job) ="
    " (SELECT f.state, f.format, f.status, f.reply_segment, f.reply_at, f.reply_length, f.request_id, f.model, f.job"
    " FROM items f WHERE f.batch = items.batch AND f.n = items.twin)"
    " WHERE batch = ? AND state = 'twin' AND {} RETURNING state"
)
_EACH = "twin IN ({})"
_ALL = (
    "EXISTS (SELECT 1 FROM items f WHERE f.batch = items.batch AND f.n = items.twin"
    " AND f.state IN ('succeeded', 'errored', 'canceled', 'expired'))"
)
COPY_ALL = _COPY.format(_ALL)


def settle(db: Db, batch: int, finished: Sequence[int] | None = None) -> None:
    """Give twins of ``finished`` items (None: of all) their results, and count them. The caller ends the batch."""
    row = db.execute("SELECT twins FROM batches WHERE seq = ?", (batch,)).fetchone()
    if row is None or not row[0]:
        return
    if finished is None:
        copied = db.execute(COPY_ALL, (batch,)).fetchall()
    else:
        statement = _COPY.format(_EACH.format(", ".join("?" * len(finished))))
        copied = db.execute(statement, (batch, *finished)).fetchall()
    if copied:
        outcomes = Counter(state for (state,) in copied)
        db.execute(
            "UPDATE batches SET remaining = remaining - ?, succeeded = succeeded + ?, errored = errored + ?,"
            " canceled = canceled + ?, expired = expired + ? WHERE seq = ?",
            (len(copied), *(outcomes[outcome] for outcome in Outcome), batch),
        )
