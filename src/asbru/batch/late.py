"""When a deadline lets items go to a provider's own batch API, and when it calls them back.

Rule 1. Providers promise a day and mostly need minutes: a batch that is wanted sooner than SOON runs on our engine.
Rule 2. When LATE of the time is over, a job is canceled upstream; what it has not done goes to our engine.
Rule 3. When LAST of the time is over, what is not back goes to our engine, whatever the provider says. Should its
result still come before our engine has begun, it counts.
Rule 4. Only what the gateway itself sent there (mode ``auto``) is called back.
"""

from asbru.model.batches import Mode, Phase
from asbru.store.batches import Active

SOON = 600.0
"""Seconds."""
LATE = 0.75
LAST = 0.875
REASON = "its job on the provider's batch API was late for the deadline"


def too_soon(deadline: float) -> bool:
    """Whether a batch that is wanted within so many seconds (0: whenever) is to run on our engine."""
    return 0 < deadline < SOON


def late_at(batch: Active) -> float | None:
    """When jobs of ``batch`` are late (Unix seconds), None for never."""
    return _at(batch, LATE)


def last_at(batch: Active) -> float | None:
    """When its jobs are waited for no longer."""
    return _at(batch, LAST)


def _at(batch: Active, part: float) -> float | None:
    if batch.deadline is None or batch.mode is not Mode.AUTO or batch.phase is not Phase.IN_PROGRESS:
        return None
    return batch.created_at + (batch.deadline - batch.created_at) * part


def past(at: float | None, now: float) -> bool:
    """Whether a time has come that may never come."""
    return at is not None and now >= at
