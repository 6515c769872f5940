"""How many items may run at once at one provider: found by trying, per worker.

Rule 1. Up slowly: doubled per epoch while that helps, afterwards one more per epoch; an epoch is at least 32 items and
twice the limit. Only a limit that was reached grows.
Rule 2. Halved, at most once a second, when the provider says that it is overloaded or keeps silent; nothing more is
sent before the time that it asked for.
Rule 3. When replies take more than twice as long as they did, more at once does not help: the limit goes back by a
quarter. If that makes them no faster, the items are longer, not the queue, and their duration is the new measure.
Rule 4. Live traffic goes first: with N live exchanges running in this worker, an N+1-th of the limit, and at least one.
"""

from collections.abc import Callable

from msgspec import Struct

LONGEST_PAUSE = 600.0
"""Seconds: a provider that asks for more is asked again after this."""


class PaceSettings(Struct, frozen=True, kw_only=True):
    """``start`` and ``most``: items at once. ``epoch``: fewest items between two changes."""

    start: int = 8
    most: int = 256
    epoch: int = 32


class Pace:
    """The limit of one provider. ``ticks``: seconds of a monotonic clock."""

    def __init__(self, ticks: Callable[[], float], settings: PaceSettings = PaceSettings()) -> None:  # noqa: B008  Immutable.
        self.limit = float(settings.start)
        self.running = 0
        self._ticks = ticks
        self._settings = settings
        self._doubling = True
        self._reached = False
        self._count = 0
        self._took = 0.0
        self._usual = 0.0
        self._slow = 0.0
        self._closed_until = 0.0
        self._halved_at = -1.0
        self._rate = 0.0
        self._epoch_began = ticks()

    def room(self, live: int) -> int:
        """How many more items may start now."""
        if self._ticks() < self._closed_until:
            return 0
        room = max(int(self.limit) // (1 + live), 1) - self.running
        if room <= 0:
            self._reached = self._reached or live == 0
            return 0
        return room

    def ahead(self) -> int:
        """How many items to have at hand beyond those that may start now: what runs in a tenth of a second."""
        return min(max(int(self._rate * 0.1), 1), 256)

    def wait(self) -> float:
        """Seconds until the provider may be asked again."""
        return max(self._closed_until - self._ticks(), 0.0)

    def begin(self) -> None:
        """An item starts."""
        self.running += 1

    def end(self, took: float) -> None:
        """An item is over, by a reply or by a failure that says nothing of the load. ``took``: seconds."""
        self.running -= 1
        self._count += 1
        self._took += took
        if self._count >= max(self._settings.epoch, 2 * int(self.limit)):
            self._next_epoch()

    def overloaded(self, retry_after: float | None) -> None:
        """An item is over because the provider cannot take so much."""
        self.running -= 1
        now = self._ticks()
        if now - self._halved_at >= 1.0:
            self._halved_at = now
            self.limit = max(self.limit / 2, 1.0)
            self._doubling = False
            self._count, self._took = 0, 0.0
        if retry_after is not None:
            self._closed_until = max(self._closed_until, now + min(retry_after, LONGEST_PAUSE))

    def _next_epoch(self) -> None:
        now = self._ticks()
        mean = self._took / self._count
        self._rate = self._count / max(now - self._epoch_began, 1e-6)
        self._epoch_began = now
        if self._slow and mean > 0.8 * self._slow:
            self._usual = mean
        self._slow = 0.0
        self._usual = min(self._usual, mean) if self._usual else mean
        if mean > 2 * self._usual:
            self._shrink(mean)
        elif self._reached:
            self._grow()
        self._usual *= 1.02
        self._count, self._took, self._reached = 0, 0.0, False

    def _shrink(self, mean: float) -> None:
        self._doubling = False
        if self.limit > self._settings.start:
            self.limit = max(self.limit * 0.75, float(self._settings.start))
            self._slow = mean

    def _grow(self) -> None:
        more = self.limit * 2 if self._doubling else self.limit + 1
        self.limit = min(more, float(self._settings.most))
