"""Every statement that moves a batch or an item, against every state: the tables of ``batch/states.py`` are the truth.

And the plans of the hot ones: none reads a whole table.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from store_kit import database, done, fill, new_batch

from asbru.batch.states import BATCH, ITEM, BatchEvent, ItemEvent, advance
from asbru.model.batches import Outcome, Phase, State
from asbru.store import (
    NOWHERE,
    Appender,
    PostgresTarget,
    Target,
    backend_of,
    batches,
    files,
    items,
    jobs,
    moving,
    sessions,
    spending,
    stopping,
    twins,
)
from asbru.store.batches import NewItem
from asbru.store.db import Db
from asbru.store.items import Postponed
from asbru.store.jobs import JobRow

SESSION = 77
JOB = "j1"
Move = Callable[[Db, Appender], object]


def finish(outcome: Outcome) -> Move:
    return lambda db, segments: items.finish(db, SESSION, [done(0, outcome=outcome)], segments, 5.0)


def collect(outcome: Outcome) -> Move:
    return lambda db, segments: items.collect(db, JOB, [done(0, outcome=outcome)], segments, 5.0)


def stop(phase: Phase) -> Move:
    def move(db: Db, _: Appender) -> None:
        db.execute("UPDATE batches SET phase = ?", (phase,))
        stopping.stop(db, 1, phase, 5.0)

    return move


def copy(outcome: Outcome) -> Move:
    """The item is the same as another, which has this outcome."""

    def move(db: Db, _: Appender) -> None:
        batches.add(db, 1, [NewItem(7, "c7", State.WAITING, "acme", "m", NOWHERE)])
        db.execute("UPDATE items SET state = ? WHERE n = 7", (outcome,))
        db.execute("UPDATE items SET twin = 7 WHERE n = 0")
        db.execute("UPDATE batches SET twins = 1")
        twins.settle(db, 1, [7])
        db.execute("DELETE FROM items WHERE n = 7")

    return move


def end_stopped(db: Db, _: Appender) -> None:
    spending.end(db, 1, ("openai.chat", 402, NOWHERE, "r"), 5.0)


def move_out(db: Db, _: Appender) -> None:
    moving.move(db, 1, JOB, "late")
    moving.move_queued(db, (1, "acme"), "late")


def lapse(db: Db, _: Appender) -> None:
    sessions.free(db, 5.0)


def plan(db: Db, _: Appender) -> bool:
    return jobs.plan(db, SESSION, job_row("j2"), [0])


def job_row(id: str) -> JobRow:
    return JobRow(
        id=id,
        batch=1,
        provider="acme",
        key="",
        model="",
        format="openai.chat",
        state="planned",
        count=1,
        size=1,
        created_at=1.0,
        due_at=1.0,
    )


ITEM_MOVES: tuple[tuple[ItemEvent, Move], ...] = (
    (ItemEvent.CLAIM, lambda db, _: items.claim(db, SESSION, (1, "acme"), 5.0, 9)),
    (ItemEvent.POSTPONE, lambda db, _: items.postpone(db, SESSION, [Postponed(1, 0, 9.0)], 5.0)),
    (ItemEvent.LAPSE, lapse),
    (ItemEvent.WITHDRAW_CANCELED, stop(Phase.CANCELING)),
    (ItemEvent.WITHDRAW_EXPIRED, stop(Phase.EXPIRING)),
    (ItemEvent.SUBMIT, plan),
    (ItemEvent.UNSUBMIT, lambda db, _: jobs.unplan(db, SESSION, job_row(JOB), 5.0)),
    (ItemEvent.SEIZE, lambda db, _: jobs.seize(db, SESSION, 1, [0])),
    (ItemEvent.UPSTREAM_CANCELED, collect(Outcome.CANCELED)),
    (ItemEvent.UPSTREAM_EXPIRED, collect(Outcome.EXPIRED)),
    (ItemEvent.MOVE, move_out),
    (ItemEvent.STOP, end_stopped),
    (ItemEvent.COPY_SUCCEEDED, copy(Outcome.SUCCEEDED)),
    (ItemEvent.COPY_ERRORED, copy(Outcome.ERRORED)),
    (ItemEvent.COPY_CANCELED, copy(Outcome.CANCELED)),
    (ItemEvent.COPY_EXPIRED, copy(Outcome.EXPIRED)),
)
OUTCOME_MOVES: tuple[tuple[ItemEvent, Outcome], ...] = (
    (ItemEvent.SUCCEED, Outcome.SUCCEEDED),
    (ItemEvent.FAIL, Outcome.ERRORED),
)


def move_item(where: Target, state: State, move: Move, stem: str = "t") -> State:
    """The state of an item that was in ``state`` after ``move``."""
    db = database(where)
    segments = backend_of(where).appender(stem)
    db.execute("BEGIN")
    if isinstance(where, PostgresTarget):
        db.execute("ALTER SEQUENCE batches_seq_seq RESTART")
    try:
        fill(db, new_batch(total=1))
        jobs.plan(db, SESSION, job_row(JOB), [])
        db.execute("UPDATE items SET state = ?, lease = ?, job = ?", (state, SESSION, JOB))
        move(db, segments)
        return State(db.execute("SELECT state FROM items").fetchone()[0])
    finally:
        db.execute("ROLLBACK")
        segments.close()
        db.close()


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize(("event", "move"), ITEM_MOVES, ids=lambda value: str(value) if isinstance(value, str) else "")
def test_items_move_as_the_table_says(where: Target, state: State, event: ItemEvent, move: Move) -> None:
    assert move_item(where, state, move) is (advance(ITEM, state, event) or state)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize(("event", "outcome"), OUTCOME_MOVES)
def test_results_are_taken_only_where_they_may_be(
    where: Target, state: State, event: ItemEvent, outcome: Outcome
) -> None:
    ours, others = (collect, finish) if state is State.SUBMITTED else (finish, collect)
    assert move_item(where, state, ours(outcome)) is (advance(ITEM, state, event) or state)
    came_back = outcome is Outcome.SUCCEEDED and advance(ITEM, state, ItemEvent.COME_BACK)
    assert move_item(where, state, others(outcome), "o") is (came_back or state)


def finish_all(db: Db) -> None:
    """Every item has an outcome."""
    db.execute("UPDATE batches SET remaining = 0")
    stopping.end_if_done(db, 1, 5.0)


BATCH_MOVES: tuple[tuple[BatchEvent, Callable[[Db], object]], ...] = (
    (BatchEvent.CANCEL, lambda db: db.execute(batches.CANCEL, (5.0, 1))),
    (BatchEvent.EXPIRE, lambda db: db.execute(batches.EXPIRE, (1,))),
    (BatchEvent.FINISH, finish_all),
)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize(("event", "move"), BATCH_MOVES, ids=lambda value: str(value) if isinstance(value, str) else "")
def test_batches_move_as_the_table_says(
    where: Target, phase: Phase, event: BatchEvent, move: Callable[[Db], object]
) -> None:
    db = database(where)
    fill(db, new_batch(total=1))
    db.execute("UPDATE batches SET phase = ?", (phase,))
    move(db)
    assert db.execute("SELECT phase FROM batches").fetchone()[0] == (advance(BATCH, phase, event) or phase)
    db.close()


def test_a_batch_with_work_left_does_not_end(where: Target) -> None:
    db = database(where)
    fill(db, new_batch(total=2))
    stopping.end_if_done(db, 1, 5.0)
    assert db.execute("SELECT phase, ended_at FROM batches").fetchone() == ("in_progress", None)
    db.close()


HOT: tuple[tuple[str, str, int], ...] = (
    ("claim", items.CLAIM, 5),
    ("finish", items.FINISH, 15),
    ("collect", items.COLLECT, 16),
    ("move", moving.MOVE_SUBMITTED, 2),
    ("move queued", moving.MOVE_QUEUED, 3),
    ("move one", moving.MOVE_ONE, 3),
    ("files at places", files.PLACES, 5),
    ("file at a place", files.PLACED, 3),
    ("end what waits", spending.END_WAITING, 7),
    ("end what is queued", spending.END_QUEUED, 7),
    ("copy", twins.COPY_ALL, 1),
    ("reserved waiting", stopping.RESERVED[0], 1),
    ("reserved queued", stopping.RESERVED[1], 1),
    ("postpone", items.POSTPONE, 5),
    ("read all", items.READ["all"], 3),
    ("read failed", items.READ["failed"], 3),
    ("withdraw waiting", stopping.WITHDRAW[0], 2),
    ("withdraw queued", stopping.WITHDRAW[1], 2),
    ("end", stopping.END, 2),
    ("find", batches.FIND, 2),
    ("older", batches.OLDER, 3),
    ("newer", batches.NEWER, 3),
    ("free items", sessions.FREE_ITEMS, 0),
    ("queued", jobs.QUEUED, 4),
    ("submit", jobs.SUBMIT, 3),
    ("submitted", jobs.SUBMITTED, 3),
    ("hold", jobs.HOLD, 3),
    ("active", batches.ACTIVE, 1),
)


@pytest.mark.parametrize(("name", "statement", "values"), HOT, ids=[row[0] for row in HOT])
def test_hot_statements_use_an_index(tmp_path: Path, name: str, statement: str, values: int) -> None:
    db = database(tmp_path)
    plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}", [1] * values)]
    db.close()
    scans = [step for step in plan if step.startswith("SCAN") and "INDEX" not in step]
    assert not scans, (name, plan)
    assert not any("TEMP B-TREE" in step for step in plan if name not in ("active", "submitted")), (name, plan)


def test_a_claim_walks_the_index_of_what_waits(tmp_path: Path) -> None:
    db = database(tmp_path)
    plan = " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {items.CLAIM}", [1] * 5))
    db.close()
    assert "items_waiting (batch=? AND provider=?" in plan


def test_looking_for_work_never_walks_through_the_items_of_a_batch(tmp_path: Path) -> None:
    db = database(tmp_path)
    plan = " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {batches.ACTIVE}", [1]))
    db.close()
    assert "INDEX batches_open" in plan
    assert "INDEX items_waiting (batch=? AND provider=?" in plan
    assert "INDEX items_queued (batch=? AND provider=?" in plan
