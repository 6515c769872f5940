"""Taking in a large create in a process of its own: ``python -m asbru.batch.spooled``, the task on stdin, the
outcome on stdout.

Rule 1. The body is mapped, not read; of its 256 MB nothing is copied but one ``params`` at a time.
Rule 2. Rows are written in steps, so that the gateway's own writes wait for none of them longer than a moment. Nobody
sees the batch before the last step; a process that dies leaves only what the store clears away.
"""

import asyncio
import mmap
import os
import sys
import time

import msgspec
from msgspec import Struct, structs

from asbru.batch.estimate import Estimate, estimate_of
from asbru.batch.intake import Checked, Order, check
from asbru.batch.storing import digest_of, new_batch, replayed, rows
from asbru.model.failure import Bug, Refused
from asbru.store import Appender, Target, backend_of, batches
from asbru.store.backend import Backend
from asbru.store.batches import NewBatch
from asbru.store.db import Conflict, Db, transaction

_STEP = 5_000
"""Items in one transaction."""


class Task(Struct, frozen=True):
    """``target``: the store. ``body``: the file that holds the create's body. ``dry``: only tell
    what it would cost.
    """

    target: Target
    body: str
    order: Order
    dry: bool = False


class Outcome(Struct, frozen=True, omit_defaults=True):
    """``batch``: id of the batch, new or replayed; or what it would cost; else what to refuse it with."""

    batch: str = ""
    estimate: Estimate | None = None
    status: int = 0
    message: str = ""
    code: str = ""
    param: str = ""


async def take_in(task: Task) -> str:
    """The id of the batch. Raises Refused as the process found it, Bug when it died."""
    return (await _process(task)).batch


async def weigh(task: Task) -> Estimate:
    """What the batch would cost. Raises as ``take_in`` does."""
    outcome = await _process(structs.replace(task, dry=True))
    assert outcome.estimate is not None
    return outcome.estimate


async def _process(task: Task) -> Outcome:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "asbru.batch.spooled"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await process.communicate(msgspec.json.encode(task))
    except asyncio.CancelledError:
        if process.returncode is None:
            process.kill()
        raise
    if process.returncode != 0:
        raise Bug(500, "The batch could not be taken in.", code="api_error", detail=err.decode(errors="replace"))
    outcome = msgspec.json.decode(out, type=Outcome)
    if outcome.status:
        raise Refused(outcome.status, outcome.message, code=outcome.code, param=outcome.param)
    return outcome


def run(task: Task) -> Outcome:
    """What the process does."""
    try:
        return _run(task)
    except Refused as refused:
        return Outcome(status=refused.status, message=refused.message, code=refused.code, param=refused.param)


def _run(task: Task) -> Outcome:
    if os.path.getsize(task.body) == 0:
        return _read(task, b"")
    with open(task.body, "rb") as file:
        # Never closed: what was read from it is still held by a refusal's traceback, and this process ends soon.
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return _read(task, memoryview(mapped))


def _read(task: Task, body: bytes | memoryview) -> Outcome:
    checked = check(body, task.order)
    if task.dry:
        return Outcome(estimate=estimate_of(checked, task.order))
    return Outcome(batch=_store(task, body, checked))


def _store(task: Task, body: bytes | memoryview, checked: Checked) -> str:
    order = task.order
    digest = digest_of(body, order) if order.key else ""
    backend = backend_of(task.target)
    db = backend.connect()
    try:
        if (known := replayed(db, order, digest)) is not None:
            return known
        return _write(db, backend, new_batch(order, checked, digest), checked)
    except Conflict:
        # Another create with this key was faster.
        known = replayed(db, order, digest)
        if known is None:
            raise
        return known
    finally:
        db.close()


def _write(db: Db, backend: Backend, new: NewBatch, checked: Checked) -> str:
    with transaction(db):
        seq = batches.begin(db, new)
        batches.use(db, seq, [f"i{seq}-1"])
    segments = backend.appender(f"i{seq}", whole=True)
    try:
        for first in range(0, len(checked.requests), _STEP):
            _step(db, seq, (checked, first), segments)
        with transaction(db):
            batches.open_(db, seq, new, checked.shares)
    except BaseException:
        with transaction(db):
            db.execute("UPDATE batches SET deleted_at = created_at WHERE seq = ?", (seq,))
        raise
    finally:
        segments.close()
    return new.id


def _step(db: Db, seq: int, part: tuple[Checked, int], segments: Appender) -> None:
    checked, first = part
    items = list(rows(checked.requests[first : first + _STEP], first, segments))
    with transaction(db):
        batches.add(db, seq, items)
        batches.use(db, seq, {item.ask.segment for item in items} - {""})
        segments.sync(db)
    time.sleep(0.005)  # So that a gateway that waits for the write lock gets it between two steps.


def main() -> None:
    """The process: one task, one outcome."""
    os.nice(5)
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    sys.stdout.buffer.write(msgspec.json.encode(run(task)))


if __name__ == "__main__":
    main()
