"""What a database looks like to the statements of this room: one language for SQLite and PostgreSQL.

Rule 1. Statements are written once, in the SQL that both speak, with ``?`` or ``?1`` for values. A new number comes
back by ``RETURNING``, a conflict is asked for by ``ON CONFLICT``: nobody reads a driver's errors or ``lastrowid``.
Rule 2. What only PostgreSQL needs to hear stands in ``/*! … */``: a comment to SQLite.
Rule 3. On SQLite transactions that write follow one after the other, on PostgreSQL they run side by side: what a
statement relies on is in its own WHERE, and its row count tells whether it was so.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Rows(Protocol):
    """What a statement found or changed."""

    @property
    def description(self) -> Any:
        """The columns, each a tuple that begins with its name."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""

    def fetchone(self) -> Any:
        """The next row, or None."""

    def fetchall(self) -> list[Any]:
        """All rows that are left."""

    def __iter__(self) -> Iterator[Any]:
        """All rows that are left, one by one."""


class Db(Protocol):
    """A connection, for one thread at a time. A ``sqlite3.Connection`` is one as it is."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open and can go on."""

    def execute(self, statement: str, values: Sequence[Any] = ..., /) -> Rows:
        """Run one statement."""

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> Rows:
        """Run one statement for each of ``rows``; the row count is of all."""

    def close(self) -> None:
        """Close it; what was not committed is undone."""


Work = Callable[[Db], T]
"""Statements to run with a connection; inside a transaction when it writes. Run again if that was undone."""

BEGIN = "BEGIN IMMEDIATE"
"""Opens a transaction that writes; PostgreSQL is told ``BEGIN``."""


class Conflict(Exception):
    """Somebody else was faster: a key is taken, or a row is gone."""


class Again(Exception):
    """Undone because another transaction was in the way: run it again, now."""


class InDoubt(Exception):
    """The connection broke while committing. ``ask``, with a new connection: True when it was committed, False when
    not, None when that is not known yet.
    """

    def __init__(self, ask: Callable[[Db], bool | None]) -> None:
        super().__init__("the connection broke while committing")
        self.ask = ask


@contextmanager
def transaction(db: Db) -> Iterator[None]:
    """One transaction that writes; rolled back when the block raises."""
    db.execute(BEGIN)
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


@contextmanager
def savepoint(db: Db) -> Iterator[None]:
    """A part of a transaction that is undone alone when the block raises."""
    db.execute("SAVEPOINT part")
    try:
        yield
        db.execute("RELEASE part")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK TO part")
            db.execute("RELEASE part")
        raise
