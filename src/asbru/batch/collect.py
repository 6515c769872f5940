"""The results of a job, read back item by item and written in groups, charged at the batch price."""

from collections.abc import Callable, Sequence

from asbru.batch.gather import NativeProvider, errored
from asbru.batch.late import late_at, past
from asbru.batch.native import Job, JobResult
from asbru.batch.outbox import read_lost
from asbru.batch.run import charge_id, request_id
from asbru.batch.translate import one_line
from asbru.model.batches import Outcome, Phase
from asbru.model.failure import Broken, Failure
from asbru.model.names import Format
from asbru.model.people import Spend
from asbru.model.record import Record
from asbru.model.usage import Usage, cost
from asbru.store import Store, items, jobs
from asbru.store.batches import Active
from asbru.store.items import Done
from asbru.store.jobs import JobRow
from asbru.wire import CODECS

_GROUP = 128

Charge = Callable[[str, tuple[str, str], int, Usage], tuple[Spend, ...]]
"""(owner, (provider, model), nano-dollars, tokens) -> what it takes from which limits."""


def no_charge(owner: str, target: tuple[str, str], cost: int, usage: Usage) -> tuple[Spend, ...]:
    """Nobody is limited."""
    return ()


class Collector:
    """Collects one job of one batch."""

    def __init__(self, store: Store, of: tuple[Active, JobRow], provider: NativeProvider, charge: Charge) -> None:
        self._store = store
        self._batch, self._row = of
        self._provider = provider
        self._charge = charge
        row = self._row
        self._format = Format(row.format)
        self._lost: dict[int, tuple[str, ...]] = {}

    async def collect(self, job: Job) -> None:
        """Write every result that the provider has. Raises Upstream when it breaks off; what was written stays."""
        self._lost = await self._store.call(lambda: read_lost(self._store.outbox, job.id))
        group: list[tuple[int, JobResult]] = []
        async for result in self._provider.api.results(job):
            n = self._number(result.upstream_id)
            if n is not None and not self._calls_back(result):
                group.append((n, result))
            if len(group) >= _GROUP:
                await self._write(group)
                group = []
        await self._write(group)

    def _calls_back(self, result: JobResult) -> bool:
        """Whether an item was not done because its job was late: it goes to our engine."""
        undone = result.outcome in (Outcome.CANCELED, Outcome.EXPIRED)
        return undone and past(late_at(self._batch), self._store.clock())

    def _number(self, upstream_id: str) -> int | None:
        """The number of the item that a result belongs to; None when it is none of this job's."""
        stem, _, number = upstream_id.rpartition("-")
        return int(number) if stem == self._row.id and number.isascii() and number.isdigit() else None

    async def _write(self, group: Sequence[tuple[int, JobResult]]) -> None:
        if not group:
            return
        numbers = [n for n, _ in group]
        models = await self._store.read(lambda db: jobs.models(db, self._row.batch, numbers))
        done = [self._done((n, models.get(n, "")), result) for n, result in group]
        await _finish(self._store, self._row.id, done)

    def _done(self, item: tuple[int, str], result: JobResult) -> Done:
        if result.outcome is Outcome.SUCCEEDED:
            try:
                return self._succeeded(item, result)
            except Failure as failure:
                return errored(self._batch, item, failure, (self._provider.name, self._store.clock()))
        if result.outcome is Outcome.ERRORED:
            return self._errored(item, result)
        return Done(
            batch=self._batch.seq, n=item[0], outcome=outcome_in(self._batch, result.outcome), format=self._batch.format
        )

    def _succeeded(self, item: tuple[int, str], result: JobResult) -> Done:
        body = one_line(result.body)
        usage = CODECS[self._format].read_usage(body) or Usage()
        price = cost(usage, self._provider.price(item[1]))
        return self._with(item, result, (body, self._record(item, usage, price)))

    def _errored(self, item: tuple[int, str], result: JobResult) -> Done:
        """The provider's error body, in its own format; one of ours in its place when there is none."""
        status = result.status or 500
        try:
            body = one_line(result.body)
        except Broken as failure:
            return errored(self._batch, item, failure, (self._provider.name, self._store.clock()))
        return self._with(item, result, (body, self._record(item, Usage(), 0, (status, f"status_{status}"))))

    def _with(self, item: tuple[int, str], result: JobResult, made: tuple[bytes, Record]) -> Done:
        body, record = made
        return Done(
            batch=self._batch.seq,
            n=item[0],
            outcome=result.outcome,
            format=self._format,
            status=record.status,
            body=body,
            request_id=result.request_id or request_id(self._batch.id, item[0]),
            usage=record.usage,
            cost=record.cost,
            record=record,
        )

    def _record(self, item: tuple[int, str], usage: Usage, price: int, ended: tuple[int, str] = (200, "")) -> Record:
        n, model = item
        key = self._provider.key(self._row.key)
        now = self._store.clock()
        return Record(
            id=charge_id(self._batch.id, n),
            at=now,
            took=max(now - self._row.created_at, 0.0),
            owner=self._batch.owner,
            asked_model=model,
            provider=self._provider.name,
            model=model,
            key=key.name if key else "",
            format_in=self._batch.format,
            format_out=self._format,
            lane="native",
            attempts=1,
            status=ended[0],
            failure=ended[1],
            usage=usage,
            cost=price,
            batch=self._batch.id,
            lost=self._lost.get(n, ()),
            spends=self._charge(self._batch.owner, (self._provider.name, model), price, usage),
        )


def stopped(batch: Active) -> Outcome:
    """What becomes of items without a result in a batch that is being stopped."""
    return Outcome.CANCELED if batch.phase is Phase.CANCELING else Outcome.EXPIRED


def outcome_in(batch: Active, outcome: Outcome) -> Outcome:
    """``outcome`` as the batch's owner knows it: what we had the provider cancel when time was over has expired."""
    expired = outcome is Outcome.CANCELED and batch.phase is Phase.EXPIRING
    return Outcome.EXPIRED if expired else outcome


async def end_rest(store: Store, of: tuple[Active, JobRow], outcome: Outcome, failure: Failure) -> None:
    """Give ``outcome`` to every item of the job without a result; errored ones get ``failure``."""
    batch, row = of
    while numbers := await store.read(lambda db: jobs.outstanding(db, row.id, -1, _GROUP)):
        models = await store.read(lambda db: jobs.models(db, batch.seq, numbers))
        at = (row.provider, store.clock())
        if outcome is Outcome.ERRORED:
            done = [errored(batch, (n, models.get(n, "")), failure, at) for n in numbers]
        else:
            kind = outcome_in(batch, outcome)
            done = [Done(batch=batch.seq, n=n, outcome=kind, format=batch.format) for n in numbers]
        await _finish(store, row.id, done)


async def _finish(store: Store, job: str, done: list[Done]) -> None:
    now = store.clock()
    await store.write(lambda db: items.collect(db, job, done, store.segments, now))
