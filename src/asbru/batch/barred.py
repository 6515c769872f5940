"""Keys that a provider's batch API has refused: others are tried in their place, and they again after a while.

Rule 1. A refusal that another key may not meet (401, 402, 403) bars the key; its items are gathered anew.
Rule 2. When no key is left, items of mode ``auto`` run live, with the reason; others end with the provider's refusal.
Rule 3. A worker remembers this for itself and for a while: after a restart the key is tried again.
"""

from collections.abc import Callable

from asbru.model.failure import Rejected
from asbru.model.keys import Key

WHILE = 600.0
"""Seconds."""
_OF_THE_KEY = (401, 402, 403)


class Barred:
    """``clock``: Unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._refusals: dict[tuple[str, str], tuple[float, Rejected]] = {}

    def bar(self, provider: str, key: str, refusal: Rejected) -> bool:
        """Remember that ``key`` (its id) was refused; False when the refusal is not the key's fault."""
        if not key or refusal.status not in _OF_THE_KEY:
            return False
        self._refusals[provider, key] = (self._clock() + WHILE, refusal)
        return True

    def refusal(self, provider: str, key: Key) -> Rejected | None:
        """Why ``key`` is not to be used now; None when it is."""
        until, refusal = self._refusals.get((provider, key.id), (0.0, None))
        return refusal if until > self._clock() else None
