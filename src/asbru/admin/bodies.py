"""Bodies of the management API: read with the path of what is wrong, written as JSON."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from asbru.edge.failures import fail_openai
from asbru.edge.request import Handler, Request, Route
from asbru.model.failure import Refused
from asbru.model.http import Answer
from asbru.model.usage import NANO

LIMIT = 4 << 20
"""Most bytes of a body."""

_JSON = {b"content-type": b"application/json", b"cache-control": b"no-store"}
_PATH = re.compile(r" - at `\$\.?(.*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")
_T = TypeVar("_T")


class Body(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is sent: every member is known, so that a slip of the pen is told."""


def read(request: Request, shape: type[_T]) -> _T:
    """The request's body. Raises Refused(400) with the path of the first thing that is wrong."""
    try:
        return msgspec.json.decode(request.body or b"{}", type=shape)
    except msgspec.ValidationError as error:
        text = str(error)
        found = _PATH.search(text)
        path = found[1] if found else ""
        message = _PATH.sub("", text)
        if unknown := _UNKNOWN.fullmatch(message):
            path, message = f"{path}.{unknown[1]}".lstrip("."), "unknown field"
        raise wrong(path, message) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise wrong("", f"The body is not JSON: {error}") from None


def wrong(path: str, message: str, status: int = 400) -> Refused:
    """A refusal that names the member at fault."""
    told = f"{path}: {message}" if path else message
    return Refused(status, told, code="invalid_request_error", param=path)


def missing(what: str) -> Refused:
    """There is no such thing."""
    return Refused(404, f"{what} not found", code="not_found_error")


def answer(value: object, status: int = 200, headers: Mapping[bytes, bytes] | None = None) -> Answer:
    """``value`` as JSON; never kept by browsers."""
    return Answer(status=status, headers={**_JSON, **(headers or {})}, body=msgspec.json.encode(value))


def route(handler: Handler, summary: str, body: type[Struct] | None = None) -> Route:
    """A route of the management API."""
    return Route(handler=handler, fail=fail_openai, limit=LIMIT, summary=summary, body=body)


def query_of(request: Request, name: str) -> str:
    """The first value of a query parameter, "" when it is not there."""
    return parse_qs(request.query).get(name, [""])[0]


def number_of(request: Request, name: str, default: int, most: int) -> int:
    """A query parameter as a number. Raises Refused(400)."""
    text = query_of(request, name)
    if not text:
        return default
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) > most:
        raise wrong(name, f"must be a number from 0 to {most}, this is {text!r}")
    return int(text)


def paged(request: Request, found: Sequence[_T], name: Callable[[_T], str]) -> tuple[list[_T], dict[str, int]]:
    """The page that is asked for (``search``, ``limit``, ``offset``), and the numbers that go with it."""
    search = query_of(request, "search").casefold()
    kept = [each for each in found if search in name(each).casefold()] if search else list(found)
    limit, offset = number_of(request, "limit", 0, 1_000), number_of(request, "offset", 0, 10**9)
    page = kept[offset : offset + limit] if limit else kept[offset:]
    return page, {"count": len(page), "total_count": len(kept), "limit": limit or len(page), "offset": offset}


def time_of(at: float) -> str:
    """A time as RFC 3339."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def nano_of(path: str, dollars: Decimal) -> int:
    """Dollars as nano-dollars. Raises Refused(400)."""
    if not dollars.is_finite() or dollars < 0 or dollars > 10**9:
        raise wrong(path, "must be an amount of dollars from 0 to 1000000000")
    return int(dollars * NANO)


def dollars_of(nano: int) -> float:
    """Nano-dollars for display."""
    return nano / NANO
