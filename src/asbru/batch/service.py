"""Batches as the edge sees them: create, get, list, cancel, delete, results.

Rule 1. Whoever asks is an owner; what belongs to others does not exist for them.
Rule 2. A create answers after the commit, never before.
Rule 3. Results are read a page at a time; memory is bounded by one item, or by a page of small ones.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct, structs

from asbru.batch.entries import Source
from asbru.batch.estimate import Estimate, estimate_of
from asbru.batch.intake import LIFE, Order, Providers, check
from asbru.batch.spooled import Task, take_in, weigh
from asbru.batch.storing import digest_of, new_batch, replayed, store_at_once
from asbru.batch.translate import in_format
from asbru.batch.weight import Tariff
from asbru.model.batches import About, Batch, Controls, ItemResult, Mode, Status
from asbru.model.failure import Refused
from asbru.model.names import OPERATIONS, Format, Operation
from asbru.model.people import Principal
from asbru.store import Store, batches, items, jobs
from asbru.store.batches import Page
from asbru.store.db import Db
from asbru.store.items import Which
from asbru.upstream.guard import check_host

SMALL = 64 << 10
"""Bytes up to which a body is checked on the event loop."""
LARGE = 4 << 20
"""Bytes from which a body is taken in by a process of its own."""
_PAGE = 256
_PAGE_BYTES = 1 << 20
_CHUNK = 64 << 10
MAX_PAGE = 1_000

_WEBHOOK = "x-bf-batch-webhook"

WriteLine = Callable[[ItemResult], bytes]


class CreateCommand(Struct, frozen=True, kw_only=True):
    """A create. ``body``: bytes, or the file that holds them (the caller removes it); ``source`` says what it is.

    ``model``: of requests that name none. ``operation``: what all are to be, None for any.
    ``provider``: where items without a ``provider/`` prefix go; ``explicit``: the caller named it, it is not just the
    dialect's own. ``headers``: those that go upstream with every item, names in lower case. ``life``: seconds until it
    expires, None for the usual.
    """

    who: Principal
    format: Format
    source: Source = Source.REQUESTS
    url: str = ""
    model: str = ""
    operation: Operation | None = None
    body: bytes | Path
    provider: str
    explicit: bool = False
    mode: Mode = Mode.AUTO
    idempotency_key: str = ""
    headers: Mapping[str, str] = {}
    about: About = About()
    life: float | None = None
    controls: Controls = Controls()


class BatchSettings(Struct, frozen=True, kw_only=True):
    """``life``: seconds until a batch expires. ``flex``: see Order. ``small``, ``large``: see SMALL and LARGE.

    ``webhook``: told of batches that name none. ``signs``: there is a secret to sign with. ``anywhere``: webhooks may
    lead to addresses that only the gateway can reach.
    """

    life: float = LIFE
    flex: Mapping[str, tuple[str, ...]] = {}
    tariff: Callable[[], Tariff] = Tariff
    webhook: str = ""
    signs: bool = False
    anywhere: bool = False
    small: int = SMALL
    large: int = LARGE


class BatchService:
    """``providers``: every provider by name, and what its own batch API can be used for now. ``new_id``: 26 letters and
    digits, growing with time. ``wake``: tells the engine of this process that there is work."""

    def __init__(
        self,
        store: Store,
        providers: Callable[[], Providers],
        new_id: Callable[[], str],
        wake: Callable[[], None],
        settings: BatchSettings = BatchSettings(),  # noqa: B008  Immutable.
    ) -> None:
        self.store = self._store = store
        self.new_id = self._new_id = new_id
        self.wake = self._wake = wake
        self.life = settings.life
        self._providers = providers
        self._settings = settings

    async def create(self, command: CreateCommand) -> Batch:
        """Store a batch, or find the one that the same idempotency key made. Raises Refused(400, 413)."""
        order = self._order(command)
        body = command.body
        if isinstance(body, Path):
            if body.stat().st_size > self._settings.large:
                id_ = await take_in(self._task(body, order))
                return await self._created(command.who.owner, id_)
            body = await self._store.call(body.read_bytes)
        return await self._created(command.who.owner, await self._take_in(body, order))

    async def estimate(self, command: CreateCommand) -> Estimate:
        """What a batch would cost; it is checked as if it were made, nothing is stored. Raises Refused(400, 413)."""
        order = self._order(command)
        body = command.body
        if isinstance(body, Path):
            if body.stat().st_size > self._settings.large:
                return await weigh(self._task(body, order))
            body = await self._store.call(body.read_bytes)
        known = body
        return await self._store.call(lambda: estimate_of(check(known, order), order))

    def able(self, provider: str, format: Format) -> bool:
        """Whether the provider's own batch API can be used now for requests in ``format``."""
        return OPERATIONS[format] in self._providers().get(provider, frozenset())

    def controls(self, said: Controls) -> Controls:
        """What holds for a batch when its maker says this. Raises Refused(400)."""
        if said.deadline > self.life:
            raise _wrong("x-bf-batch-deadline", f"the batch expires after {self.life / 3_600:g} hours")
        if not said.webhook:
            return structs.replace(said, webhook=self._settings.webhook)
        if not self._settings.signs:
            raise _wrong(_WEBHOOK, "webhooks are signed, and no asbru.webhook.secret is configured")
        if not self._settings.anywhere:
            try:
                check_host(urlsplit(said.webhook).hostname or "")
            except Refused as refusal:
                raise _wrong(_WEBHOOK, refusal.message) from None
        return said

    def _order(self, command: CreateCommand) -> Order:
        return Order(
            id=self._new_id(),
            owner=command.who.owner,
            permits=command.who.key,
            format=command.format,
            source=command.source,
            url=command.url,
            model=command.model,
            operation=command.operation,
            default=command.provider,
            explicit=command.explicit,
            mode=command.mode,
            providers=self._providers(),
            flex=self._settings.flex,
            headers=command.headers,
            about=command.about,
            controls=self.controls(command.controls),
            tariff=self._settings.tariff(),
            key=command.idempotency_key,
            created_at=self._store.clock(),
            life=self._settings.life if command.life is None else command.life,
        )

    def _task(self, body: Path, order: Order) -> Task:
        store = self._store
        return Task(store.target, str(body), order)

    async def _take_in(self, body: bytes, order: Order) -> str:
        """The id of the stored batch."""
        if len(body) > self._settings.small:
            checked = await self._store.call(lambda: check(body, order))
        else:
            checked = check(body, order)
        digest = digest_of(body, order) if order.key else ""
        new = new_batch(order, checked, digest)
        store = self._store

        def work(db: Db) -> str:
            known = replayed(db, order, digest)
            if known is None:
                store_at_once(db, new, checked, store.segments)
            return known or new.id

        return await store.write(work)

    async def _created(self, owner: str, id: str) -> Batch:
        self._wake()
        return await self.get(owner, id)

    async def keyed(self, owner: str, key: str) -> Batch | None:
        """The batch that a create with this idempotency key made."""
        found = await self._store.read(lambda db: batches.keyed(db, owner, key))
        return await self.get(owner, found[0]) if found else None

    async def ordered(self, owner: str, start: str, limit: int, *, oldest_first: bool) -> Page:
        """Batches behind one ("": from the first), in the direction that is asked for. Raises Refused(400)."""
        page = await self._store.read(lambda db: batches.ordered(db, owner, start, limit, oldest_first=oldest_first))
        if page is None:
            raise _wrong("nextToken", "no such batch")
        return page

    async def get(self, owner: str, id: str) -> Batch:
        """One batch. Raises Refused(404)."""
        return (await self._find(owner, id))[0]

    async def _find(self, owner: str, id: str) -> tuple[Batch, int]:
        found = await self._store.read(lambda db: batches.find(db, owner, id))
        if found is None:
            raise _absent()
        return found

    async def list(self, owner: str, limit: int = 20, before: str = "", after: str = "") -> Page:
        """Batches, newest first; ids are cursors. Raises Refused(400)."""
        if not 1 <= limit <= MAX_PAGE:
            raise _wrong("limit", f"must be between 1 and {MAX_PAGE}, this is {limit}")
        if before and after:
            raise _wrong("before_id", "cannot be used together with after_id")
        page = await self._store.read(lambda db: batches.page(db, owner, limit, before, after))
        if page is None:
            name = "before_id" if before else "after_id"
            raise _wrong(name, "no such batch")
        return page

    async def cancel(self, owner: str, id: str) -> Batch:
        """Stop a batch: what was not sent is withdrawn. Raises Refused(404, or 400 when it has ended)."""
        now = self._store.clock()
        done = await self._store.write(lambda db: jobs.cancel(db, owner, id, now))
        if done is None:
            raise _absent()
        batch, changed = done
        if not changed:
            raise Refused(400, "The batch has ended; it cannot be canceled.", code="invalid_request_error")
        self._wake()
        return batch

    async def delete(self, owner: str, id: str) -> None:
        """Remove a batch that has ended, and its results. Raises Refused(404, or 400 when it has not ended)."""
        now = self._store.clock()
        done = await self._store.write(lambda db: batches.delete(db, owner, id, now))
        if done is None:
            raise _absent()
        if not done:
            message = "The batch has not ended; cancel it first, then delete it."
            raise Refused(400, message, code="invalid_request_error")

    async def result_bytes(self, owner: str, id: str) -> int:
        """How long all results are together, as they lie here. Raises Refused(404)."""
        _, seq = await self._find(owner, id)
        return await self._store.read(lambda db: items.reply_bytes(db, seq))

    async def results(
        self, owner: str, id: str, wanted: Format, write: WriteLine, which: Which = "all"
    ) -> AsyncIterator[bytes]:
        """The results in the dialect ``wanted``, a line each by ``write``, in chunks of about 64 KB.

        Raises Refused at once: 404 when there is no such batch, 400 when it has not ended, 404 when it is archived.
        """
        batch, seq = await self._readable(owner, id, wanted)
        if batch.status is not Status.ENDED:
            message = "The batch has not yet ended: its results can be read when it has, and results_url is set."
            raise Refused(400, message, code="invalid_request_error")
        return self._lines((batch, seq), wanted, write, which)

    async def results_so_far(
        self, owner: str, id: str, wanted: Format, write: WriteLine
    ) -> tuple[Batch, AsyncIterator[bytes]]:
        """The batch, and the results that there are by now, as ``results`` gives them; it need not have ended."""
        found = await self._readable(owner, id, wanted)
        return found[0], self._lines(found, wanted, write, "all")

    async def _readable(self, owner: str, id: str, wanted: Format) -> tuple[Batch, int]:
        batch, seq = await self._find(owner, id)
        if OPERATIONS[batch.format] is not OPERATIONS[wanted]:
            message = f"This batch is one of {batch.format}: its results cannot be written as {wanted}."
            raise Refused(400, message, code="invalid_request_error")
        if batch.archived_at is not None:
            raise Refused(404, "The results are no longer kept: 29 days are over.", code="not_found_error")
        return batch, seq

    async def _lines(
        self, of: tuple[Batch, int], wanted: Format, write: WriteLine, which: Which
    ) -> AsyncIterator[bytes]:
        batch, seq = of
        at = batch.ended_at or self._store.clock()
        lines: list[bytes] = []
        size = 0
        async for result in self._results(seq, which):
            line = write(in_format(result, batch.id, at, wanted))
            lines.append(line)
            size += len(line)
            if size >= _CHUNK:
                yield b"".join(lines)
                lines, size = [], 0
                await asyncio.sleep(0)
        if lines:
            yield b"".join(lines)

    async def _results(self, seq: int, which: Which) -> AsyncIterator[ItemResult]:
        """Results in the order of the requests, their bodies read a megabyte, or one body, at a time."""
        after = -1
        while True:
            page = await self._store.read(partial(items.read, batch=seq, after=after, which=which, most=_PAGE))
            for part in _parts(page):
                bodies = await self._store.bodies([place for _, place in part])
                for (result, _), body in zip(part, bodies, strict=True):
                    yield items.with_body(result, body)
            if len(page) < _PAGE:
                return
            after = page[-1][0].n


def _parts(page: list[items.Row]) -> list[list[items.Row]]:
    """``page`` cut so that the bodies of each part come to a megabyte at most, or are one body."""
    parts: list[list[items.Row]] = []
    size = 0
    for row in page:
        if not parts or size + row[1].length > _PAGE_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(row)
        size += row[1].length
    return parts


def _absent() -> Refused:
    return Refused(404, "There is no such batch.", code="not_found_error")


def _wrong(name: str, text: str) -> Refused:
    return Refused(400, f"{name}: {text}", code="invalid_request_error", param=name)
