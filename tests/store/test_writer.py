"""The writer thread: groups, what is dropped and what is not, and what happens when the disk says no."""

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from store_kit import Clock, count, record, with_store

from asbru.model.failure import Unavailable
from asbru.model.record import Record
from asbru.model.usage import Usage
from asbru.store import Limits, Store
from asbru.store.blobs import FileAppender
from asbru.store.db import Db, Work
from asbru.store.sqlite import connect, prepare
from asbru.store.writer import Writer


def rows(store: Store) -> list[tuple[str, int]]:
    db = sqlite3.connect(store.app_dir / "asbru.db")
    try:
        return db.execute("SELECT id, cost FROM ledger ORDER BY id").fetchall()
    finally:
        db.close()


def test_a_record_becomes_one_line_and_one_charge(tmp_path: Path) -> None:
    async def use(store: Store) -> None:
        for _ in range(3):
            store.log(replace(record("req_1", usage=Usage(input=1, output=2)), asked_id="mine"))
        await store.flush()
        assert rows(store) == [("req_1", 5)]
        line = await store.read(lambda db: db.execute("SELECT model, usage, asked_id FROM logs").fetchall())
        assert line == [("m", '{"input":1,"output":2}', "mine")]

    with_store(tmp_path, use)


@pytest.mark.parametrize(
    ("kept", "charged"),
    [
        (record("a", cost=0), True),
        (record("a", cost=0, status=500, failure="api_error"), False),
        (record("a", cost=3, status=499, failure="request_cancelled"), True),
    ],
    ids=["free success", "failed", "cut, but billed"],
)
def test_what_is_charged(tmp_path: Path, kept: Record, charged: bool) -> None:
    async def use(store: Store) -> None:
        store.log(kept)
        await store.flush()
        assert bool(rows(store)) is charged
        assert await store.read(lambda db: count(db, "logs")) == 1

    with_store(tmp_path, use)


def test_lines_are_written_without_anybody_waiting(tmp_path: Path) -> None:
    async def use(store: Store) -> None:
        store.log(record("req_1"))
        deadline = time.monotonic() + 5
        while not rows(store):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)

    with_store(tmp_path, use)


def test_a_full_buffer_drops_lines_and_counts_them_but_never_a_charge(tmp_path: Path) -> None:
    async def use(store: Store) -> None:
        entered, leave = threading.Event(), threading.Event()

        def hold(db: Db) -> None:
            entered.set()
            assert leave.wait(10)

        holding = asyncio.create_task(store.write(hold))
        await asyncio.to_thread(entered.wait, 10)
        for n in range(50):
            store.log(record(f"req_{n:02}"))
        assert store.dropped == 40
        leave.set()
        await holding
        await store.flush()
        assert await store.read(lambda db: count(db, "logs")) == 10
        assert len(rows(store)) == 50

    with_store(tmp_path, use, Limits(lines=10))


def test_work_runs_in_the_order_in_which_it_came(tmp_path: Path) -> None:
    async def use(store: Store) -> None:
        def work(db: Db) -> int:
            seen: int = db.execute("SELECT count(*) FROM sessions").fetchone()[0]
            db.execute("INSERT INTO sessions (worker, until) VALUES ('x', 0)")
            return seen

        assert await asyncio.gather(*(store.write(work) for _ in range(200))) == list(range(1, 201))

    with_store(tmp_path, use)


def test_what_waits_while_a_commit_runs_shares_the_next_one(tmp_path: Path) -> None:
    async def use(store: Store) -> None:
        def grown() -> int:
            return (store.app_dir / "asbru.db-wal").stat().st_size

        def work(db: Db) -> None:
            db.execute("UPDATE sessions SET until = until + 1")

        await store.write(work)
        before = grown()
        await asyncio.gather(*(store.write(work) for _ in range(500)))
        assert grown() - before < 50 * 4_120, "a commit of its own for each would have written 500 pages"

    with_store(tmp_path, use)


