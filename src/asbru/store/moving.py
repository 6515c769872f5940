"""Items that leave a provider's batch API for our engine: their job is late, was refused, or cannot be made.

The job is kept with them: a success that it still brings before our engine has begun is taken (``items.COLLECT``).
"""

from collections.abc import Iterable

from asbru.store.db import Db

_MOVE = "UPDATE items SET state = 'waiting', moved = ?, not_before = 0, reserve = reserve_live, lease = 0 WHERE "
_MORE = "SELECT COALESCE(SUM(reserve_live - reserve), 0) FROM items WHERE "
_SUBMITTED = "job = ? AND state = 'submitted'"
_QUEUED = "batch = ? AND provider = ? AND state = 'queued'"
_ONE = "batch = ? AND n = ? AND state = 'queued'"
MOVE_SUBMITTED = _MOVE + _SUBMITTED
MOVE_QUEUED = _MOVE + _QUEUED
MOVE_ONE = _MOVE + _ONE


def move(db: Db, batch: int, job: str, reason: str) -> int:
    """Items of a job that have no result yet; how many."""
    more = db.execute(_MORE + _SUBMITTED, (job,)).fetchone()[0]
    return _moved(db, batch, db.execute(MOVE_SUBMITTED, (reason, job)).rowcount, int(more))


def move_queued(db: Db, share: tuple[int, str], reason: str) -> int:
    """Items of one batch and provider that wait for a job; how many."""
    more = db.execute(_MORE + _QUEUED, share).fetchone()[0]
    return _moved(db, share[0], db.execute(MOVE_QUEUED, (reason, *share)).rowcount, int(more))


def move_items(db: Db, batch: int, numbers: Iterable[int], reason: str) -> int:
    """Some items that wait for a job; how many."""
    count = more = 0
    for n in numbers:
        more += int(db.execute(_MORE + _ONE, (batch, n)).fetchone()[0])
        count += db.execute(MOVE_ONE, (reason, batch, n)).rowcount
    return _moved(db, batch, count, more)


def _moved(db: Db, batch: int, count: int, more: int) -> int:
    if count:
        db.execute("UPDATE batches SET reserved = reserved + ? WHERE seq = ?", (more, batch))
    return count
