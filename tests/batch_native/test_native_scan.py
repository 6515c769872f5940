"""Members of a large object out of pieces cut anywhere."""

import asyncio
import json
import random
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import pytest

from asbru.batch.native_scan import members
from asbru.model.failure import Broken

DOCUMENTS: tuple[Any, ...] = (
    {},
    {"results": []},
    {"results": None, "status": "x"},
    {"a": 1, "results": [1, "two", None, [3, [4]], {"results": [5]}], "b": {"results": [6]}, "c": []},
    {"id": 'b"\\', "results": [{"a": [1, {"b": '}],\\"}'}]}, "x,y:", {}], "z": "é\\u0041{[", "": 0, "last": True},
)


def read(data: bytes, cut: random.Random) -> list[tuple[str, Any]]:
    async def chunks() -> AsyncIterator[bytes]:
        at = 0
        while at < len(data):
            size = cut.randint(1, 9)
            yield data[at : at + size]
            at += size

    async def scene() -> list[tuple[str, Any]]:
        return [(name, json.loads(value)) async for name, value in members(chunks(), "results")]

    return asyncio.run(scene())


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("indent", [None, 2])
def test_members_and_elements(document: Any, indent: int | None) -> None:
    wanted: list[tuple[str, Any]] = []
    for name, value in document.items():
        apart = name == "results" and isinstance(value, list)
        wanted += [(name, each) for each in value] if apart else [(name, value)] if name else []
    for seed in range(20):
        assert read(json.dumps(document, indent=indent).encode(), random.Random(seed)) == wanted


def test_a_value_without_an_end() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"a":"'
        for _ in range(70):
            yield b"x" * (1 << 20)

    async def scene() -> None:
        async for _ in members(chunks(), "results"):
            raise AssertionError("nothing is whole")

    with pytest.raises(Broken):
        asyncio.run(scene())


def test_elements_pass_one_at_a_time() -> None:
    row = b'{"custom_id":"x","response":{"body":"' + b"word " * 400 + b'"}}'

    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"results":['
        for n in range(3_000):
            yield (b"," if n else b"") + row
        yield b"]}"

    async def scene() -> int:
        return sum([value == row async for _, value in members(chunks(), "results")])

    tracemalloc.start()
    assert asyncio.run(scene()) == 3_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
