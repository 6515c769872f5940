"""A batch, its items and its results, the same for every dialect.

Ids are bare (``01jd…``); each dialect writes them in its own form (``msgbatch_01jd…``, ``batch_01jd…``).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from asbru.model.names import Format
from asbru.model.usage import Usage


class Status(StrEnum):
    """Where a batch stands. Anthropic's three words; other dialects derive theirs from these, the counts and the
    times.
    """

    IN_PROGRESS = "in_progress"
    CANCELING = "canceling"
    ENDED = "ended"


class Mode(StrEnum):
    """How items run: on the provider's own batch API, on our engine, or whichever fits (``x-bf-batch-mode``).

    FLEX: on our engine, in the provider's slower and cheaper tier of that name.
    """

    AUTO = "auto"
    NATIVE = "native"
    LIVE = "live"
    FLEX = "flex"


class Outcome(StrEnum):
    """How an item ended."""

    SUCCEEDED = "succeeded"
    ERRORED = "errored"
    CANCELED = "canceled"
    EXPIRED = "expired"


class Phase(StrEnum):
    """Where a batch stands in our own books; ``batch/states.py`` says which may follow which.

    INTAKE: being written, nobody sees it. EXPIRING: its time is over, what had been sent is still awaited.
    """

    INTAKE = "intake"
    IN_PROGRESS = "in_progress"
    CANCELING = "canceling"
    EXPIRING = "expiring"
    ENDED = "ended"


class State(StrEnum):
    """Where an item stands. WAITING and CLAIMED: on our engine. QUEUED and SUBMITTED: on a provider's batch API.

    TWIN: it is the same as an item before it and gets that one's result.
    """

    TWIN = "twin"
    WAITING = "waiting"
    CLAIMED = "claimed"
    QUEUED = "queued"
    SUBMITTED = "submitted"
    SUCCEEDED = "succeeded"
    ERRORED = "errored"
    CANCELED = "canceled"
    EXPIRED = "expired"


class Counts(Struct, frozen=True, kw_only=True):
    """Items by outcome; ``processing`` are those without one. The sum is the number of items."""

    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0

    @property
    def total(self) -> int:
        """Number of items in the batch."""
        return self.processing + self.succeeded + self.errored + self.canceled + self.expired


class Invocation(Struct, frozen=True, kw_only=True):
    """A job of Bedrock's, as it was asked for. ``asked``: the members of its create. ``output``: where the results go
    (``s3://…/``). ``parts``: the input files, by name and number of records, in their order.
    """

    asked: Mapping[str, Any]
    output: str
    parts: tuple[tuple[str, int], ...]


class About(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a caller wants to find in its batch again: ``metadata`` and ``input_file`` (OpenAI), ``name`` (Gemini,
    Bedrock), ``endpoint`` as OpenAI calls it, when the caller said it, whether the requests were ``inlined`` (Gemini).
    ``invocation``: what only Bedrock's jobs have.
    """

    metadata: Mapping[str, str] = {}
    input_file: str = ""
    name: str = ""
    endpoint: str = ""
    inlined: bool = False
    invocation: Invocation | None = None


class Controls(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a caller says of money and time. ``max_cost``: nano-dollars that the batch may cost, 0: no limit.

    ``dedupe``: items that are the same run once. ``deadline``: seconds within which it is wanted, 0: none.
    ``webhook``: the URL that is told of its end, "" for none.
    """

    max_cost: int = 0
    dedupe: bool = False
    deadline: float = 0.0
    webhook: str = ""


class Books(Struct, frozen=True, kw_only=True):
    """Money and control of a batch. Money is in nano-dollars, times are Unix seconds (None: not).

    ``estimate``: reserved for it when it was made; ``reserved``: what is left of that. ``copies``: items that are the
    same as others, and are not run. ``stopped``: why it ended early (``max_cost``), or "". ``rerun_of``: id of the
    batch whose failed items these are, or "".
    """

    estimate: int = 0
    reserved: int = 0
    max_cost: int = 0
    copies: int = 0
    deadline: float | None = None
    paused_at: float | None = None
    webhook: str = ""
    stopped: str = ""
    rerun_of: str = ""


class Batch(Struct, frozen=True, kw_only=True):
    """One batch. Times are Unix seconds (None: not yet), cost is in nano-dollars.

    ``format``: what its items and results are written in. ``provider``: the one asked for by header or dialect.
    ``models``: those asked for, at most 20, for display.
    """

    id: str
    owner: str
    format: Format
    status: Status
    counts: Counts
    created_at: float
    expires_at: float
    ended_at: float | None = None
    cancel_initiated_at: float | None = None
    archived_at: float | None = None
    provider: str = ""
    mode: Mode = Mode.AUTO
    models: tuple[str, ...] = ()
    about: About = About()
    usage: Usage = Usage()
    cost: int = 0
    books: Books = Books()


class ItemResult(Struct, frozen=True, kw_only=True):
    """What became of one item. ``body``: a reply in ``format``, or the dialect's error body with ``status``; else
    empty. ``note``: JSON that came with the request and goes back with its result (Gemini's ``metadata``), or "".

    ``native``: it ran on the provider's own batch API. ``moved``: why it left that for our engine, or "".
    ``copy_of``: the custom id of the item whose result this is, or "".
    """

    n: int
    custom_id: str
    outcome: Outcome
    format: Format
    status: int = 0
    body: bytes = b""
    request_id: str = ""
    provider: str = ""
    model: str = ""
    usage: Usage = Usage()
    cost: int = 0
    took: float = 0.0
    note: str = ""
    native: bool = False
    moved: str = ""
    copy_of: str = ""
