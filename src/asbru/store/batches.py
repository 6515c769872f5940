"""Batches: rows to model and back. Every question is asked with an owner, and answered as if others' batches did not
exist.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from asbru.model.batches import About, Batch, Books, Controls, Counts, Mode, Phase, State, Status
from asbru.model.names import Format
from asbru.model.usage import Usage
from asbru.store import deliveries
from asbru.store.blobs import Place
from asbru.store.db import Conflict, Db
from asbru.store.stopping import stop

_encode = msgspec.json.Encoder().encode
_strings = msgspec.json.Decoder(tuple[str, ...]).decode
_about = msgspec.json.Decoder(About).decode
_headers = msgspec.json.Decoder(dict[str, str]).decode


class NewBatch(Struct, frozen=True, kw_only=True):
    """A batch to be stored. ``headers`` go upstream with every item. ``key`` and ``digest``: its idempotency key, or
    "". ``estimate``: nano-dollars to reserve. ``twins``: items that are copies of others.
    """

    id: str
    owner: str
    format: Format
    provider: str
    mode: Mode
    headers: Mapping[str, str]
    about: About = About()
    controls: Controls = Controls()
    estimate: int = 0
    twins: int = 0
    rerun_of: str = ""
    models: tuple[str, ...]
    total: int
    created_at: float
    expires_at: float
    key: str = ""
    digest: str = ""

    @property
    def deadline(self) -> float | None:
        """When it is wanted."""
        return self.created_at + self.controls.deadline if self.controls.deadline else None


class NewItem(Struct, frozen=True):
    """An item to be stored. ``state``: WAITING for our engine, QUEUED for the provider's batch API.

    ``note``: JSON that its result is to carry, "" for none. ``reserve``: nano-dollars that it costs at most,
    ``reserve_live``: on our engine. ``twin``: see ``State.TWIN``.
    """

    n: int
    custom_id: str
    state: State
    provider: str
    model: str
    ask: Place
    note: str = ""
    reserve: int = 0
    reserve_live: int = 0
    twin: int | None = None


class Active(Struct, frozen=True, kw_only=True):
    """A batch with work left. ``seq``: its number. ``due``: providers with items that can be claimed now.

    ``queued``: providers with items that wait for a job. Both are empty while it is ``paused`` or ``stopped`` (its
    limit is reached). ``deadline``: Unix seconds, None when there is none.
    """

    seq: int
    id: str
    owner: str
    format: Format
    phase: Phase
    provider: str
    headers: Mapping[str, str]
    mode: Mode = Mode.AUTO
    created_at: float = 0.0
    deadline: float | None = None
    paused: bool = False
    stopped: bool = False
    max_cost: int = 0
    due: tuple[str, ...] = ()
    queued: tuple[str, ...] = ()


class Page(Struct, frozen=True):
    """Batches, newest first, and whether there are more in the direction of reading."""

    batches: tuple[Batch, ...]
    has_more: bool


# Writing a new batch: keyed(), then begin(), add() as often as needed, open().


def keyed(db: Db, owner: str, key: str) -> tuple[str, str] | None:
    """Id and digest of the batch that was made with an idempotency key."""
    found: tuple[str, str] | None = db.execute(
        "SELECT b.id, i.digest FROM idempotency i JOIN batches b ON b.seq = i.batch"
        " WHERE i.owner = ? AND i.key = ? AND b.deleted_at IS NULL",
        (owner, key),
    ).fetchone()
    return found


def begin(db: Db, new: NewBatch) -> int:
    """The number of a new batch that nobody sees yet."""
    made = db.execute(
        "INSERT INTO batches (id, owner, format, phase, provider, mode, headers, models, about, total, remaining,"
        " created_at, expires_at, estimate, reserved, max_cost, twins, deadline, webhook, rerun_of)"
        " VALUES (?, ?, ?, 'intake', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq",
        (
            *(new.id, new.owner, new.format, new.provider, new.mode, _encode(new.headers).decode()),
            *(_encode(new.models).decode(), _encode(new.about).decode()),
            *(new.total, new.total, new.created_at, new.expires_at, new.estimate, new.estimate),
            *(new.controls.max_cost, new.twins, new.deadline, new.controls.webhook, new.rerun_of),
        ),
    )
    seq = int(made.fetchone()[0])
    if new.about.invocation is not None:
        deliveries.plan(db, seq, new.about.invocation.output, new.created_at)
    return seq


def use(db: Db, batch: int, segments: Iterable[str]) -> None:
    """Note that a batch has bodies in these segments."""
    rows = [(segment, batch) for segment in segments]
    db.executemany("INSERT INTO segment_uses (segment, batch) VALUES (?, ?) ON CONFLICT DO NOTHING", rows)


def add(db: Db, batch: int, items: Iterable[NewItem]) -> None:
    """Store items of a batch that is not open yet."""
    db.executemany(
        "INSERT INTO items (batch, n, custom_id, state, provider, model, note, ask_segment, ask_at, ask_length,"
        " reserve, reserve_live, twin) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                *(batch, i.n, i.custom_id, i.state, i.provider, i.model, i.note),
                *(i.ask.segment, i.ask.at, i.ask.length, i.reserve, i.reserve_live, i.twin),
            )
            for i in items
        ),
    )


TAKE_KEY = "INSERT INTO idempotency (owner, key, digest, batch) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"


def open_(db: Db, batch: int, new: NewBatch, shares: Mapping[str, tuple[int, int]]) -> None:
    """Make the batch visible. ``shares``: items per provider, live and native. Raises Conflict for a used key."""
    if new.key:
        db.execute("DELETE FROM idempotency WHERE owner = ? AND key = ? AND batch IN"
                   " (SELECT seq FROM batches WHERE deleted_at IS NOT NULL)", (new.owner, new.key))  # fmt: skip
        row = (new.owner, new.key, new.digest, batch)
        if db.execute(TAKE_KEY, row).rowcount != 1:
            raise Conflict("another batch was made with this idempotency key")
    rows = [(batch, provider, live, native) for provider, (live, native) in shares.items()]
    db.executemany("INSERT INTO shares (batch, provider, live, native) VALUES (?, ?, ?, ?)", rows)
    opened = db.execute("UPDATE batches SET phase = 'in_progress' WHERE seq = ? AND phase = 'intake'", (batch,))
    if opened.rowcount != 1:
        raise Conflict("the batch was removed while it was being written")


# Reading.

_COLUMNS = (
    "id, owner, format, phase, total, remaining, succeeded, errored, canceled, expired, created_at, expires_at,"
    " ended_at, cancel_initiated_at, archived_at, provider, mode, models, cost, input, output, cache_read,"
    " cache_write_5m, cache_write_1h, reasoning, input_audio, output_audio, about,"
    " estimate, reserved, max_cost, twins, deadline, paused_at, webhook, stopped, rerun_of"
)
_STATUS = {Phase.CANCELING: Status.CANCELING, Phase.ENDED: Status.ENDED}

_VISIBLE = "phase <> 'intake' AND deleted_at IS NULL"
_SELECT = f"SELECT {_COLUMNS}, seq FROM batches WHERE {_VISIBLE}"  # noqa: S608  Our own column list.

FIND = _SELECT + " AND id = ? AND owner = ?"
OLDER = _SELECT + " AND owner = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
NEWER = _SELECT + " AND owner = ? AND seq > ? ORDER BY seq ASC LIMIT ?"
NUMBERED = f"SELECT {_COLUMNS} FROM batches WHERE seq = ?"  # noqa: S608  Our own column list.
_NEWEST = 1 << 62


def find(db: Db, owner: str, id: str) -> tuple[Batch, int] | None:
    """A batch and its number, or None."""
    row = db.execute(FIND, (id, owner)).fetchone()
    return (_batch(row[:-1]), row[-1]) if row else None


def numbered(db: Db, seq: int) -> Batch | None:
    """The batch with this number, whoever owns it and though it be deleted."""
    row = db.execute(NUMBERED, (seq,)).fetchone()
    return _batch(row) if row else None


def page(db: Db, owner: str, limit: int, before: str, after: str) -> Page | None:
    """Up to ``limit`` batches older than ``after`` or newer than ``before`` ("": no bound). None: unknown cursor."""
    cursor = _NEWEST
    if before or after:
        row = db.execute("SELECT seq FROM batches WHERE id = ? AND owner = ?", (before or after, owner)).fetchone()
        if row is None:
            return None
        cursor = row[0]
    rows = db.execute(NEWER if before else OLDER, (owner, cursor, limit + 1)).fetchall()
    found = [_batch(row) for row in rows[:limit]]
    return Page(tuple(reversed(found) if before else found), len(rows) > limit)


def ordered(db: Db, owner: str, start: str, limit: int, *, oldest_first: bool) -> Page | None:
    """Up to ``limit`` batches behind ``start`` ("": from the first) in the direction that is asked for. None: unknown
    cursor.
    """
    if not start:
        cursor = 0 if oldest_first else _NEWEST
    else:
        row = db.execute("SELECT seq FROM batches WHERE id = ? AND owner = ?", (start, owner)).fetchone()
        if row is None:
            return None
        cursor = row[0]
    rows = db.execute(NEWER if oldest_first else OLDER, (owner, cursor, limit + 1)).fetchall()
    return Page(tuple(_batch(row) for row in rows[:limit]), len(rows) > limit)


def _batch(row: tuple[Any, ...]) -> Batch:
    counts = dict(zip(("processing", "succeeded", "errored", "canceled", "expired"), row[5:10], strict=True))
    return Batch(
        id=row[0],
        owner=row[1],
        format=Format(row[2]),
        status=_STATUS.get(row[3], Status.IN_PROGRESS),
        counts=Counts(**counts),
        created_at=row[10],
        expires_at=row[11],
        ended_at=row[12],
        cancel_initiated_at=row[13],
        archived_at=row[14],
        provider=row[15],
        mode=Mode(row[16]),
        models=_strings(row[17]),
        cost=row[18],
        usage=Usage(**dict(zip(_TOKENS, row[19:27], strict=True))),
        about=_about(row[27]),
        books=Books(**dict(zip(_BOOKS, row[28:37], strict=True))),
    )


_TOKENS = (
    *("input", "output", "cache_read", "cache_write_5m", "cache_write_1h"),
    *("reasoning", "input_audio", "output_audio"),
)

_BOOKS = ("estimate", "reserved", "max_cost", "copies", "deadline", "paused_at", "webhook", "stopped", "rerun_of")

ACTIVE = (
    "SELECT b.seq, b.id, b.owner, b.format, b.phase, b.provider, b.headers, b.mode, b.created_at, b.deadline,"
    " b.paused_at, b.stopped, b.max_cost, s.provider,"
    " EXISTS (SELECT 1 FROM items i WHERE i.batch = b.seq AND i.provider = s.provider AND i.state = 'waiting'"
    " AND i.not_before <= ?),"
    " s.native > 0 AND EXISTS (SELECT 1 FROM items i WHERE i.batch = b.seq AND i.provider = s.provider"
    " AND i.state = 'queued')"
    " FROM batches b JOIN shares s ON s.batch = b.seq"
    " WHERE b.ended_at IS NULL AND b.phase <> 'intake'"
)


def active(db: Db, now: float) -> list[Active]:
    """All batches with work left, oldest first."""
    grouped: dict[int, list[tuple[Any, ...]]] = {}
    for row in db.execute(ACTIVE, (now,)):
        grouped.setdefault(row[0], []).append(row)
    return [_active(grouped[seq]) for seq in sorted(grouped)]


def _active(rows: Sequence[tuple[Any, ...]]) -> Active:
    seq, id_, owner, format_, phase, provider, headers, mode, created_at, deadline, paused, stopped, most = rows[0][:13]
    still = paused is not None or stopped != ""
    return Active(
        seq=seq,
        id=id_,
        owner=owner,
        format=Format(format_),
        phase=Phase(phase),
        provider=provider,
        headers=_headers(headers),
        mode=Mode(mode),
        created_at=created_at,
        deadline=deadline,
        paused=paused is not None,
        stopped=stopped != "",
        max_cost=most,
        due=() if still else tuple(row[13] for row in rows if row[14]),
        queued=() if still else tuple(row[13] for row in rows if row[15]),
    )


def headers_of(text: str) -> dict[str, str]:
    """What the column of headers holds."""
    return _headers(text)


# Changing.

CANCEL = "UPDATE batches SET phase = 'canceling', cancel_initiated_at = ? WHERE seq = ? AND phase = 'in_progress'"
EXPIRE = "UPDATE batches SET phase = 'expiring' WHERE seq = ? AND phase = 'in_progress'"


def cancel(db: Db, owner: str, id: str, now: float) -> tuple[Batch, bool] | None:
    """The batch as it is now and whether it could be canceled (one that has ended cannot); None: there is no such
    batch.
    """
    found = find(db, owner, id)
    if found is None:
        return None
    batch, seq = found
    if batch.status is Status.ENDED:
        return batch, False
    if db.execute(CANCEL, (now, seq)).rowcount:
        stop(db, seq, Phase.CANCELING, now)
    found = find(db, owner, id)
    assert found is not None
    return found[0], True


def delete(db: Db, owner: str, id: str, now: float) -> bool | None:
    """Hide an ended batch; its rows and bodies go with the next sweep. False: not ended. None: there is no such
    batch.
    """
    found = find(db, owner, id)
    if found is None:
        return None
    if found[0].status is not Status.ENDED:
        return False
    db.execute("UPDATE batches SET deleted_at = ? WHERE seq = ?", (now, found[1]))
    return True


_DUE = "SELECT seq FROM batches WHERE ended_at IS NULL AND expires_at <= ? AND phase = 'in_progress'"


def expired(db: Db, now: float) -> list[int]:
    """Batches that have outlived their time and still go on."""
    return [row[0] for row in db.execute(_DUE, (now,))]


def expire(db: Db, seq: int, now: float) -> None:
    """End the time of a batch: what was not sent expires, what was sent is awaited."""
    if db.execute(EXPIRE, (seq,)).rowcount:
        stop(db, seq, Phase.EXPIRING, now)
