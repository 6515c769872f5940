"""How the bytes of one exchange are carried to one endpoint and back.

Rule 1. Same format: **Splice**. The request's values keep their bytes, the answer passes unchanged, a tap reads usage.
Rule 2. Same format in another framing: **Reframe**. As Splice, but a stream's payloads are lifted, undecoded, out of
one framing into the other.
Rule 3. Other format: **Translate**. Request, reply and stream go through the canonical model; what cannot be carried is
named.
Rule 4. A lane serves one attempt and does no I/O.
"""

from typing import Any, Protocol

import msgspec

from asbru.gateway.bending import PLAIN, bend, dropped, lifted
from asbru.gateway.exchange import Exchange
from asbru.model.chat import Ask
from asbru.model.events import Delta, Done, Event, Start
from asbru.model.failure import Broken, Failure
from asbru.model.names import Format, Framing
from asbru.model.usage import Usage
from asbru.providers import Quirks
from asbru.wire import CODECS
from asbru.wire.codec import JSON, AnyCodec, Stamp
from asbru.wire.envelope import Envelope
from asbru.wire.framing import CUTTERS, MARKS, MEDIA_TYPES, WRITERS
from asbru.wire.multipart import Form, Pieces
from asbru.wire.sse import END, Frame

BYTES_PER_TOKEN = 4
"""For estimates only, when a provider reports no usage."""


class Lane(Protocol):
    """One attempt's bytes. ``usage`` is complete once reply() or finish() has returned. ``lost`` is complete after
    request().
    """

    name: str
    stream: bool
    """Whether the endpoint is asked to answer in pieces."""
    usage: Usage
    lost: tuple[str, ...]
    kind: bytes
    """Media type of what request() gave."""
    upload: Pieces | None
    """What to send instead of what request() gave, when it is too large to be copied."""
    path: tuple[tuple[str, str], ...]
    """What request() wants in the endpoint's path."""
    more: tuple[bytes, ...]
    """Further bodies to send beside what request() gave: the endpoint takes less at once. Then replies() is asked."""
    reply_kind: bytes
    """Media type of what reply() gave; b"": that of the provider's answer."""
    reported: bool
    """Whether the provider reported usage."""
    frames: int
    """Frames seen so far: what a cut stream's output is estimated from."""
    failure: Failure | None
    """What the provider itself told the client in the middle of the stream; known after finish()."""

    def request(self) -> bytes:
        """The body to send. Raises Refused(400) for a request that cannot be read."""

    def reply(self, body: bytes) -> bytes:
        """A whole answer in the client's format. Raises Broken when it cannot be read."""

    def replies(self, bodies: list[bytes]) -> bytes:
        """The answers to request() and to each of ``more``, as one. Raises Broken when one cannot be read."""

    def feed(self, chunk: bytes) -> bytes:
        """What to pass on of a streamed answer now; may be empty. Raises Upstream for an error event or garbage."""

    def finish(self) -> bytes:
        """The last bytes of a streamed answer. Raises Broken when the end marker has not been seen."""

    def fail(self, failure: Failure) -> bytes:
        """The bytes that tell the client, in the middle of its stream, what went wrong; none: it must be cut."""


class Endway(Protocol):
    """The far end, as a lane sees it. ``quirks``: merged, see merge()."""

    format: Format
    framing: Framing
    quirks: Quirks


def open_lane(x: Exchange, model: str, far: Endway) -> Lane:
    """The cheapest lane that joins the client's format with the endpoint's.

    Raises Refused(400) when the request must be translated and cannot be read.
    """
    if far.format is not x.codec.format:
        return Translate(x, model, far)
    if x.codec.flows:
        return Flow(x, model, far.quirks)
    if type(x.envelope) is Form:
        return SpliceForm(x, model, far.quirks)
    if x.peek.stream and far.framing is not x.codec.framing:
        return Reframe(x, model, far)
    return Splice(x, model, far.quirks)


