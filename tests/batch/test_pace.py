"""How many items may run at once: found by trying, halved on overload, and never before live traffic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.batch.pace import LONGEST_PAUSE, Pace, PaceSettings
from asbru.batch.rerun import WAITS, overload, wait_before_next
from asbru.model.failure import Broken, Bug, Failure, Overloaded, Refused, Rejected, TimedOut, Unreachable


class Ticks:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def epoch(pace: Pace, ticks: Ticks, took: float) -> None:
    """As many items as an epoch has, each taking ``took`` seconds, as many at once as may run."""
    for _ in range(max(32, 2 * int(pace.limit))):
        while pace.room(0):
            pace.begin()
        assert pace.room(0) == 0
        ticks.now += took / max(pace.running, 1)
        pace.end(took)


def test_the_limit_doubles_while_it_helps_up_to_the_most() -> None:
    ticks = Ticks()
    pace = Pace(ticks, PaceSettings(start=8, most=40))
    seen = [pace.limit]
    for _ in range(4):
        epoch(pace, ticks, 0.1)
        seen.append(pace.limit)
    assert seen == [8, 16, 32, 40, 40]


def test_a_limit_that_was_not_reached_does_not_grow() -> None:
    pace = Pace(Ticks())
    for _ in range(100):
        pace.begin()
        pace.end(0.1)
    assert pace.limit == 8


def test_overload_halves_at_most_once_a_second_and_then_grows_by_one() -> None:
    ticks = Ticks()
    pace = Pace(ticks, PaceSettings(start=8, most=1_000))
    epoch(pace, ticks, 0.1)
    assert pace.limit == 16
    for _ in range(5):
        pace.overloaded(None)
    assert pace.limit == 8
    ticks.now += 1.0
    pace.overloaded(None)
    assert pace.limit == 4
    epoch(pace, ticks, 0.1)
    assert pace.limit == 5


@pytest.mark.parametrize(("asked", "kept"), [(3.0, 3.0), (10_000.0, LONGEST_PAUSE)])
def test_nothing_is_sent_before_the_provider_wants_it(asked: float, kept: float) -> None:
    ticks = Ticks()
    pace = Pace(ticks)
    pace.begin()
    pace.overloaded(asked)
    assert (pace.room(0), pace.wait()) == (0, kept)
    ticks.now += kept - 0.001
    assert pace.room(0) == 0
    ticks.now += 0.002
    assert (pace.room(0), pace.wait()) == (4, 0.0)


def test_replies_that_take_longer_shrink_it_and_longer_items_do_not() -> None:
    ticks = Ticks()
    pace = Pace(ticks, PaceSettings(start=8, most=1_000))
    for _ in range(3):
        epoch(pace, ticks, 0.1)
    assert pace.limit == 64
    epoch(pace, ticks, 0.5)
    assert pace.limit == 48
    epoch(pace, ticks, 0.5)
    assert pace.limit >= 48, "it did not help: the items are longer"


@pytest.mark.parametrize(("live", "room"), [(0, 8), (1, 4), (3, 2), (7, 1), (100, 1)])
def test_live_traffic_goes_first(live: int, room: int) -> None:
    assert Pace(Ticks()).room(live) == room


@given(st.lists(st.tuples(st.booleans(), st.floats(0.001, 30.0)), max_size=300))
def test_the_limit_stays_within_its_bounds(events: list[tuple[bool, float]]) -> None:
    ticks = Ticks()
    pace = Pace(ticks, PaceSettings(start=4, most=32))
    for overloaded, took in events:
        while pace.room(0):
            pace.begin()
        if pace.running == 0:
            ticks.now += pace.wait()
            continue
        ticks.now += took
        if overloaded:
            pace.overloaded(took)
        else:
            pace.end(took)
        assert 1 <= pace.limit <= 32
        assert 0 <= pace.running <= 32
        assert 1 <= pace.ahead() <= 256


AGAIN: list[tuple[Failure, int, float | None]] = [
    (Overloaded(429, "", retry_after=None), 0, WAITS[0]),
    (Overloaded(429, "", retry_after=30.0), 0, 30.0),
    (Overloaded(529, "", retry_after=9_999.0), 0, WAITS[-1]),
    (TimedOut(504, ""), 2, WAITS[2]),
    (Unreachable(502, ""), 1, WAITS[1]),
    (Broken(500, ""), 6, WAITS[6]),
    (Broken(500, ""), 7, None),
    (Rejected(400, ""), 0, None),
    (Rejected(401, ""), 0, None),
    (Refused(400, ""), 0, None),
    (Bug(500, ""), 0, None),
]


@pytest.mark.parametrize(("failure", "attempts", "wait"), AGAIN)
def test_when_an_item_is_tried_again(failure: Failure, attempts: int, wait: float | None) -> None:
    assert wait_before_next(failure, attempts, WAITS) == wait


def test_what_says_that_a_provider_has_too_much_to_do() -> None:
    assert [overload(one) for one in (Overloaded(429, ""), TimedOut(504, ""), Broken(500, ""))] == [True, True, False]
