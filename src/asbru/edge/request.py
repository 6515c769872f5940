"""What the server hands to a route, and what a route is."""

import re
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Struct

from asbru.model.failure import Failure
from asbru.model.http import Answer, Headers
from asbru.model.people import NOBODY, Principal

_ID = re.compile(rb"[!-~]{1,128}")


def asked_id(headers: Headers) -> bytes:
    """What the client calls its request (``x-request-id``), b"" when it says nothing that can be said back.

    It is told back and logged. It is never our id: charges hang on that, and clients may say the same one twice.
    """
    said = headers.get(b"x-request-id")
    return said if said is not None and _ID.fullmatch(said) else b""


class Request(Struct, kw_only=True):
    """One HTTP request. ``path``: normalised, percent-escapes as the client sent them. ``query``: without the ``?``.

    ``body``: whole, unless the route spools; then ``spool`` is the file that holds it (the handler owns and removes
    it). ``id``: ours, sent back as ``request-id``. ``params``: what the route's pattern matched, percent-decoded.
    ``who``: the owner of what it makes, and whose things it sees. ``actor``: who manages, below ``/api``.
    """

    id: str
    method: str
    path: str
    query: str = ""
    headers: Headers
    body: bytes = b""
    spool: str = ""
    params: tuple[str, ...] = ()
    who: Principal = NOBODY
    actor: str = ""


class HangUp(Exception):
    """A handler raises it to have the connection closed without an answer. The server takes it for no error of ours."""


Handler = Callable[[Request], Coroutine[Any, Any, Answer]]
Fail = Callable[[Failure, str], Answer]
"""Writes a failure in the dialect of the route: ``fail(failure, request_id)``."""


class Route(Struct, frozen=True, kw_only=True):
    """``limit``: most bytes of a request body, 413 above. ``spool``: the body goes to a file as it arrives.

    For the OpenAPI document: ``summary`` says what it does, ``body`` what the top level of its JSON looks like (None:
    it is described no further), ``kind`` the media type of its body.
    ``proven``: whether a request carries a credential of this route's own, so that it is let in without a key.
    """

    handler: Handler
    fail: Fail
    limit: int = 100 << 20
    spool: bool = False
    summary: str = ""
    body: type[Struct] | None = None
    kind: str = "application/json"
    proven: Callable[[Request], bool] | None = None


Find = Callable[[str, str], tuple[Route, tuple[str, ...]]]
"""``find(method, path)``: the route and its params. Never raises: an unknown path is a route that answers 404."""
