"""One request that has arrived, with what the connection must know to answer it."""

from msgspec import Struct

from asbru.edge.request import Request, Route
from asbru.edge.spool import Spool
from asbru.model.http import Answer


class Job(Struct, eq=False):
    """``answer``: ready-made, no handler runs. ``keep``: the client allows another request on this connection.

    ``old``: HTTP/1.0. ``bare``: HEAD, no body goes out. ``ready``: false while the body is being written to its file.
    """

    id: str
    request: Request | None
    route: Route | None
    keep: bool
    old: bool = False
    bare: bool = False
    ready: bool = True
    answer: Answer | None = None
    spool: Spool | None = None

    def drop(self) -> None:
        """No handler will run: remove the body's file."""
        spool, self.spool = self.spool, None
        if spool is not None:
            spool.discard()
