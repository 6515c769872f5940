"""Lines out of answers that break off, change, or come in awkward pieces."""

import asyncio
from collections.abc import Iterable

import pytest

from asbru.batch.native_lines import lines_of, steady_lines
from asbru.mock.frames import Frames, Pace
from asbru.model.failure import Broken, Overloaded, Rejected, Upstream
from asbru.model.http import Answer

Reading = tuple[list[bytes], int] | Upstream


def answer(pieces: Iterable[bytes], cut: int = -1) -> Answer:
    return Answer(status=200, stream=Frames(iter(pieces), Pace(cut=cut)))


def read(readings: list[Reading]) -> list[bytes]:
    """The lines of a file whose readings go as told: pieces and where they are cut, or a failure."""
    left = iter(readings)

    async def open_it() -> Answer:
        reading = next(left)
        if isinstance(reading, Upstream):
            raise reading
        return answer(*reading)

    async def scene() -> list[bytes]:
        got: list[bytes] = []
        try:
            async for line in steady_lines(open_it):
                got.append(line)
        except Upstream as failure:
            got.append(f"{type(failure).__name__}: {failure.message}".encode())
        return got

    return asyncio.run(scene())


WHOLE: Reading = ([b"aa\nb", b"b\ncc\n", b"dd"], -1)
HALF: Reading = ([b"aa\nb", b"b\ncc\n", b"dd"], 1)
NOTHING: Reading = ([b""], 0)
TORN = Broken(502, "torn")
ALL = [b"aa", b"bb", b"cc", b"dd"]


@pytest.mark.parametrize(
    ("readings", "lines"),
    [
        ([WHOLE], ALL),
        ([HALF, WHOLE], ALL),
        ([HALF, HALF, NOTHING, TORN, WHOLE], ALL),
        ([([b"aa\n\n\nbb\n"], -1)], [b"aa", b"bb"]),
        ([([], -1)], []),
        ([HALF] * 5, [b"aa", b"Broken: The provider's result file broke off."]),
        ([HALF, Rejected(404, "gone")], [b"aa", b"Rejected: gone"]),
        ([HALF, Overloaded(429, "slower")], [b"aa", b"Overloaded: slower"]),
        (
            [HALF, *[([b"xx\nbb\n"], -1)] * 4],
            [b"aa", b"Broken: The provider's result file changed between two readings."],
        ),
        ([HALF, *[([b""], -1)] * 4], [b"aa", b"Broken: The provider's result file changed between two readings."]),
    ],
)
def test_readings(readings: list[Reading], lines: list[bytes]) -> None:
    assert read(readings) == lines


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_pieces_may_end_anywhere(size: int) -> None:
    rows = [b'{"n":%d}' % n for n in range(200)]
    body = b"\n".join(rows) + b"\n"
    assert read([([body[at : at + size] for at in range(0, len(body), size)], -1)]) == rows


def test_a_fast_file_waits_for_a_slow_reader() -> None:
    made = 0

    def pieces() -> Iterable[bytes]:
        nonlocal made
        for made in range(1, 101):  # noqa: B007 - how far it came is what the test looks at.
            yield b"x" * 99_999 + b"\n"

    async def scene() -> None:
        lines = lines_of(answer(pieces()))
        await anext(lines)
        assert made < 30
        assert sum([1 async for _ in lines]) == 99

    asyncio.run(scene())