class Splice:
    """Same format on both sides."""

    name = "splice"
    path: tuple[tuple[str, str], ...] = ()
    more: tuple[bytes, ...] = ()
    upload: Pieces | None = None
    reply_kind = b""
    usage = Usage()
    lost: tuple[str, ...] = ()
    reported = False
    frames = 0
    failure: Failure | None = None
    _passed = False

    def __init__(self, x: Exchange, model: str, quirks: Quirks) -> None:
        self._x = x
        self._codec = x.codec
        self._model = model
        self._quirks = quirks
        self.kind = x.envelope.kind
        self.stream = x.peek.stream
        self._tap = x.codec.tap(x.peek.include_usage) if self.stream else None

    def request(self) -> bytes:
        x = self._x
        put = self._codec.put(x.envelope, self._model, x.peek.stream)
        if self._quirks is not PLAIN:
            self.lost = dropped(x.envelope, self._quirks)
            put |= lifted(x.headers, self._quirks)
        return x.envelope.splice(*bend(x.envelope, put, self._quirks))

    def reply(self, body: bytes) -> bytes:
        usage = self._codec.read_usage(body)
        self.usage = self._codec.asked_usage(self._x.envelope) if usage is None else usage
        self.reported = usage is not None or self.usage != Usage()
        return body

    def replies(self, bodies: list[bytes]) -> bytes:
        return self.reply(bodies[0])

    def feed(self, chunk: bytes) -> bytes:
        tap = self._tap
        assert tap is not None
        # One frame of one line, as most chunks are, is told apart faster than it is counted.
        one = chunk.endswith(b"\n\n") and chunk.find(b"\n") == len(chunk) - 2
        self.frames += 1 if one else chunk.count(MARKS[self._codec.framing])
        out = tap.feed(chunk)
        if not self._passed:
            if tap.failed:
                raise self._failure_in(chunk)
            self._passed = bool(out)
        return out

    def _failure_in(self, chunk: bytes) -> Failure:
        """What the error event in the first bytes of a stream says: nothing has reached the client yet."""
        reader = self._codec.reader()
        try:
            for frame in CUTTERS[self._codec.framing]().feed(chunk):
                reader.feed(frame)
        except Failure as failure:
            return failure
        return Broken(502, "The provider's stream began with an error.")

    def finish(self) -> bytes:
        tap = self._tap
        assert tap is not None
        rest = tap.finish()
        if not tap.done and self._quirks.ending:
            rest += tap.feed(self._quirks.ending.encode())
        self.usage = tap.usage
        self.reported = tap.done and tap.usage != Usage()
        if tap.failed:
            self.failure = Broken(502, "The provider ended its stream with an error.", code="stream_error")
        elif not tap.done:
            raise Broken(502, "The provider's stream ended without its end marker.", code="stream_cut")
        return rest

    def fail(self, failure: Failure) -> bytes:
        nothing = Ask(model=self._model, turns=(), origin=self._codec.format)
        return self._codec.writer(Stamp(id=self._x.id.removeprefix("req_"), at=0), nothing).fail(failure)


class SpliceForm(Splice):
    """The same for a form: its files go out as they lie on the disk."""

    def request(self) -> bytes:
        x = self._x
        assert isinstance(x.envelope, Form)
        put = self._codec.put(x.envelope, self._model, x.peek.stream)
        self.lost = dropped(x.envelope, self._quirks)
        self.upload = x.envelope.pieces(*bend(x.envelope, put, self._quirks))
        return b""


class Flow(Splice):
    """The same for an answer that is passed on as it arrives and tells nothing of itself: sound."""

    def __init__(self, x: Exchange, model: str, quirks: Quirks) -> None:
        super().__init__(x, model, quirks)
        self.stream = True

    def feed(self, chunk: bytes) -> bytes:
        if not self.frames:
            self.frames = 1
            self.usage = self._codec.asked_usage(self._x.envelope)
            self.reported = self.usage != Usage()
        return chunk

    def finish(self) -> bytes:
        return b""

    def fail(self, failure: Failure) -> bytes:
        return b""


class Reframe(Splice):
    """Same format on both sides, streamed in different framings.

    The tap reads what the format's own framing would be: neither side's bytes need be in it.
    """

    name = "reframe"

    def __init__(self, x: Exchange, model: str, far: Endway) -> None:
        super().__init__(x, model, far.quirks)
        self._home = CODECS[far.format]
        self._cutter = CUTTERS[far.framing]()
        self._write = WRITERS[x.codec.framing]
        self._tap = self._home.tap(True)

    def feed(self, chunk: bytes) -> bytes:
        return self._carry(self._cutter.feed(chunk))

    def _carry(self, frames: list[Frame]) -> bytes:
        tap, home = self._tap, self._home
        assert tap is not None
        out = b""
        for frame in frames:
            self.frames += 1
            named = frame if frame.event else Frame(home.event_name(frame.data), frame.data)
            tap.feed(WRITERS[home.framing](named))
            if tap.failed:
                raise self._failure_of(named)
            out += self._write(named)
        return out

    def _failure_of(self, frame: Frame) -> Failure:
        """What an error event says."""
        try:
            self._home.reader().feed(frame)
        except Failure as failure:
            return failure
        return Broken(502, "The provider ended its stream with an error.", code="stream_error")

    def finish(self) -> bytes:
        return self._carry(self._cutter.flush()) + super().finish()