def test_work_that_raises_is_undone_alone(tmp_path: Path) -> None:
    async def use(store: Store) -> None:
        def good(db: Db) -> None:
            db.execute("INSERT INTO sessions (worker, until) VALUES ('good', 0)")

        def bad(db: Db) -> None:
            db.execute("INSERT INTO sessions (worker, until) VALUES ('bad', 0)")
            raise ValueError("no")

        results = await asyncio.gather(store.write(good), store.write(bad), store.write(good), return_exceptions=True)
        assert [type(result) for result in results] == [type(None), ValueError, type(None)]
        found = await store.read(lambda db: db.execute("SELECT worker FROM sessions WHERE until = 0").fetchall())
        assert found == [("good",), ("good",)]

    with_store(tmp_path, use)


def limit(pages: int) -> Work[None]:
    """Let the database of the writer have so many pages: a disk that is full at will."""

    def work(db: Db) -> None:
        db.execute(f"PRAGMA max_page_count = {pages}").fetchone()

    return work


def test_a_full_disk_fails_the_work_and_keeps_the_charges(tmp_path: Path) -> None:
    async def use(store: Store) -> None:
        def big(db: Db) -> None:
            db.execute("INSERT INTO sessions (worker, until) VALUES (?, 0)", ("x" * 200_000,))

        await store.write(limit(1))
        with pytest.raises(Unavailable):
            await store.write(big)
        for n in range(2_000):
            store.log(record(f"req_{n:04}"))
        assert await store.write(lambda db: 7) == 7, "work goes on while the log cannot be written"
        assert len(rows(store)) < 2_000
        await store.write(limit(1 << 30))
        await store.flush()
        assert len(rows(store)) == 2_000
        assert store.dropped == 0

    with_store(tmp_path, use, Limits(retry=0.02))


def test_odd_values_keep_nobody_else_from_being_written(tmp_path: Path) -> None:
    async def use(store: Store) -> None:
        store.log(record("req_1"))
        store.log(Record(id="req_2", at=1.0, took=0.0, model="\ud800 half", cost=1 << 70))
        await store.flush()
        assert [id_ for id_, _ in rows(store)] == ["req_1", "req_2"]

    with_store(tmp_path, use)


def test_what_was_logged_before_the_close_is_written(tmp_path: Path) -> None:
    async def run() -> Store:
        store = Store.open(tmp_path, "w1", Clock())
        for n in range(5_000):
            store.log(record(f"req_{n:05}"))
        await store.close()
        with pytest.raises(RuntimeError, match="closed"):
            await store.write(lambda db: None)
        return store

    assert len(rows(asyncio.run(run()))) == 5_000


def test_a_waiter_that_gave_up_harms_nobody(tmp_path: Path) -> None:
    async def use(store: Store) -> None:
        waiting = asyncio.create_task(store.write(lambda db: time.sleep(0.05)))
        await asyncio.sleep(0.01)
        waiting.cancel()
        assert await store.write(lambda db: 7) == 7

    with_store(tmp_path, use)


def test_logging_costs_the_hot_path_next_to_nothing(tmp_path: Path) -> None:
    async def use(store: Store) -> None:
        records = [record(f"req_{n}") for n in range(20_000)]
        best = 1.0
        for _ in range(3):
            began = time.perf_counter()
            for one in records:
                store.log(one)
            best = min(best, (time.perf_counter() - began) / len(records))
            await store.flush()
        assert best < 5e-6

    with_store(tmp_path, use)


