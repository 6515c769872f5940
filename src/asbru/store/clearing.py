"""Taking away what is no longer wanted, in small steps: archived and deleted batches, intakes that never opened,
segments.
"""

from collections.abc import Collection

from asbru.store.db import Db

_STEP = 5_000
"""Rows removed in one transaction: others wait less than 100 ms."""


def archive(db: Db, before: float, now: float) -> None:
    """Archive ended batches that were created before a time: their results are refused from now on."""
    db.execute(
        "UPDATE batches SET archived_at = ? WHERE archived_at IS NULL AND created_at <= ? AND ended_at IS NOT NULL",
        (now, before),
    )


DOOMED = (
    "SELECT seq FROM batches WHERE deleted_at IS NOT NULL UNION ALL"
    " SELECT b.seq FROM segment_uses u JOIN batches b ON b.seq = u.batch WHERE b.archived_at IS NOT NULL LIMIT 1"
)


def clear_step(db: Db) -> bool:
    """Remove some rows of one deleted or archived batch; whether there may be more to do."""
    row = db.execute(DOOMED).fetchone()
    if row is None:
        return False
    if not _clear_items(db, row[0]):
        db.execute("DELETE FROM segment_uses WHERE batch = ?", row)
        db.execute("DELETE FROM idempotency WHERE batch = ?", row)
        db.execute("DELETE FROM batches WHERE seq = ? AND deleted_at IS NOT NULL", row)
    return True


def _clear_items(db: Db, batch: int) -> int:
    step = "DELETE FROM items WHERE batch = ?1 AND n IN (SELECT n FROM items WHERE batch = ?1 ORDER BY n LIMIT ?2)"
    return db.execute(step, (batch, _STEP)).rowcount


def abandon_intakes(db: Db, before: float) -> None:
    """Doom intakes begun before a time that never opened: their writer is dead."""
    db.execute("UPDATE batches SET deleted_at = created_at WHERE phase = 'intake' AND created_at <= ?", (before,))


def unused_segments(db: Db, names: Collection[str], mine: tuple[str, str]) -> list[str]:
    """Those of ``names`` that nothing refers to and nobody writes.

    ``mine``: stem and name of what the caller writes; what another living session has made is left alone.
    """
    used = {row[0] for row in db.execute("SELECT DISTINCT segment FROM segment_uses")}
    stem, name = mine
    others = {str(row[0]) for row in db.execute("SELECT seq FROM sessions")} - {stem}
    return [each for each in names if each not in used and each != name and each.rpartition("-")[0] not in others]
