"""Runs items on the providers' own batch APIs: gather into jobs, send, poll, collect.

Rule 1. A job is written down as ``submitting`` before it is sent. One that is found so later is looked for upstream
first: a crash, or an answer that never came, cannot make a second, billed batch.
Rule 2. Where a job stands is in the store after every step; a step that fails is tried again later, by whoever holds
it.
Rule 3. A job of a batch that is being stopped is told once; what the provider still finishes counts.
Rule 4. Polling begins after five seconds and slows down with the job's age, to once a minute.
Rule 5. A job that is late for its batch's deadline is told to stop, and what it has not done runs live: ``late.py``.
Rule 6. A provider that cannot be reached is waited for until the batch's time is over; one that says again and again
that it has no such batch is believed, and what has no result then is errored.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from asbru.batch.barred import Barred
from asbru.batch.collect import Charge, Collector, end_rest, no_charge, stopped
from asbru.batch.gather import Gatherer, NativeProvider
from asbru.batch.late import REASON, last_at, late_at, past
from asbru.batch.native import Job, Line, Lines
from asbru.batch.outbox import read_lines, remove
from asbru.model.batches import Mode, Outcome, Phase
from asbru.model.failure import Broken, Failure, Overloaded, Rejected, Upstream
from asbru.model.names import Format
from asbru.store import Store, batches, jobs, moving
from asbru.store.batches import Active
from asbru.store.jobs import JobRow

_log = logging.getLogger("asbru.batch")
_GONE = (404, 410)


class SubmissionSettings(Struct, frozen=True, kw_only=True):
    """Durations in seconds. ``look``: between rounds. ``first`` and ``last``: shortest and longest wait between polls.

    ``most``: jobs held at a time. ``patience``: failed tries of a step after which a stopped batch waits no longer, and
    a job that the provider does not know is given up. ``obey``: longest wait that a provider may ask for.
    """

    look: float = 1.0
    first: float = 5.0
    last: float = 60.0
    most: int = 64
    patience: int = 8
    obey: float = 900.0


class Submission:
    """``providers``: those with a batch API, by name. ``new_id``: ids of jobs, letters and digits.

    ``charge``: what an item takes from its owner's limits.
    """

    def __init__(
        self,
        store: Store,
        providers: Mapping[str, NativeProvider],
        new_id: Callable[[], str],
        settings: SubmissionSettings = SubmissionSettings(),  # noqa: B008  Immutable.
        charge: Charge = no_charge,
    ) -> None:
        self._store = store
        self.providers = providers
        self._settings = settings
        self._charge = charge
        self._barred = Barred(store.clock)
        self._gatherer = Gatherer(store, new_id, self._barred)
        self._outbox = store.outbox
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._news = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to work, in the running event loop."""
        self._loop = asyncio.create_task(self._run())

    def wake(self) -> None:
        """There is new work, or a batch was canceled."""
        self._news.set()

    async def stop(self) -> None:
        """Leave every job where it stands: what is being sent is looked for by the next worker."""
        tasks = [*self._busy.values(), *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._news.clear()
            try:
                await self._round()
            except Exception:
                _log.exception("a round of the providers' batch APIs failed; it is tried again")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.look):
                    await self._news.wait()

    async def _round(self) -> None:
        """Gather what waits for a job, then take one step with every job that is due."""
        session = self._store.session
        for batch in (await self._active()).values():
            for name in batch.queued:
                await self._gather(batch, name)
        busy = frozenset(self._busy)
        rows = await self._store.write(lambda db: jobs.hold(db, session, self._store.clock(), self._settings.most))
        # Read again: a batch may have been canceled, or opened and planned by another worker, since.
        active = await self._active() if rows else {}
        for row in rows:
            # What was busy when the rows were asked for may have moved on since: its row may be old.
            if row.id not in busy:
                task = asyncio.create_task(self._step(row, active.get(row.batch), session))
                self._busy[row.id] = task
                task.add_done_callback(partial(self._stepped, row.id))

    async def _active(self) -> dict[int, Active]:
        found = await self._store.read(partial(batches.active, now=self._store.clock()))
        return {batch.seq: batch for batch in found}

    async def _gather(self, batch: Active, name: str) -> None:
        """Plan what waits; a batch that cannot be gathered now does not hold up the jobs of others."""
        try:
            if past(late_at(batch), self._store.clock()):
                await self._store.write(lambda db: moving.move_queued(db, (batch.seq, name), REASON))
            elif name in self.providers:
                await self._gatherer.gather(batch, self.providers[name])
        except Exception:
            _log.exception("a batch could not be gathered; it is tried again", extra={"batch": batch.id})

    def _stepped(self, id: str, task: "asyncio.Task[None]") -> None:
        del self._busy[id]
        self._news.set()
        if not task.cancelled() and task.exception() is not None:
            _log.error("a job failed; it is tried again", extra={"job": id}, exc_info=task.exception())

    async def _step(self, row: JobRow, batch: Active | None, session: int) -> None:
        """One step of a job we hold; afterwards anybody may take the next."""
        provider = self.providers.get(row.provider)
        after: JobRow | None
        if batch is None:
            after = replace(row, state="ended")
        elif provider is None:
            after = await self._unknown(row, batch)
        else:
            after = await _Step(self, row, (batch, provider), session).take()
        if after is None or not await self._store.write(
            lambda db: jobs.update(db, session, after, keep=False, due=row.due_at)
        ):
            return
        if after.state == "submitted" and row.state != "submitted":
            await self._store.call(partial(remove, self._outbox, row.id, keep_lost=True))

    async def _unknown(self, row: JobRow, batch: Active) -> JobRow:
        """A job of a provider that the configuration no longer names, or no key of which may be used for batches."""
        if batch.phase is not Phase.IN_PROGRESS:
            failure = Broken(502, f"The provider {row.provider!r} is no longer configured.")
            await end_rest(self._store, (batch, row), stopped(batch), failure)
            await self._store.call(partial(remove, self._outbox, row.id))
            return replace(row, state="ended")
        _log.warning("a job waits for a provider that is not configured", extra={"provider": row.provider})
        return self._later(row, self._settings.last)

    def _later(self, row: JobRow, seconds: float) -> JobRow:
        return replace(row, due_at=self._store.clock() + seconds)


