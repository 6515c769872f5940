"""Who is alive, and what becomes of what the dead had claimed."""

import asyncio
import subprocess
import sys
from functools import partial
from pathlib import Path

import msgspec
import pytest
from store_kit import SHARE, Clock, count, done, fill, new_batch, opened, states

from asbru.model.batches import State
from asbru.store import Store, Target, batches, items, jobs, sessions
from asbru.store.db import Db
from asbru.store.items import Claimed, Postponed


async def claim(store: Store, most: int = 2) -> list[Claimed]:
    work = partial(items.claim, session=store.session, share=SHARE, now=store.clock(), most=most)
    return await store.write(work)


async def finish(store: Store, session: int, numbers: list[int]) -> int:
    group = [done(n) for n in numbers]
    return await store.write(lambda db: items.finish(db, session, group, store.segments, 5.0))


async def now_in(store: Store) -> list[str]:
    return await store.read(states)


def test_a_lapsed_worker_loses_its_claims_and_writes_nothing_late(where: Target) -> None:
    async def run() -> None:
        clock = Clock()
        late, other = opened(where, "late", clock), opened(where, "other", clock)
        await late.write(lambda db: fill(db, new_batch()))
        mine = await claim(late)
        old = late.session
        clock.now += sessions.LEASE + 1
        assert await other.beat(), "its own lease had lapsed too, but nobody had noticed"
        assert await now_in(other) == ["waiting"] * 4
        again = await claim(other)
        assert [item.n for item in again] == [item.n for item in mine] == [0, 1]
        assert await finish(late, old, [0, 1]) == 0
        assert await other.read(lambda db: (count(db, "ledger"), count(db, "logs"))) == (0, 0)
        assert await finish(other, other.session, [0]) == 1
        assert await late.beat() is False
        assert late.session > other.session > old, "fencing numbers only grow"
        assert await finish(late, late.session, [1]) == 0
        assert await now_in(other) == ["succeeded", "claimed", "waiting", "waiting"]
        await late.close()
        await other.close()

    asyncio.run(run())


def test_a_group_with_one_lost_claim_writes_and_charges_the_others(where: Target) -> None:
    async def run() -> None:
        store = opened(where, "w", Clock())
        await store.write(lambda db: fill(db, new_batch()))
        await claim(store, 3)
        await store.write(lambda db: db.execute("UPDATE items SET lease = 999 WHERE n = 1") and None)
        assert await finish(store, store.session, [0, 1, 2]) == 2
        assert await now_in(store) == ["succeeded", "claimed", "succeeded", "waiting"]
        assert await store.read(lambda db: db.execute("SELECT id FROM ledger").fetchall()) == [("b1/0",), ("b1/2",)]
        found = await store.read(lambda db: batches.find(db, "", "b1"))
        assert found is not None
        assert (found[0].counts.succeeded, found[0].counts.processing, found[0].cost) == (2, 2, 14)
        await store.close()

    asyncio.run(run())


def test_a_result_written_twice_counts_once(where: Target) -> None:
    async def run() -> None:
        store = opened(where, "w", Clock())
        await store.write(lambda db: fill(db, new_batch()))
        await claim(store, 1)
        assert await finish(store, store.session, [0]) == 1
        assert await finish(store, store.session, [0]) == 0
        assert await store.read(lambda db: count(db, "ledger")) == 1
        await store.close()

    asyncio.run(run())


def test_heartbeats_keep_the_claims(where: Target) -> None:
    async def run() -> None:
        clock = Clock()
        store, other = opened(where, "w", clock), opened(where, "o", clock)
        await store.write(lambda db: fill(db, new_batch()))
        await claim(store)
        for _ in range(5):
            clock.now += sessions.LEASE * 0.9
            assert await store.beat()
            assert await other.beat()
        assert await now_in(other) == ["claimed", "claimed", "waiting", "waiting"]
        await other.close()
        await store.close()

    asyncio.run(run())


def test_a_clock_that_is_set_back_makes_nobody_wait_for_hours(where: Target) -> None:
    async def run() -> None:
        clock = Clock()
        store = opened(where, "w", clock)
        await store.write(lambda db: fill(db, new_batch()))
        await claim(store, 1)
        later = [Postponed(1, 0, clock.now + 60)]
        await store.write(lambda db: items.postpone(db, store.session, later, clock.now))
        await store.beat()
        assert len(await claim(store, 9)) == 3, "a minute is a minute"
        clock.now -= 7_200
        await store.beat()
        assert len(await claim(store, 9)) == 1
        await store.close()

    asyncio.run(run())


