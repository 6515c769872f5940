"""A file that came as a form, out of the spooled body."""

import mmap
import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from asbru.edge.request import Request
from asbru.model.failure import Refused
from asbru.wire.multipart import Data, Form

T = TypeVar("T")
Call = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs something slow in a thread."""

LIMIT = 513 << 20
"""Most bytes of an upload: OpenAI's 512 MB, and the rest of the form."""


async def with_form(request: Request, call: Call, use: Callable[[Form], Awaitable[T]]) -> T:
    """What ``use`` makes of the request's form, whose file is a map of the spooled body; that is removed in the end.

    Raises Refused(400) for a body that is no form.
    """
    kind = request.headers.get(b"content-type", b"").decode("latin-1")

    async def read(data: Data) -> T:
        return await use(await call(partial(Form, data, kind)))

    try:
        return await with_body(request, call, read)
    finally:
        if request.spool:
            os.unlink(request.spool)


async def with_body(request: Request, call: Call, use: Callable[[Data], Awaitable[T]]) -> T:
    """What ``use`` makes of the request's body, which is a map of the spooled one. Raises Refused(400) for none."""
    if not request.spool:
        return await use(request.body)
    mapped = await call(partial(_map, request.spool))
    try:
        return await use(mapped)
    finally:
        mapped.close()


def _map(path: str) -> mmap.mmap:
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise Refused(400, "The body is empty.", code="invalid_request_error")
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
