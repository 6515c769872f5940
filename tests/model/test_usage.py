"""Tokens to money, case by case. What genai-prices makes of the same is compared in tests/providers/test_prices.py."""

import pytest

from asbru.model.usage import NANO, Price, Usage, cost

PLAIN = Price(input=3 * NANO, output=15 * NANO)
FULL = Price(
    input=1000 * NANO,
    output=2000 * NANO,
    cache_read=100 * NANO,
    cache_write_5m=1250 * NANO,
    cache_write_1h=1500 * NANO,
    input_audio=4000 * NANO,
    output_audio=8000 * NANO,
    input_image=5000 * NANO,
    output_image=9000 * NANO,
    reasoning=3000 * NANO,
    sound_hour=360_000_000,
    characters=15 * NANO,
)
LONG = Price(input=6 * NANO, output=22 * NANO, above=200_000)
LONGER = Price(input=9 * NANO, above=400_000)
M = 1_000_000


@pytest.mark.parametrize(
    ("usage", "tiers", "expected"),
    [
        (Usage(input=M, output=M), (), 0),
        (Usage(), (PLAIN,), 0),
        (Usage(input=M), (PLAIN,), 3 * NANO),
        (Usage(output=M), (PLAIN,), 15 * NANO),
        # Parts without a price of their own cost what plain tokens do.
        (Usage(input=M, cache_read=M), (PLAIN,), 3 * NANO),
        (Usage(input=M, cache_write_5m=M // 2, cache_write_1h=M // 2), (PLAIN,), 3 * NANO),
        (Usage(input=M, output=M, input_audio=M, output_audio=M), (PLAIN,), 18 * NANO),
        (Usage(output=M, reasoning=M), (PLAIN,), 15 * NANO),
        # An hour's cache costs what five minutes do when it has no price of its own.
        (Usage(input=M, cache_write_1h=M), (Price(input=1, cache_write_5m=7),), 7),
        # Each part at its own price; the rest is plain.
        (Usage(input=10, cache_read=1), (FULL,), (9 * 1000 + 100) * 1000),
        (Usage(input=10, cache_write_5m=1), (FULL,), (9 * 1000 + 1250) * 1000),
        (Usage(input=10, cache_write_1h=1), (FULL,), (9 * 1000 + 1500) * 1000),
        (Usage(input=10, input_audio=1), (FULL,), (9 * 1000 + 4000) * 1000),
        (Usage(output=10, output_audio=1), (FULL,), (9 * 2000 + 8000) * 1000),
        (Usage(input=10, input_image=1), (FULL,), (9 * 1000 + 5000) * 1000),
        (Usage(output=10, output_image=1), (FULL,), (9 * 2000 + 9000) * 1000),
        # Sound by the hour, speech by the character.
        (Usage(sound_ms=3_600_000), (FULL,), 360_000_000),
        (Usage(sound_ms=1), (FULL,), 100),
        (Usage(characters=M), (FULL,), 15 * NANO),
        (Usage(sound_ms=5, characters=5), (PLAIN,), 0),
        # Reranking by the search.
        (Usage(searches=3), (Price(searches=2_000 * NANO),), 6_000_000),
        (Usage(searches=3, input=10), (Price(input=1_000_000),), 10),
        (Usage(output=10, reasoning=1), (FULL,), (9 * 2000 + 3000) * 1000),
        # A provider that reports more parts than the whole is not paid for a negative rest.
        (Usage(input=1, cache_read=2), (FULL,), 200 * 1000),
        (Usage(output=1, reasoning=2), (FULL,), 6000 * 1000),
        # The last threshold that the input exceeds holds for all tokens.
        (Usage(input=200_000), (PLAIN, LONG, LONGER), 600_000 * 1000),
        (Usage(input=200_001), (PLAIN, LONG, LONGER), 1_200_006 * 1000),
        (Usage(input=400_001), (PLAIN, LONG, LONGER), 3_600_009 * 1000),
        (Usage(input=200_001, output=1), (PLAIN, LONG), 1_200_028 * 1000),
        # Half a nano-dollar is rounded up, less is not.
        (Usage(input=1), (Price(input=500_000),), 1),
        (Usage(input=1), (Price(input=499_999),), 0),
    ],
)  # fmt: skip
def test_cost(usage: Usage, tiers: tuple[Price, ...], expected: int) -> None:
    assert cost(usage, tiers) == expected


def test_money_stays_exact_where_floats_do_not() -> None:
    usage = Usage(input=9_007_199_254_740_993)
    assert cost(usage, (Price(input=NANO),)) == 9_007_199_254_740_993_000
