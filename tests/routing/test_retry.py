"""The verdict table, row by row, and the waits."""

import pytest

from asbru.model.failure import Broken, Bug, Failure, Overloaded, Refused, Rejected, TimedOut, Unreachable
from asbru.routing.retry import Verdict, backoff, limited, too_long, verdict, wait_after

NEVER, SAME, KEY, TARGET = Verdict.NEVER, Verdict.SAME_KEY, Verdict.OTHER_KEY, Verdict.OTHER_TARGET


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (Refused(400, "no"), NEVER),
        (Refused(429, "our own limit"), NEVER),
        (Bug(500, "oh"), NEVER),
        (Failure(500, "of no class"), NEVER),
        (Rejected(400, "policy", code="content_policy_violation"), NEVER),
        (Rejected(400, "policy", code="content_filter"), NEVER),
        (Rejected(401, "bad key"), KEY),
        (Rejected(402, "unpaid"), KEY),
        (Rejected(403, "not for you"), KEY),
        (Overloaded(429, "slow down"), KEY),
        (TimedOut(504, "silence"), TARGET),
        (Rejected(400, "bad"), TARGET),
        (Rejected(404, "no such model"), TARGET),
        (Rejected(413, "too long"), TARGET),
        (Rejected(422, "bad"), TARGET),
        (Broken(501, "not made"), TARGET),
        (Broken(505, "version"), TARGET),
        (Rejected(408, "too slow"), SAME),
        (Rejected(409, "conflict"), SAME),
        (Rejected(425, "too early"), SAME),
        (Broken(500, "oops"), SAME),
        (Broken(502, "unreadable"), SAME),
        (Broken(504, "their own upstream"), SAME),
        (Overloaded(503, "later"), SAME),
        (Overloaded(529, "overloaded"), SAME),
        (Unreachable(502, "reset"), SAME),
        (Unreachable(401, "a proxy said no"), SAME),
    ],
    ids=lambda value: f"{type(value).__name__}-{value.status}" if isinstance(value, Failure) else str(value),
)
def test_verdict(failure: Failure, expected: Verdict) -> None:
    assert verdict(failure) is expected


@pytest.mark.parametrize(("retries", "expected"), [(0, 0.5), (1, 1.0), (2, 2.0), (3, 4.0), (4, 5.0), (50, 5.0)])
def test_backoff_doubles_up_to_its_end(retries: int, expected: float) -> None:
    assert backoff(0.5, 5.0, retries) == expected


@pytest.mark.parametrize(
    ("retry_after", "dice", "expected"),
    [
        (None, 0.0, 0.8),
        (None, 0.5, 1.0),
        (None, 0.999999, 1.2),
        (10.0, 0.0, 10.0),
        (10.0, 0.999999, 12.0),
        (0.0, 0.5, 0.0),
    ],
)
def test_waits_are_spread_and_never_shorter_than_asked(retry_after: float | None, dice: float, expected: float) -> None:
    failure = Overloaded(503, "later", retry_after=retry_after)
    assert wait_after(failure, 1.0, lambda: dice) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("retry_after", "expected"), [(None, False), (0.0, False), (60.0, False), (60.1, True)])
def test_longest_wait(retry_after: float | None, expected: bool) -> None:
    assert too_long(Overloaded(429, "later", retry_after=retry_after)) is expected


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (Overloaded(429, "x"), True),
        (Overloaded(503, "x"), False),
        (Rejected(429, "x"), False),
        (Rejected(401, "x"), False),
    ],
)
def test_only_a_limit_passes_by_waiting(failure: Failure, expected: bool) -> None:
    assert limited(failure) is expected
