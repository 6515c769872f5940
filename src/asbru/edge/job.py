"""One request that has arrived, with what the connection must know to answer it."""

from asbru.edge.request import Request, Route
from asbru.edge.spool import Spool
from asbru.model.http import Answer


class Job:
    """``answer``: ready-made, no handler runs. ``keep``: the client allows another request on this connection.

    ``old``: HTTP/1.0. ``bare``: HEAD, no body goes out. ``ready``: false while the body is being written to its file.
    """

    __slots__ = ("answer", "bare", "id", "keep", "old", "ready", "request", "route", "spool")

    def __init__(self, request_id: str, request: Request | None, route: Route | None, keep: bool) -> None:
        self.id = request_id
        self.request = request
        self.route = route
        self.keep = keep
        self.old = False
        self.bare = False
        self.ready = True
        self.answer: Answer | None = None
        self.spool: Spool | None = None

    def drop(self) -> None:
        """No handler will run: remove the body's file."""
        spool, self.spool = self.spool, None
        if spool is not None:
            spool.discard()
