"""Durations and periods."""

from datetime import UTC, datetime

import pytest

from asbru.governance.windows import begin_of, end_of, window_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("1m", 60), ("1h30m", 5_400), ("1.5h", 5_400), ("1d", 86_400), ("2w", 1_209_600), ("1M", 2_592_000),
     ("1Y", 31_536_000), ("1500ms", 1.5)],
)  # fmt: skip
def test_durations(text: str, seconds: float) -> None:
    assert window_of(text).seconds == seconds


@pytest.mark.parametrize(
    "text", ["", "1", "h", "0s", "-1h", "1x", "1h ", "1 h", "99Y", "10ms", "1h1", "1e3s", "٣h", "nan", "1d\n"]
)
def test_wrong_durations_are_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be .*this is"):
        window_of(text)


@pytest.mark.parametrize("text", ["1h", "2d", "1d1h", "1.5M"])
def test_only_whole_periods_follow_the_calendar(text: str) -> None:
    with pytest.raises(ValueError, match="aligned with the calendar"):
        window_of(text, True)


def _at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("unit", "now", "began", "ends"),
    [
        ("1d", "2026-11-24T10:30:00", "2026-11-24", "2026-11-25"),
        ("1w", "2026-11-24T10:30:00", "2026-11-23", "2026-11-30"),
        ("1w", "2026-11-23T00:00:00", "2026-11-23", "2026-11-30"),
        ("1M", "2026-12-31T23:59:59", "2026-12-01", "2027-01-01"),
        ("1M", "2028-02-29T12:00:00", "2028-02-01", "2028-03-01"),
        ("1Y", "2026-06-01T00:00:00", "2026-01-01", "2027-01-01"),
    ],
)
def test_periods_of_the_calendar(unit: str, now: str, began: str, ends: str) -> None:
    window = window_of(unit, True)
    assert begin_of(window, _at(now)) == _at(began)
    assert end_of(window, _at(began)) == _at(ends)


def test_a_rolling_period_begins_when_it_is_first_needed() -> None:
    window = window_of("1h")
    assert (begin_of(window, 1_234.5), end_of(window, 1_234.5)) == (1_234.5, 4_834.5)
