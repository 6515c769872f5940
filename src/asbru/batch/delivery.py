"""Puts the results of Bedrock's jobs where they were wanted, when their batch has ended.

Source: "View the results of a batch inference job" in the Bedrock user guide: below the output's URI a folder with the
job's id, in it ``<input file>.out`` for each input file, and ``manifest.json.out``.

Rule 1. The manifest is written last: what it lies beside is whole.
Rule 2. A bucket that refuses (there is none, or we may not) ends the delivery; everything else is tried again, until a
day is over.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from msgspec import Struct

from asbru.batch.records import Records
from asbru.model.failure import Failure, Refused, Rejected
from asbru.store import Store, batches, deliveries
from asbru.store.deliveries import Delivery
from asbru.wire.bedrock.job_records import write_manifest
from asbru.wire.s3 import read_uri

_log = logging.getLogger("asbru.batch")

Write = Callable[[str, tuple[str, str], AsyncIterator[bytes]], Awaitable[None]]
"""``write(owner, (bucket, key), pieces)``: puts an object. Raises Failure."""


class DeliverySettings(Struct, frozen=True, kw_only=True):
    """Seconds. ``look``: between two looks. ``first``, ``last``: shortest and longest wait after a failure. ``most``:
    tries.
    """

    look: float = 1.0
    first: float = 2.0
    last: float = 600.0
    most: int = 150


class Deliveries:
    """Every worker delivers; one delivery is one worker's at a time."""

    def __init__(
        self,
        store: Store,
        write: Write,
        settings: DeliverySettings = DeliverySettings(),  # noqa: B008  Immutable.
    ) -> None:
        self._store = store
        self._write = write
        self._settings = settings
        self._records = Records(store)
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to work, in the running event loop."""
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Leave what is under way: the next worker does it again."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                await self.round()
            await asyncio.sleep(self._settings.look)

    async def round(self) -> None:
        """Deliver what is due now."""
        store = self._store
        session, now = store.session, store.clock()
        if not await store.read(lambda db: db.execute(deliveries.DUE, (now, session, 1)).fetchone()):
            return
        for each in await store.write(lambda db: deliveries.hold(db, session, now, 4)):
            await self._step(each, session)

    async def _step(self, delivery: Delivery, session: int) -> None:
        store = self._store
        try:
            await self._deliver(delivery)
            failure = ""
        except (Refused, Rejected) as refused:
            failure = refused.message
        except Exception as error:
            text = error.message if isinstance(error, Failure) else "the results could not be written"
            if not isinstance(error, Failure):
                _log.exception("results could not be delivered; it is tried again", extra={"batch": delivery.id})
            if delivery.attempts + 1 < self._settings.most:
                wait = min(self._settings.first * 2 ** min(delivery.attempts, 20), self._settings.last)
                due = store.clock() + wait
                await store.write(lambda db: deliveries.postpone(db, session, delivery.batch, text, due))
                return
            failure = text
        now = store.clock()
        await store.write(lambda db: deliveries.finish(db, session, delivery.batch, failure, now))

    async def _deliver(self, delivery: Delivery) -> None:
        found = await self._store.read(lambda db: batches.find(db, delivery.owner, delivery.id))
        if found is None or found[0].about.invocation is None:
            return
        batch, invocation = found[0], found[0].about.invocation
        target = read_uri(delivery.target, "s3Uri")
        folder = f"{target.key.rstrip('/')}/{batch.id}/".lstrip("/")
        first = 0
        for name, count in invocation.parts:
            lines = await self._records.read(delivery.owner, batch.id, (first, first + count))
            await self._write(delivery.owner, (target.bucket, f"{folder}{name}.out"), lines)
            first += count
        manifest = _once(write_manifest(batch))
        await self._write(delivery.owner, (target.bucket, f"{folder}manifest.json.out"), manifest)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
