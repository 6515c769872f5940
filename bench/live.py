"""Live traffic: requests per CPU-second, added latency, streams, memory; nginx and Asbru in turn on the same core."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import msgspec

from bench.processes import cpu_seconds, memory_mb
from bench.report import Row
from bench.servers import KEY, Asked, Bench, Loaded, Target, asbru, load_command, nginx, upstream

CONNECTIONS = 64
STREAMS = 200
MANY_STREAMS = 1000
EVENT_INTERVAL_US = 10_000
SLOW_INTERVAL_US = 90_000
MODEL = "bench/gpt-4o-mini"
SYSTEM = 'You are a helpful assistant. Answer "carefully" and keep all figures.'


class Sample(msgspec.Struct, frozen=True):
    """One round of load on one target."""

    loaded: Loaded
    cpu: float


def splice(bench: Bench, *, stream: bool, path: str = "/openai/v1/chat/completions") -> Asked:
    """A chat of 2 KB in the provider's own format that asks for ``bench/gpt-4o-mini``, whose price is known."""
    system = {"role": "system", "content": SYSTEM}
    asked: dict[str, object] = {"model": MODEL, "messages": [system, *_turns()], "temperature": 0.7, "max_tokens": 512}
    if stream:
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    return _asked(bench, path, asked)


def governed(bench: Bench) -> Asked:
    """The same with a virtual key that has three limits and a budget."""
    return splice(bench, stream=False, path=f"/openai/v1/chat/completions?key={KEY}")


def unified(bench: Bench, *, stream: bool) -> Asked:
    """The same at the unified API, which adds ``extra_fields`` to the answer and to every event."""
    return splice(bench, stream=stream, path="/v1/chat/completions")


def translate(bench: Bench, *, stream: bool) -> Asked:
    """The same in Anthropic's format: request, answer and events are translated."""
    asked: dict[str, object] = {"model": MODEL, "system": SYSTEM, "messages": _turns()}
    asked |= {"temperature": 0.7, "max_tokens": 512}
    if stream:
        asked |= {"stream": True}
    return _asked(bench, "/anthropic/v1/messages", asked)


def _turns() -> list[dict[str, str]]:
    turns: list[dict[str, str]] = []
    text = "Summarise for a general audience:\n\u201cIn 2023 the bridge carried 41,250 people a day \u2026\u201d " * 3
    while len(json.dumps(turns)) < 1600:
        turns.append({"role": "assistant" if len(turns) % 2 else "user", "content": text})
    return turns


def _asked(bench: Bench, path: str, body: dict[str, object]) -> Asked:
    kind = "stream" if "stream" in body else "chat"
    file = bench.work / f"{path.partition('?')[0].strip('/').replace('/', '-')}-{kind}.json"
    file.write_text(json.dumps(body))
    return Asked(path, file)


def load(
    bench: Bench, target: Target, asked: Asked, *, connections: int, rate: float = 0, seconds: float = 0
) -> Sample:
    """One round. Raises RuntimeError when not every request was answered with 200."""
    command = load_command(bench, target, asked, connections=connections, rate=rate, seconds=seconds or bench.seconds)
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
            load(bench, target, splice(bench, stream=False), connections=8, seconds=1)
        yield direct, plain, ours


class Run(msgspec.Struct, frozen=True):
    """One of those that are compared. ``name``: in the tables."""

    name: str
    target: Target
    asked: Asked


def runs(bench: Bench, plain: Target, ours: Target, *, stream: bool) -> tuple[Run, ...]:
    """nginx, our splice lane, the same with ``extra_fields``, and our translate lane."""
    same = splice(bench, stream=stream)
    return (
        Run("nginx", plain, same),
        Run("asbru", ours, same),
        Run("asbru, unified", ours, unified(bench, stream=stream)),
        Run("asbru, translating", ours, translate(bench, stream=stream)),
    )


