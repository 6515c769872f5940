"""From the command to the first answer."""

import subprocess
import time
from http.client import HTTPConnection, HTTPException
from statistics import median

from bench.live import splice
from bench.processes import free_port, memory_mb, stop
from bench.report import Row
from bench.servers import Bench, asbru_command, fresh_dir, upstream

TIMES = 5


def start(bench: Bench) -> list[Row]:
    """With a fresh app directory (the database is made), and with one that is there."""
    asked = splice(bench, stream=False).body.read_bytes()
    with upstream(bench, 0) as direct:
        cold: list[float] = []
        warm: list[float] = []
        sizes: list[float] = []
        for number in range(TIMES):
            app_dir = fresh_dir(bench, f"start-{number}")
            for seconds in (cold, warm):
                port = free_port()
                taken, size = first_answer(asbru_command(bench, port, app_dir, {"bench": direct.port}), port, asked)
                seconds.append(taken)
                sizes.append(size)
    return [
        Row("to the first answer, fresh app directory", median(cold), "s", goal="< 0.7", spread=cold),
        Row("to the first answer, again", median(warm), "s", spread=warm),
        Row("memory after the first answer", median(sizes), "MB", goal="< 100"),
    ]


def first_answer(command: list[str], port: int, asked: bytes) -> tuple[float, float]:
    """Seconds from the command to a whole answer, and the memory in MB then."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _answers(port, asked):
            if process.poll() is not None or time.monotonic() - began > 20:
                raise RuntimeError(f"no answer from {' '.join(command)}")
            time.sleep(0.002)
        return time.monotonic() - began, memory_mb(process.pid)
    finally:
        stop(process)


def _answers(port: int, asked: bytes) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/v1/chat/completions", asked, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return answer.status == 200