class Odd(BaseException):
    """Nothing that `except Exception` catches."""


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What the store logs, also when another test set up the log of this process."""
    logger = logging.getLogger("asbru.store")
    logger.addHandler(caplog.handler)
    propagate, logger.propagate = logger.propagate, False
    yield caplog
    logger.removeHandler(caplog.handler)
    logger.propagate = propagate


ODD = (SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), StopIteration(), Odd())


@pytest.mark.parametrize("error", ODD)
def test_whatever_work_raises_reaches_its_caller_and_nobody_else(tmp_path: Path, error: BaseException) -> None:
    async def use(store: Store) -> None:
        def bad(db: Db) -> None:
            raise error

        three = (store.write(lambda db: 1), store.write(bad), store.write(lambda db: 3))
        results = await asyncio.gather(*three, return_exceptions=True)
        assert [results[0], results[2]] == [1, 3]
        assert isinstance(results[1], RuntimeError)
        assert type(error).__name__ in str(results[1])

    with_store(tmp_path, use)


@pytest.mark.parametrize("kind", [OSError, SystemExit, Odd])
def test_a_database_that_cannot_be_opened_fails_the_work_and_is_tried_again(
    tmp_path: Path, kind: type[BaseException], said: pytest.LogCaptureFixture
) -> None:
    prepare(tmp_path / "asbru.db")
    (tmp_path / "segments").mkdir()
    broken = True

    def open_it() -> Db:
        if broken:
            raise kind("no database today")
        return connect(tmp_path / "asbru.db")

    async def run() -> None:
        nonlocal broken
        writer = Writer(open_it, FileAppender(tmp_path / "segments", "1"), Limits(retry=0.01))
        writer.start()
        writer.add(record("req_1"))
        for _ in range(3):
            with pytest.raises((OSError, RuntimeError), match="no database today"):
                await writer.do(lambda db: 1)
        with pytest.raises((OSError, RuntimeError), match="no database today"):
            await writer.flush()
        broken = False
        assert await writer.do(lambda db: 7) == 7
        await writer.flush()
        assert await writer.do(lambda db: count(db, "ledger")) == 1
        await asyncio.to_thread(writer.close)

    asyncio.run(run())
    assert [each.message for each in said.records] == [
        "the database cannot be written; log lines and charges are kept for later",
        "the database can be written again",
    ]


def test_a_connection_that_cannot_be_rolled_back_is_replaced(tmp_path: Path) -> None:
    async def use(store: Store) -> None:
        def lose(db: Db) -> None:
            db.close()

        store.log(record("req_1"))
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            await store.write(lose)
        assert await store.write(lambda db: 7) == 7
        await store.flush()
        assert [id_ for id_, _ in rows(store)] == ["req_1"]

    with_store(tmp_path, use, Limits(retry=0.01))


def test_work_that_ends_the_transaction_itself_fails_its_group_and_nothing_after_it(tmp_path: Path) -> None:
    async def use(store: Store) -> None:
        with pytest.raises(sqlite3.OperationalError):
            await store.write(lambda db: db.execute("ROLLBACK") and None)
        assert await store.write(lambda db: 7) == 7

    with_store(tmp_path, use)


def test_who_comes_while_the_store_closes_is_answered(tmp_path: Path) -> None:
    async def run() -> None:
        store = Store.open(tmp_path, "w1", Clock())
        going = [asyncio.create_task(store.write(lambda db: time.sleep(0.005))) for _ in range(50)]
        closing = asyncio.create_task(asyncio.to_thread(store.close_at_once))
        while not closing.done():
            going.append(asyncio.create_task(store.write(lambda db: None)))
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            ended = await asyncio.gather(*going, return_exceptions=True)
        assert all(one is None or isinstance(one, RuntimeError) for one in ended)
        assert ended[:50] == [None] * 50

    asyncio.run(run())


def test_what_cannot_be_written_at_the_end_is_counted_aloud(tmp_path: Path, said: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        store = Store.open(tmp_path, "w1", Clock(), Limits(retry=0.01))
        await store.write(limit(1))
        for n in range(3_000):
            store.log(record(f"req_{n:04}"))
        await asyncio.to_thread(store.close_at_once)
        missing = 3_000 - len(rows(store))
        lost = [each for each in said.records if each.message == "log lines and charges are lost"]
        assert [vars(each)["charges"] for each in lost] == [missing]

    asyncio.run(run())
