"""What an owner does with a batch that is made: pause, resume, run the failed again, watch, read while it runs.

Rule 1. A paused batch starts nothing more; what was sent is awaited, and its time goes on.
Rule 2. Running the failed again makes a new batch of the items that errored or expired, with the same custom ids.
What was canceled was not wanted.
Rule 3. Whoever watches sees what is in the store: through any worker, and after any restart.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable

from msgspec import Struct

from asbru.batch.late import too_soon
from asbru.batch.service import BatchService
from asbru.governance import check as permit
from asbru.model.batches import Batch, Controls, Mode, Status
from asbru.model.failure import Refused
from asbru.model.people import Principal
from asbru.store import batches, control
from asbru.store.batches import NewBatch
from asbru.store.control import Again
from asbru.store.db import Db

LOOK = 0.5
"""Seconds between two looks of one who watches."""
SIGN_OF_LIFE = 15.0
"""Seconds after which a stream that has nothing to tell says so."""
_RETRY = b"retry: 2000\n\n"
_ALIVE = b": nothing new\n\n"


class AgainCommand(Struct, frozen=True, kw_only=True):
    """Run the failed items of batch ``id`` again. ``mode`` None: as before."""

    who: Principal
    id: str
    mode: Mode | None = None
    idempotency_key: str = ""
    controls: Controls = Controls()


class BatchControl:
    """``service``: of the same worker."""

    def __init__(self, service: BatchService) -> None:
        self._service = service
        self._store = service.store
        self._leaving = asyncio.Event()

    def leave(self) -> None:
        """End every stream of events: the worker stops, and clients come back to another."""
        self._leaving.set()

    async def pause(self, owner: str, id: str) -> Batch:
        """Start nothing more. Raises Refused(404, or 400 when the batch is ending or has ended)."""
        return await self._pause(owner, id, self._store.clock())

    async def resume(self, owner: str, id: str) -> Batch:
        """Go on. Raises Refused(404, or 400 when the batch is ending or has ended)."""
        return await self._pause(owner, id, None)

    async def _pause(self, owner: str, id: str, now: float | None) -> Batch:
        done = await self._store.write(lambda db: control.pause(db, owner, id, now))
        if done is None:
            raise _absent()
        if not done[1]:
            verb = "resumed" if now is None else "paused"
            raise _refused(f"The batch is {done[0].status}; it cannot be {verb}.")
        self._service.wake()
        return done[0]

    async def run_again(self, command: AgainCommand) -> Batch:
        """A new batch of the failed items. Raises Refused(404, or 400 when there are none, or not yet)."""
        owner = command.who.owner
        found = await self._store.read(lambda db: batches.find(db, owner, command.id))
        if found is None:
            raise _absent()
        batch, seq = found
        if batch.status is not Status.ENDED:
            raise _refused("The batch has not ended; what fails can be run again when it has.")
        if batch.archived_at is not None:
            raise _refused("The requests are no longer kept: 29 days are over.")
        failed = await self._store.read(lambda db: control.failed(db, seq))
        if not failed:
            raise _refused("No request of the batch errored or expired; there is nothing to run again.")
        if command.who.key is not None:
            for provider, model in failed:
                permit(command.who.key, provider, model)
        headers = await self._store.read(lambda db: control.headers(db, seq))
        again = self._again(command, batch, headers, frozenset(provider for provider, _ in failed))
        id = await self._store.write(lambda db: _store_once(db, seq, again))
        self._service.wake()
        return await self._service.get(owner, id)

    def _again(self, command: AgainCommand, batch: Batch, headers: dict[str, str], providers: frozenset[str]) -> Again:
        mode = command.mode or batch.mode
        now = self._store.clock()
        new = NewBatch(
            id=self._service.new_id(),
            owner=batch.owner,
            format=batch.format,
            provider=batch.provider,
            mode=mode,
            headers=headers,
            about=batch.about,
            controls=self._service.controls(command.controls),
            rerun_of=batch.id,
            models=batch.models,
            total=0,
            created_at=now,
            expires_at=now + self._service.life,
            key=command.idempotency_key,
            digest=hashlib.sha256(f"again\n{batch.id}\n{mode}\n".encode()).hexdigest(),
        )
        able = frozenset(name for name in providers if self._service.able(name, batch.format))
        if mode is Mode.NATIVE and able != providers:
            lacking = ", ".join(sorted(providers - able))
            raise _refused(f"x-bf-batch-mode: no batch API of {lacking} can be used", "x-bf-batch-mode")
        live = mode is Mode.LIVE or (mode is Mode.AUTO and too_soon(command.controls.deadline))
        return Again(new=new, native=frozenset() if live else able)

    async def events(self, owner: str, id: str, write: Callable[[Batch], bytes]) -> AsyncIterator[bytes]:
        """Server-sent events: ``progress`` whenever something changed, ``end`` with the last. ``write``: the batch as
        JSON in one line. Raises Refused(404) at once.
        """
        return self._events(await self._service.get(owner, id), write)

    async def _events(self, batch: Batch, write: Callable[[Batch], bytes]) -> AsyncIterator[bytes]:
        yield _RETRY
        told, silent = b"", 0.0
        while True:
            ended = batch.status is Status.ENDED
            data = write(batch)
            if ended or data != told:
                told, silent = data, 0.0
                done = batch.counts.total - batch.counts.processing
                yield b"event: %b\nid: %d\ndata: %b\n\n" % (b"end" if ended else b"progress", done, data)
            if ended or self._leaving.is_set():
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._leaving.wait()
            silent += LOOK
            if silent >= SIGN_OF_LIFE:
                silent = 0.0
                yield _ALIVE
            try:
                batch = await self._service.get(batch.owner, batch.id)
            except Refused:
                return


def _store_once(db: Db, seq: int, again: Again) -> str:
    """The id of the new batch, or of the one that the same idempotency key made."""
    new = again.new
    known = batches.keyed(db, new.owner, new.key) if new.key else None
    if known is None:
        control.run_again(db, seq, again)
        return new.id
    if known[1] != new.digest:
        raise _refused("idempotency-key: used already for another batch", "idempotency-key")
    return known[0]


def _absent() -> Refused:
    return Refused(404, "There is no such batch.", code="not_found_error")


def _refused(text: str, param: str = "") -> Refused:
    return Refused(400, text, code="invalid_request_error", param=param)
