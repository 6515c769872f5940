"""When a failed attempt is tried again, and where: one table, and the waits.

==============================================  ============  ========================================================
what happened                                   verdict       because
==============================================  ============  ========================================================
Refused, Bug                                    NEVER         our caller's fault or ours: the same everywhere
Limited, of one target                          OTHER_TARGET  another target has limits of its own
a provider's content policy said no             NEVER         another model must not be used to get round it
401, 402, 403                                   OTHER_KEY     the key is wrong, unpaid or not permitted
429                                             OTHER_KEY     the limit is the key's
TimedOut                                        OTHER_TARGET  a target that kept silent would cost as long again
other 4xx, 501, 505                             OTHER_TARGET  the same target would say the same again
408, 409, 425, other 5xx, Unreachable, Broken   SAME_KEY      it is likely to pass; after the last retry OTHER_TARGET
==============================================  ============  ========================================================

A wait is ``backoff_initial`` doubled per retry, at most ``backoff_max``, times 0.8 to 1.2; or what the provider asked
for (``retry-after``), never less and up to a fifth more: callers turned away together should not come back together.
"""

from collections.abc import Callable
from enum import StrEnum

from asbru.model.failure import Failure, Limited, Overloaded, Rejected, TimedOut, Unreachable, Upstream

MOST_ATTEMPTS = 6
"""Of one exchange, over all its targets."""

LONGEST_WAIT = 60.0
"""Seconds. A provider that asks for more is left alone."""

_POLICY = frozenset({"content_filter", "content_policy_violation"})


class Verdict(StrEnum):
    """Where to go after a failure."""

    NEVER = "never"
    SAME_KEY = "same key"
    OTHER_KEY = "other key"
    OTHER_TARGET = "other target"


_BY_STATUS = {
    401: Verdict.OTHER_KEY,
    402: Verdict.OTHER_KEY,
    403: Verdict.OTHER_KEY,
    408: Verdict.SAME_KEY,
    409: Verdict.SAME_KEY,
    425: Verdict.SAME_KEY,
    429: Verdict.OTHER_KEY,
    501: Verdict.OTHER_TARGET,
    505: Verdict.OTHER_TARGET,
}

_BY_CLASS: tuple[tuple[type[Upstream], Verdict], ...] = (
    (Unreachable, Verdict.SAME_KEY),
    (TimedOut, Verdict.OTHER_TARGET),
)


def verdict(failure: Failure) -> Verdict:
    """What the table above says of ``failure``."""
    if isinstance(failure, Limited) and failure.elsewhere:
        return Verdict.OTHER_TARGET
    if not isinstance(failure, Upstream) or failure.code in _POLICY:
        return Verdict.NEVER
    for kind, said in _BY_CLASS:
        if isinstance(failure, kind):
            return said
    otherwise = Verdict.OTHER_TARGET if isinstance(failure, Rejected) else Verdict.SAME_KEY
    return _BY_STATUS.get(failure.status, otherwise)


def limited(failure: Failure) -> bool:
    """Whether the key may be used again after a wait: it is not wrong, it was used too much."""
    return isinstance(failure, Overloaded) and failure.status == 429


def wait_after(failure: Failure, backoff: float, dice: Callable[[], float]) -> float:
    """Seconds to wait before the same target is asked again. ``backoff``: what backoff() says. ``dice``: in [0, 1)."""
    if failure.retry_after is not None:
        return failure.retry_after * (1.0 + 0.2 * dice())
    return backoff * (0.8 + 0.4 * dice())


def backoff(initial: float, most: float, retries: int) -> float:
    """Seconds before the next retry after ``retries`` of them, before the dice."""
    return min(initial * 2.0**retries, most)


def too_long(failure: Failure) -> bool:
    """Whether the provider asks for a longer wait than we are ready for."""
    return failure.retry_after is not None and failure.retry_after > LONGEST_WAIT
