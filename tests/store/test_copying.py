"""From SQLite to PostgreSQL: what is there afterwards, and when it is refused."""

import asyncio
from pathlib import Path

import pytest
from store_kit import SHARE, Clock, count, done, fill, new_batch

from asbru.model.files import File
from asbru.store import SqliteTarget, Store, batches, files, items
from asbru.store.copying import CopyError, copy, tables
from asbru.store.db import Db
from postgres_server import PostgresServer


def quiet(what: str) -> None:
    """Nobody listens."""


async def make(folder: Path) -> None:
    """A store with a batch of which one item is done and one is claimed, a charge, a large file and an empty one."""
    store = Store.open(folder, "w", Clock())
    await store.write(lambda db: fill(db, new_batch()))

    def work(db: Db) -> None:
        items.claim(db, store.session, SHARE, 5e9, 2)
        items.finish(db, store.session, [done(0)], store.segments, 5.0)

    await store.write(work)
    for name, body in (("big", b"x" * 2_500_000 + b"end"), ("empty", b"")):
        file = store.files.draft(name)
        file.write(body)
        store.files.keep(name, file)
        row = File(id=name, owner="", name=name, size=len(body), created_at=1.0, purpose="", media_type="")
        await store.write(lambda db, row=row: files.add(db, row))  # type: ignore[misc]
    await asyncio.to_thread(store.close_at_once)


def test_everything_is_there_and_goes_on(tmp_path: Path, postgres: PostgresServer) -> None:
    asyncio.run(make(tmp_path / "old"))
    target = postgres.target(tmp_path / "new")
    said: list[str] = []
    copied = copy(SqliteTarget(str(tmp_path / "old")), target, said.append)
    assert copied.rows["items"] == 4
    assert copied.rows["ledger"] == 1
    assert copied.bytes == 2_500_003 + len(b'{"n":0}')
    assert "batches" in said

    async def look() -> None:
        store = Store.open(target, "w", Clock())
        states = await store.read(lambda db: [r[0] for r in db.execute("SELECT state FROM items ORDER BY n")])
        assert states == ["succeeded", "waiting", "waiting", "waiting"], "what the dead had claimed is free"
        rows = await store.read(lambda db: items.read(db, 1, -1, "all", 9))
        assert await store.bodies([place for _, place in rows]) == [b'{"n":0}']
        with store.files.open("big") as file:
            file.seek(2_499_999)
            assert file.read() == b"xend"
        with store.files.open("empty") as file:
            assert file.read() == b""
        assert await store.write(lambda db: fill(db, new_batch("b2"))) == 2, "numbers go on"
        found = await store.read(lambda db: batches.find(db, "", "b1"))
        assert found is not None
        assert found[0].counts.succeeded == 1
        await store.clear(before=0.0)
        assert await store.bodies([place for _, place in rows]) == [b'{"n":0}']
        await store.close()

    asyncio.run(look())
    with pytest.raises(CopyError, match="not empty"):
        copy(SqliteTarget(str(tmp_path / "old")), target, quiet)


def test_an_interrupted_copy_leaves_nothing(tmp_path: Path, postgres: PostgresServer) -> None:
    asyncio.run(make(tmp_path / "old"))
    target = postgres.target(tmp_path / "new")

    def stop(what: str) -> None:
        if what == "outbox":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy(SqliteTarget(str(tmp_path / "old")), target, stop)
    assert copy(SqliteTarget(str(tmp_path / "old")), target, quiet).rows["files"] == 2


def test_a_running_gateway_is_not_copied(tmp_path: Path, postgres: PostgresServer) -> None:
    async def run() -> None:
        store = Store.open(tmp_path / "old", "w", Clock())
        target = postgres.target(tmp_path / "new")
        with pytest.raises(CopyError, match="running"):
            await asyncio.to_thread(copy, SqliteTarget(str(tmp_path / "old")), target, quiet)
        await store.close()

    asyncio.run(run())


def test_every_table_of_the_database_is_known(tmp_path: Path, postgres: PostgresServer) -> None:
    async def run() -> None:
        store = Store.open(postgres.target(tmp_path), "w", Clock())
        found = await store.read(tables)
        assert found[0] == "batches", "what others refer to comes first"
        assert {"items", "blobs", "ledger"} < set(found)
        assert await store.read(lambda db: count(db, "items")) == 0
        await store.close()

    asyncio.run(run())
