"""Budgets and rate limits of whatever may have them: read from bodies, shown with what is used."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Protocol

from msgspec import UNSET, UnsetType

from asbru.admin.bodies import Body, dollars_of, nano_of, time_of, wrong
from asbru.admin.documents import new_id
from asbru.governance import allowances_of, window_of
from asbru.model.people import Allowance, Budget, Measure, RateLimit
from asbru.store.meters import Reading

Readings = Mapping[str, Reading]
"""Where meters stand, by their ids."""


class BudgetBody(Body, frozen=True, kw_only=True):
    """``max_limit``: dollars. In an update what is left out stays; ``{}`` takes the budget away."""

    id: str | None = None
    max_limit: Decimal | None = None
    reset_duration: str | None = None
    calendar_aligned: bool | None = None

    @property
    def empty(self) -> bool:
        """Whether it says nothing."""
        return self.max_limit is None and self.reset_duration is None and self.calendar_aligned is None


class RateLimitBody(Body, frozen=True, kw_only=True):
    """In an update what is left out stays; ``{}`` takes the limit away."""

    id: str | None = None
    token_max_limit: int | None = None
    token_reset_duration: str | None = None
    request_max_limit: int | None = None
    request_reset_duration: str | None = None

    @property
    def empty(self) -> bool:
        """Whether it says nothing."""
        said = (self.token_max_limit, self.token_reset_duration, self.request_max_limit, self.request_reset_duration)
        return all(each is None for each in said)


class Limited(Protocol):
    """What may have limits."""

    @property
    def budget(self) -> Budget | None: ...

    @property
    def rate_limit(self) -> RateLimit | None: ...


def budget_of(said: BudgetBody | UnsetType | None, old: Budget | None, path: str = "budget") -> Budget | None:
    """The budget after ``said``. Raises Refused(400)."""
    if said is UNSET:
        return old
    if said is None or said.empty:
        return None
    if said.max_limit is None and old is None:
        raise wrong(f"{path}.max_limit", "Field required")
    most = nano_of(f"{path}.max_limit", said.max_limit) if said.max_limit is not None else old.max_limit if old else 0
    duration = said.reset_duration or (old.reset_duration if old else "1M")
    aligned = said.calendar_aligned if said.calendar_aligned is not None else bool(old and old.calendar_aligned)
    _check_window(f"{path}.reset_duration", duration, aligned)
    id = old.id if old else f"budget-{new_id()}"
    return Budget(id=id, max_limit=most, reset_duration=duration, calendar_aligned=aligned)


def rate_limit_of(
    said: RateLimitBody | UnsetType | None, old: RateLimit | None, path: str = "rate_limit"
) -> RateLimit | None:
    """The limit after ``said``. Raises Refused(400)."""
    if said is UNSET:
        return old
    if said is None or said.empty:
        return None
    kept = old or RateLimit(id=f"limit-{new_id()}")
    made = RateLimit(
        id=kept.id,
        token_max_limit=_count(f"{path}.token_max_limit", said.token_max_limit, kept.token_max_limit),
        token_reset_duration=said.token_reset_duration or kept.token_reset_duration,
        request_max_limit=_count(f"{path}.request_max_limit", said.request_max_limit, kept.request_max_limit),
        request_reset_duration=said.request_reset_duration or kept.request_reset_duration,
    )
    _check_window(f"{path}.token_reset_duration", made.token_reset_duration, False)
    _check_window(f"{path}.request_reset_duration", made.request_reset_duration, False)
    if made.token_max_limit is None and made.request_max_limit is None:
        raise wrong(path, "token_max_limit or request_max_limit is needed")
    return made


def _count(path: str, said: int | None, old: int | None) -> int | None:
    if said is None:
        return old
    if not 0 <= said < 2**53:
        raise wrong(path, f"must be 0 or more, this is {said}")
    return said


def _check_window(path: str, duration: str, aligned: bool) -> None:
    try:
        window_of(duration, aligned)
    except ValueError as error:
        raise wrong(path, str(error)) from None


def meters_of(limited: Iterable[Limited]) -> list[Allowance]:
    """All their limits, to be looked up."""
    return [allowance for each in limited for allowance in allowances_of(each, "")]


def show_budget(budget: Budget, readings: Readings) -> dict[str, object]:
    """As the API has it; usage and limits in dollars."""
    reading = readings.get(budget.id)
    return {
        "id": budget.id,
        "max_limit": dollars_of(budget.max_limit),
        "reset_duration": budget.reset_duration,
        "calendar_aligned": budget.calendar_aligned,
        "current_usage": dollars_of(reading.spent) if reading else 0.0,
        **({"last_reset": time_of(reading.began)} if reading else {}),
    }


def show_rate_limit(limit: RateLimit, readings: Readings) -> dict[str, object]:
    """As the API has it."""
    out: dict[str, object] = {"id": limit.id}
    for word, most, duration, measure in (
        ("token", limit.token_max_limit, limit.token_reset_duration, Measure.TOKENS),
        ("request", limit.request_max_limit, limit.request_reset_duration, Measure.REQUESTS),
    ):
        if most is None:
            continue
        reading = readings.get(f"{limit.id}:{measure}")
        out[f"{word}_max_limit"] = most
        out[f"{word}_reset_duration"] = duration
        out[f"{word}_current_usage"] = reading.spent if reading else 0
        if reading:
            out[f"{word}_last_reset"] = time_of(reading.began)
    return out


def show_limits(limited: Limited, readings: Readings) -> dict[str, object]:
    """``budget``, ``budget_id``, ``rate_limit`` and ``rate_limit_id``, those that there are."""
    out: dict[str, object] = {}
    if limited.budget is not None:
        out |= {"budget_id": limited.budget.id, "budget": show_budget(limited.budget, readings)}
    if limited.rate_limit is not None:
        out |= {"rate_limit_id": limited.rate_limit.id, "rate_limit": show_rate_limit(limited.rate_limit, readings)}
    return out
