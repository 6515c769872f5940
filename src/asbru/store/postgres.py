"""PostgreSQL: connections, and making or upgrading the database.

Rule 1. Statements come in the language of ``db.py``; each is translated once per connection, and prepared by the driver
when it is used again and again.
Rule 2. A connection that breaks is ``Unavailable``, work that lost against another transaction is ``Again``, and a
commit whose answer never came is ``InDoubt``, with a way to ask what became of it: nobody above knows the driver.
Rule 3. All times that gateways compare with each other are intervals on one gateway's own monotonic clock.
"""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors
from psycopg.abc import Buffer
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumperUnknown

from asbru.model.failure import Unavailable
from asbru.store.db import BEGIN, Again, Conflict, InDoubt, Rows
from asbru.store.sqlite import HEAD, SchemaError

_TOKEN = re.compile(r"'[^']*'|/\*!(.*?)\*/|\?(\d*)")
_LOST_RACE = (errors.DeadlockDetected, errors.SerializationFailure)
_BIGGEST = 2**63 - 1
_PREPARING = 0x61736272
"""Advisory lock: one gateway at a time makes or upgrades the tables."""


def translated(statement: str) -> str:
    """A statement as PostgreSQL wants it: ``$1`` for values, and what stands in ``/*! … */``."""
    if statement == BEGIN:
        return "BEGIN"
    count = 0

    def one(found: re.Match[str]) -> str:
        nonlocal count
        if found[1] is not None:
            return found[1].strip()
        if found[2] is None:
            return found[0]
        count += 1
        return f"${found[2] or count}"

    return _TOKEN.sub(one, statement)


class _Whole(Int8Dumper):
    """Every int is a bigint, so that a statement has one plan; one that is none is refused as SQLite's driver does."""

    def dump(self, obj: int) -> Buffer | None:
        if not -_BIGGEST <= obj <= _BIGGEST:
            raise OverflowError("too large for a 64-bit integer")
        return super().dump(obj)


