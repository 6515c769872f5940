"""Bodies in segments: where they lie, when they go, what a crash leaves."""

import asyncio
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import msgspec
import pytest
from store_kit import SHARE, Clock, count, done, fill, new_batch, with_store

from asbru.store import NOWHERE, Place, SqliteTarget, Store, Target, batches, items
from asbru.store.blobs import FileAppender, Shelf
from asbru.store.db import Db


def test_bodies_come_back_as_they_were(tmp_path: Path) -> None:
    bodies = [os.urandom(size) for size in (1, 0, 70_000, 2, 3_000_000)] + [b"x"] * 2_000
    appender, shelf = FileAppender(tmp_path, "1", roll=100_000), Shelf(tmp_path)
    places = [appender.append(body) for body in bodies]
    appender.sync()
    assert [shelf.read(place) for place in places] == bodies
    assert places[1] == NOWHERE
    assert shelf.names() == ["1-1", "1-2"], "a new segment once the last one is full"
    appender.close()
    shelf.close()


def test_a_segment_that_is_too_short_is_an_error_not_a_short_body(tmp_path: Path) -> None:
    (tmp_path / "s-1").write_bytes(b"12345")
    shelf = Shelf(tmp_path)
    assert shelf.read(Place("s-1", 1, 4)) == b"2345"
    with pytest.raises(OSError, match="ends before"):
        shelf.read(Place("s-1", 3, 4))
    with pytest.raises(FileNotFoundError):
        shelf.read(Place("s-2", 0, 1))
    shelf.close()


