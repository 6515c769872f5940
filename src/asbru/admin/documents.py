"""Reads and changes documents in the store, each change with its line in the audit log."""

import secrets
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from asbru.model.failure import Refused
from asbru.store import Store, objects
from asbru.store.db import Db
from asbru.store.objects import Change, Document

D = TypeVar("D", bound=Struct)

NO_MORE = 10_000
"""Most documents of one kind: each worker holds all of them in memory."""


def new_id() -> str:
    """128 random bits."""
    return secrets.token_hex(16)


class Documents(Generic[D]):
    """Documents of one kind. ``word``: what one of them is called in messages. ``secret``: members that no audit line
    shows. ``changed``: called after each change, so that this worker knows at once.
    """

    def __init__(self, store: Store, kind: str, shape: type[D], word: str, secret: Iterable[str] = ()) -> None:
        self._store = store
        self.kind = kind
        self.word = word
        self._decode = msgspec.json.Decoder(shape).decode
        self._secret = frozenset(secret)

    async def all(self) -> list[D]:
        """Every one, oldest first."""
        found = await self._store.read(lambda db: objects.all_of(db, (self.kind,)))
        return [self._decode(each.body) for each in found]

    async def find(self, id: str) -> D | None:
        """One, or None."""
        found = await self._store.read(lambda db: objects.find(db, self.kind, id))
        return self._decode(found.body) if found else None

    async def get(self, id: str) -> D:
        """One. Raises Refused(404)."""
        found = await self.find(id)
        if found is None:
            raise self._missing()
        return found

    async def add(self, actor: str, id: str, name: str, new: D) -> None:
        """Store a new one. Raises Refused(409) when its name is taken."""
        now = self._store.clock()

        def work(db: Db) -> None:
            self._check_name(db, id, name)
            if objects.count(db, self.kind) >= NO_MORE:
                raise Refused(400, f"there are {NO_MORE} of them already", code="invalid_request_error")
            self._put(db, Document(kind=self.kind, id=id, name=name, body=_encode(new), created_at=now, updated_at=now))
            self._note(db, (actor, "create", id), b"", _encode(new))

        await self._store.write(work)

    async def change(self, actor: str, id: str, change: Callable[[D], tuple[str, D]]) -> D:
        """Replace one by what ``change`` makes of it, with its name. Raises Refused(404 or 409)."""
        now = self._store.clock()

        def work(db: Db) -> D:
            found = objects.find(db, self.kind, id)
            if found is None:
                raise self._missing()
            name, new = change(self._decode(found.body))
            self._check_name(db, id, name)
            body = _encode(new)
            self._put(db, msgspec.structs.replace(found, name=name, body=body, origin="api", updated_at=now))
            self._note(db, (actor, "update", id), found.body, body)
            return new

        return await self._store.write(work)

    async def remove(self, actor: str, id: str, then: Callable[[Db], None] = lambda db: None) -> None:
        """Take one away, and ``then`` what hangs on it. Raises Refused(404)."""

        def work(db: Db) -> None:
            found = objects.find(db, self.kind, id)
            if found is None or not objects.remove(db, self.kind, id):
                raise self._missing()
            then(db)
            self._note(db, (actor, "delete", id), found.body, b"")

        await self._store.write(work)

    def within(self, db: Db) -> list[D]:
        """Every one, inside a transaction."""
        return [self._decode(each.body) for each in objects.all_of(db, (self.kind,))]

    def put_within(self, db: Db, id: str, name: str, new: D) -> None:
        """Replace one, inside a transaction; it goes with another's change and has no audit line of its own."""
        found = objects.find(db, self.kind, id)
        if found is not None:
            now = self._store.clock()
            objects.put(db, msgspec.structs.replace(found, name=name, body=_encode(new), updated_at=now))

    def _missing(self) -> Refused:
        return Refused(404, f"{self.word} not found", code="not_found_error")

    def _check_name(self, db: Db, id: str, name: str) -> None:
        if name and objects.named(db, self.kind, name) not in ("", id):
            raise Refused(409, f"name: {self.word} {name!r} exists already", code="conflict_error", param="name")

    def _put(self, db: Db, document: Document) -> None:
        objects.put(db, document)

    def _note(self, db: Db, what: tuple[str, str, str], before: bytes, after: bytes) -> None:
        actor, action, id = what
        objects.note(
            db,
            Change(
                at=self._store.clock(),
                actor=actor,
                action=action,
                kind=self.kind,
                id=id,
                before=self._masked(before),
                after=self._masked(after),
            ),
        )

    def _masked(self, body: bytes) -> bytes:
        if not body or not self._secret:
            return body
        members = msgspec.json.decode(body)
        return msgspec.json.encode({k: "***" if k in self._secret and v else v for k, v in members.items()})


def _encode(document: Struct) -> bytes:
    return msgspec.json.encode(document)
