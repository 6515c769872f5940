"""What a codec is: a record of functions, not a subclass."""

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Raw, Struct

from asbru.model.events import Event
from asbru.model.failure import Bug, Failure
from asbru.model.http import Headers
from asbru.model.names import Family, Format, Framing
from asbru.model.usage import Usage
from asbru.wire.envelope import Envelope
from asbru.wire.sse import Frame

A = TypeVar("A")
"""What is asked: ``model.chat.Ask``, or the like of another operation. It has a member ``model``."""
R = TypeVar("R")
"""What is answered."""

JSON = b"application/json"


class Peek(Struct, frozen=True):
    """What routing must know before anything is decoded.

    ``fallbacks`` is the gateway's own body member (features.md 2.4).
    """

    model: str
    stream: bool = False
    fallbacks: tuple[str, ...] = ()
    include_usage: bool = False


class Stamp(Struct, frozen=True):
    """Ids and times come in; codecs invent none. ``id``: bare, each codec adds its prefix. ``at``: Unix seconds.

    ``ask``: what is answered, for replies that repeat some of it or take their shape from it; None when not known.
    """

    id: str
    at: int
    model: str = ""
    ask: Any = None


class Written(Struct, frozen=True):
    """A body, and the names of what it could not carry (``top_k``, ``messages.3.content.0: audio``).

    ``kind``: its media type.
    """

    body: bytes
    lost: tuple[str, ...] = ()
    kind: bytes = JSON


class Reader(Protocol):
    """Reads one streamed reply. ``done`` turns True when the format's end marker was seen."""

    done: bool

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """The events of one frame. Raises Upstream for an error frame, Broken for one that cannot be read."""


class Writer(Protocol):
    """Writes one streamed reply."""

    def send(self, event: Event) -> bytes:
        """The bytes for one event; may be empty."""

    def fail(self, failure: Failure) -> bytes:
        """The bytes that tell the client, in the middle of a stream, that it has failed."""


class Tap(Protocol):
    """Reads usage out of passing bytes without changing them.

    Fed with every chunk of a spliced stream, cut anywhere.
    """

    usage: Usage
    done: bool
    """True when the end marker has passed ([DONE], message_stop)."""
    failed: bool
    """True when an error event has passed."""

    def feed(self, chunk: bytes) -> bytes:
        """``chunk``, or less of it (a usage frame which the client had not asked for is withheld)."""

    def finish(self) -> bytes:
        """Bytes still held back when the stream is over; reads what remains."""


def _no_reader() -> Reader:
    raise Bug(500, "this format has no streams")


def _no_writer(stamp: Stamp, ask: Any) -> Writer:
    raise Bug(500, "this format has no streams")


def _no_tap(include_usage: bool) -> Tap:
    raise Bug(500, "this format has no streams")


class Codec(Struct, Generic[A, R], frozen=True, kw_only=True):
    """One format, both directions.

    ``request``: the operation in the words of ``allowed_requests`` (features.md 2.9); streams add ``_stream``.
    ``model_in_path``: the body names no model and does not say whether to stream; ``peek`` leaves them out then, the
    route says them. ``framing``: of the streams that its reader is fed with and its writer writes.
    ``body``: what the top level of a request looks like, for the OpenAPI document.

    ``put_model``: members to put into a spliced request for a model name (``{"model": Raw}``), and what a streamed
    request needs so that usage is reported. ``read_usage``: usage of a whole body, one partial decode. ``tap``: its
    streamed sibling.
    """

    format: Format
    family: Family
    request: str = "chat_completion"
    framing: Framing = Framing.SSE
    model_in_path: bool = False
    body: type[Struct] | None = None
    peek: Callable[[Envelope], Peek]
    put: Callable[[Envelope, str, bool], dict[str, Raw]]
    read_ask: Callable[[Envelope], A]
    write_ask: Callable[[A], Written]
    read_reply: Callable[[bytes], R]
    write_reply: Callable[[R, Stamp], Written]
    reader: Callable[[], Reader] = _no_reader
    writer: Callable[[Stamp, A], Writer] = _no_writer
    read_usage: Callable[[bytes], Usage | None]
    tap: Callable[[bool], Tap] = _no_tap
    """``tap(include_usage)``: whether the client itself asked for the usage frame."""
    read_failure: Callable[[int, Headers, bytes], Failure]
    write_failure: Callable[[Failure, str], bytes]
    """``write_failure(failure, request_id)``."""


AnyCodec = Codec[Any, Any]
"""A codec of whatever operation."""
