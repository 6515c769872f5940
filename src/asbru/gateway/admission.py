"""Holds what a call may cost before it is sent, and settles what it did cost when it is over."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from asbru.governance import NOBODY_KNOWN, Book, Grant, Hold, Need, People, Shortage
from asbru.model.failure import Limited
from asbru.model.people import Allowance, Measure, Spend
from asbru.model.usage import NANO, Usage

Ask = Callable[[Sequence[tuple[Need, int]]], Awaitable[list[Grant]]]
"""More of some limits from the store: each need with how much is wanted beyond it."""

_CALLS_AHEAD = 256
"""Calls' worth that a worker asks for at once; the store gives a quarter of what is left at most, and what lies idle
for a second goes back."""

_TARGETS_OWN = frozenset({"Provider", "Model", "Provider config"})
"""Levels whose limits hold for one target: another may still be asked."""


async def _nothing(needs: Sequence[tuple[Need, int]]) -> list[Grant]:
    return [Grant(0, 0, 0.0, 0) for _ in needs]


class Admission:
    """The gate of one worker. ``people`` is replaced when the register changes. ``clock``: Unix seconds."""

    def __init__(self, ask: Ask = _nothing, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.people: People = NOBODY_KNOWN
        self.book = Book()
        self._ask = ask
        self._clock = clock
        self._asking = asyncio.Lock()
        self._waiting = 0

    async def hold(self, allowances: Sequence[Allowance], cost: int, usage: Usage) -> Hold:
        """Hold what a call may cost at most. ``cost``: nano-dollars. Raises Limited(429 or 402)."""
        amounts = {Measure.MONEY: cost, Measure.TOKENS: usage.input + usage.output, Measure.REQUESTS: 1}
        needs = [Need(each, amounts[each.measure]) for each in allowances]
        held = self.book.take(needs, self._clock())
        if isinstance(held, Shortage):
            held = await self._more(needs, held)
        return held

    async def _more(self, needs: list[Need], short: Shortage) -> Hold:
        """Ask the store, one caller at a time: what one gets often serves those behind it too."""
        self._waiting += 1
        try:
            async with self._asking:
                # As often as it takes: each of many limits may be short, and others may be faster with what came.
                while True:
                    held = self.book.take(needs, self._clock())
                    if not isinstance(held, Shortage):
                        return held
                    short = held
                    if short.empty:
                        break
                    await self._fetch(short)
        finally:
            self._waiting -= 1
        raise refusal(short, self._clock())

    async def _fetch(self, short: Shortage) -> None:
        need = Need(short.need.of, short.lack)
        ahead = short.need.amount * (_CALLS_AHEAD + self._waiting)
        for got in await self._ask([(need, ahead)]):
            self.book.granted(short.need, got, self._clock())

    def settle(self, hold: Hold, cost: int, usage: Usage, done: bool) -> tuple[Spend, ...]:
        """The call is over; what fails without having cost anything does not count."""
        return self.book.settle(hold, cost, usage.input + usage.output, 1 if done or cost else 0)


def refusal(short: Shortage, now: float) -> Limited:
    """What the caller is told (features.md 3.2)."""
    of = short.need.of
    wait = max(short.until - now, 1.0)
    elsewhere = of.level in _TARGETS_OWN
    general = of.level in ("Provider", "Model")
    if of.measure is Measure.MONEY:
        head = f"{of.level}-level budget exceeded" if general else "Budget exceeded"
        told = f"{head}: {_budget(of, short.used, short.need.amount)}"
        return Limited(402, told, code="budget_exceeded", retry_after=wait, elsewhere=elsewhere)
    what = "token" if of.measure is Measure.TOKENS else "request"
    head = f"{of.level}-level rate limit check failed" if general else "Rate limit check failed"
    often = f"{short.used}/{of.most}, resets every {of.window.text}"
    told = f"{head}: rate limit violated for {of.level}: {what} limit exceeded ({often})"
    return Limited(429, told, code=f"{what}_limited", retry_after=wait, elsewhere=elsewhere)


def _budget(of: Allowance, used: int, need: int) -> str:
    if used >= of.most:
        return f"{of.level} budget exceeded: {used / NANO:.4f} >= {of.most / NANO:.4f} dollars"
    left = f"{(of.most - used) / NANO:.6f} of {of.most / NANO:.4f} dollars are left"
    return f"{of.level} budget: {left}, and this call may cost {need / NANO:.6f}; state a smaller max_tokens"
