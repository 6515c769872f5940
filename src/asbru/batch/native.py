"""What a provider's own batch API looks like to us: six verbs, the same for every provider that has one.

Rule 1. A job is one batch upstream: lines of one provider, one key and (where the provider wants it) one model.
Rule 2. Every line goes out under an id of ours, ``<job id>-<n>``: a result proves by it which line of which job it is.
Rule 3. Clients of a provider keep nothing in memory between two verbs: all that must survive a crash is in the Job.
Rule 4. Bodies are streamed: one line at a time, never the whole file.
"""

from collections.abc import AsyncIterator, Callable
from typing import Protocol

import msgspec
from msgspec import Struct

from asbru.model.batches import Counts, Outcome
from asbru.model.http import Headers
from asbru.model.keys import Key
from asbru.model.names import Format


class Line(Struct, frozen=True):
    """One request of a job. ``n``: number of the item in its batch.

    ``body``: params in the provider's format, model set. It is one JSON object that may hold line feeds between
    tokens, so whoever writes JSONL has to make it one line.
    """

    n: int
    upstream_id: str
    body: bytes


Lines = Callable[[], AsyncIterator[Line]]
"""Reads the lines of a job from the start; may be called more than once (to measure, then to send)."""


class Job(Struct, frozen=True, kw_only=True):
    """One batch upstream. ``id`` is ours (letters and digits). ``count``: lines. ``size``: bytes of all their bodies.

    ``format``: what the bodies are written in. ``upstream_id``: "" until the provider told it. ``files``: ids of what
    was uploaded or made for it upstream (input, output, error), for results() and clean_up(). ``headers``: those of the
    batch's creation that its provider is to see.
    """

    id: str
    batch: str
    provider: str
    key: Key | None
    model: str
    format: Format
    created_at: float
    count: int
    size: int
    upstream_id: str = ""
    files: tuple[str, ...] = ()
    headers: Headers = msgspec.field(default_factory=dict)

    @property
    def upstream_model(self) -> str:
        """What the provider calls the one model of this job."""
        return self.key.deployments.get(self.model, self.model) if self.key else self.model


class Progress(Struct, frozen=True, kw_only=True):
    """Where a job stands. ``failure``: why the provider refused the job as a whole, or "".

    ``ended``: results() will give all there is. ``missing``: what became of lines that have no result then.
    """

    ended: bool
    counts: Counts = Counts()
    failure: str = ""
    missing: Outcome = Outcome.ERRORED


class JobResult(Struct, frozen=True, kw_only=True):
    """What became of one line. ``upstream_id`` is the id we gave it.

    ``body``: the reply in the job's format when it succeeded, else the provider's error body (with ``status``).
    """

    upstream_id: str
    outcome: Outcome
    status: int = 0
    body: bytes = b""
    request_id: str = ""


class NativeApi(Protocol):
    """One provider's batch API. Every verb may raise ``model.failure.Upstream``.

    Rejected, or Overloaded with status 429, says that the provider certainly did not do it; any other leaves it open.
    """

    async def submit(self, job: Job, lines: Lines) -> Job:
        """Make the job upstream; the answer has ``upstream_id`` and ``files``."""

    async def find(self, job: Job, known: frozenset[str]) -> Job | None:
        """The job upstream, if an earlier submit() whose answer was lost made it; None when it certainly did not.

        ``known``: upstream ids that belong to other jobs of ours. Raises Upstream when this cannot be told yet.
        """

    async def poll(self, job: Job) -> Progress:
        """Where the job stands."""

    def results(self, job: Job) -> AsyncIterator[JobResult]:
        """All results of an ended job, successes and errors, in any order, one line in memory at a time."""

    async def cancel(self, job: Job) -> None:
        """Ask the provider to stop the job; done when it has been told, and when the job has ended already."""

    async def clean_up(self, job: Job) -> None:
        """Remove what was uploaded for the job, after its results are ours. Absent things are not an error."""
