"""What a dialect is to the mock: a record of functions, so that one flow serves them all."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from asbru.mock.said import Asked, Said
from asbru.model.failure import Failure
from asbru.model.http import Answer, Headers


class Stamp(Struct, frozen=True):
    """Which answer this is: ``id`` bare, ``at`` in Unix seconds, and the model that answers."""

    id: str
    at: int
    model: str


class Task(Struct, frozen=True):
    """A request that is answered whole, of an operation other than talking.

    ``text``: where marks and rules look; ``write``: the answer's body.
    """

    model: str
    text: str
    write: Callable[[Stamp], bytes]


class Dialect(Struct, frozen=True, kw_only=True):
    """``read`` refuses what the real API refuses, by raising Failure. ``frames``: a whole streamed answer, one event
    each.

    ``key``: the caller's credential, "" when there is none. ``fail`` writes an error answer, ``error_frame`` one in a
    stream. ``media``: type of a streamed answer; ``garbage``: what is no frame of one.
    """

    name: str
    read: Callable[[bytes, Headers], Asked]
    write: Callable[[Asked, Said, Stamp], bytes]
    frames: Callable[[Asked, Said, Stamp], Iterator[bytes]]
    key: Callable[[Headers], str]
    fail: Callable[[Failure, str], Answer]
    error_frame: Callable[[Failure], bytes]
    headers: Headers
    unauthorized: Callable[[str], Failure]
    no_such_model: Callable[[str], Failure]
    codes: Callable[[int], str]
    media: bytes = b"text/event-stream; charset=utf-8"
    garbage: bytes = b"data: {not json\n\n"


def bearer(headers: Headers) -> str:
    """The token of ``authorization: Bearer …``, or ""."""
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def retry_headers(failure: Failure) -> dict[bytes, bytes]:
    """``retry-after`` when the failure carries one."""
    return {} if failure.retry_after is None else {b"retry-after": f"{failure.retry_after:g}".encode()}