class _Step:
    """One step of one job; ``take`` gives where the job stands then, None when it is gone or somebody else's."""

    def __init__(self, of: Submission, row: JobRow, about: tuple[Active, NativeProvider], session: int) -> None:
        self._of = of
        self._store = of._store
        self._row = row
        self._batch, self._provider = about
        self._session = session
        self._collector = Collector(of._store, (self._batch, row), self._provider, of._charge)

    async def take(self) -> JobRow | None:
        """Go on from where the job stands."""
        if past(last_at(self._batch), self._store.clock()) and self._row.state != "planned":
            await self._call_back()
        try:
            match self._row.state:
                case "planned":
                    return await self._send()
                case "submitting":
                    return await self._find()
                case "submitted":
                    return await self._poll()
                case _:
                    return await self._collect()
        except Upstream as failure:
            return await self._failed(failure)
        except Exception:
            _log.exception("a step of a job failed; it is tried again", extra={"job": self._row.id})
            return await self._failed(Broken(502, "The gateway failed to follow the provider's batch."))

    async def _call_back(self) -> None:
        """What has no result goes to our engine."""
        row = self._row
        count = await self._store.write(lambda db: moving.move(db, row.batch, row.id, REASON))
        if count:
            _log.warning("a job is late: its items run live", extra={"job": row.id, "items": count})

    def _late(self) -> bool:
        return past(late_at(self._batch), self._store.clock())

    def _later(self, row: JobRow, seconds: float) -> JobRow:
        """Look again in so many seconds, and when the deadline asks for it."""
        now = self._store.clock()
        turns = [at for at in (late_at(self._batch), last_at(self._batch)) if at is not None and at > now]
        return replace(row, due_at=min([now + seconds, *turns]))

    def _job(self) -> Job:
        row = self._row
        return Job(
            id=row.id,
            batch=self._batch.id,
            provider=row.provider,
            key=self._provider.key(row.key),
            model=row.model,
            format=Format(row.format),
            created_at=row.created_at,
            count=row.count,
            size=row.size,
            upstream_id=row.upstream_id,
            files=row.files,
            headers={name.encode(): value.encode() for name, value in self._batch.headers.items()},
        )

    def _lines(self) -> Lines:
        async def read() -> AsyncIterator[Line]:
            for n, body in read_lines(self._of._outbox, self._row.id, self._row.count):
                yield Line(n, f"{self._row.id}-{n}", body)

        return read

    async def _send(self) -> JobRow | None:
        row = self._row
        if self._batch.phase is not Phase.IN_PROGRESS:
            return await self._end(stopped(self._batch), Broken(502, "The batch was stopped before it was sent."))
        if self._batch.paused:
            return self._later(row, self._of._settings.first)
        if self._late():
            await self._unplan(row)
            return None
        self._row = sending = replace(row, state="submitting")
        held = await self._store.write(
            lambda db: jobs.update(db, self._session, sending, keep=True, due=row.due_at),
        )
        if not held:
            return None
        try:
            made = await self._provider.api.submit(self._job(), self._lines())
        except OSError:
            # Its lines are gone from the disk: gather them again from the items themselves.
            await self._unplan(row)
            return None
        except Rejected as failure:
            if self._of._barred.bar(row.provider, row.key, failure):
                await self._unplan(row)
                return None
            return await self._refused(failure)
        except Overloaded as failure:
            if failure.status == 429:
                self._row = row
            raise
        return self._submitted(made)

    async def _refused(self, failure: Failure) -> JobRow:
        """The provider will not have the job: what the gateway itself sent there runs live, the rest is errored."""
        row = self._row
        if self._batch.mode is Mode.AUTO and self._batch.phase is Phase.IN_PROGRESS:
            await self._store.write(lambda db: moving.move(db, row.batch, row.id, failure.message))
        return await self._end(Outcome.ERRORED, failure)

    async def _unplan(self, row: JobRow) -> None:
        now = self._store.clock()
        await self._store.write(lambda db: jobs.unplan(db, self._session, row, now))
        await self._store.call(partial(remove, self._of._outbox, row.id))

    def _submitted(self, made: Job) -> JobRow:
        sent = replace(self._row, state="submitted", upstream_id=made.upstream_id, files=made.files, attempts=0)
        return self._later(sent, self._of._settings.first)

    async def _find(self) -> JobRow:
        known = await self._store.read(lambda db: jobs.known(db, self._row.provider))
        made = await self._provider.api.find(self._job(), known)
        return self._submitted(made) if made else replace(self._row, state="planned", due_at=self._store.clock())

    async def _poll(self) -> JobRow:
        job = self._job()
        if (self._batch.phase is not Phase.IN_PROGRESS or self._late()) and not self._row.told:
            await self._provider.api.cancel(job)
            self._row = replace(self._row, told=True)
        progress = await self._provider.api.poll(job)
        if not progress.ended:
            settings = self._of._settings
            age = self._store.clock() - self._row.created_at
            return self._later(replace(self._row, attempts=0), min(max(age / 10, settings.first), settings.last))
        ended = replace(self._row, state="collecting", failure=progress.failure, missing=progress.missing, attempts=0)
        return replace(ended, due_at=self._store.clock())

    async def _collect(self) -> JobRow:
        row = self._row
        if row.failure:
            return await self._refused(Broken(400, row.failure, code="invalid_request_error"))
        await self._collector.collect(self._job())
        if self._late():
            await self._call_back()
        missing = Outcome(row.missing or Outcome.ERRORED)
        return await self._end(missing, Broken(502, "The provider's batch ended without a result for this request."))

    async def _end(self, outcome: Outcome, failure: Failure) -> JobRow:
        """Give every item that is left its outcome, and clean up."""
        await end_rest(self._store, (self._batch, self._row), outcome, failure)
        if self._row.upstream_id:
            with contextlib.suppress(Upstream):
                await self._provider.api.clean_up(self._job())
        await self._store.call(partial(remove, self._of._outbox, self._row.id))
        return replace(self._row, state="ended")

    async def _failed(self, failure: Upstream) -> JobRow:
        """Try the step again later; neither a batch that is being stopped nor a job that is gone waits for ever."""
        row, settings = self._row, self._of._settings
        if row.attempts >= settings.patience:
            if self._batch.phase is not Phase.IN_PROGRESS:
                return await self._end(stopped(self._batch), failure)
            if row.state in ("submitted", "collecting") and failure.status in _GONE:
                text = f"The provider no longer has the batch that this request was part of: {failure.message}"
                return await self._end(Outcome.ERRORED, Broken(502, text))
        _log.warning("a provider's batch API failed", extra={"provider": row.provider, "reason": failure.message})
        wait = min(settings.first * 2.0 ** min(row.attempts, 10), settings.last)
        told = min(failure.retry_after or 0.0, settings.obey)
        return self._later(replace(row, attempts=row.attempts + 1), max(told, wait))