def test_who_gets_a_new_session_writes_new_segments(where: Target) -> None:
    """A segment that no batch uses may be removed once its writer's session is over: nothing more must go into it."""

    async def run() -> None:
        clock = Clock()
        late, other = opened(where, "late", clock), opened(where, "other", clock)
        await late.write(lambda db: fill(db, new_batch()))
        await claim(late)
        assert await finish(late, late.session, [0]) == 1
        clock.now += sessions.LEASE + 1
        await other.beat()
        assert await late.beat() is False
        await claim(late)
        assert await finish(late, late.session, [1]) == 1
        assert await late.segment_names() == ["1-1", f"{late.session}-1"]
        await late.close()
        await other.close()

    asyncio.run(run())


def test_the_supervisor_can_free_what_a_dead_worker_held_at_once(where: Target) -> None:
    async def run() -> None:
        clock = Clock()
        dead, alive = opened(where, "dead", clock), opened(where, "alive", clock)
        await dead.write(lambda db: fill(db, new_batch()))
        await claim(dead)
        await alive.write(lambda db: jobs.hold_share(db, dead.session, SHARE) and None)
        await alive.release("dead")
        assert await now_in(alive) == ["waiting"] * 4
        assert await alive.write(lambda db: jobs.hold_share(db, alive.session, SHARE))
        await asyncio.to_thread(dead.close_at_once)
        await alive.close()

    asyncio.run(run())


def test_a_clean_end_frees_everything(where: Target) -> None:
    async def run() -> None:
        first, second = opened(where, "a", Clock()), opened(where, "b", Clock())
        await first.write(lambda db: fill(db, new_batch()))
        await claim(first)
        await first.close()
        assert await now_in(second) == ["waiting"] * 4
        await second.close()

    asyncio.run(run())


def test_who_starts_alone_frees_everything_at_once(where: Target) -> None:
    """After a kill -9 nobody waits for a lease; beside a living worker everybody does."""
    code = (
        "import asyncio, msgspec, sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from store_kit import Clock, fill, new_batch\n"
        "from test_sessions import claim\n"
        "from asbru.store import Store, Target\n"
        "async def run():\n"
        "    store = Store.open(msgspec.json.decode(sys.argv[1], type=Target), 'killed', Clock())\n"
        "    await store.write(lambda db: fill(db, new_batch()))\n"
        "    await claim(store)\n"
        "    print('claimed', flush=True)\n"
        "    sys.stdin.read()\n"
        "asyncio.run(run())\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, msgspec.json.encode(where).decode()],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "claimed\n"

    async def beside() -> list[str]:
        store = opened(where, "beside", Clock())
        found = await now_in(store)
        await asyncio.to_thread(store.close_at_once)
        return found

    assert asyncio.run(beside()) == ["claimed", "claimed", "waiting", "waiting"]
    child.kill()
    child.communicate()
    assert asyncio.run(beside()) == ["waiting"] * 4


@pytest.mark.parametrize("phase", ["canceling", "expiring"])
def test_what_comes_back_unsent_to_a_stopped_batch_is_withdrawn(where: Target, phase: str) -> None:
    async def run() -> None:
        clock = Clock()
        store, other = opened(where, "w", clock), opened(where, "o", clock)
        await store.write(lambda db: fill(db, new_batch()))
        await claim(store)

        def stop(db: Db) -> None:
            if phase == "canceling":
                batches.cancel(db, "", "b1", 5.0)
            else:
                batches.expire(db, 1, 5.0)

        await store.write(stop)
        outcome = State.CANCELED if phase == "canceling" else State.EXPIRED
        assert await now_in(store) == ["claimed", "claimed", outcome, outcome]
        await other.release("w")
        assert await now_in(other) == [outcome] * 4
        found = await other.read(lambda db: batches.find(db, "", "b1"))
        assert found is not None
        assert found[0].status == "ended"
        assert await other.read(lambda db: count(db, "ledger")) == 0
        await asyncio.to_thread(store.close_at_once)
        await other.close()

    asyncio.run(run())
