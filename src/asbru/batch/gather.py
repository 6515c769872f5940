"""Waiting items into jobs: converted, grouped, written down.

Rule 1. A job holds items of one batch, provider, key and endpoint, and of one model where the provider wants that,
within its limits.
Rule 2. An item that cannot be converted is finished at once, errored; it holds up nobody.
Rule 3. A share (one batch's items for one provider) is gathered by one worker at a time.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import NamedTuple

import msgspec
from msgspec import Struct

from asbru.batch.barred import Barred
from asbru.batch.native import NativeApi
from asbru.batch.outbox import Parcel
from asbru.batch.run import charge_id, request_id
from asbru.gateway.bending import OUR_MEMBERS, bent, lifted
from asbru.model.batches import Mode, Outcome
from asbru.model.chat import Ask
from asbru.model.failure import Failure, Refused
from asbru.model.keys import Key
from asbru.model.names import OPERATIONS, Format, Operation
from asbru.model.record import Record
from asbru.model.usage import Price
from asbru.providers import BatchApi, Endpoint
from asbru.store import Store, items, jobs, moving, spending
from asbru.store.batches import Active
from asbru.store.db import Db
from asbru.store.depot import Depot
from asbru.store.items import Done
from asbru.store.jobs import JobRow, Queued
from asbru.wire import CODECS
from asbru.wire.codec import Written
from asbru.wire.envelope import Envelope

_PAGE = 128
_LINE_OVERHEAD = 200
"""Bytes that a provider's client writes around each body, at most."""
_BREATHE = 16
"""Items converted before the event loop gets its turn."""


class NativeProvider(Struct, frozen=True, kw_only=True):
    """A provider whose own batch API can be used now. ``ways``: the endpoints that its jobs can be written for.

    ``keys``: those for batches. ``price``: of a model on the batch API. ``choose``: one key for a model, but
    for those with some ids, or None when none may be used for it (a provider without keys gets None too, and then
    ``keyless`` is set).
    ``settings``: their values where a key says none. The quirks of a way are the provider's and its own.
    """

    name: str
    api: NativeApi
    limits: BatchApi
    ways: tuple[Endpoint, ...]
    keys: tuple[Key, ...]
    price: Callable[[str], tuple[Price, ...]]
    choose: Callable[[str, Collection[str]], Key | None]
    keyless: bool = False
    settings: Mapping[str, str] = msgspec.field(default_factory=dict)

    def way_for(self, source: Format, model: str, key: Key | None) -> Endpoint:
        """Where requests in ``source`` go. Raises Refused(400) when its batch API does nothing of the kind."""
        settings = {**self.settings, **key.settings} if key else self.settings
        wanted = OPERATIONS[source]
        able = [way for way in self.ways if OPERATIONS[way.format] is wanted and way.covers(model, settings)]
        if not able:
            text = f"{wanted} is not supported by the batch API of {self.name} for model {model}"
            raise Refused(400, text, code="unsupported_operation", param="model")
        return next((way for way in able if way.format is source), able[0])

    @property
    def operations(self) -> frozenset[Operation]:
        """What its batch API does."""
        return frozenset(OPERATIONS[way.format] for way in self.ways)

    def key(self, id: str) -> Key | None:
        """The key with this id, None when it is not there (any more)."""
        return next((key for key in self.keys if key.id == id), None)


def convert(body: bytes, source: Format, way: Endpoint, model: str) -> Written:
    """An item's params as the provider's batch API wants them. Raises Refused when they cannot be read.

    Its ``fallbacks`` are lost: whoever wants others tried runs the item live.
    """
    envelope = Envelope(body)
    lost = tuple(name for name in OUR_MEMBERS if name in envelope.members)
    target, quirks = way.format, way.quirks
    if source is target:
        written = bent(body, CODECS[source].put(envelope, model, False), quirks)
        return Written(written.body, written.lost + lost)
    ask = CODECS[source].read_ask(envelope)
    if isinstance(ask, Ask):
        ask = msgspec.structs.replace(ask, stream=False)
    codec = CODECS[target]
    if codec.split is not None and len(codec.split(ask)) > 1:
        text = f"{target} takes one thing at a time: in a batch each has to be a request of its own"
        raise Refused(400, text, code="invalid_request_error")
    written = codec.write_ask(msgspec.structs.replace(ask, model=model))
    finished = bent(written.body, {}, quirks)
    return Written(finished.body, written.lost + finished.lost + lost)


