"""Records to rows: the request log and the ledger.

Rule 1. A log line and a charge share the id of their exchange, and are unique by it: writing one again changes nothing.
Rule 2. Whatever succeeded has a charge, be it of nothing; what failed has one only when it cost something.
Rule 3. Many rows go into one statement: the thread that writes hands the interpreter over once per statement, and each
time the event loop has to win it back.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import msgspec

from asbru.model.record import Record
from asbru.store.db import Db

_encode = msgspec.json.Encoder().encode

_WIDTHS = (64, 8, 1)
"""Rows per statement, the widest that fits first."""


def _inserts(table: str, columns: str) -> Mapping[int, str]:
    """The statement for each width."""
    row = "(" + ", ".join("?" * len(columns.split(","))) + ")"
    head, tail = f"INSERT INTO {table} ({columns}) VALUES ", " ON CONFLICT (id) DO NOTHING"  # noqa: S608 - constants.
    return {width: head + ", ".join([row] * width) + tail for width in _WIDTHS}


_LINE = _inserts(
    "logs",
    "id, at, took, first_byte, owner, asked_model, provider, model, key, format_in, format_out, lane,"
    " attempts, status, failure, usage, cost, stream, batch, lost, asked_id",
)
_CHARGE = _inserts("ledger", "id, at, owner, batch, provider, model, key, cost")

_BIGGEST = 2**63 - 1

Charge = tuple[str, float, str, str, str, str, str, int]
"""A row of the ledger: id, at, owner, batch, provider, model, key id, cost in nano-dollars."""


def charge_of(r: Record) -> Charge | None:
    """The ledger's row for one exchange, or None when it costs nothing because it failed."""
    if r.cost == 0 and (r.failure or r.status >= 400):
        return None
    return (r.id, r.at, r.owner, r.batch, r.provider, r.model, r.key, r.cost)


def _line(r: Record) -> tuple[object, ...]:
    return (
        *(r.id, r.at, r.took, r.first_byte, r.owner, r.asked_model, r.provider, r.model, r.key),
        # sqlite3 looks for an adapter for whatever is not exactly a str, such as an enum's member: as dear as the row.
        *(str(r.format_in), str(r.format_out), r.lane, r.attempts, r.status, r.failure),
        *(_encode(r.usage).decode(), r.cost),
        *(int(r.stream), r.batch, _encode(r.lost).decode() if r.lost else "[]", r.asked_id),
    )


def write_lines(db: Db, records: Sequence[Record]) -> None:
    """Write log lines; those that are there already stay as they are."""
    _write(db, _LINE, [_line(record) for record in records])


def write_charges(db: Db, charges: Sequence[Charge | None]) -> None:
    """Write ledger rows; those that are there already stay as they are."""
    _write(db, _CHARGE, [charge for charge in charges if charge is not None])


def _write(db: Db, inserts: Mapping[int, str], rows: Sequence[tuple[object, ...]]) -> None:
    for part in _parts(rows):
        statement = inserts[len(part)]
        try:
            db.execute(statement, tuple(chain.from_iterable(part)))
        except (OverflowError, UnicodeError):
            # One odd value (a lone surrogate, an absurd number) must not keep the others, or a charge, from being kept.
            db.execute(statement, tuple(_fit(value) for row in part for value in row))


def _parts(rows: Sequence[tuple[object, ...]]) -> Iterator[Sequence[tuple[object, ...]]]:
    """``rows`` in parts for which there is a statement."""
    at = 0
    for width in _WIDTHS:
        while len(rows) - at >= width:
            yield rows[at : at + width]
            at += width


def _fit(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int):
        return max(-_BIGGEST, min(value, _BIGGEST))
    return value
