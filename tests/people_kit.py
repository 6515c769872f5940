"""Virtual keys and teams, put into the store of a gateway that is not running."""

import time
from pathlib import Path
from typing import Any

import msgspec

from asbru.governance import digest_of
from asbru.model.people import Team, VirtualKey
from asbru.store import objects
from asbru.store.db import transaction
from asbru.store.sqlite import connect, prepare


def register(app: Path, *documents: VirtualKey | Team) -> None:
    """Puts documents into the store of a gateway that is not running."""
    app.mkdir(parents=True, exist_ok=True)
    prepare(app / "asbru.db")
    db = connect(app / "asbru.db")
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
