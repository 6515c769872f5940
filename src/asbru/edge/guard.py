"""Says who asks before any handler runs: no route can forget to."""

import contextlib
import os
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from msgspec.structs import replace

from asbru.edge.request import Handler, Request, Route
from asbru.edge.routes import Mount
from asbru.model.failure import Refused
from asbru.model.http import Answer
from asbru.model.people import Principal

Identify = Callable[[Request], Principal]
"""Who sends a request. Raises Refused(401 or 403)."""


def guarded(mounts: Iterable[Mount], identify: Identify) -> list[Mount]:
    """``mounts``, each with a handler that is called once it is known who asks."""
    return [
        Mount(each.method, each.path, replace(each.route, handler=_guarded(each.route, identify))) for each in mounts
    ]


def _guarded(route: Route, identify: Identify) -> Handler:
    handler, proven = route.handler, route.proven

    # Not a coroutine of its own: one more costs every request.
    def guard(request: Request) -> Coroutine[Any, Any, Answer]:
        try:
            request.who = identify(request)
        except Refused as refusal:
            if proven is None or not proven(request):
                return _refuse(request, refusal)
        return handler(request)

    return guard


async def _refuse(request: Request, refusal: Refused) -> Answer:
    if request.spool:
        with contextlib.suppress(OSError):
            os.unlink(request.spool)
    raise refusal
