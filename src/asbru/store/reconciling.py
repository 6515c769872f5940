"""Compares the books: the ledger with the request log, with the batches, and with the meters of limits."""

from collections.abc import Iterator

from asbru.store.db import Db

_MOST = 20
"""Most offences of one kind that are told."""

_UNLIKE_LOG = (
    "SELECT l.id, l.cost, g.cost FROM logs l JOIN ledger g ON g.id = l.id WHERE l.cost <> g.cost ORDER BY l.id LIMIT ?"
)
_UNCHARGED = (
    "SELECT l.id, l.cost FROM logs l LEFT JOIN ledger g ON g.id = l.id WHERE l.cost > 0 AND g.id IS NULL"
    " ORDER BY l.id LIMIT ?"
)
_UNLIKE_BATCH = (
    "SELECT b.id, b.cost, COALESCE(SUM(g.cost), 0) FROM batches b LEFT JOIN ledger g ON g.batch = b.id"
    " WHERE b.archived_at IS NULL AND b.deleted_at IS NULL GROUP BY b.id, b.cost"
    " HAVING b.cost <> COALESCE(SUM(g.cost), 0) ORDER BY b.id LIMIT ?"
)
_UNLIKE_ITEMS = (
    "SELECT b.id, b.cost, COALESCE(SUM(i.cost), 0) FROM batches b LEFT JOIN items i ON i.batch = b.seq"
    " WHERE b.archived_at IS NULL AND b.deleted_at IS NULL GROUP BY b.id, b.cost"
    " HAVING b.cost <> COALESCE(SUM(i.cost), 0) ORDER BY b.id LIMIT ?"
)


def totals(db: Db) -> tuple[int, int]:
    """Charges in the ledger, and their sum in nano-dollars."""
    row = db.execute("SELECT COUNT(*), COALESCE(SUM(cost), 0) FROM ledger").fetchone()
    return int(row[0]), int(row[1])


def offences(db: Db) -> Iterator[str]:
    """What does not agree, in words; of each kind twenty at most."""
    for id, said, charged in db.execute(_UNLIKE_LOG, (_MOST,)):
        yield f"request {id}: the log says {said} nano-dollars, the ledger {charged}"
    for id, said in db.execute(_UNCHARGED, (_MOST,)):
        yield f"request {id}: the log says {said} nano-dollars, and the ledger has no charge"
    for id, said, charged in db.execute(_UNLIKE_BATCH, (_MOST,)):
        yield f"batch {id}: it says {said} nano-dollars, its charges come to {charged}"
    for id, said, charged in db.execute(_UNLIKE_ITEMS, (_MOST,)):
        yield f"batch {id}: it says {said} nano-dollars, its items come to {charged}"
