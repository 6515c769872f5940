"""Processes pinned to cores, and what they cost: CPU time, memory, peaks. All of a process includes its children."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

PROC = Path("/proc")


class Cores(Struct, frozen=True):
    """``gateway``: where nginx and Asbru run, one at a time. ``others``: where load generator and upstream run."""

    gateway: int
    others: int


def cores() -> Cores:
    """The first two cores that this process may use. Raises SystemExit when there is only one."""
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) < 2:
        raise SystemExit("bench: needs two cores, one of them for the load generator and the upstream")
    return Cores(mine[0], mine[1])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def pinned(core: int) -> list[str]:
    """What to put before a command."""
    return ["taskset", "-c", str(core)]


@contextmanager
def running(command: list[str], log: Path, port: int, *, patience: float = 20.0) -> Iterator[int]:
    """Start ``command``, wait until ``port`` listens, give its process id, and end it at the end.

    ``log``: where its words go. Raises RuntimeError with the end of them when it does not listen in time (seconds).
    """
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        if not listens(port, process, patience):
            raise RuntimeError(f"{' '.join(command)} does not listen on {port}:\n{log.read_text()[-2000:]}")
        yield process.pid
    finally:
        stop(process)


def listens(port: int, process: "subprocess.Popen[bytes]", patience: float) -> bool:
    end = time.monotonic() + patience
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return True
    return False


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask, then insist; the whole tree."""
    below = tree(process.pid)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(8)
    except subprocess.TimeoutExpired:
        for pid in below:
            if (PROC / str(pid)).exists():
                os.kill(pid, signal.SIGKILL)
        process.wait()


def tree(pid: int) -> list[int]:
    """``pid`` and all processes below it."""
    found = [pid]
    for each in found:
        for task in _listed(PROC / str(each) / "task"):
            found += [int(child) for child in _words(task / "children")]
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads that are alive, to the nanosecond."""
    tasks = (task for each in tree(pid) for task in _listed(PROC / str(each) / "task"))
    return sum(int((_words(task / "schedstat") or ["0"])[0]) for task in tasks) / 1e9


def memory_mb(pid: int) -> float:
    """Proportional set size: pages that processes share are counted once."""
    return sum(_field(each, "smaps_rollup", "Pss:") for each in tree(pid)) / 1024


def peak_mb(pid: int) -> float:
    """The sum of the processes' peak resident sizes since the start, or since ``forget_peak``."""
    return sum(_field(each, "status", "VmHWM:") for each in tree(pid)) / 1024


def forget_peak(pid: int) -> None:
    for each in tree(pid):
        (PROC / str(each) / "clear_refs").write_text("5")


def _field(pid: int, name: str, label: str) -> int:
    words = _words(PROC / str(pid) / name)
    return int(words[words.index(label) + 1]) if label in words else 0


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


def _listed(path: Path) -> list[Path]:
    try:
        return list(path.iterdir())
    except OSError:
        return []