def measured(bench: Bench, them: tuple[Run, ...], *, connections: int, rate: float = 0) -> dict[str, list[Sample]]:
    """Each once per round, forwards and backwards in turn, so that a drift of the machine cancels out."""
    samples: dict[str, list[Sample]] = {run.name: [] for run in them}
    for number in range(bench.rounds):
        for run in them if number % 2 == 0 else reversed(them):
            samples[run.name].append(load(bench, run.target, run.asked, connections=connections, rate=rate))
    return samples


def speed(bench: Bench) -> list[Row]:
    """Closed loop at 64 connections, then at half of what Asbru reached."""
    with rivals(bench, 0) as (direct, plain, ours), asbru(bench, {"bench": direct.port}, governed=True) as strict:
        idle = memory_mb(ours.pid)
        them = (*runs(bench, plain, ours, stream=False), Run("asbru, governed", strict, governed(bench)))
        samples = measured(bench, them, connections=CONNECTIONS)
        rows = _closed(samples)
        rate = median(each.loaded.ok / each.loaded.seconds for each in samples["asbru"]) / 2
        three = Run("direct", direct, them[0].asked), *them[:2]
        rows += _half_load(measured(bench, three, connections=CONNECTIONS, rate=rate), rate)
        rows.append(Row("memory after start and warm-up", idle, "MB", goal="< 100"))
        rows.append(Row("memory after the load", memory_mb(ours.pid), "MB"))
    return rows


def _closed(samples: dict[str, list[Sample]]) -> list[Row]:
    per_cpu = {name: [each.loaded.ok / each.cpu for each in rounds] for name, rounds in samples.items()}
    rows = [Row(f"{name}: requests per CPU-second", median(values), "1/s") for name, values in per_cpu.items()]
    for name, goal in (
        ("asbru", ">= 0.75"),
        ("asbru, unified", ""),
        ("asbru, translating", ""),
        ("asbru, governed", ""),
    ):
        ratios = [ours / theirs for ours, theirs in zip(per_cpu[name], per_cpu["nginx"], strict=True)]
        rows.append(Row(f"{name}: requests per CPU-second, of nginx", median(ratios), "", goal=goal, spread=ratios))
    ratios = [ours / free for ours, free in zip(per_cpu["asbru, governed"], per_cpu["asbru"], strict=True)]
    rows.append(Row("asbru, governed: of asbru without keys", median(ratios), "", goal=">= 0.9", spread=ratios))
    for name, rounds in samples.items():
        rate = median(each.loaded.ok / each.loaded.seconds for each in rounds)
        rows.append(Row(f"{name}: requests per second, wall clock", rate, "1/s"))
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
    with rivals(bench, EVENT_INTERVAL_US) as (_, plain, ours):
        rows = _streams(measured(bench, runs(bench, plain, ours, stream=True), connections=STREAMS))
    with upstream(bench, SLOW_INTERVAL_US) as slow, asbru(bench, {"bench": slow.port}) as ours:
        load(bench, ours, splice(bench, stream=False), connections=8, seconds=0.5)
        rows += _many(bench, ours, splice(bench, stream=True))
    return rows


def _streams(samples: dict[str, list[Sample]]) -> list[Row]:
    cost = {name: [each.cpu / each.loaded.events * 1e6 for each in rounds] for name, rounds in samples.items()}
    rows = [Row(f"{name}: CPU per event", median(values), "us") for name, values in cost.items()]
    for name, goal in (("asbru", "<= 1.3"), ("asbru, unified", ""), ("asbru, translating", "")):
        ratios = [ours / theirs for ours, theirs in zip(cost[name], cost["nginx"], strict=True)]
        rows.append(Row(f"{name}: CPU per event, times nginx's", median(ratios), "", goal=goal, spread=ratios))
    for name, rounds in samples.items():
        rows.append(Row(f"{name}: first event p50", median(each.loaded.first50 for each in rounds) / 1e3, "ms"))
        rows.append(Row(f"{name}: first event p99", median(each.loaded.first99 for each in rounds) / 1e3, "ms"))
    return rows


def _many(bench: Bench, ours: Target, asked: Asked) -> list[Row]:
    command = load_command(bench, ours, asked, connections=MANY_STREAMS, rate=0, seconds=0)
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
