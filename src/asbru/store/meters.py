"""The counters behind budgets and limits, and the slices of them that workers hold.

Rule 1. What is spent is written in the transaction that writes the charge: the two never differ.
Rule 2. What is spent and all slices of a meter together never exceed its limit; only a call that cost more than was
held for it can.
Rule 3. A slice belongs to a session and dies with it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from asbru.governance import Grant, Need
from asbru.governance.windows import begin_of, end_of
from asbru.model.people import Allowance, Spend
from asbru.store.db import Db

_SHARE = 4
"""Of what is left of a limit, a worker gets at most this part beyond what it needs now."""

# Writing the row, even without a change, keeps others from reading it before the transaction is over.
_TOUCH = "INSERT INTO meters (id, spent, began) VALUES (?, 0, ?) ON CONFLICT (id) DO UPDATE SET spent = meters.spent"
_HOLD = (
    "INSERT INTO slices (meter, holder, amount) VALUES (?, ?, ?)"
    " ON CONFLICT (meter, holder) DO UPDATE SET amount = slices.amount + excluded.amount"
)
_TAKE_OUT = "UPDATE slices SET amount = CASE WHEN amount > ? THEN amount - ? ELSE 0 END WHERE meter = ? AND holder = ?"

Returned = tuple[str, int, int]
"""Meter, amount, holder."""


class Reading(Struct, frozen=True):
    """Where a meter stands: spent in the period, held by calls under way, and when the period began and ends."""

    spent: int
    held: int
    began: float
    until: float


def grant(db: Db, needs: Sequence[tuple[Need, int]], holder: int, now: float) -> list[Grant]:
    """A slice for each need: all of it or nothing, and more when there is plenty. With each need: how much is wanted
    beyond it.
    """
    return [_grant(db, need, more, (holder, now)) for need, more in needs]


def _grant(db: Db, need: Need, more: int, whom: tuple[int, float]) -> Grant:
    holder, now = whom
    reading = _read(db, need.of, now)
    used = reading.spent + reading.held
    left = need.of.most - used
    amount = 0
    if left >= need.amount:
        amount = min(left, need.amount + min(more, left // _SHARE))
        db.execute(_HOLD, (need.of.id, holder, amount))
    return Grant(amount, used + amount, reading.until, holder)


def _read(db: Db, allowance: Allowance, now: float) -> Reading:
    """The meter as it stands, begun anew when its period is over. Its row is ours until the transaction ends."""
    id, window = allowance.id, allowance.window
    db.execute(_TOUCH, (id, begin_of(window, now)))
    spent, began = db.execute("SELECT spent, began FROM meters WHERE id = ?", (id,)).fetchone()
    until = end_of(window, began)
    if now >= until or (window.unit and began != begin_of(window, now)):
        spent, began = 0, begin_of(window, now)
        until = end_of(window, began)
        db.execute("UPDATE meters SET spent = 0, began = ? WHERE id = ?", (began, id))
        db.execute("DELETE FROM slices WHERE meter = ?", (id,))
    held = db.execute("SELECT COALESCE(SUM(amount), 0) FROM slices WHERE meter = ?", (id,)).fetchone()[0]
    return Reading(spent, int(held), began, until)


def spend(db: Db, spends: Iterable[tuple[Spend, float]]) -> None:
    """Write what was spent, and take it out of the slices that it was held in. With each: when it was."""
    sums: Counter[tuple[str, int]] = Counter()
    begun: dict[str, tuple[Allowance, float]] = {}
    for each, at in spends:
        sums[each.meter, each.holder] += each.amount
        if each.of is not None:
            begun[each.meter] = (each.of, at)
    for _, (allowance, at) in sorted(begun.items()):
        _read(db, allowance, at)
    for (meter, holder), amount in sorted(sums.items()):
        db.execute("UPDATE meters SET spent = spent + ? WHERE id = ?", (amount, meter))
        db.execute(_TAKE_OUT, (amount, amount, meter, holder))


def give_back(db: Db, returned: Iterable[Returned]) -> None:
    """Free what a worker does not need."""
    for meter, amount, holder in returned:
        db.execute(_TAKE_OUT, (amount, amount, meter, holder))


def readings(db: Db, allowances: Sequence[Allowance], now: float) -> dict[str, Reading]:
    """Where meters stand, changing nothing; one that nothing was ever spent of has none."""
    found: dict[str, Reading] = {}
    for each in allowances:
        row = db.execute("SELECT spent, began FROM meters WHERE id = ?", (each.id,)).fetchone()
        if row is None:
            continue
        spent, began = row
        until = end_of(each.window, began)
        if now >= until:
            began = begin_of(each.window, now)
            found[each.id] = Reading(0, 0, began, end_of(each.window, began))
            continue
        held = db.execute("SELECT COALESCE(SUM(amount), 0) FROM slices WHERE meter = ?", (each.id,)).fetchone()[0]
        found[each.id] = Reading(spent, int(held), began, until)
    return found


def reset(db: Db, meter: str, now: float) -> None:
    """Begin a meter's period anew, with nothing spent."""
    db.execute("UPDATE meters SET spent = 0, began = ? WHERE id = ?", (now, meter))
    db.execute("DELETE FROM slices WHERE meter = ?", (meter,))


FREE_SLICES = "DELETE FROM slices WHERE holder NOT IN (SELECT seq FROM sessions)"
