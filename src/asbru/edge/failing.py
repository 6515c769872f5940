"""What a handler raised, as an answer."""

import logging

from asbru.edge.job import Job
from asbru.model.failure import Bug, Failure
from asbru.model.http import Answer

LOG = logging.getLogger("asbru.edge")


def failed_answer(job: Job, error: BaseException | None) -> Answer:
    """A failure in the words of the route; what is no Failure is our bug, and only the log learns of it."""
    assert job.route is not None
    path = job.request.path if job.request is not None else ""
    if isinstance(error, Bug):
        LOG.error(error.message, extra={"request_id": job.id, "path": path, "detail": error.detail})
    if not isinstance(error, Failure):
        LOG.error("a handler failed", exc_info=error, extra={"request_id": job.id, "path": path})
        error = Bug(500, f"internal error, see the log for {job.id}", code="api_error")
    return job.route.fail(error, job.id)
