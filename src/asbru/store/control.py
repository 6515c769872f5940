"""A batch held up, let go on, and run again as far as it failed."""

from msgspec import Struct

from asbru.model.batches import Batch, State, Status
from asbru.store import batches
from asbru.store.batches import NewBatch
from asbru.store.db import Db

PAUSE = "UPDATE batches SET paused_at = ? WHERE seq = ? AND phase = 'in_progress' AND paused_at IS NULL"
RESUME = "UPDATE batches SET paused_at = NULL WHERE seq = ?"
_KINDS = (
    "SELECT provider, model, COUNT(*) FROM items WHERE batch = ? AND state IN ('errored', 'expired')"
    " GROUP BY provider, model"
)
_AGAIN = (
    "INSERT INTO items (batch, n, custom_id, state, provider, model, note, ask_segment, ask_at, ask_length, reserve,"
    " reserve_live, twin) SELECT ?, n, custom_id, CASE WHEN twin IS NULL THEN ? ELSE 'twin' END, provider, model, note,"
    " ask_segment, ask_at, ask_length, {}, reserve_live, twin FROM items"
    " WHERE batch = ? AND state IN ('errored', 'expired') AND provider = ?"
)
AGAIN_LIVE, AGAIN_NATIVE = _AGAIN.format("reserve_live"), _AGAIN.format("reserve")
_SUMS = "SELECT COUNT(*), COALESCE(SUM(reserve), 0), COUNT(twin) FROM items WHERE batch = ?"
_USES = (
    "INSERT INTO segment_uses (segment, batch) SELECT DISTINCT ask_segment, batch FROM items"
    " WHERE batch = ? AND ask_segment <> '' ON CONFLICT DO NOTHING"
)


class Again(Struct, frozen=True, kw_only=True):
    """A batch of another's failed items. ``new``: its row but for what is counted here. ``native``: providers whose
    batch APIs the items go to.
    """

    new: NewBatch
    native: frozenset[str]


def pause(db: Db, owner: str, id: str, now: float | None) -> tuple[Batch, bool] | None:
    """Start nothing more of a batch from now on (None: go on). The batch, and whether it could be (one that is ending
    cannot); None: there is no such batch.
    """
    found = batches.find(db, owner, id)
    if found is None:
        return None
    batch, seq = found
    if batch.status is not Status.IN_PROGRESS:
        return batch, False
    if now is None:
        db.execute(RESUME, (seq,))
    else:
        db.execute(PAUSE, (now, seq))
    found = batches.find(db, owner, id)
    assert found is not None
    return found[0], True


def failed(db: Db, batch: int) -> dict[tuple[str, str], int]:
    """How many items of each provider and model errored or expired."""
    return {(provider, model): count for provider, model, count in db.execute(_KINDS, (batch,))}


def headers(db: Db, batch: int) -> dict[str, str]:
    """What goes upstream with every item of a batch."""
    return batches.headers_of(db.execute("SELECT headers FROM batches WHERE seq = ?", (batch,)).fetchone()[0])


def run_again(db: Db, batch: int, again: Again) -> None:
    """Store a batch of another's failed items: numbers, ids and bodies are the same."""
    seq = batches.begin(db, again.new)
    shares: dict[str, tuple[int, int]] = {}
    for (provider, _), count in failed(db, batch).items():
        live, native = shares.get(provider, (0, 0))
        shares[provider] = (live, native + count) if provider in again.native else (live + count, native)
    for provider in shares:
        queued = provider in again.native
        state = State.QUEUED if queued else State.WAITING
        db.execute(AGAIN_NATIVE if queued else AGAIN_LIVE, (seq, state, batch, provider))
    db.execute(_USES, (seq,))
    total, reserve, twins = db.execute(_SUMS, (seq,)).fetchone()
    db.execute(
        "UPDATE batches SET total = ?, remaining = ?, estimate = ?, reserved = ?, twins = ? WHERE seq = ?",
        (total, total, int(reserve), int(reserve), twins, seq),
    )
    batches.open_(db, seq, again.new, shares)
