"""What is configured while the gateway runs, as documents: virtual keys, teams, providers, rules.

Rule 1. One row per document, its body JSON; there are thousands at most, and every worker reads them whole into memory.
Rule 2. Each change raises the revision, by which workers see that they have to read again, and is written into the
audit log with what was before and after, secrets masked by the caller.
"""

from collections.abc import Iterable

from msgspec import Struct

from asbru.store.db import Db

KINDS = ("virtual_key", "team", "customer", "model_config", "provider_limits")


class Document(Struct, frozen=True, kw_only=True):
    """``body``: JSON. ``origin``: ``api``, or ``file`` with the digest of what the file said. Times: Unix seconds."""

    kind: str
    id: str
    name: str = ""
    body: bytes
    origin: str = "api"
    file_digest: str = ""
    created_at: float
    updated_at: float


class Change(Struct, frozen=True, kw_only=True):
    """For the audit log. ``before`` and ``after``: JSON without secrets, b"" when there is none."""

    at: float
    actor: str
    action: str
    kind: str
    id: str
    before: bytes = b""
    after: bytes = b""


_RAISE = "INSERT INTO revisions (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = revisions.number + 1"
_COLUMNS = "kind, id, name, body, origin, file_digest, created_at, updated_at"


def revision(db: Db) -> int:
    """The number of the newest change."""
    row = db.execute("SELECT number FROM revisions").fetchone()
    return int(row[0]) if row else 0


def all_of(db: Db, kinds: Iterable[str] = KINDS) -> list[Document]:
    """Every document of these kinds, oldest first."""
    wanted = tuple(kinds)
    marks = ", ".join("?" * len(wanted))
    rows = db.execute(f"SELECT {_COLUMNS} FROM objects WHERE kind IN ({marks}) ORDER BY created_at, id", wanted)  # noqa: S608  Our own columns.
    return [_document(row) for row in rows]


def find(db: Db, kind: str, id: str) -> Document | None:
    """One document, or None."""
    row = db.execute(f"SELECT {_COLUMNS} FROM objects WHERE kind = ? AND id = ?", (kind, id)).fetchone()  # noqa: S608
    return _document(row) if row else None


def named(db: Db, kind: str, name: str) -> str:
    """The id of the document with a name, "" when there is none."""
    row = db.execute("SELECT id FROM objects WHERE kind = ? AND name = ?", (kind, name)).fetchone()
    return str(row[0]) if row else ""


def count(db: Db, kind: str) -> int:
    """How many documents of a kind there are."""
    return int(db.execute("SELECT COUNT(*) FROM objects WHERE kind = ?", (kind,)).fetchone()[0])


def changes(db: Db, limit: int, before: int) -> list[tuple[int, Change]]:
    """Lines of the audit log, newest first, those with a number below ``before``."""
    rows = db.execute(
        "SELECT seq, at, actor, action, kind, object, was, became FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?",
        (before, limit),
    )
    return [
        (
            row[0],
            Change(
                at=row[1],
                actor=row[2],
                action=row[3],
                kind=row[4],
                id=row[5],
                before=row[6].encode(),
                after=row[7].encode(),
            ),
        )
        for row in rows
    ]


def put(db: Db, document: Document) -> None:
    """Store a document, new or in place of the one with its id."""
    db.execute(
        f"INSERT INTO objects ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        " ON CONFLICT (kind, id) DO UPDATE SET name = excluded.name, body = excluded.body, origin = excluded.origin,"
        " file_digest = excluded.file_digest, updated_at = excluded.updated_at",
        (
            *(document.kind, document.id, document.name, document.body.decode(), document.origin),
            *(document.file_digest, document.created_at, document.updated_at),
        ),
    )
    _raise(db)


def remove(db: Db, kind: str, id: str) -> bool:
    """Whether it was there."""
    if not db.execute("DELETE FROM objects WHERE kind = ? AND id = ?", (kind, id)).rowcount:
        return False
    _raise(db)
    return True


def note(db: Db, change: Change) -> None:
    """Write a line of the audit log."""
    db.execute(
        "INSERT INTO audit (at, actor, action, kind, object, was, became) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(change.at, change.actor, change.action, change.kind, change.id),
            *(change.before.decode(), change.after.decode()),
        ),
    )


def _raise(db: Db) -> None:
    db.execute(_RAISE)


def _document(row: tuple[str, str, str, str, str, str, float, float]) -> Document:
    return Document(
        kind=row[0],
        id=row[1],
        name=row[2],
        body=row[3].encode(),
        origin=row[4],
        file_digest=row[5],
        created_at=row[6],
        updated_at=row[7],
    )
