"""Batches upstream: which items went out in which job, and where each job stands.

Rule 1. A job is written down before it is sent (``planned``, then ``submitting``) and after (``submitted``): after a
crash in between, the provider is asked whether it has the job before it is ever sent again.
Rule 2. A job is held by one session at a time; every write names it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from asbru.model.batches import Batch
from asbru.store import batches
from asbru.store.blobs import Place
from asbru.store.db import Db
from asbru.store.spending import room
from asbru.store.stopping import end_if_done

_encode = msgspec.json.Encoder().encode
_strings = msgspec.json.Decoder(tuple[str, ...]).decode

JobState = Literal["planned", "submitting", "submitted", "collecting", "ended"]


class JobRow(Struct, frozen=True, kw_only=True):
    """One job. ``batch``: the batch's number. ``key``: id of the provider key, "" for none.

    ``told``: the provider was asked to cancel it. ``failure``: why it was refused as a whole. ``missing``: outcome of
    items without a result. ``attempts``: failed tries of the current step.
    """

    id: str
    batch: int
    provider: str
    key: str
    model: str
    format: str
    state: JobState
    count: int
    size: int
    created_at: float
    due_at: float
    upstream_id: str = ""
    files: tuple[str, ...] = ()
    failure: str = ""
    missing: str = ""
    attempts: int = 0
    told: bool = False


class Queued(Struct, frozen=True):
    """An item that waits for a job."""

    n: int
    custom_id: str
    model: str
    ask: Place
    reserve: int


QUEUED = (
    "SELECT n, custom_id, model, ask_segment, ask_at, ask_length, reserve FROM items"
    " WHERE batch = ? AND provider = ? AND state = 'queued' AND n > ? ORDER BY n LIMIT ?"
)
SUBMIT = "UPDATE items SET state = 'submitted', job = ? WHERE batch = ? AND n = ? AND state = 'queued'"
UNSUBMIT = "UPDATE items SET state = 'queued', job = NULL WHERE state = 'submitted' AND job = ?"
REFUSE = "UPDATE items SET state = 'claimed', lease = ? WHERE batch = ? AND n = ? AND state = 'queued'"
SUBMITTED = "SELECT n FROM items WHERE job = ? AND state = 'submitted' AND n > ? ORDER BY n LIMIT ?"
_RESERVED = "SELECT COALESCE(SUM(reserve), 0) FROM items WHERE job = ? AND state = 'submitted'"
_COLUMNS = (
    "id, batch, provider, key, model, format, state, count, size, created_at, due_at, upstream_id, files, failure,"
    " missing, attempts, told"
)
_INSERT = "INSERT INTO jobs (" + _COLUMNS + ", lease, reserve) VALUES (" + ", ".join("?" * 19) + ")"  # noqa: S608  Our words only.
_HOLD = (
    "UPDATE jobs SET lease = ?1 WHERE id IN (SELECT id FROM jobs"
    " WHERE state <> 'ended' AND due_at <= ?2 AND lease IN (0, ?1) ORDER BY due_at LIMIT ?3"
    " /*! FOR UPDATE SKIP LOCKED */) RETURNING "
)
HOLD = _HOLD + _COLUMNS


def queued(db: Db, share: tuple[int, str], after: int, most: int) -> list[Queued]:
    """Items of one batch and provider that wait for a job, in order from the one after number ``after``."""
    rows = db.execute(QUEUED, (*share, after, most))
    return [Queued(row[0], row[1], row[2], Place(*row[3:6]), row[6]) for row in rows]


def seize(db: Db, session: int, batch: int, numbers: Iterable[int]) -> None:
    """Take queued items as claimed, to finish them without a job (they cannot be converted)."""
    db.executemany(REFUSE, [(session, batch, n) for n in numbers])


def plan(db: Db, session: int, job: JobRow, numbers: Sequence[int]) -> bool:
    """Write a job and its items down, held by ``session``; False, and nothing written, when an item is no longer
    queued, or the batch's limit does not let them go.
    """
    money = room(db, job.batch)
    took = db.executemany(SUBMIT, [(job.id, job.batch, n) for n in numbers]).rowcount
    reserve = int(db.execute(_RESERVED, (job.id,)).fetchone()[0])
    if took != len(numbers) or money is None or reserve > money:
        db.execute(UNSUBMIT, (job.id,))
        return False
    db.execute(_INSERT, (*_values(job), session, reserve))
    return True


def _values(job: JobRow) -> tuple[Any, ...]:
    return (
        *(job.id, job.batch, job.provider, job.key, job.model, job.format, job.state, job.count, job.size),
        *(job.created_at, job.due_at, job.upstream_id, _encode(job.files).decode(), job.failure, job.missing),
        *(job.attempts, int(job.told)),
    )


def hold(db: Db, session: int, now: float, most: int) -> list[JobRow]:
    """Jobs that are due and that nobody else holds; they are the session's now."""
    return [_job(row) for row in db.execute(HOLD, (session, now, most)).fetchall()]


