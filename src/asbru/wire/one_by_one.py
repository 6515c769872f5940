"""Puts the parts of a streamed reply one after another, for formats whose blocks may not overlap.

Events of a part that begins while another is open wait until that one closes.
"""

from asbru.model.events import Close, Delta, Done, Ended, Event, Open, Start

Ordered = Start | Open | Delta | Close | Done
"""What is left of events: a format whose blocks may not overlap has one answer."""


class OneByOne:
    """One stream's order."""

    __slots__ = ("_current", "_waiting")

    def __init__(self) -> None:
        self._current = -1
        self._waiting: dict[int, list[Ordered]] = {}

    def feed(self, event: Event) -> list[Ordered]:
        """What may be written now. Before Done, whatever is still open is closed."""
        if isinstance(event, Start):
            return [event]
        if isinstance(event, Done):
            return [*self._rest(), event]
        if isinstance(event, Ended):
            return []
        if event.index == self._current:
            return [event, *self._next()] if isinstance(event, Close) else [event]
        if event.index in self._waiting:
            self._waiting[event.index].append(event)
        elif isinstance(event, Open) and self._current < 0:
            self._current = event.index
            return [event]
        elif isinstance(event, Open):
            self._waiting[event.index] = [event]
        return []

    def _next(self) -> list[Ordered]:
        """What has waited, until a part is still open or nothing waits."""
        self._current = -1
        events: list[Ordered] = []
        while self._waiting and self._current < 0:
            index = next(iter(self._waiting))
            waited = self._waiting.pop(index)
            events += waited
            self._current = -1 if isinstance(waited[-1], Close) else index
        return events

    def _rest(self) -> list[Ordered]:
        events: list[Ordered] = []
        while self._current >= 0:
            events.append(Close(self._current))
            events += self._next()
        return events
