"""Periods of budgets and limits: what ``1h30m``, ``1d`` and ``1M`` mean, and when a period began.

Durations are Go's (``ns us ms s m h``) and ``d``, ``w``, ``M`` (30 days), ``Y`` (365 days) (features.md 3.1).
"""

import re
from datetime import UTC, datetime, timedelta

from asbru.model.people import Window

_PIECE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h|d|w|M|Y)")
_SECONDS = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3_600.0,
    "d": 86_400.0, "w": 604_800.0, "M": 2_592_000.0, "Y": 31_536_000.0,
}  # fmt: skip
_CALENDAR = frozenset("dwMY")
_SHORTEST = 1.0
_LONGEST = 3_650 * 86_400.0


def window_of(text: str, calendar: bool = False) -> Window:
    """The period that ``text`` says. Raises ValueError that says what is wrong with it."""
    pieces = _PIECE.findall(text)
    if not pieces or "".join(number + unit for number, unit in pieces) != text:
        raise ValueError(f"must be a duration such as 30s, 1h, 1d, 1w, 1M or 1Y, this is {text!r}")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in pieces)
    if not _SHORTEST <= seconds <= _LONGEST:
        raise ValueError(f"must be between 1 second and 10 years, this is {text!r}")
    if not calendar:
        return Window(seconds, "", text)
    number, unit = pieces[0]
    if len(pieces) != 1 or unit not in _CALENDAR or number != "1":
        raise ValueError(f"must be 1d, 1w, 1M or 1Y to be aligned with the calendar, this is {text!r}")
    return Window(seconds, unit, text)


def begin_of(window: Window, now: float) -> float:
    """When the period of the calendar began that ``now`` lies in; ``now`` itself for one that rolls."""
    if not window.unit:
        return now
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    match window.unit:
        case "w":
            day -= timedelta(days=day.weekday())
        case "M":
            day = day.replace(day=1)
        case "Y":
            day = day.replace(month=1, day=1)
        case _:
            pass
    return day.timestamp()


def end_of(window: Window, began: float) -> float:
    """When the period that began at ``began`` is over."""
    if not window.unit:
        return began + window.seconds
    day = datetime.fromtimestamp(began, UTC)
    match window.unit:
        case "M":
            day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        case "Y":
            day = day.replace(year=day.year + 1, month=1, day=1)
        case unit:
            day += timedelta(days=7 if unit == "w" else 1)
    return day.timestamp()
