"""Items of batches: claimed, finished, put back, read.

Rule 1. A claim is the session's number on the row; every later write names it, so a worker that woke up late writes
nothing.
Rule 2. Result, usage, charge, log line and counts of a group are one transaction.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from asbru.model.batches import ItemResult, Outcome
from asbru.model.names import Format
from asbru.model.record import Record
from asbru.model.usage import Usage
from asbru.store import meters
from asbru.store.blobs import Appender, Place
from asbru.store.db import Db, savepoint
from asbru.store.logs import charge_of, write_charges, write_lines
from asbru.store.spending import fitting
from asbru.store.stopping import end_if_done, stop_all
from asbru.store.twins import settle

_encode = msgspec.json.Encoder().encode
_usage = msgspec.json.Decoder(Usage).decode


class Claimed(Struct, frozen=True):
    """An item that is ours to run. ``batch``: the batch's number. ``attempts``: how often it failed before."""

    batch: int
    n: int
    custom_id: str
    provider: str
    model: str
    attempts: int
    ask: Place


class Done(Struct, frozen=True, kw_only=True):
    """What became of an item. ``format``: of ``body``. ``record``: its log line and charge, None for an item that
    never ran.
    """

    batch: int
    n: int
    outcome: Outcome
    format: Format
    status: int = 0
    body: bytes = b""
    request_id: str = ""
    usage: Usage = Usage()
    cost: int = 0
    took: float = 0.0
    record: Record | None = None


class Postponed(Struct, frozen=True):
    """An item to try again, not before a time. ``failed``: this counts as one of its attempts."""

    batch: int
    n: int
    not_before: float
    failed: bool = True


CLAIM = (
    "UPDATE items SET state = 'claimed', lease = ?1 WHERE (batch, n) IN (SELECT batch, n FROM items"
    " WHERE batch = ?2 AND provider = ?3 AND state = 'waiting' AND not_before <= ?4 ORDER BY not_before, n LIMIT ?5"
    " /*! FOR UPDATE SKIP LOCKED */)"
    " RETURNING batch, n, custom_id, provider, model, attempts, ask_segment, ask_at, ask_length"
)
FINISH = (
    "UPDATE items SET state = ?, format = ?, status = ?, reply_segment = ?, reply_at = ?, reply_length = ?,"
    " request_id = ?, usage = ?, cost = ?, took = ?, model = CASE ? WHEN '' THEN model ELSE ? END, lease = 0"
    " WHERE batch = ? AND n = ? AND state = 'claimed' AND lease = ?"
)
POSTPONE = (
    "UPDATE items SET state = 'waiting', lease = 0, not_before = ?, attempts = attempts + ?"
    " WHERE batch = ? AND n = ? AND state = 'claimed' AND lease = ?"
)
COLLECT = (
    "UPDATE items SET state = ?, format = ?, status = ?, reply_segment = ?, reply_at = ?, reply_length = ?,"
    " request_id = ?, usage = ?, cost = ?, took = ?, model = CASE ? WHEN '' THEN model ELSE ? END, lease = 0,"
    " moved = '' WHERE batch = ? AND n = ?"
    " AND (state = 'submitted' OR (state = 'waiting' AND ? = 'succeeded')) AND job = ?"
)
_ADD = (
    "UPDATE batches SET remaining = remaining - ?, succeeded = succeeded + ?, errored = errored + ?,"
    " canceled = canceled + ?, expired = expired + ?, cost = cost + ?, input = input + ?, output = output + ?,"
    " cache_read = cache_read + ?, cache_write_5m = cache_write_5m + ?, cache_write_1h = cache_write_1h + ?,"
    " reasoning = reasoning + ?, input_audio = input_audio + ?, output_audio = output_audio + ?,"
    " reserved = reserved - ? WHERE seq = ?"
)
Which = Literal["all", "succeeded", "failed"]
"""Which results: ``failed`` are those errored, canceled and expired."""

_READ = (
    "SELECT i.n, i.custom_id, i.state, CASE i.format WHEN '' THEN b.format ELSE i.format END, i.status,"
    " i.reply_segment, i.reply_at, i.reply_length, i.request_id, i.provider, i.model, i.usage, i.cost, i.took, i.note,"
    " i.job IS NOT NULL, i.moved,"
    " COALESCE((SELECT f.custom_id FROM items f WHERE f.batch = i.batch AND f.n = i.twin), '')"
    " FROM items i JOIN batches b ON b.seq = i.batch"
    " WHERE i.batch = ? AND i.n > ? AND i.state IN ({}) ORDER BY i.n LIMIT ?"
)
READ: Mapping[Which, str] = {
    "all": _READ.format("'succeeded', 'errored', 'canceled', 'expired'"),
    "succeeded": _READ.format("'succeeded'"),
    "failed": _READ.format("'errored', 'canceled', 'expired'"),
}


def claim(db: Db, session: int, share: tuple[int, str], now: float, most: int) -> list[Claimed]:
    """Up to ``most`` waiting items of one batch and provider, in order; empty when there are none due, when the batch
    is paused, or when its limit lets none go now.
    """
    batch, provider = share
    most = fitting(db, share, now, most)
    if not most:
        return []
    rows = db.execute(CLAIM, (session, batch, provider, now, most)).fetchall()
    rows.sort(key=lambda row: row[1])
    return [Claimed(r[0], r[1], r[2], r[3], r[4], r[5], Place(*r[6:9])) for r in rows]


def finish(db: Db, session: int, group: Sequence[Done], segments: Appender, now: float) -> int:
    """Write what became of claimed items; returns how many were still ours. Charges and logs those, and only those."""
    return _write(db, FINISH, (session,), group, (segments, now))