class Gatherer:
    """``new_id``: ids of jobs. ``barred``: keys that are not to be used now."""

    def __init__(self, store: Store, new_id: Callable[[], str], barred: Barred) -> None:
        self._store = store
        self._new_id = new_id
        self._barred = barred
        self._outbox = store.outbox

    async def gather(self, batch: Active, provider: NativeProvider) -> int:
        """Plan jobs for all waiting items of a batch at a provider; how many were planned.

        0 when another worker does.
        """
        share = (batch.seq, provider.name)
        session = self._store.session
        if not await self._store.write(lambda db: jobs.hold_share(db, session, share)):
            return 0
        making = _Making(self._store, self._new_id, self._outbox, self._barred)
        parcels = _Parcels(making, batch, provider)
        try:
            whole = await self._all(share, parcels)
            await parcels.plan_rest()
            if not whole and not parcels.planned:
                await self._store.write(lambda db: spending.stop_if_idle(db, batch.seq))
        finally:
            parcels.discard()
            await self._store.write(lambda db: jobs.free_share(db, session, share))
        return parcels.planned

    async def _all(self, share: tuple[int, str], parcels: "_Parcels") -> bool:
        """Fill parcels with what waits; False when the batch's limit lets no more go now."""
        after = -1
        money = await self._store.read(lambda db: spending.left(db, share[0])) or 0
        while True:
            page = await self._store.read(partial(jobs.queued, share=share, after=after, most=_PAGE))
            for item in page:
                money -= item.reserve
                if money < 0:
                    return False
                try:
                    body = (await self._store.bodies([item.ask]))[0]
                except OSError:
                    gone = Refused(500, "The request's body can no longer be read.", code="api_error")
                    await parcels.refuse(item, gone)
                else:
                    await parcels.add(item, body)
            await parcels.let_go()
            if len(page) < _PAGE:
                return True
            after = page[-1].n


class _Group(NamedTuple):
    """What all items of a job have in common. ``key``: its id."""

    key: str
    model: str
    format: Format


class _Making(NamedTuple):
    """What jobs are made with."""

    store: Store
    new_id: Callable[[], str]
    outbox: Depot
    barred: Barred


