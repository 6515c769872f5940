"""Virtual keys and teams, put into the store of a gateway that is not running."""

import time
from pathlib import Path
from typing import Any

import msgspec

from asbru.governance import digest_of
from asbru.model.people import Team, VirtualKey
from asbru.store import SqliteTarget, Target, backend_of, objects
from asbru.store.db import transaction


def register(where: Path | Target, *documents: VirtualKey | Team) -> None:
    """Puts documents into the store of a gateway that is not running. ``where``: the app dir, or a database."""
    if isinstance(where, Path):
        where.mkdir(parents=True, exist_ok=True)
        where = SqliteTarget(str(where))
    backend = backend_of(where)
    backend.prepare()
    db = backend.connect()
    with transaction(db):
        for each in documents:
            kind = "team" if isinstance(each, Team) else "virtual_key"
            body = msgspec.json.encode(each)
            now = time.time()
            objects.put(
                db, objects.Document(kind=kind, id=each.id, name=each.name, body=body, created_at=now, updated_at=now)
            )
    db.close()


def key(id: str, **more: Any) -> VirtualKey:
    return VirtualKey(id=id, name=id, digest=digest_of(f"sk-bf-{id}"), **more)
