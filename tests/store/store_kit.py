"""A store in an empty directory, and batches in it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from asbru.model.batches import Mode, Outcome, State
from asbru.model.names import Format
from asbru.model.record import Record
from asbru.model.usage import Usage
from asbru.store import NOWHERE, Clocks, Limits, SqliteTarget, Store, Target, backend_of, batches
from asbru.store.batches import NewBatch, NewItem
from asbru.store.db import Db
from asbru.store.items import Done

T = TypeVar("T")
SHARE = (1, "acme")


class Clock:
    """A time that moves when told."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def with_store(where: Path | Target, use: Callable[[Store], Awaitable[T]], limits: Limits = Limits()) -> T:  # noqa: B008
    """What ``use`` gives for a store that is closed afterwards."""

    async def run() -> T:
        store = Store.open(where, "w1", Clock(), limits)
        try:
            return await use(store)
        finally:
            await store.close()

    return asyncio.run(run())


def opened(where: Path | Target, worker: str, clock: Clock) -> Store:
    """A store that knows one clock only, for the time of day and for heartbeats."""
    return Store.open(where, worker, Clocks(clock, clock))


def database(where: Path | Target) -> Db:
    """A connection to a fresh database."""
    backend = backend_of(SqliteTarget(str(where)) if isinstance(where, Path) else where)
    backend.prepare()
    return backend.connect()


def new_batch(id: str = "b1", total: int = 4, owner: str = "", at: float = 1_000_000.0) -> NewBatch:
    """A batch that expires a day after ``at``."""
    return NewBatch(
        id=id,
        owner=owner,
        format=Format.ANTHROPIC_MESSAGES,
        provider="acme",
        mode=Mode.AUTO,
        headers={},
        models=("m",),
        total=total,
        created_at=at,
        expires_at=at + 86_400,
    )


def fill(db: Db, new: NewBatch, state: State = State.WAITING) -> int:
    """Store a batch whose items are all in ``state``; its number."""
    seq = batches.begin(db, new)
    batches.add(db, seq, [NewItem(n, f"c{n}", state, "acme", "m", NOWHERE) for n in range(new.total)])
    live = state is State.WAITING
    batches.open_(db, seq, new, {"acme": (new.total * live, new.total * (not live))})
    return seq


def done(n: int, batch: int = 1, outcome: Outcome = Outcome.SUCCEEDED, cost: int = 7) -> Done:
    """The result of an item, with its log line and charge."""
    usage = Usage(input=2, output=3)
    return Done(
        batch=batch,
        n=n,
        outcome=outcome,
        format=Format.ANTHROPIC_MESSAGES,
        status=200,
        body=f'{{"n":{n}}}'.encode(),
        usage=usage,
        cost=cost,
        record=record(f"b{batch}/{n}", cost=cost, usage=usage),
    )


def record(id: str, *, cost: int = 5, usage: Usage = Usage(), status: int = 200, failure: str = "") -> Record:  # noqa: B008
    """A log line."""
    return Record(
        id=id, at=1.0, took=0.5, provider="acme", model="m", cost=cost, usage=usage, status=status, failure=failure
    )


def count(db: Db, table: str) -> int:
    """Rows of a table."""
    found: int = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return found


def states(db: Db, batch: int = 1) -> list[str]:
    """The states of a batch's items, in order."""
    return [row[0] for row in db.execute("SELECT state FROM items WHERE batch = ? ORDER BY n", (batch,))]
