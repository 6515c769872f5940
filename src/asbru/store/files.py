"""Files: rows to model and back, and where their bytes lie.

Rule 1. Every question is asked with an owner; others' files do not exist.
Rule 2. Places are compared by their characters' numbers, whatever the database's language is.
Rule 3. Bytes are a file of their own, named by id: in place before the row is committed, removed after the row is gone.
What a crash leaves without a row is removed by the sweep.
"""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from asbru.model.files import File
from asbru.store.db import Db

_COLUMNS = "id, owner, name, size, created_at, purpose, media_type, expires_at, place, metadata"
_ALIVE = "(expires_at IS NULL OR expires_at > ?)"
FIND = f"SELECT {_COLUMNS} FROM files WHERE id = ? AND owner = ? AND {_ALIVE}"  # noqa: S608  Our own columns.
UPLOADS = ".uploads/"
"""Before the places of parts: nobody's bucket is called so, and no list shows them."""
_LIST = (
    f"SELECT {_COLUMNS} FROM files WHERE owner = ? AND seq {{}} ? AND {_ALIVE} AND (? = '' OR purpose = ?)"  # noqa: S608
    f" AND place NOT LIKE '{UPLOADS}%' ORDER BY seq {{}} LIMIT ?"
)
OLDER = _LIST.format("<", "DESC")
NEWER = _LIST.format(">", "ASC")
PLACED = f"SELECT {_COLUMNS} FROM files WHERE owner = ? AND place = ? AND place <> '' AND {_ALIVE}"  # noqa: S608
_PLACE = 'place /*! COLLATE "C" */'
PLACES = (
    f"SELECT {_COLUMNS} FROM files WHERE owner = ? AND {_PLACE} >= ? AND {_PLACE} < ? AND place <> ''"  # noqa: S608
    f" AND {_ALIVE} ORDER BY {_PLACE} LIMIT ?"
)
_NEWEST = 1 << 62
_encode = msgspec.json.encode
_metadata = msgspec.json.Decoder(dict[str, str]).decode


class FilePage(Struct, frozen=True):
    """Files in the order that was asked for, and whether there are more."""

    files: tuple[File, ...]
    has_more: bool


class Wanted(Struct, frozen=True, kw_only=True):
    """A page: ``after`` this id ("": from the start), newest first unless ``oldest_first``; ``purpose`` "": all."""

    limit: int
    after: str = ""
    before: str = ""
    oldest_first: bool = False
    purpose: str = ""


def add(db: Db, file: File) -> None:
    """Store a file's row; its bytes are in place."""
    db.execute(
        "INSERT INTO files (id, owner, name, size, created_at, purpose, media_type, expires_at, place, metadata)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(file.id, file.owner, file.name, file.size, file.created_at),
            *(file.purpose, file.media_type, file.expires_at, file.place, _encode(file.metadata).decode()),
        ),
    )


def put(db: Db, file: File) -> str:
    """Store a file's row at its place; the id of the one that was there before, "" when there was none."""
    row = db.execute("SELECT id FROM files WHERE owner = ? AND place = ?", (file.owner, file.place)).fetchone()
    if row is not None:
        db.execute("DELETE FROM files WHERE id = ?", row)
    add(db, file)
    return row[0] if row is not None else ""


def placed(db: Db, owner: str, place: str, now: float) -> File | None:
    """The file at a place, or None."""
    row = db.execute(PLACED, (owner, place, now)).fetchone()
    return _file(row) if row else None


def places(db: Db, owner: str, span: tuple[str, str], limit: int, now: float) -> list[File]:
    """Files at places from one to before another, in the order of their places."""
    return [_file(row) for row in db.execute(PLACES, (owner, *span, now, limit))]


def find(db: Db, owner: str, id: str, now: float) -> File | None:
    """One file, or None."""
    row = db.execute(FIND, (id, owner, now)).fetchone()
    return _file(row) if row else None


def page(db: Db, owner: str, wanted: Wanted, now: float) -> FilePage | None:
    """A page of files. None: the cursor is unknown."""
    up = wanted.oldest_first != bool(wanted.before)
    cursor = 0 if up else _NEWEST
    if named := wanted.after or wanted.before:
        row = db.execute("SELECT seq FROM files WHERE id = ? AND owner = ?", (named, owner)).fetchone()
        if row is None:
            return None
        cursor = row[0]
    query = (owner, cursor, now, wanted.purpose, wanted.purpose, wanted.limit + 1)
    rows: Sequence[tuple[Any, ...]] = db.execute(NEWER if up else OLDER, query).fetchall()
    found = [_file(row) for row in rows[: wanted.limit]]
    return FilePage(tuple(reversed(found) if wanted.before else found), len(rows) > wanted.limit)


def delete(db: Db, owner: str, id: str) -> bool:
    """Whether there was such a file."""
    return db.execute("DELETE FROM files WHERE id = ? AND owner = ?", (id, owner)).rowcount == 1


def expire(db: Db, now: float) -> None:
    """Remove the rows of files whose time is over."""
    db.execute("DELETE FROM files WHERE expires_at IS NOT NULL AND expires_at <= ?", (now,))


def unused(db: Db, names: Collection[str]) -> list[str]:
    """Those of ``names`` that no row refers to."""
    kept = {row[0] for row in db.execute("SELECT id FROM files")}
    return [name for name in names if name not in kept]


def _file(row: tuple[Any, ...]) -> File:
    id_, owner, name, size, created_at, purpose, media_type, expires_at, place, metadata = row
    return File(
        id=id_,
        owner=owner,
        name=name,
        size=size,
        created_at=created_at,
        purpose=purpose,
        media_type=media_type,
        expires_at=expires_at,
        place=place,
        metadata=_metadata(metadata),
    )
