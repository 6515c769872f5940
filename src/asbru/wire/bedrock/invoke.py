"""InvokeModel: bodies in the format of the model's maker, streamed in base64 inside Amazon's event stream.

Rule 1. The shape of the body tells its format, whatever the model's name is: a name is an alias, a body is not.
Rule 2. What Bedrock says by path and headers is put where the format itself has it, and back on the way out.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Raw

from asbru.model.events import Event
from asbru.model.failure import Failure, Refused
from asbru.model.http import Headers
from asbru.model.names import Family, Format, Framing
from asbru.model.usage import Usage
from asbru.wire.anthropic import messages
from asbru.wire.aws import ChunkCutter, write_chunk, write_exception
from asbru.wire.bedrock.errors import stream_exception, write_failure
from asbru.wire.codec import AnyCodec, Stamp, Tap, Writer
from asbru.wire.envelope import Envelope
from asbru.wire.peeking import model_member
from asbru.wire.shapes import Members, refused
from asbru.wire.sse import Framer, write_frame

_strings = msgspec.json.Decoder(list[str]).decode


class Taken(msgspec.Struct, frozen=True):
    """A body as its format has it. ``headers``: what it said that the format says in headers."""

    codec: AnyCodec
    headers: Headers


class ChunkWriter:
    """Writes one stream of a format that has server-sent events as chunks."""

    __slots__ = ("_framer", "_writer")

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._framer = Framer()

    def send(self, event: Event) -> bytes:
        """The bytes for one event; may be empty."""
        return b"".join(map(write_chunk, self._framer.feed(self._writer.send(event))))

    def fail(self, failure: Failure) -> bytes:
        """An exception in the middle of a stream."""
        return write_exception(*stream_exception(failure))


class ChunkTap:
    """Reads usage out of passing chunks by the format's own tap; the bytes are never changed."""

    __slots__ = ("_cutter", "_name", "_tap", "done", "failed", "usage")

    def __init__(self, tap: Tap, name: Callable[[bytes], str]) -> None:
        self._tap = tap
        self._name = name
        self._cutter = ChunkCutter()
        self.usage = Usage()
        self.done = False
        self.failed = False

    def feed(self, chunk: bytes) -> bytes:
        """``chunk`` itself."""
        if not self.failed:
            try:
                for frame in self._cutter.feed(chunk):
                    self._tap.feed(write_frame(self._name(frame.data), frame.data))
            except Failure:
                self.failed = True
            self._note()
        return chunk

    def finish(self) -> bytes:
        """Nothing is held back."""
        try:
            self._cutter.flush()
        except Failure:
            self.failed = True
        rest = self._tap.finish()
        self._note()
        return rest

    def _note(self) -> None:
        self.usage, self.done = self._tap.usage, self._tap.done
        self.failed = self.failed or self._tap.failed


def in_chunks(codec: AnyCodec) -> AnyCodec:
    """``codec`` as InvokeModel speaks it: its streams in chunks, its failures Bedrock's."""

    def writer(stamp: Stamp, ask: Any) -> Writer:
        return ChunkWriter(codec.writer(stamp, ask))

    def tap(include_usage: bool) -> Tap:
        return ChunkTap(codec.tap(include_usage), codec.event_name)

    return msgspec.structs.replace(
        codec, family=Family.BEDROCK, framing=Framing.AWS_CHUNKS, writer=writer, tap=tap, write_failure=write_failure
    )


INVOKED: Mapping[Format, AnyCodec] = MappingProxyType({Format.ANTHROPIC_MESSAGES: in_chunks(messages.CODEC)})
"""What a body of InvokeModel may be."""


def take(envelope: Envelope, model: str, stream: bool) -> Taken:
    """Finds the format of a body, and makes it one. Raises Refused(400) when no format has such a body."""
    members = envelope.members
    format = format_of(members)
    if format is Format.ANTHROPIC_MESSAGES:
        return Taken(INVOKED[format], _take_anthropic(members, model, stream))
    return Taken(INVOKED[format], {})


def format_of(members: Members) -> Format:
    """The format that has a body with these members. Raises Refused(400)."""
    if "anthropic_version" in members:
        return Format.ANTHROPIC_MESSAGES
    names = ", ".join(sorted(members)) or "nothing"
    raise Refused(
        400, f"The body is of no model's format that is known here: it has {names}.", code="ValidationException"
    )


def _take_anthropic(members: Members, model: str, stream: bool) -> Headers:
    """Bedrock has the version and the betas in the body, the model and the stream in the path."""
    del members["anthropic_version"]
    members["model"] = model_member(model)
    if stream:
        members["stream"] = Raw(b"true")
    betas = members.pop("anthropic_beta", None)
    if betas is None or bytes(betas) == b"null":
        return {}
    try:
        words = ",".join(_strings(betas))
    except msgspec.DecodeError as error:
        raise refused("anthropic_beta", error) from None
    if not (words.isascii() and words.isprintable()):
        raise refused("anthropic_beta", "must be names of betas")
    return {b"anthropic-beta": words.encode()}
