"""The limit of what a batch may cost: how much of it is left, and the end of a batch when nothing is.

Rule 1. Under way is what was reserved for claimed items and for jobs that have not ended; a job counts whole till then.
Rule 2. Whoever puts something under way holds the batch's row from the look to the commit: no two take the same money.
Rule 3. A batch is stopped when its next item does not fit and nothing is under way that could turn out cheaper.
"""

from asbru.store.blobs import Place
from asbru.store.db import Db
from asbru.store.stopping import RESERVED, end_if_done
from asbru.store.twins import settle

UNLIMITED = 1 << 62
MAX_COST = "max_cost"
"""Why a batch was stopped."""

_LIMIT = "SELECT paused_at, stopped, max_cost, cost FROM batches WHERE seq = ?"
_CLAIMED = "SELECT COALESCE(SUM(reserve), 0) FROM items WHERE state = 'claimed' AND batch = ?"
_IN_JOBS = "SELECT COALESCE(SUM(reserve), 0) FROM jobs WHERE batch = ? AND state <> 'ended'"
_NEXT = (
    "SELECT reserve FROM items WHERE batch = ? AND provider = ? AND state = 'waiting' AND not_before <= ?"
    " ORDER BY not_before, n LIMIT ?"
)


def under_way(db: Db, batch: int) -> int:
    """Nano-dollars that are reserved for what has been sent, or is about to be."""
    return sum(int(db.execute(statement, (batch,)).fetchone()[0]) for statement in (_CLAIMED, _IN_JOBS))


def left(db: Db, batch: int) -> int | None:
    """Nano-dollars that may still be put under way: UNLIMITED without a limit, None while nothing may be."""
    row = db.execute(_LIMIT, (batch,)).fetchone()
    if row is None or row[0] is not None or row[1]:
        return None
    return row[2] - row[3] - under_way(db, batch) if row[2] else UNLIMITED


def room(db: Db, batch: int) -> int | None:
    """The same, and nobody else puts anything under way before this transaction ends."""
    found = left(db, batch)
    if found is None or found == UNLIMITED:
        return found
    db.execute("UPDATE batches SET max_cost = max_cost WHERE seq = ?", (batch,))
    return left(db, batch)


def fitting(db: Db, share: tuple[int, str], now: float, most: int) -> int:
    """How many of the next waiting items, ``most`` at most, may be put under way. May stop the batch."""
    batch, provider = share
    money = room(db, batch)
    if money is None or money == UNLIMITED:
        return 0 if money is None else most
    reserves = [row[0] for row in db.execute(_NEXT, (batch, provider, now, most))]
    for count, reserve in enumerate(reserves):
        money -= reserve
        if money < 0:
            if count == 0:
                stop_if_idle(db, batch)
            return count
    return len(reserves)


def stop_if_idle(db: Db, batch: int) -> None:
    """Nothing more fits: stop the batch, unless something under way may turn out cheaper than was reserved for it."""
    if under_way(db, batch) == 0:
        statement = "UPDATE batches SET stopped = ? WHERE seq = ? AND phase = 'in_progress' AND stopped = ''"
        db.execute(statement, (MAX_COST, batch))


_END = (
    "UPDATE items SET state = 'errored', format = ?, status = ?, reply_segment = ?, reply_at = ?, reply_length = ?,"
    " request_id = ? WHERE batch = ? AND state = '{}'"
)
END_WAITING = _END.format("waiting")
END_QUEUED = _END.format("queued")


def end(db: Db, batch: int, failed: tuple[str, int, Place, str], now: float) -> None:
    """Give all items of a stopped batch that have not been sent one result. ``failed``: format, status, body,
    request id.
    """
    format, status, place, request_id = failed
    values = (format, status, place.segment, place.at, place.length, request_id, batch)
    release = sum(int(db.execute(statement, (batch,)).fetchone()[0]) for statement in RESERVED)
    gone = sum(db.execute(statement, values).rowcount for statement in (END_WAITING, END_QUEUED))
    if gone:
        use = "INSERT INTO segment_uses (segment, batch) VALUES (?, ?) ON CONFLICT DO NOTHING"
        db.execute(use, (place.segment, batch))
        counts = (
            "UPDATE batches SET remaining = remaining - ?, errored = errored + ?, reserved = reserved - ? WHERE seq = ?"
        )
        db.execute(counts, (gone, gone, release, batch))
    settle(db, batch)
    end_if_done(db, batch, now)