def test_few_files_stay_open(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    for n in range(200):
        (tmp_path / f"s-{n}").write_bytes(b"x")
    before = len(os.listdir("/proc/self/fd"))
    assert all(shelf.read(Place(f"s-{n}", 0, 1)) == b"x" for n in range(200))
    assert len(os.listdir("/proc/self/fd")) - before < 70
    shelf.close()


def test_after_a_failed_commit_nothing_is_written_to_the_same_segment(tmp_path: Path) -> None:
    async def use(store: Store) -> None:
        await store.write(lambda db: fill(db, new_batch()))

        def claim_and_finish(db: Db, n: int) -> str:
            items.claim(db, store.session, SHARE, 5e9, 1)
            items.finish(db, store.session, [done(n)], store.segments, 5.0)
            return store.segments.name

        first = await store.write(partial(claim_and_finish, n=0))
        assert isinstance(store.segments, FileAppender)
        os.close(store.segments._handle)  # The disk goes away under the writer's feet.
        with pytest.raises(OSError, match="Bad file"):
            await store.write(partial(claim_and_finish, n=1))
        store.segments._handle = -1
        again = await store.write(partial(claim_and_finish, n=1))
        assert again != first
        rows = await store.read(lambda db: items.read(db, 1, -1, "all", 10))
        assert await store.bodies([place for _, place in rows]) == [b'{"n":0}', b'{"n":1}']

    with_store(tmp_path, use)


def test_deleted_and_archived_batches_give_their_space_back(where: Target) -> None:
    files = 1 if isinstance(where, SqliteTarget) else 2  # On PostgreSQL every transaction has its own.

    async def run() -> None:
        clock = Clock()
        store = Store.open(where, "w", clock)
        for id_ in ("b1", "b2", "b3"):
            await store.write(lambda db, id_=id_: fill(db, new_batch(id_)))  # type: ignore[misc]

        def results(db: Db, batch: int) -> None:
            items.claim(db, store.session, (batch, "acme"), 5e9, 9)
            items.finish(db, store.session, [done(n, batch) for n in range(4)], store.segments, clock())

        await store.write(partial(results, batch=1))
        await store.write(partial(results, batch=2))
        await store.close()

        store = Store.open(where, "w", clock)
        assert len(await store.segment_names()) == files
        clock.now += 100
        await store.write(lambda db: batches.delete(db, "", "b1", clock()))
        await store.clear(before=0.0)
        assert await store.read(lambda db: (count(db, "batches"), count(db, "items"))) == (2, 8)
        assert len(await store.segment_names()) == 1, "b2 still has bodies in it"
        await store.clear(before=clock.now)
        found = await store.read(lambda db: batches.find(db, "", "b2"))
        assert found is not None
        assert found[0].archived_at == clock.now
        assert found[0].counts.succeeded == 4, "what it was stays to be seen"
        assert await store.segment_names() == []
        unended = await store.read(lambda db: batches.find(db, "", "b3"))
        assert unended is not None
        assert unended[0].archived_at is None
        assert await store.read(lambda db: count(db, "ledger")) == 8, "charges stay"
        await store.close()

    asyncio.run(run())


def test_segments_that_somebody_writes_are_left_alone(tmp_path: Path) -> None:
    async def run() -> None:
        one, two = Store.open(tmp_path, "1", Clock()), Store.open(tmp_path, "2", Clock())
        folder = tmp_path / "segments"
        for name in (f"{one.session}-9", f"{two.session}-1", "999-1", "i7-1"):
            (folder / name).write_bytes(b"x")
        await one.clear(before=0.0)
        assert await one.segment_names() == [f"{two.session}-1"]
        await one.close()
        await two.close()

    asyncio.run(run())


def test_an_intake_that_never_opened_is_cleared(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        store = Store.open(tmp_path, "w", clock)

        def begin(db: Db) -> None:
            seq = batches.begin(db, new_batch("half", at=clock()))
            batches.use(db, seq, [f"i{seq}-1"])

        await store.write(begin)
        (tmp_path / "segments" / "i1-1").write_bytes(b"x")
        await store.clear(before=0.0)
        assert await store.segment_names() == ["i1-1"], "its writer may still be at it"
        clock.now += 3_601
        await store.clear(before=0.0)
        assert await store.segment_names() == []
        assert await store.read(lambda db: count(db, "batches")) == 0
        await store.close()

    asyncio.run(run())


WRITER = """
import asyncio, msgspec, sys
sys.path.insert(0, {here!r})
from store_kit import Clock, SHARE, done, fill, new_batch
from asbru.store import Store, Target, items

async def run():
    store = Store.open(msgspec.json.decode(sys.argv[1], type=Target), "w", Clock())
    await store.write(lambda db: fill(db, new_batch(total=100_000)))
    n = 0
    while True:
        group = [done(n + k) for k in range(50)]
        def work(db):
            items.claim(db, store.session, SHARE, 5e9, 50)
            items.finish(db, store.session, group, store.segments, 5.0)
        await store.write(work)
        n += 50
        print(n, flush=True)

asyncio.run(run())
"""


def test_what_was_acknowledged_before_a_kill_is_there_with_its_body(where: Target) -> None:
    code = WRITER.format(here=str(Path(__file__).parent))
    child = subprocess.Popen(
        [sys.executable, "-c", code, msgspec.json.encode(where).decode()], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    acknowledged = 0
    while acknowledged < 1_000:
        acknowledged = int(child.stdout.readline())
    child.kill()
    rest, _ = child.communicate()
    acknowledged = max([acknowledged, *(int(line) for line in rest.splitlines() if line)])

    async def use(store: Store) -> None:
        rows = await store.read(lambda db: items.read(db, 1, -1, "all", 1_000_000))
        assert len(rows) >= acknowledged
        bodies = await store.bodies([place for _, place in rows])
        assert bodies == [b'{"n":%d}' % n for n in range(len(rows))]
        assert await store.read(lambda db: (count(db, "ledger"), count(db, "logs"))) == (len(rows), len(rows))
        found = await store.read(lambda db: batches.find(db, "", "b1"))
        assert found is not None
        assert found[0].counts.succeeded == len(rows)

    with_store(where, use)