def update(db: Db, session: int, job: JobRow, *, keep: bool, due: float) -> bool:
    """Write where a job stands; False when the session no longer holds it. ``keep``: go on holding it.

    ``due``: when it was due as it was held; a job that was hurried since stays due.
    """
    done = db.execute(
        "UPDATE jobs SET state = ?, upstream_id = ?, files = ?, failure = ?, missing = ?, attempts = ?, told = ?,"
        " due_at = CASE due_at WHEN ? THEN ? ELSE due_at END, lease = ? WHERE id = ? AND lease = ?",
        (
            *(job.state, job.upstream_id, _encode(job.files).decode(), job.failure, job.missing, job.attempts),
            *(int(job.told), due, job.due_at, session if keep else 0, job.id, session),
        ),
    )
    return done.rowcount == 1


def hold_share(db: Db, session: int, share: tuple[int, str]) -> bool:
    """Be the one who gathers a batch's items for a provider; False when another does."""
    statement = "UPDATE shares SET lease = ? WHERE batch = ? AND provider = ? AND lease IN (0, ?)"
    return db.execute(statement, (session, *share, session)).rowcount == 1


def free_share(db: Db, session: int, share: tuple[int, str]) -> None:
    """Have gathered it."""
    db.execute("UPDATE shares SET lease = 0 WHERE batch = ? AND provider = ? AND lease = ?", (*share, session))


def models(db: Db, batch: int, numbers: Iterable[int]) -> dict[int, str]:
    """The models of these items."""
    found = {}
    for n in numbers:
        row = db.execute("SELECT model FROM items WHERE batch = ? AND n = ?", (batch, n)).fetchone()
        if row is not None:
            found[n] = row[0]
    return found


def unplan(db: Db, session: int, job: JobRow, now: float) -> None:
    """Forget a job that was certainly not made upstream: its items are queued again. Nothing when it is somebody
    else's.
    """
    if db.execute("DELETE FROM jobs WHERE id = ? AND lease = ?", (job.id, session)).rowcount:
        db.execute(UNSUBMIT, (job.id,))
        end_if_done(db, job.batch, now)


def outstanding(db: Db, job: str, after: int, most: int) -> list[int]:
    """Numbers of a job's items that have no result yet, in order."""
    return [row[0] for row in db.execute(SUBMITTED, (job, after, most))]


HURRY = "UPDATE jobs SET due_at = ? WHERE batch = ? AND state <> 'ended'"


def cancel(db: Db, owner: str, id: str, now: float) -> tuple[Batch, bool] | None:
    """As ``batches.cancel``; its jobs are told soon."""
    done = batches.cancel(db, owner, id, now)
    found = batches.find(db, owner, id)
    if done is not None and done[1] and found is not None:
        db.execute(HURRY, (now, found[1]))
    return done


def expire(db: Db, now: float) -> None:
    """End the time of every batch that has outlived it; their jobs are told soon."""
    for seq in batches.expired(db, now):
        batches.expire(db, seq, now)
        db.execute(HURRY, (now, seq))


def known(db: Db, provider: str) -> frozenset[str]:
    """Upstream ids of all jobs at a provider."""
    rows = db.execute("SELECT upstream_id FROM jobs WHERE provider = ? AND upstream_id <> ''", (provider,))
    return frozenset(row[0] for row in rows)


def open_ids(db: Db) -> frozenset[str]:
    """Ids of all jobs that have not ended."""
    return frozenset(row[0] for row in db.execute("SELECT id FROM jobs WHERE state <> 'ended'"))


def _job(row: tuple[Any, ...]) -> JobRow:
    return JobRow(
        **dict(zip(_NAMES, row[:11], strict=True)),
        upstream_id=row[11],
        files=_strings(row[12]),
        failure=row[13],
        missing=row[14],
        attempts=row[15],
        told=bool(row[16]),
    )


_NAMES = (
    *("id", "batch", "provider", "key", "model", "format", "state"),
    *("count", "size", "created_at", "due_at"),
)
