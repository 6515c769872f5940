"""20,000 lines go out and come back one at a time: memory is bounded by a piece, not by the file."""

import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from native_kit import Kit, run

from asbru.batch.native import Line, Lines
from mock_thread import RunningMock
from running import scripted_provider

COUNT = 20_000
TEXT = "word " * 200
MOST = 8 << 20


def many(kit: Kit) -> Lines:
    body = f'{{"model":"mock-small","max_tokens":5,"messages":[{{"role":"user","content":"%d {TEXT}"}}]}}'

    async def read() -> AsyncIterator[Line]:
        for n in range(COUNT):
            yield Line(n, f"job1-{n}", (body % n).encode())

    return read


@pytest.mark.parametrize("kind", ["openai", "xai", "anthropic"])
def test_20_000_lines_in_bounded_memory(tmp_path: Path, kind: str) -> None:
    provider = scripted_provider(tmp_path)
    provider.start()
    peaks: list[int] = []

    async def scene(kit: Kit) -> None:
        tracemalloc.start()
        job = await kit.api.submit(kit.job(COUNT), many(kit))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        await kit.ended(job)
        seen = bytearray(COUNT)
        tracemalloc.start()
        async for result in kit.api.results(job):
            n = int(result.upstream_id.removeprefix("job1-"))
            assert kit.text(result).startswith(f"echo: {n} ")
            seen[n] += 1
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert seen == b"\1" * COUNT

    try:
        run(RunningMock(provider.port), kind, scene)
    finally:
        tracemalloc.stop()
        provider.stop()
    assert max(peaks) < MOST, peaks
