"""What a codec is: a record of functions, not a subclass."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Raw, Struct

from asbru.model.events import Event, unfold
from asbru.model.failure import Bug, Failure
from asbru.model.http import Headers
from asbru.model.names import Family, Format, Framing
from asbru.model.usage import Usage
from asbru.wire.envelope import Envelope
from asbru.wire.multipart import Pieces
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
    ``asked``: the members of the client's body, for replies that repeat them as they came.
    """

    id: str
    at: int
    model: str = ""
    ask: Any = None
    asked: Mapping[str, Raw] = {}


class Written(Struct, frozen=True):
    """A body, and the names of what it could not carry (``top_k``, ``messages.3.content.0: audio``).

    ``kind``: its media type. ``upload``: the body, when it is too large to be copied; ``body`` is empty then.
    ``path``: what the format says in the endpoint's path (``voice``), percent-encoded where it is put.
    """

    body: bytes
    lost: tuple[str, ...] = ()
    kind: bytes = JSON
    upload: Pieces | None = None
    path: tuple[tuple[str, str], ...] = ()


class Reader(Protocol):
    """Reads one streamed reply. ``done`` turns True when the format's end marker was seen."""

    done: bool

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """The events of one frame; of ``sse.END`` when the stream is over and ``done`` is still False.

        Raises Upstream for an error frame, Broken for one that cannot be read.
        """


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


def _no_name(data: bytes) -> str:
    return ""


def _no_reader() -> Reader:
    raise Bug(500, "this format has no streams")


def _no_writer(stamp: Stamp, ask: Any) -> Writer:
    raise Bug(500, "this format has no streams")


def _no_tap(include_usage: bool) -> Tap:
    raise Bug(500, "this format has no streams")


def _only_passed(*given: Any) -> Any:
    raise Bug(500, "this format is only passed on as it is")


def _says_nothing(envelope: Envelope) -> Usage:
    return Usage()


class Codec(Struct, Generic[A, R], frozen=True, kw_only=True):
    """One format, both directions.

    ``request``: the operation in the words of ``allowed_requests`` (features.md 2.9); streams add ``_stream``.
    ``model_in_path``: the body names no model and does not say whether to stream; ``peek`` leaves them out then, the
    route says them. ``framing``: of the streams that its reader is fed with and its writer writes. ``flows``: its
    answers are passed on as they arrive, though nobody asked for a stream (sound).
    ``body``: what the top level of a request looks like, for the OpenAPI document.

    ``words``: what this format calls members that writers name, when they are lost, in chat completions' words.

    ``put_model``: members to put into a spliced request for a model name (``{"model": Raw}``), and what a streamed
    request needs so that usage is reported. ``read_usage``: usage of a whole body, one partial decode. ``tap``: its
    streamed sibling. ``asked_usage``: what the request itself says will be billed (characters to be spoken).

    ``unfold``: a whole reply as the events of a stream, for a client that wants one from an endpoint that has none.
    A format that is only spliced leaves out what reads it and writes it. ``unread``: its streams are only spliced, its
    reader knows nothing but errors.
    """

    format: Format
    family: Family
    request: str = "chat_completion"
    framing: Framing = Framing.SSE
    model_in_path: bool = False
    flows: bool = False
    unread: bool = False
    body: type[Struct] | None = None
    words: Mapping[str, str] = {}
    peek: Callable[[Envelope], Peek]
    put: Callable[[Envelope, str, bool], dict[str, Raw]]
    read_ask: Callable[[Envelope], A] = _only_passed
    write_ask: Callable[[A], Written] = _only_passed
    read_reply: Callable[[bytes], R] = _only_passed
    write_reply: Callable[[R, Stamp], Written] = _only_passed
    split: Callable[[A], tuple[A, ...]] | None = None
    """What an endpoint takes at once of what is asked, piece by piece; None: all of it."""
    join: Callable[[list[R]], R] | None = None
    """The answers to what split() gave, as one."""
    unfold: Callable[[R], tuple[Event, ...]] = unfold  # type: ignore[assignment]
    reader: Callable[[], Reader] = _no_reader
    writer: Callable[[Stamp, A], Writer] = _no_writer
    asked_usage: Callable[[Envelope], Usage] = _says_nothing
    read_usage: Callable[[bytes], Usage | None]
    tap: Callable[[bool], Tap] = _no_tap
    """``tap(include_usage)``: whether the client itself asked for the usage frame."""
    event_name: Callable[[bytes], str] = _no_name
    """The name of a streamed frame with these data, where it came without one in another framing."""
    read_failure: Callable[[int, Headers, bytes], Failure]
    write_failure: Callable[[Failure, str], bytes]
    """``write_failure(failure, request_id)``."""

    @property
    def streams(self) -> bool:
        """Whether its streams can be read."""
        return self.reader is not _no_reader and not self.unread


AnyCodec = Codec[Any, Any]
"""A codec of whatever operation."""