class _NotHere(Exception):
    """The provider's batch API cannot take an item; our engine may."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class _Parcels:
    """The jobs being gathered for one batch at one provider."""

    def __init__(self, making: _Making, batch: Active, provider: NativeProvider) -> None:
        self._store, self._new_id, self._outbox, self._barred = making
        self._batch, self._provider = batch, provider
        self._leaving: dict[str, list[int]] = {}
        self._open: dict[_Group, Parcel] = {}
        self._chosen: dict[str, Key | None] = {}
        self._seen = 0
        self.planned = 0

    async def add(self, item: Queued, body: bytes) -> None:
        """Convert an item and put it where it belongs."""
        self._seen += 1
        if self._seen % _BREATHE == 0:
            await asyncio.sleep(0)
        try:
            group, written = self._written(item, body)
        except _NotHere as no:
            await self._leave(item, no.failure)
        except Failure as failure:
            await self.refuse(item, failure)
        else:
            await self._put(group, item.n, written)

    def _written(self, item: Queued, body: bytes) -> tuple[_Group, Written]:
        """Where an item goes, and as what. Raises _NotHere, or the Failure that it would meet anywhere."""
        provider = self._provider
        try:
            key = self._key(item.model)
            model = key.deployments.get(item.model, item.model) if key else item.model
            way = provider.way_for(self._batch.format, model, key)
        except Failure as failure:
            raise _NotHere(failure) from None
        written = convert(body, self._batch.format, self._with_headers(way), model)
        self._fits(written.body)
        return _Group(key.id if key else "", item.model if provider.limits.one_model else "", way.format), written

    def _with_headers(self, way: Endpoint) -> Endpoint:
        """``way``, with the headers of the create that its bodies have as members."""
        if not way.quirks.lift:
            return way
        headers = {name.encode(): value.encode() for name, value in self._batch.headers.items()}
        put = {**way.quirks.put, **lifted(headers, way.quirks)}
        return msgspec.structs.replace(way, quirks=msgspec.structs.replace(way.quirks, put=put))

    async def _leave(self, item: Queued, failure: Failure) -> None:
        """What the gateway itself sent here goes to our engine; what the caller sent here is errored."""
        if self._batch.mode is not Mode.AUTO:
            await self.refuse(item, failure)
            return
        self._leaving.setdefault(failure.message, []).append(item.n)

    async def let_go(self) -> None:
        """Give to our engine what cannot be taken."""
        for reason, numbers in self._leaving.items():
            await self._store.write(partial(moving.move_items, batch=self._batch.seq, numbers=numbers, reason=reason))
        self._leaving.clear()

    def _key(self, model: str) -> Key | None:
        """One key for as long as jobs are being filled, so that few items do not make many jobs."""
        provider = self._provider
        if model not in self._chosen:
            barred = {key.id for key in provider.keys if self._barred.refusal(provider.name, key)}
            used = {group.key for group in self._open} - barred
            again = (key for key in provider.keys if key.id in used and key.allows(model))
            self._chosen[model] = next(again, None) or provider.choose(model, barred)
        key = self._chosen[model]
        if key is None and not provider.keyless:
            raise self._no_key(model)
        return key

    def _no_key(self, model: str) -> Failure:
        provider = self._provider
        refused = (self._barred.refusal(provider.name, key) for key in provider.keys if key.allows(model))
        if (refusal := next(filter(None, refused), None)) is not None:
            return refusal
        text = f"no key of provider {provider.name!r} with use_for_batch_api may be used for model {model!r}"
        return Refused(400, text, code="invalid_request_error", param="model")

    def _fits(self, body: bytes) -> None:
        most = self._provider.limits.max_bytes
        if len(body) + _LINE_OVERHEAD > most:
            name = self._provider.name
            text = f"The request is larger than the {most} bytes that provider {name!r} takes in a batch."
            raise _NotHere(Refused(413, text, code="request_too_large"))

    async def _put(self, group: _Group, n: int, written: Written) -> None:
        parcel, limits = self._open.get(group), self._provider.limits
        if parcel is not None:
            count = len(parcel.numbers) + 1
            size = parcel.size + len(written.body) + count * _LINE_OVERHEAD
            if count > limits.max_items or size > limits.max_bytes:
                await self._plan(group, self._open.pop(group))
                self._chosen.clear()
                parcel = None
        if parcel is None:
            parcel = self._open[group] = Parcel(self._outbox, self._new_id())
        parcel.add(n, written.body, written.lost)

    async def plan_rest(self) -> None:
        """Plan what has not filled a job."""
        while self._open:
            group, parcel = self._open.popitem()
            await self._plan(group, parcel)

    async def _plan(self, group: _Group, parcel: Parcel) -> None:
        if len(parcel.numbers) < self._provider.limits.min_items:
            await self._run_live(parcel)
            return
        await self._store.call(parcel.seal)
        session, now = self._store.session, self._store.clock()
        row = JobRow(
            id=parcel.job,
            batch=self._batch.seq,
            provider=self._provider.name,
            key=group.key,
            model=group.model,
            format=group.format,
            state="planned",
            count=len(parcel.numbers),
            size=parcel.size,
            created_at=now,
            due_at=now,
        )
        if await self._store.write(lambda db: jobs.plan(db, session, row, parcel.numbers)):
            self.planned += 1
        else:
            parcel.discard()

    async def _run_live(self, parcel: Parcel) -> None:
        """Items that are too few for a job go to our engine."""
        parcel.discard()
        seq, numbers = self._batch.seq, parcel.numbers
        reason = f"{self._provider.name} takes no batch of fewer than {self._provider.limits.min_items}"
        await self._store.write(lambda db: moving.move_items(db, seq, numbers, reason))

    def discard(self) -> None:
        """Drop what was not planned (an error, or the end of this worker)."""
        while self._open:
            self._open.popitem()[1].discard()

    async def refuse(self, item: Queued, failure: Failure) -> None:
        """Finish an item at once, errored."""
        batch, now = self._batch, self._store.clock()
        done = errored(batch, (item.n, item.model), failure, (self._provider.name, now))
        session = self._store.session

        def work(db: Db) -> None:
            jobs.seize(db, session, batch.seq, [item.n])
            items.finish(db, session, [done], self._store.segments, now)

        await self._store.write(work)


def errored(batch: Active, item: tuple[int, str], failure: Failure, at: tuple[str, float]) -> Done:
    """The result of an item that failed by ``failure``. ``item``: number and model. ``at``: provider, Unix seconds."""
    n, model = item
    provider, now = at
    id_ = request_id(batch.id, n)
    return Done(
        batch=batch.seq,
        n=n,
        outcome=Outcome.ERRORED,
        format=batch.format,
        status=failure.status,
        body=CODECS[batch.format].write_failure(failure, id_),
        request_id=id_,
        record=Record(
            id=charge_id(batch.id, n),
            at=now,
            took=0.0,
            owner=batch.owner,
            asked_model=model,
            provider=provider,
            model=model,
            format_in=batch.format,
            lane="native",
            status=failure.status,
            failure=failure.code or type(failure).__name__,
            batch=batch.id,
        ),
    )
