"""What this worker may still give out of each limit, in memory.

Rule 1. A limit lives in the store; a worker holds slices of it and decides against them. Slices never sum to more than
what is left of the limit, so that it holds for all workers together.
Rule 2. What a call may cost at most is held before it is sent; when it is over, what it did cost is spent and the rest
is free again. A hold belongs to the slice that it came from: when its period is over both are forgotten.
Rule 3. A slice that turns out too small is told as a shortage; whoever asks the store for more tries again.
"""

from collections.abc import Sequence

from msgspec import Struct

from asbru.model.people import Allowance, Measure, Spend

_DRY = 0.2
"""Seconds for which an empty limit is not asked for again."""


class Slice(Struct, eq=False):
    """``free``: not held by any call. ``until``: end of the period. ``holder``: the session that took it.

    ``used``: what the store said of all that is spent and held, ``dry``: until when it is known to be empty.
    """

    free: int
    until: float
    holder: int
    used: int = 0
    dry: float = 0.0
    touched: float = 0.0


class Need(Struct, frozen=True):
    """What a call may take from one limit at most."""

    of: Allowance
    amount: int


Hold = list[tuple[Allowance, Slice, int]]
"""What is held for one call, and where it goes back to."""


class Shortage(Struct, frozen=True):
    """A limit out of which there is not enough at hand. ``empty``: nor in the store, as of a moment ago.

    ``lack``: how much more is needed. ``used`` and ``until``: for words, known when it is empty.
    """

    need: Need
    empty: bool
    lack: int
    used: int = 0
    until: float = 0.0


class Book:
    """The slices of one worker."""

    def __init__(self) -> None:
        self._slices: dict[str, Slice] = {}

    def take(self, needs: Sequence[Need], now: float) -> Hold | Shortage:
        """Hold all of ``needs``, or nothing of them and say which is short."""
        hold: Hold = []
        for need in needs:
            slice = self._slices.get(need.of.id)
            if slice is None or now >= slice.until or slice.free < need.amount:
                self.give_back(hold)
                return self._short(need, slice, now)
            slice.free -= need.amount
            slice.touched = now
            hold.append((need.of, slice, need.amount))
        return hold

    def _short(self, need: Need, slice: Slice | None, now: float) -> Shortage:
        if slice is not None and now < slice.until and now < slice.dry:
            return Shortage(need, True, need.amount - slice.free, slice.used, slice.until)
        at_hand = slice.free if slice is not None and now < slice.until else 0
        return Shortage(need, False, need.amount - at_hand)

    def give_back(self, hold: Hold) -> None:
        """Nothing was spent."""
        for _, slice, amount in hold:
            slice.free += amount

    def settle(self, hold: Hold, cost: int, tokens: int, requests: int) -> tuple[Spend, ...]:
        """The call is over: what it takes from each limit. More than was held makes the slice run dry earlier."""
        actual = {Measure.MONEY: cost, Measure.TOKENS: tokens, Measure.REQUESTS: requests}
        spent: list[Spend] = []
        for allowance, slice, amount in hold:
            used = actual[allowance.measure]
            slice.free += amount - used
            if used:
                spent.append(Spend(allowance.id, used, slice.holder))
        return tuple(spent)

    def granted(self, need: Need, got: "Grant", now: float) -> None:
        """The store gave more, or said that there is not enough."""
        slice = self._slices.get(need.of.id)
        if slice is None or now >= slice.until or slice.holder != got.holder or slice.until != got.until:
            slice = self._slices[need.of.id] = Slice(0, got.until, got.holder)
        slice.free += got.amount
        slice.used = got.used
        if got.amount:
            slice.touched = now
        slice.dry = now + _DRY if slice.free < need.amount else 0.0

    def idle(self, now: float, seconds: float) -> list[tuple[str, int, int]]:
        """(meter, amount, holder) of what has not been touched for so long: taken out of the slices, to be returned."""
        back: list[tuple[str, int, int]] = []
        for id, slice in list(self._slices.items()):
            if now >= slice.until:
                del self._slices[id]
            elif slice.free > 0 and now - slice.touched >= seconds:
                back.append((id, slice.free, slice.holder))
                slice.free = 0
        return back


class Grant(Struct, frozen=True):
    """What the store gave. ``used``: spent and held by all, this grant included. ``until``: end of the period."""

    amount: int
    used: int
    until: float
    holder: int