class Translate:
    """Different formats: everything goes through the model."""

    name = "translate"

    def __init__(self, x: Exchange, model: str, far: Endway) -> None:
        self._in = x.codec
        self._out: AnyCodec = CODECS[far.format]
        self._quirks = far.quirks
        self._headers = x.headers
        self._ask = _asked(x, model)
        id, asked = x.id.removeprefix("req_"), x.asked or x.envelope.members
        self._stamp = Stamp(id=id, at=int(x.at), model=model, ask=self._ask, asked=asked)
        wanted = x.peek.stream or x.codec.flows
        self._asks: tuple[Any, ...] = (self._ask,) if self._out.split is None else self._out.split(self._ask)
        self.stream = wanted and self._out.streams and len(self._asks) == 1
        if wanted:
            self._writer = x.codec.writer(self._stamp, self._ask)
        if self.stream:
            self._cutter = CUTTERS[far.framing]()
            self._reader = self._out.reader()
        self._unfolds = x.peek.stream and not self.stream
        self.kind = self.reply_kind = JSON
        self.upload: Pieces | None = None
        self.path: tuple[tuple[str, str], ...] = ()
        self.more: tuple[bytes, ...] = ()
        self._envelope = x.envelope
        self.usage = Usage()
        self.lost: tuple[str, ...] = ()
        self.reported = False
        self.frames = 0
        self.failure: Failure | None = None

    def request(self) -> bytes:
        body = self._written(self._asks[0])
        if len(self._asks) > 1:
            lost = self.lost
            self.more = tuple([self._written(each) for each in self._asks[1:]])
            self.lost = lost
        return body

    def _written(self, ask: Any) -> bytes:
        written = self._out.write_ask(ask)
        words = self._in.words
        self.lost = tuple([words.get(name, name) for name in written.lost]) if words else written.lost
        self.kind = written.kind
        self.upload, self.path = written.upload, written.path
        quirks = self._quirks
        if quirks is PLAIN or written.upload is not None:
            return written.body
        envelope = Envelope(written.body)
        self.lost += dropped(envelope, quirks)
        return envelope.splice(*bend(envelope, lifted(self._headers, quirks), quirks))

    def reply(self, body: bytes) -> bytes:
        return self._told(self._out.read_reply(body))

    def replies(self, bodies: list[bytes]) -> bytes:
        assert self._out.join is not None
        return self._told(self._out.join([self._out.read_reply(body) for body in bodies]))

    def _told(self, reply: Any) -> bytes:
        self.usage = reply.usage if reply.usage != Usage() else self._in.asked_usage(self._envelope)
        self.reported = self.usage != Usage()
        if self._unfolds:
            self.reply_kind = MEDIA_TYPES[self._in.framing]
            return b"".join(map(self._writer.send, self._in.unfold(reply)))
        written = self._in.write_reply(reply, self._stamp)
        self.lost += written.lost
        self.reply_kind = written.kind
        return written.body

    def feed(self, chunk: bytes) -> bytes:
        return self._carry(self._cutter.feed(chunk))

    def _carry(self, frames: list[Frame]) -> bytes:
        out = b""
        for frame in frames:
            for event in self._reader.feed(frame):
                self._note(event)
                out += self._writer.send(event)
        return out

    def _note(self, event: Event) -> None:
        if isinstance(event, Delta):
            self.frames += 1
        elif isinstance(event, Start):
            self.usage = event.usage
        elif isinstance(event, Done):
            self.usage = event.usage if event.usage != Usage() else self._in.asked_usage(self._envelope)
            self.reported = self.usage != Usage()

    def finish(self) -> bytes:
        rest = self._carry(self._cutter.flush())
        if not self._reader.done and self._quirks.ending:
            rest += self._carry(self._cutter.feed(self._quirks.ending.encode()))
        if not self._reader.done:
            rest += self._carry([END])
        if not self._reader.done:
            raise Broken(502, "The provider's stream ended without its end marker.", code="stream_cut")
        return rest

    def fail(self, failure: Failure) -> bytes:
        return self._writer.fail(failure)


def _asked(x: Exchange, model: str) -> Any:
    """What is asked, with the model's name upstream, and as a stream when the route or the body says so."""
    ask = x.codec.read_ask(x.envelope)
    if x.peek.stream and x.codec.model_in_path:
        return msgspec.structs.replace(ask, model=model, stream=True)
    return msgspec.structs.replace(ask, model=model)
