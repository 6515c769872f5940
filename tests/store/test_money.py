"""Whatever happens to a batch, in whatever order: its books are right after every step, its limit is never passed."""

import random

import pytest
from msgspec import structs
from store_kit import database, done

from asbru.model.batches import Controls, Mode, Outcome, State
from asbru.model.names import Format
from asbru.store import (
    NOWHERE,
    PostgresTarget,
    Target,
    backend_of,
    batches,
    items,
    jobs,
    moving,
    sessions,
    spending,
)
from asbru.store.batches import NewBatch, NewItem
from asbru.store.db import Db, savepoint
from asbru.store.items import Done, Postponed
from asbru.store.jobs import JobRow

SHARE = (1, "acme")
SESSION = 5
NOW = 5.0


class Books:
    """One batch of 30 items, some of them twins, some queued, and the dice that drive it."""

    def __init__(self, where: Target, seed: int) -> None:
        self.dice = dice = random.Random(seed)
        self.db: Db = database(where)
        self.segments = backend_of(where).appender("t")
        self.jobs = 0
        self.max_cost = dice.choice((0, 1, 300, 900, 3_000, 100_000))
        made = [self._item(n) for n in range(30)]
        estimate = sum(item.reserve for item in made)
        self.db.execute("BEGIN")
        if isinstance(where, PostgresTarget):
            self.db.execute("ALTER SEQUENCE batches_seq_seq RESTART")
        with savepoint(self.db):
            batches.begin(self.db, self._batch(estimate, sum(item.twin is not None for item in made)))
            batches.add(self.db, 1, made)
            batches.open_(self.db, 1, self._batch(estimate, 0), {"acme": (15, 15)})
            self.db.execute("INSERT INTO sessions (seq, worker, until) VALUES (?, 'w', 1e9)", (SESSION,))

    def _item(self, n: int) -> NewItem:
        dice = self.dice
        if n > 2 and dice.random() < 0.2:
            return NewItem(n, f"c{n}", State.TWIN, "acme", "m", NOWHERE, twin=dice.randrange(3))
        reserve = dice.randrange(0, 200)
        state = State.WAITING if n < 3 or dice.random() < 0.5 else State.QUEUED
        live = reserve if state is State.WAITING else reserve * 2
        return NewItem(n, f"c{n}", state, "acme", "m", NOWHERE, reserve=reserve, reserve_live=live)

    def _batch(self, estimate: int, twins: int) -> NewBatch:
        return NewBatch(
            id="b1",
            owner="",
            format=Format.ANTHROPIC_MESSAGES,
            provider="acme",
            mode=Mode.AUTO,
            headers={},
            controls=Controls(max_cost=self.max_cost),
            estimate=estimate,
            twins=twins,
            models=("m",),
            total=30,
            created_at=1.0,
            expires_at=1e9,
        )

    def numbers(self, where: str) -> list[tuple[int, int]]:
        """Numbers and reserves of items."""
        return [(row[0], row[1]) for row in self.db.execute(f"SELECT n, reserve FROM items WHERE {where} ORDER BY n")]

    def step(self) -> None:
        """Something happens."""
        often = (self.claim, self.claim, self.finish, self.finish, self.plan, self.collect)
        seldom = (self.postpone, self.lapse, self.move, self.stop, self.end_job, self.pause)
        move = self.dice.choice((*often, *seldom))
        with savepoint(self.db):
            move()

    def claim(self) -> None:
        items.claim(self.db, SESSION, SHARE, NOW, self.dice.randrange(1, 6))

    def _done(self, n: int, reserve: int) -> Done:
        failed = self.dice.random() < 0.3
        cost = 0 if failed else self.dice.randrange(0, reserve + 1)
        return done(n, outcome=Outcome.ERRORED if failed else Outcome.SUCCEEDED, cost=cost)

    def finish(self) -> None:
        held = self.numbers(f"state = 'claimed' AND lease = {SESSION}")
        group = [self._done(*each) for each in held if self.dice.random() < 0.6]
        if group:
            items.finish(self.db, SESSION, group, self.segments, NOW)

    def postpone(self) -> None:
        held = self.numbers("state = 'claimed'")[:2]
        items.postpone(self.db, SESSION, [Postponed(1, n, NOW) for n, _ in held], NOW)

    def lapse(self) -> None:
        if self.dice.random() < 0.3:
            self.db.execute("UPDATE items SET lease = 99 WHERE state = 'claimed'")
            sessions.free(self.db, NOW)

    def plan(self) -> None:
        queued = [n for n, _ in self.numbers("state = 'queued'")][: self.dice.randrange(1, 6)]
        if not queued:
            return
        self.jobs += 1
        row = JobRow(
            id=f"j{self.jobs}", batch=1, provider="acme", key="", model="", format="openai.chat", state="planned",
            count=len(queued), size=1, created_at=1.0, due_at=1.0,
        )  # fmt: skip
        if not jobs.plan(self.db, SESSION, row, queued):
            spending.stop_if_idle(self.db, 1)

    def _some_job(self) -> str:
        rows = self.db.execute("SELECT id FROM jobs WHERE state <> 'ended' ORDER BY id").fetchall()
        return str(self.dice.choice(rows)[0]) if rows else ""

    def collect(self) -> None:
        """Results of a job, also of items that were called back; a provider may tell one twice."""
        job = self._some_job()
        native = self.numbers(f"job = '{job}'")
        group = [self._done(n, reserve // 2) for n, reserve in native if self.dice.random() < 0.5]
        if group:
            items.collect(self.db, job, group, self.segments, NOW)
            items.collect(self.db, job, [structs.replace(each, cost=each.cost) for each in group], self.segments, NOW)

    def move(self) -> None:
        moving.move(self.db, 1, self._some_job(), "late")

    def end_job(self) -> None:
        job = self._some_job()
        if job and not self.numbers(f"job = '{job}' AND state = 'submitted'"):
            self.db.execute("UPDATE jobs SET state = 'ended', lease = 0 WHERE id = ?", (job,))

    def stop(self) -> None:
        """What the engine does with a batch that was found to have cost what it may."""
        if self.db.execute("SELECT stopped FROM batches").fetchone()[0]:
            spending.end(self.db, 1, ("openai.chat", 402, NOWHERE, "r"), NOW)

    def pause(self) -> None:
        self.db.execute("UPDATE batches SET paused_at = ?", (NOW if self.dice.random() < 0.3 else None,))

    def check(self) -> None:
        """The books are right."""
        columns = "cost, reserved, remaining, succeeded, errored, canceled, expired, phase"
        cost, reserved, *counts, phase = self.db.execute(f"SELECT {columns} FROM batches").fetchone()
        assert cost == self._sum("SELECT SUM(cost) FROM ledger") == self._sum("SELECT SUM(cost) FROM items")
        if self.max_cost:
            # A job counts whole until it ends: what may still come is less than what is held to be under way.
            sent = self._sum("SELECT SUM(reserve) FROM items WHERE state IN ('claimed', 'submitted')")
            assert cost + sent <= self.max_cost
        open_ = "state IN ('waiting', 'claimed', 'queued', 'submitted', 'twin')"
        assert counts[0] == self._sum(f"SELECT COUNT(*) FROM items WHERE {open_}")
        assert sum(counts) == 30
        for name, count in zip(("succeeded", "errored", "canceled", "expired"), counts[1:], strict=True):
            assert count == self._sum(f"SELECT COUNT(*) FROM items WHERE state = '{name}'")
        assert reserved == self._sum(f"SELECT SUM(reserve) FROM items WHERE {open_}") or phase == "ended"
        forgotten = f"f.n = t.twin AND t.state = 'twin' AND NOT f.{open_}"
        assert self._sum(f"SELECT COUNT(*) FROM items t JOIN items f ON {forgotten}") == 0
        assert (phase == "ended") is (counts[0] == 0)
        charges = self.db.execute("SELECT COUNT(*), COUNT(DISTINCT id) FROM ledger").fetchone()
        assert charges[0] == charges[1]

    def _sum(self, statement: str) -> int:
        return int(self.db.execute(statement).fetchone()[0] or 0)


@pytest.mark.parametrize("seed", range(25))
def test_the_books_are_right_after_every_step(where: Target, seed: int) -> None:
    books = Books(where, seed)
    books.check()
    for _ in range(80):
        books.step()
        books.check()
    books.db.execute("ROLLBACK")
    books.segments.close()
    books.db.close()
