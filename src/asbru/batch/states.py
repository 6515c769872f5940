"""What may happen to a batch, an item and a job, as tables.

Rule 1. A batch: ``intake → in_progress → ended``; a cancel leads through ``canceling``, the end of its time through
``expiring``. It ends at the moment when no item is without an outcome, and not before.
Rule 2. An item on our engine: ``waiting → claimed → outcome``; it goes back to ``waiting`` when it is to be tried again
or when its worker has died. On a provider's batch API: ``queued → submitted → outcome``; one that was called back is
``waiting`` too, and a success that its job still brings is taken as long as it is. A ``twin`` gets the outcome of
another.
Rule 3. What was sent is awaited: cancel and expiry withdraw only what is ``waiting`` or ``queued``. An outcome is
final.
Rule 4. A job is written down before it is sent and after. One that was being sent when we died is looked for, then
sent.

These tables are the truth. The statements of the store are shorter than a look into them, so a test runs every
statement against every state and compares.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from asbru.model.batches import Phase, State

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class BatchEvent(StrEnum):
    """What happens to a batch. OPEN: it is written whole. FINISH: no item is without an outcome."""

    OPEN = "open"
    CANCEL = "cancel"
    EXPIRE = "expire"
    FINISH = "finish"


class ItemEvent(StrEnum):
    """What happens to an item.

    POSTPONE: to be tried again. LAPSE: its worker is dead. WITHDRAW_*: its batch is being stopped. SUBMIT: it goes out
    in a job; UNSUBMIT: the job was certainly not made. SEIZE: taken out of the queue to be finished without a job.
    MOVE: its job is late, our engine takes it; COME_BACK: the job has brought its result before that began. STOP: the
    batch has cost what it may. COPY_*: the item that it is the same as has this outcome.
    """

    CLAIM = "claim"
    SUCCEED = "succeed"
    FAIL = "fail"
    POSTPONE = "postpone"
    LAPSE = "lapse"
    WITHDRAW_CANCELED = "withdraw_canceled"
    WITHDRAW_EXPIRED = "withdraw_expired"
    SUBMIT = "submit"
    UNSUBMIT = "unsubmit"
    SEIZE = "seize"
    MOVE = "move"
    COME_BACK = "come_back"
    STOP = "stop"
    COPY_SUCCEEDED = "copy_succeeded"
    COPY_ERRORED = "copy_errored"
    COPY_CANCELED = "copy_canceled"
    COPY_EXPIRED = "copy_expired"
    UPSTREAM_CANCELED = "upstream_canceled"
    UPSTREAM_EXPIRED = "upstream_expired"


class JobPhase(StrEnum):
    """Where a job stands."""

    PLANNED = "planned"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    COLLECTING = "collecting"
    ENDED = "ended"


class JobEvent(StrEnum):
    """What happens to a job. REFUSE: the provider will not have it. LOST: it turned out that it was not made
    upstream.
    """

    SEND = "send"
    SENT = "sent"
    LOST = "lost"
    REFUSE = "refuse"
    FINISH = "finish"
    COLLECTED = "collected"


BATCH: Mapping[tuple[Phase, BatchEvent], Phase] = {
    (Phase.INTAKE, BatchEvent.OPEN): Phase.IN_PROGRESS,
    (Phase.IN_PROGRESS, BatchEvent.CANCEL): Phase.CANCELING,
    (Phase.IN_PROGRESS, BatchEvent.EXPIRE): Phase.EXPIRING,
    (Phase.IN_PROGRESS, BatchEvent.FINISH): Phase.ENDED,
    (Phase.CANCELING, BatchEvent.FINISH): Phase.ENDED,
    (Phase.EXPIRING, BatchEvent.FINISH): Phase.ENDED,
}

ITEM: Mapping[tuple[State, ItemEvent], State] = {
    (State.WAITING, ItemEvent.CLAIM): State.CLAIMED,
    (State.WAITING, ItemEvent.WITHDRAW_CANCELED): State.CANCELED,
    (State.WAITING, ItemEvent.WITHDRAW_EXPIRED): State.EXPIRED,
    (State.WAITING, ItemEvent.STOP): State.ERRORED,
    (State.WAITING, ItemEvent.COME_BACK): State.SUCCEEDED,
    (State.CLAIMED, ItemEvent.SUCCEED): State.SUCCEEDED,
    (State.CLAIMED, ItemEvent.FAIL): State.ERRORED,
    (State.CLAIMED, ItemEvent.POSTPONE): State.WAITING,
    (State.CLAIMED, ItemEvent.LAPSE): State.WAITING,
    (State.QUEUED, ItemEvent.SUBMIT): State.SUBMITTED,
    (State.QUEUED, ItemEvent.SEIZE): State.CLAIMED,
    (State.QUEUED, ItemEvent.WITHDRAW_CANCELED): State.CANCELED,
    (State.QUEUED, ItemEvent.WITHDRAW_EXPIRED): State.EXPIRED,
    (State.QUEUED, ItemEvent.STOP): State.ERRORED,
    (State.QUEUED, ItemEvent.MOVE): State.WAITING,
    (State.SUBMITTED, ItemEvent.MOVE): State.WAITING,
    (State.TWIN, ItemEvent.COPY_SUCCEEDED): State.SUCCEEDED,
    (State.TWIN, ItemEvent.COPY_ERRORED): State.ERRORED,
    (State.TWIN, ItemEvent.COPY_CANCELED): State.CANCELED,
    (State.TWIN, ItemEvent.COPY_EXPIRED): State.EXPIRED,
    (State.SUBMITTED, ItemEvent.SUCCEED): State.SUCCEEDED,
    (State.SUBMITTED, ItemEvent.FAIL): State.ERRORED,
    (State.SUBMITTED, ItemEvent.UNSUBMIT): State.QUEUED,
    (State.SUBMITTED, ItemEvent.UPSTREAM_CANCELED): State.CANCELED,
    (State.SUBMITTED, ItemEvent.UPSTREAM_EXPIRED): State.EXPIRED,
}

JOB: Mapping[tuple[JobPhase, JobEvent], JobPhase] = {
    (JobPhase.PLANNED, JobEvent.SEND): JobPhase.SUBMITTING,
    (JobPhase.SUBMITTING, JobEvent.SENT): JobPhase.SUBMITTED,
    (JobPhase.SUBMITTING, JobEvent.LOST): JobPhase.PLANNED,
    (JobPhase.SUBMITTING, JobEvent.REFUSE): JobPhase.COLLECTING,
    (JobPhase.SUBMITTED, JobEvent.FINISH): JobPhase.COLLECTING,
    (JobPhase.COLLECTING, JobEvent.COLLECTED): JobPhase.ENDED,
}


def advance(table: Mapping[tuple[S, E], S], state: S, event: E) -> S | None:
    """The state after ``event``, or None when it cannot happen in ``state``: nothing changes then."""
    return table.get((state, event))
