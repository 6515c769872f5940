"""From a directory with SQLite to PostgreSQL: every row, every body, every file; all or nothing.

Rule 1. Everything is one transaction of the new database: one that was interrupted can simply be begun again.
Rule 2. Nobody may work on either store meanwhile: their sessions and what those hold are not copied.
Rule 3. At the end the rows of every table, and the bytes of bodies and files, are counted on both sides.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from asbru.store import blocks, sessions
from asbru.store.backend import Backend, PostgresTarget, SqliteTarget
from asbru.store.blobs import Place
from asbru.store.cluster import Cluster
from asbru.store.db import Db, transaction
from asbru.store.directory import Directory

_SKIPPED = frozenset({"alembic_version", "blobs", "sessions", "slices"})
_ROWS = 2_000
_PIECE = 1 << 20
_PLACES = (("ask_segment", "ask_at", "ask_length"), ("reply_segment", "reply_at", "reply_length"))


class CopyError(Exception):
    """Nothing was copied; the text says why."""


class Copied(Struct, frozen=True):
    """What was copied: rows by table, and bytes of segments and files."""

    rows: dict[str, int]
    bytes: int


def copy(source: SqliteTarget, target: PostgresTarget, say: Callable[[str], None]) -> Copied:
    """Copy a store into an empty database. ``say`` hears which table is at hand. Raises CopyError, SchemaError."""
    old, new = Directory(Path(source.app_dir)), Cluster(target)
    if not old.database.is_file():
        raise CopyError(f"there is no {old.database}")
    with old.opening():
        old.prepare()
        new.prepare()
        here, there = old.connect(), new.connect()
        try:
            _expect_rest(old, here, there)
            with transaction(there):
                return _all(old, here, there, say)
        finally:
            here.close()
            there.close()
            old.close()


def _expect_rest(old: Directory, here: Db, there: Db) -> None:
    sleeping = old.orphans(here)
    living = here.execute("SELECT count(*) FROM sessions").fetchone()[0] - len(sleeping)
    if living:
        raise CopyError("a gateway is running on the directory: stop it first")
    with transaction(here):
        # What the dead held is free in the copy, as it would be at the next start.
        sessions.end(here, sleeping, time.time())
    for table in tables(there):
        if table not in ("alembic_version", "revisions") and there.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():  # noqa: S608  Our own names.
            raise CopyError(f"the database is not empty: there are rows in {table}")


def tables(db: Db) -> list[str]:
    """Names of all tables of a PostgreSQL database, those first that others refer to."""
    rows = db.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
    ).fetchall()
    names = [str(row[0]) for row in rows]
    return sorted(names, key=lambda name: (name != "batches", name))


def _all(old: Directory, here: Db, there: Db, say: Callable[[str], None]) -> Copied:
    rows = {}
    for table in tables(there):
        if table not in _SKIPPED:
            say(table)
            rows[table] = _table(table, here, there)
    say("bodies")
    size = _bodies(old, here, there)
    for kind in ("files", "outbox"):
        say(kind)
        size += _files(old, kind, there)
    for table, count in rows.items():
        found = there.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  Our own names.
        if found != count:
            raise CopyError(f"{table}: {count} rows were to be copied, {found} are there")
    return Copied(rows, size)


def _table(table: str, here: Db, there: Db) -> int:
    """All rows of a table; how many there are."""
    if table == "revisions":
        there.execute("DELETE FROM revisions")
    cursor = here.execute(f"SELECT * FROM {table}")  # noqa: S608  Our own names.
    columns = [column[0] for column in cursor.description]
    marks = ", ".join("?" * len(columns))
    names = ", ".join(f'"{column}"' for column in columns)
    insert = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
    for part in _parts(cursor):
        there.executemany(insert, part)
    if "seq" in columns:
        # The next number comes after all that were ever given, as a cursor or a lease may still name them.
        last = here.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        if last and last[0]:
            there.execute("SELECT setval(pg_get_serial_sequence(?, 'seq'), ?)", (table, last[0]))
    return int(here.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


def _parts(rows: Any) -> Iterator[list[Any]]:
    part: list[Any] = []
    for row in rows:
        part.append(row)
        if len(part) == _ROWS:
            yield part
            part = []
    if part:
        yield part


def _bodies(old: Directory, here: Db, there: Db) -> int:
    """The bodies of all items, each batch's in segments of its own; their bytes."""
    there.execute("DELETE FROM segment_uses")
    last = here.execute("SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'sessions'").fetchone()[0]
    there.execute("SELECT setval(pg_get_serial_sequence('sessions', 'seq'), ?)", (max(int(last), 1),))
    size = 0
    for segment, at, length in _PLACES:
        appender = blocks.BlockAppender(f"copy-{segment[0]}")
        query = f"SELECT batch, n, {segment}, {at}, {length} FROM items WHERE {segment} <> '' ORDER BY batch, n"  # noqa: S608
        update = f"UPDATE items SET {segment} = ?, {at} = ?, {length} = ? WHERE batch = ? AND n = ?"  # noqa: S608
        for part in _parts(here.execute(query)):
            size += _move(old, part, (appender, update), there)
    there.execute(
        "INSERT INTO segment_uses (segment, batch)"
        " SELECT DISTINCT ask_segment, batch FROM items WHERE ask_segment <> ''"
        " UNION SELECT DISTINCT reply_segment, batch FROM items WHERE reply_segment <> ''"
    )
    return size


def _move(old: Backend, part: list[Any], into: tuple[blocks.BlockAppender, str], there: Db) -> int:
    appender, update = into
    changes = []
    size = 0
    for batch, n, *place in part:
        # A body that is gone already stays gone: its item says so when it is read.
        body = _body(old, there, Place(*place))
        moved = appender.append(body) if body is not None else Place(place[0], place[1], place[2])
        size += len(body or b"")
        changes.append((moved.segment, moved.at, moved.length, batch, n))
    appender.sync(there)
    there.executemany(update, changes)
    return size


def _body(old: Backend, db: Db, place: Place) -> bytes | None:
    try:
        return old.bodies(db, [place])[0]
    except OSError:
        return None


def _files(old: Directory, kind: str, there: Db) -> int:
    depot = old.depot(kind)
    size = 0
    for name, _ in depot.entries():
        with depot.open(name) as file:
            piece, k = file.read(_PIECE), 0
            while piece or k == 0:
                there.execute(blocks.INSERT, (f"{kind}/{name}", k, time.time(), piece))
                size += len(piece)
                piece, k = file.read(_PIECE), k + 1
    return size
