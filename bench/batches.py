"""The batch engine: items per second against ``asbru mock``, and the memory of the largest batch that may be sent."""

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

from bench.processes import cpu_seconds, forget_peak, free_port, memory_mb, peak_mb
from bench.report import Row
from bench.servers import Bench, Target, asbru, mock, upstream

ITEMS = 20_000
LARGE_ITEMS = 100_000
LARGE_BYTES = 255_900_000
"""Just below the 256 MB that Anthropic's API accepts."""
BATCHES = "/anthropic/v1/messages/batches"
PATIENCE = 240.0


def batch(bench: Bench) -> list[Row]:
    """20,000 items, first against the scripted provider on the other core, then against the C upstream."""
    port = free_port()
    rows = []
    path = write_batch(bench.work / "batch.json", ITEMS, 0)
    with mock(bench, port) as pid, asbru(bench, {"bench": port}) as ours:
        before = cpu_seconds(pid)
        rows += _throughput(ours, path, "asbru mock", goal=">= 2,000")
        rows.append(Row("CPU that asbru mock took", cpu_seconds(pid) - before, "s"))
    with upstream(bench, 0) as direct, asbru(bench, {"bench": direct.port}) as ours:
        rows += _throughput(ours, path, "C upstream")
    return rows


def _throughput(ours: Target, path: Path, against: str, goal: str = "") -> list[Row]:
    before, began = cpu_seconds(ours.pid), time.monotonic()
    batch_id = create(ours.port, path)["id"]
    accepted = time.monotonic()
    wait(ours.port, batch_id)
    ended = time.monotonic()
    cpu = cpu_seconds(ours.pid) - before
    read = read_results(ours.port, batch_id, ITEMS)
    return [
        Row(f"{against}: {ITEMS:,} items accepted in", accepted - began, "s"),
        Row(f"{against}: items per second, from acceptance to the end", ITEMS / (ended - accepted), "1/s", goal=goal),
        Row(f"{against}: items per CPU-second of the gateway", ITEMS / cpu, "1/s"),
        Row(f"{against}: results read per second", ITEMS / read, "1/s"),
    ]


def scale(bench: Bench) -> list[Row]:
    """100,000 items in 256 MB: peak memory while they are accepted, while they run, and while the results are read."""
    path = write_batch(bench.work / "large.json", LARGE_ITEMS, LARGE_BYTES)
    try:
        with upstream(bench, 0) as direct, asbru(bench, {"bench": direct.port}) as ours:
            return _scale(ours, path)
    finally:
        path.unlink()


def _scale(ours: Target, path: Path) -> list[Row]:
    idle = memory_mb(ours.pid)
    forget_peak(ours.pid)
    began = time.monotonic()
    batch_id = create(ours.port, path)["id"]
    accepted, intake = time.monotonic(), peak_mb(ours.pid)
    wait(ours.port, batch_id)
    ended, run = time.monotonic(), peak_mb(ours.pid)
    forget_peak(ours.pid)
    read = read_results(ours.port, batch_id, LARGE_ITEMS)
    return [
        Row("memory before", idle, "MB"),
        Row(f"{LARGE_ITEMS:,} items, {path.stat().st_size / 1e6:.0f} MB accepted in", accepted - began, "s"),
        Row("peak memory until accepted", intake, "MB", goal="< 700"),
        Row("items per second", LARGE_ITEMS / (ended - accepted), "1/s"),
        Row("peak memory until the end", run, "MB"),
        Row("results read in", read, "s"),
        Row("peak memory while they are read", peak_mb(ours.pid), "MB", goal="< 300"),
    ]


def write_batch(path: Path, count: int, size: int) -> Path:
    """A create body of ``count`` items; padded with text to about ``size`` bytes."""
    plain = len(_item(count, ""))
    filler = "A bridge is built twice, once in the mind. " * (size // count // 43 + 1)
    text = filler[: max(size // count - plain - 1, 32)]
    with path.open("w") as out:
        out.write('{"requests":[')
        for number in range(count):
            out.write(("," if number else "") + _item(number, text))
        out.write("]}")
    return path


def _item(number: int, text: str) -> str:
    message = {"role": "user", "content": text or "?"}
    params = {"model": "gpt-4o-mini", "max_tokens": 64, "messages": [message]}
    return json.dumps({"custom_id": f"item-{number:06d}", "params": params}, separators=(",", ":"))


def create(port: int, path: Path) -> Any:
    with path.open("rb") as body:
        headers = {"Content-Type": "application/json", "Content-Length": str(path.stat().st_size)}
        headers |= {"anthropic-version": "2023-06-01", "x-model-provider": "bench", "x-bf-batch-mode": "live"}
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE, blocksize=1 << 18)
        connection.request("POST", BATCHES, body, headers)
        return _json(connection.getresponse())


def wait(port: int, batch_id: str) -> None:
    """Look five times a second until it has ended. Raises RuntimeError when it does not."""
    end = time.monotonic() + PATIENCE
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    while time.monotonic() < end:
        connection.request("GET", f"{BATCHES}/{batch_id}", headers={"anthropic-version": "2023-06-01"})
        seen = _json(connection.getresponse())
        if seen["processing_status"] == "ended":
            return
        time.sleep(0.2)
    raise RuntimeError(f"batch not ended in time: {seen['request_counts']}")


def read_results(port: int, batch_id: str, count: int) -> float:
    """Read all results and check that every item succeeded, once. Seconds."""
    began = time.monotonic()
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", f"{BATCHES}/{batch_id}/results", headers={"anthropic-version": "2023-06-01"})
    seen = set()
    for line in _lines(connection.getresponse()):
        result = json.loads(line)
        if result["result"]["type"] != "succeeded":
            raise RuntimeError(f"not succeeded: {result}")
        seen.add(result["custom_id"])
    if len(seen) != count:
        raise RuntimeError(f"{len(seen)} results for {count} items")
    return time.monotonic() - began


def _lines(answer: HTTPResponse) -> Iterator[bytes]:
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {answer.read(500)!r}")
    yield from answer


def _json(answer: HTTPResponse) -> Any:
    data = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {data[:500]!r}")
    return json.loads(data)
