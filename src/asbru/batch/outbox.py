"""The lines of jobs on their way out: one file per job, written before the job is planned, removed when it is upstream.

A file is a row of records: n and length (8 bytes), then the body. What a conversion could not carry lies beside it in
``<job>.lost``, one JSON line per item, until the results are in.
"""

import contextlib
import struct
from collections.abc import Iterator

import msgspec

from asbru.model.failure import Unavailable
from asbru.store.depot import Depot

_HEAD = struct.Struct("<II")


class Parcel:
    """The lines of one job being gathered."""

    def __init__(self, outbox: Depot, job: str) -> None:
        self.job = job
        self.numbers: list[int] = []
        self.size = 0
        self._outbox = outbox
        self._file = outbox.draft(job)
        self._lost: list[tuple[int, tuple[str, ...]]] = []

    def add(self, n: int, body: bytes, lost: tuple[str, ...]) -> None:
        """Add the line of item ``n``."""
        self._file.write(_HEAD.pack(n, len(body)))
        self._file.write(body)
        self.numbers.append(n)
        self.size += len(body)
        if lost:
            self._lost.append((n, lost))

    def seal(self) -> None:
        """All lines are on the disk."""
        self._outbox.keep(self.job, self._file)
        if self._lost:
            file = self._outbox.draft(_lost_name(self.job))
            file.writelines(msgspec.json.encode(row) + b"\n" for row in self._lost)
            self._outbox.keep(_lost_name(self.job), file)

    def discard(self) -> None:
        """The job is not wanted after all. What this cannot remove the sweep does."""
        self._file.close()
        with contextlib.suppress(Unavailable):
            remove(self._outbox, self.job)


def read_lines(outbox: Depot, job: str, count: int) -> Iterator[tuple[int, bytes]]:
    """Number and body of each of the ``count`` lines. Raises OSError when the file is gone or cut."""
    with outbox.open(job) as file:
        for _ in range(count):
            head = file.read(_HEAD.size)
            n, length = _HEAD.unpack(head) if len(head) == _HEAD.size else (0, -1)
            body = file.read(max(length, 0))
            if len(body) != length:
                raise OSError(f"the outbox file of job {job} is cut")
            yield n, body


def read_lost(outbox: Depot, job: str) -> dict[int, tuple[str, ...]]:
    """What the conversion of each item could not carry; items that lost nothing are absent."""
    try:
        with outbox.open(_lost_name(job)) as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return {}
    return dict(msgspec.json.decode(line, type=tuple[int, tuple[str, ...]]) for line in lines)


def remove(outbox: Depot, job: str, *, keep_lost: bool = False) -> None:
    """Remove the lines of a job; absent ones are fine."""
    outbox.remove(job)
    if not keep_lost:
        outbox.remove(_lost_name(job))


def abandoned(outbox: Depot, before: float) -> set[str]:
    """Jobs of which nothing was written here since a time (Unix seconds). Not all of them are unwanted."""
    entries = [(name.partition(".")[0], at) for name, at in outbox.entries()]
    return {name for name, _ in entries} - {name for name, at in entries if at > before}


def _lost_name(job: str) -> str:
    return f"{job}.lost"