def collect(db: Db, job: str, group: Sequence[Done], segments: Appender, now: float) -> int:
    """Write what became of submitted items of a job, and successes of those that our engine was to take over and has
    not begun; items that have a result already keep it.
    """
    return _write(db, COLLECT, (job,), group, (segments, now))


def _write(db: Db, statement: str, fence: tuple[int | str], group: Sequence[Done], ends: tuple[Appender, float]) -> int:
    segments, now = ends
    places = [segments.append(done.body) for done in group]
    rows = [_row(done, place, fence) for done, place in zip(group, places, strict=True)]
    written = _update(db, statement, rows, group)
    uses = {(place.segment, done.batch) for done, place in zip(group, places, strict=True) if place.segment}
    db.executemany("INSERT INTO segment_uses (segment, batch) VALUES (?, ?) ON CONFLICT DO NOTHING", list(uses))
    records = [done.record for done in written if done.record is not None]
    write_charges(db, [charge_of(record) for record in records])
    meters.spend(db, [(spend, record.at) for record in records for spend in record.spends])
    write_lines(db, records)
    _add(db, written, now)
    return len(written)


def _row(done: Done, place: Place, fence: tuple[int | str]) -> tuple[object, ...]:
    # Who failed is to be asked again for what was wanted, not for the last fallback that was tried.
    model = done.record.model if done.record is not None and done.outcome is Outcome.SUCCEEDED else ""
    return (
        *(done.outcome, done.format, done.status, place.segment, place.at, place.length, done.request_id),
        *(_encode(done.usage).decode(), done.cost, done.took, model, model, done.batch, done.n),
        # A job's result also says how it ended: see COLLECT.
        *((str(done.outcome),) if isinstance(fence[0], str) else ()),
        *fence,
    )


class _Mixed(Exception):
    """Not all rows of a group were ours."""


def _update(db: Db, statement: str, rows: list[tuple[object, ...]], group: Sequence[Done]) -> Sequence[Done]:
    """Those of ``group`` whose row was changed. All at once, as a fenced row is rare; one by one if there is one."""
    try:
        with savepoint(db):
            if db.executemany(statement, rows).rowcount != len(rows):
                raise _Mixed
    except _Mixed:
        return [done for done, row in zip(group, rows, strict=True) if db.execute(statement, row).rowcount == 1]
    return group


def _add(db: Db, written: Sequence[Done], now: float) -> None:
    """Bring the counts of the batches up to date, and end those that are done."""
    for batch in sorted({done.batch for done in written}):
        mine = [done for done in written if done.batch == batch]
        outcomes = Counter(done.outcome for done in mine)
        usages = [done.usage for done in mine]
        counts = [len(mine), *(outcomes[outcome] for outcome in Outcome)]
        tokens = [sum(getattr(usage, name) for usage in usages) for name in _TOKENS]
        numbers = [done.n for done in mine]
        db.execute(_ADD, (*counts, sum(done.cost for done in mine), *tokens, _reserved(db, batch, numbers), batch))
        settle(db, batch, numbers)
        end_if_done(db, batch, now)


def _reserved(db: Db, batch: int, numbers: Sequence[int]) -> int:
    """What was reserved for these items."""
    marks = ", ".join("?" * len(numbers))
    statement = f"SELECT COALESCE(SUM(reserve), 0) FROM items WHERE batch = ? AND n IN ({marks})"  # noqa: S608  Marks.
    return int(db.execute(statement, (batch, *numbers)).fetchone()[0])


_TOKENS = (
    *("input", "output", "cache_read", "cache_write_5m", "cache_write_1h"),
    *("reasoning", "input_audio", "output_audio"),
)


def postpone(db: Db, session: int, group: Iterable[Postponed], now: float) -> None:
    """Put claimed items back; those of a batch that is being stopped are withdrawn."""
    rows = [(item.not_before, int(item.failed), item.batch, item.n, session) for item in group]
    db.executemany(POSTPONE, rows)
    stop_all(db, now)


Row = tuple[ItemResult, Place]


def read(db: Db, batch: int, after: int, which: Which, most: int) -> list[Row]:
    """Items with an outcome, in order from the one after number ``after``, with the place of their body."""
    return [_result(row) for row in db.execute(READ[which], (batch, after, most))]


def reply_bytes(db: Db, batch: int) -> int:
    """How long all results of a batch are together."""
    found: int = db.execute("SELECT COALESCE(SUM(reply_length), 0) FROM items WHERE batch = ?", (batch,)).fetchone()[0]
    return found


_ASKS = (
    "SELECT ask_segment, ask_at, ask_length FROM items WHERE batch = ? AND n > ?"
    " AND state IN ('succeeded', 'errored', 'canceled', 'expired') ORDER BY n LIMIT ?"
)


def asks(db: Db, batch: int, after: int, most: int) -> list[Place]:
    """Where the requests of the items lie that ``read`` gives with the same numbers, all of them."""
    return [Place(*row) for row in db.execute(_ASKS, (batch, after, most))]


def with_body(result: ItemResult, body: bytes) -> ItemResult:
    """``result`` with its body, read from where it lies."""
    return msgspec.structs.replace(result, body=body)


def _result(row: tuple[Any, ...]) -> Row:
    n, custom_id, state, format_, status, segment, at, length, request_id, provider, model = row[:11]
    usage, cost, took, note, in_job, moved, copy_of = row[11:]
    result = ItemResult(
        n=n,
        custom_id=custom_id,
        outcome=Outcome(state),
        format=Format(format_),
        status=status,
        request_id=request_id,
        provider=provider,
        model=model,
        usage=_usage(usage),
        cost=cost,
        took=took,
        note=note,
        native=bool(in_job) and not moved,
        moved=moved,
        copy_of=copy_of,
    )
    return result, Place(segment, at, length)
