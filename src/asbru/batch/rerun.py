"""Whether an item that failed is tried again, and when."""

from asbru.model.failure import Failure, Overloaded, TimedOut, Unavailable
from asbru.routing import Verdict, verdict

WAITS = (1.0, 4.0, 16.0, 64.0, 256.0, 600.0, 600.0)
"""Seconds before each further try, after the gateway's own retries were in vain: eight tries in 26 minutes."""


def overload(failure: Failure) -> bool:
    """Whether the failure says that the provider has too much to do."""
    return isinstance(failure, Overloaded | TimedOut | Unavailable)


def wait_before_next(failure: Failure, attempts: int, waits: tuple[float, ...]) -> float | None:
    """Seconds until the next try, None when there is none. ``attempts``: tries before this one.

    What the provider asked for is kept, up to the longest wait.
    """
    if not (overload(failure) or verdict(failure) is Verdict.SAME_KEY) or attempts >= len(waits):
        return None
    return max(waits[attempts], min(failure.retry_after or 0.0, waits[-1]))