class _Text(StrDumperUnknown):
    """PostgreSQL's texts cannot hold a NUL, which is no character of any name or id."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", "�") if "\0" in obj else obj)


class PostgresDb:
    """A connection that understands the statements of this room."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self.connection = connection
        self._known: dict[str, str] = {}

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open and can go on, or back to a savepoint."""
        return self.connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR)

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Rows:
        """Run one statement."""
        if statement == "COMMIT":
            return self._commit()
        cursor = self.connection.cursor()
        try:
            return cursor.execute(self._in_its_words(statement), values or None)
        except psycopg.Error as error:
            raise self._said(error) from error

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> Rows:
        """Run one statement for each of ``rows``, all on their way before the first answer is waited for."""
        every = list(rows)
        if not every:
            return _Nothing()
        cursor = self.connection.cursor()
        try:
            cursor.executemany(self._in_its_words(statement), every)
        except psycopg.Error as error:
            raise self._said(error) from error
        return cursor

    def bytes_of(self, statement: str, values: Sequence[Any]) -> list[bytes | None]:
        """The first column of what a statement finds, as it lies in the database (no hexadecimal on the way)."""
        cursor = self.connection.cursor(binary=True)
        try:
            return [row[0] for row in cursor.execute(self._in_its_words(statement), values)]
        except psycopg.Error as error:
            raise self._said(error) from error

    def close(self) -> None:
        """Close it; what was not committed is undone."""
        self.connection.close()

    def _in_its_words(self, statement: str) -> bytes:
        known = self._known.get(statement)
        if known is None:
            known = self._known[statement] = translated(statement)
        return known.encode()

    def _commit(self) -> Rows:
        """Commit, so that it can be told later whether it was done."""
        cursor = self.connection.cursor()
        asked = "xid8"
        try:
            row = cursor.execute(b"SELECT pg_current_xact_id_if_assigned()::text").fetchone()
            asked = row[0] if row else ""
            cursor.execute(b"COMMIT")
        except psycopg.Error as error:
            said = self._said(error)
            if isinstance(said, Unavailable) and asked not in ("xid8", None, ""):
                raise InDoubt(_asks(asked)) from error
            raise said from error
        if cursor.statusmessage != "COMMIT":
            raise Again("the transaction had failed before its commit")
        return cursor

    def _said(self, error: psycopg.Error) -> Exception:
        """What an error of the driver means to the rooms above."""
        if isinstance(error, _LOST_RACE):
            return Again(str(error))
        if isinstance(error, errors.UniqueViolation):
            return Conflict(str(error))
        read_only = isinstance(error, errors.ReadOnlySqlTransaction)
        if read_only or self.connection.closed or isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            if read_only:
                self.connection.close()
            return unavailable(error)
        return error


class _Nothing:
    """The answer to no statement at all."""

    rowcount = 0
    description = None

    def fetchone(self) -> Any:
        return None

    def fetchall(self) -> list[Any]:
        return []

    def __iter__(self) -> Any:
        return iter(())


def _asks(transaction: str) -> Callable[[Any], bool | None]:
    def ask(db: Any) -> bool | None:
        row = db.execute("SELECT pg_xact_status(?::xid8)", (transaction,)).fetchone()
        return {"committed": True, "in progress": None}.get(row[0], False) if row else False

    return ask


def unavailable(error: Exception) -> Unavailable:
    """What callers are told while the database cannot be reached."""
    return Unavailable("The gateway's database cannot be reached now; try again.", detail=str(error).strip())


def connect(conninfo: str, *, reading: bool = False) -> PostgresDb:
    """A connection for one thread at a time. Raises Unavailable."""
    try:
        connection = psycopg.connect(
            conninfo, autocommit=True, cursor_factory=psycopg.RawCursor, client_encoding="utf8"
        )
        if reading:
            connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    except psycopg.Error as error:
        raise unavailable(error) from error
    connection.adapters.register_dumper(int, _Whole)
    connection.adapters.register_dumper(str, _Text)
    return PostgresDb(connection)


def prepare(conninfo: str, url: str, patience: float = 30.0) -> None:
    """Make or upgrade the tables; gateways that start at the same time wait for each other. Raises SchemaError.

    A server that is not there yet (both are being started) is waited for. ``url``: the same address for SQLAlchemy.
    """
    db = _patiently(conninfo, patience)
    try:
        encoding = db.execute("SHOW server_encoding").fetchone()[0]
        if encoding != "UTF8":
            raise SchemaError(f"the database is encoded in {encoding}; Asbru needs one made with ENCODING 'UTF8'")
        db.execute("SELECT pg_advisory_lock(?)", (_PREPARING,))
        found = revision(db)
        if found == "":
            script = Path(__file__).with_name("schema.postgres.sql").read_text()
            db.connection.execute(b"BEGIN; " + script.encode() + b" COMMIT;")
        elif found != HEAD:
            _upgrade(url, found)
    except psycopg.Error as error:
        raise SchemaError(f"the tables could not be made in the database: {str(error).strip()}") from error
    finally:
        db.close()


def _patiently(conninfo: str, patience: float) -> PostgresDb:
    deadline = time.monotonic() + patience
    while True:
        try:
            return connect(conninfo)
        except Unavailable as failure:
            if time.monotonic() > deadline or _hopeless(failure.__cause__):
                raise SchemaError(f"the database cannot be used: {failure.detail}") from failure
        time.sleep(0.25)


def _hopeless(error: BaseException | None) -> bool:
    """Whether waiting will not help: the password, the user or the database's name is wrong."""
    wrong = ("password authentication failed", "does not exist", "no pg_hba.conf entry", "invalid sslmode")
    return any(words in str(error) for words in wrong)


def revision(db: PostgresDb) -> str:
    """The schema of the database; "" for an empty one."""
    if db.execute("SELECT to_regclass('alembic_version')").fetchone()[0] is None:
        return ""
    row = db.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else "none"


def _upgrade(url: str, found: str) -> None:
    if found != "none" and found > HEAD:
        raise SchemaError(
            f"the database was written by a newer asbru (schema {found}, this one speaks {HEAD}): install that version."
        )
    command = [sys.executable, "-m", "asbru.store.migrations"]
    done = subprocess.run(command, input=url, capture_output=True, text=True, check=False)  # noqa: S603  Our own module.
    if done.returncode != 0:
        raise SchemaError(f"the database could not be upgraded from schema {found} to {HEAD}:\n{done.stderr}")
