"""The lines of jobs on their way out: one file per job, written before the job is planned, removed when it is upstream.

A file is a row of records: n and length (8 bytes), then the body. What a conversion could not carry lies beside it in
``<job>.lost``, one JSON line per item, until the results are in.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import msgspec

_HEAD = struct.Struct("<II")


class Parcel:
    """The lines of one job being gathered."""

    def __init__(self, folder: Path, job: str) -> None:
        self.job = job
        self.numbers: list[int] = []
        self.size = 0
        self._path = folder / job
        self._file = self._path.open("xb")
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
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        if self._lost:
            lines = b"".join(msgspec.json.encode(row) + b"\n" for row in self._lost)
            _lost_path(self._path).write_bytes(lines)

    def discard(self) -> None:
        """The job is not wanted after all."""
        self._file.close()
        remove(self._path.parent, self.job)


def read_lines(folder: Path, job: str, count: int) -> Iterator[tuple[int, bytes]]:
    """Number and body of each of the ``count`` lines. Raises OSError when the file is gone or cut."""
    with (folder / job).open("rb") as file:
        for _ in range(count):
            head = file.read(_HEAD.size)
            n, length = _HEAD.unpack(head) if len(head) == _HEAD.size else (0, -1)
            body = file.read(max(length, 0))
            if len(body) != length:
                raise OSError(f"the outbox file of job {job} is cut")
            yield n, body


def read_lost(folder: Path, job: str) -> dict[int, tuple[str, ...]]:
    """What the conversion of each item could not carry; items that lost nothing are absent."""
    try:
        lines = _lost_path(folder / job).read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    return dict(msgspec.json.decode(line, type=tuple[int, tuple[str, ...]]) for line in lines)


def remove(folder: Path, job: str, *, keep_lost: bool = False) -> None:
    """Remove the lines of a job; absent ones are fine."""
    (folder / job).unlink(missing_ok=True)
    if not keep_lost:
        _lost_path(folder / job).unlink(missing_ok=True)


def abandoned(folder: Path, before: float) -> set[str]:
    """Jobs of which nothing was written here since a time (Unix seconds). Not all of them are unwanted."""
    recent = {name for name, at in _entries(folder) if at > before}
    return {name for name, _ in _entries(folder)} - recent


def _entries(folder: Path) -> list[tuple[str, float]]:
    return [(entry.name.partition(".")[0], entry.stat().st_mtime) for entry in os.scandir(folder)]


def _lost_path(path: Path) -> Path:
    return path.with_name(path.name + ".lost")
