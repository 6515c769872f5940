"""Live traffic: requests per CPU-second, added latency, streams, memory; nginx and Asbru in turn on the same core."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import msgspec

from bench.processes import cpu_seconds, memory_mb
from bench.report import Row
from bench.servers import Bench, Loaded, Target, asbru, load_command, nginx, upstream

CONNECTIONS = 64
STREAMS = 200
MANY_STREAMS = 1000
EVENT_INTERVAL_US = 10_000
SLOW_INTERVAL_US = 90_000


class Sample(msgspec.Struct, frozen=True):
    """One round of load on one target."""

    loaded: Loaded
    cpu: float


def body(bench: Bench, *, stream: bool) -> Path:
    """A chat of 2 KB that asks for ``bench/gpt-4o-mini``, whose price is known."""
    turns = [{"role": "system", "content": 'You are a helpful assistant. Answer "carefully" and keep all figures.'}]
    text = "Summarise for a general audience:\n\u201cIn 2023 the bridge carried 41,250 people a day \u2026\u201d " * 3
    while len(json.dumps(turns)) < 1700:
        turns.append({"role": "assistant" if len(turns) % 2 == 0 else "user", "content": text})
    asked: dict[str, object] = {"model": "bench/gpt-4o-mini", "messages": turns, "temperature": 0.7, "max_tokens": 512}
    if stream:
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    path = bench.work / ("stream.json" if stream else "chat.json")
    path.write_text(json.dumps(asked))
    return path


def load(bench: Bench, target: Target, path: Path, *, connections: int, rate: float = 0, seconds: float = 0) -> Sample:
    """One round. Raises RuntimeError when not every request was answered with 200."""
    command = load_command(
        bench, target, body=path, connections=connections, rate=rate, seconds=seconds or bench.seconds
    )
    before = cpu_seconds(target.pid)
    done = subprocess.run(command, capture_output=True, check=True)
    cpu = cpu_seconds(target.pid) - before
    loaded = msgspec.json.decode(done.stdout, type=Loaded)
    if loaded.refused or loaded.broken or loaded.unanswered or not loaded.ok:
        raise RuntimeError(f"{target.name} answered badly: {loaded}")
    return Sample(loaded, cpu)


@contextmanager
def rivals(bench: Bench, interval_us: int) -> Iterator[tuple[Target, Target, Target]]:
    """The upstream itself, nginx and Asbru before it, warmed up."""
    with (
        upstream(bench, interval_us) as direct,
        nginx(bench, direct) as plain,
        asbru(bench, {"bench": direct.port}) as ours,
    ):
        for target in (plain, ours):
            load(bench, target, body(bench, stream=False), connections=8, seconds=1)
        yield direct, plain, ours


def alternate(bench: Bench, targets: tuple[Target, ...]) -> Iterator[Target]:
    """Every target once per round, forwards and backwards in turn, so that a drift of the machine cancels out."""
    for number in range(bench.rounds):
        yield from targets if number % 2 == 0 else reversed(targets)


def speed(bench: Bench) -> list[Row]:
    """Closed loop at 64 connections, then both at half of what Asbru reached."""
    path = body(bench, stream=False)
    with rivals(bench, 0) as (direct, plain, ours):
        idle = memory_mb(ours.pid)
        samples: dict[str, list[Sample]] = {"nginx": [], "asbru": []}
        for target in alternate(bench, (plain, ours)):
            samples[target.name].append(load(bench, target, path, connections=CONNECTIONS))
        rows = _closed(samples)
        rate = median(each.loaded.ok / each.loaded.seconds for each in samples["asbru"]) / 2
        waits: dict[str, list[Sample]] = {"direct": [], "nginx": [], "asbru": []}
        for target in alternate(bench, (direct, plain, ours)):
            waits[target.name].append(load(bench, target, path, connections=CONNECTIONS, rate=rate))
        rows += _half_load(waits, rate)
        rows.append(Row("memory after start and warm-up", idle, "MB", goal="< 100"))
        rows.append(Row("memory after the load", memory_mb(ours.pid), "MB"))
    return rows


def _closed(samples: dict[str, list[Sample]]) -> list[Row]:
    per_cpu = {name: [each.loaded.ok / each.cpu for each in rounds] for name, rounds in samples.items()}
    ratios = [ours / theirs for ours, theirs in zip(per_cpu["asbru"], per_cpu["nginx"], strict=True)]
    rows = [Row(f"{name}: requests per CPU-second", median(values), "1/s") for name, values in per_cpu.items()]
    rows.append(Row("requests per CPU-second, of nginx", median(ratios), "", goal=">= 0.75", spread=ratios))
    for name, rounds in samples.items():
        rows.append(
            Row(
                f"{name}: requests per second, wall clock",
                median(r.loaded.ok / r.loaded.seconds for r in rounds),
                "1/s",
            )
        )
        rows.append(Row(f"{name}: p99 with {CONNECTIONS} in flight", median(r.loaded.p99 for r in rounds) / 1e3, "ms"))
    return rows


def _half_load(waits: dict[str, list[Sample]], rate: float) -> list[Row]:
    p50 = {name: median(each.loaded.p50 for each in rounds) for name, rounds in waits.items()}
    p99 = {name: median(each.loaded.p99 for each in rounds) for name, rounds in waits.items()}
    rows = [Row("half load: requests per second", rate, "1/s")]
    for name in ("nginx", "asbru"):
        goal = "< 0.2" if name == "asbru" else ""
        rows.append(Row(f"half load: p50 added by {name}", (p50[name] - p50["direct"]) / 1e3, "ms", goal=goal))
        rows.append(Row(f"half load: p99 added by {name}", (p99[name] - p99["direct"]) / 1e3, "ms"))
    return rows


def stream(bench: Bench) -> list[Row]:
    """200 streams at once, an event every 10 ms each; then 1,000 slow ones for the memory."""
    path = body(bench, stream=True)
    with rivals(bench, EVENT_INTERVAL_US) as (_, plain, ours):
        samples: dict[str, list[Sample]] = {"nginx": [], "asbru": []}
        for target in alternate(bench, (plain, ours)):
            samples[target.name].append(load(bench, target, path, connections=STREAMS))
        rows = _streams(samples)
    with upstream(bench, SLOW_INTERVAL_US) as slow, asbru(bench, {"bench": slow.port}) as ours:
        load(bench, ours, body(bench, stream=False), connections=8, seconds=0.5)
        rows += _many(bench, ours, path)
    return rows


def _streams(samples: dict[str, list[Sample]]) -> list[Row]:
    cost = {name: [each.cpu / each.loaded.events * 1e6 for each in rounds] for name, rounds in samples.items()}
    ratios = [ours / theirs for ours, theirs in zip(cost["asbru"], cost["nginx"], strict=True)]
    rows = [Row(f"{name}: CPU per event", median(values), "us") for name, values in cost.items()]
    rows.append(Row("CPU per event, times nginx's", median(ratios), "", goal="<= 1.3", spread=ratios))
    for name, rounds in samples.items():
        rows.append(Row(f"{name}: first event p50", median(each.loaded.first50 for each in rounds) / 1e3, "ms"))
        rows.append(Row(f"{name}: first event p99", median(each.loaded.first99 for each in rounds) / 1e3, "ms"))
    return rows


def _many(bench: Bench, ours: Target, path: Path) -> list[Row]:
    command = load_command(bench, ours, body=path, connections=MANY_STREAMS, rate=0, seconds=0)
    before, most = memory_mb(ours.pid), 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        while process.poll() is None:
            most = max(most, memory_mb(ours.pid))
            try:
                process.wait(0.5)
            except subprocess.TimeoutExpired:
                continue
        assert process.stdout is not None
        loaded = msgspec.json.decode(process.stdout.read(), type=Loaded)
    if loaded.ok != MANY_STREAMS:
        raise RuntimeError(f"of {MANY_STREAMS} streams: {loaded}")
    return [
        Row("memory before the streams", before, "MB"),
        Row(f"memory with {MANY_STREAMS:,} streams open", most, "MB", goal="< 150"),
    ]
