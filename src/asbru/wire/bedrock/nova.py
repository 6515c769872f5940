"""Amazon Nova's own format for InvokeModel: Converse's messages in a body, its events as the members of chunks.

Source: the user guide's "Complete request schema" for Nova (``schemaVersion``, ``inferenceConfig`` with ``maxTokens``
or the older ``max_new_tokens``).
"""

import msgspec
from msgspec import Raw

from asbru.model.chat import Ask, Reply
from asbru.model.events import Event
from asbru.model.failure import Broken, Failure
from asbru.model.names import Family, Format, Framing
from asbru.model.usage import Usage
from asbru.wire.aws import ChunkCutter, write_chunk, write_exception
from asbru.wire.bedrock import converse
from asbru.wire.bedrock.converse_fields import PATH
from asbru.wire.bedrock.converse_stream_in import ConverseReader
from asbru.wire.bedrock.converse_stream_out import ConverseFrames
from asbru.wire.bedrock.converse_usage import read_usage
from asbru.wire.bedrock.errors import stream_exception
from asbru.wire.bedrock.taps import FrameTap
from asbru.wire.codec import Codec, Stamp, Tap, Written
from asbru.wire.envelope import Envelope
from asbru.wire.shapes import BAD_JSON, Members, read_members, refused, write_json
from asbru.wire.sse import Frame

HERE = Format.BEDROCK_NOVA
VERSION = "schemaVersion"

_OLDER = {"max_new_tokens": "maxTokens", "top_p": "topP", "top_k": "topK", "stop_sequences": "stopSequences"}


def read_ask(envelope: Envelope) -> Ask:
    """The request, as Converse has it. Raises Refused(400)."""
    members = {name: raw for name, raw in envelope.members.items() if name != VERSION}
    config = _members(members, "inferenceConfig")
    config = {_OLDER.get(name, name): raw for name, raw in config.items()}
    fields = _members(members, PATH)
    if (top_k := config.pop("topK", None)) is not None:
        fields["inferenceConfig"] = Raw(write_json({"topK": top_k}))
    for name, inner in (("inferenceConfig", config), (PATH, fields)):
        if inner:
            members[name] = Raw(write_json(inner))
    ask = converse.CODEC.read_ask(Envelope(write_json(members)))
    return msgspec.structs.replace(ask, origin=HERE)


def _members(members: Members, name: str) -> Members:
    raw = members.pop(name, None)
    if raw is None or bytes(raw) == b"null":
        return {}
    try:
        return read_members(raw)
    except BAD_JSON as error:
        raise refused(name, error) from None


def write_ask(ask: Ask) -> Written:
    """The request that Converse would be, with ``topK`` where this format has it."""
    origin = Format.BEDROCK_CONVERSE if ask.origin is HERE else ask.origin
    written = converse.CODEC.write_ask(msgspec.structs.replace(ask, origin=origin))
    members = read_members(written.body)
    fields = _members(members, PATH)
    top_k = _members(fields, "inferenceConfig")
    if top_k:
        members["inferenceConfig"] = Raw(write_json({**_members(members, "inferenceConfig"), **top_k}))
    if fields:
        members[PATH] = Raw(write_json(fields))
    return Written(write_json({VERSION: "messages-v1", **members}), written.lost)


def write_reply(reply: Reply, stamp: Stamp) -> Written:
    """A reply; how long it took is not told here."""
    written = converse.CODEC.write_reply(reply, stamp)
    members = read_members(written.body)
    members.pop("metrics", None)
    return Written(write_json(members), written.lost)


class NovaReader:
    """Reads one stream: each chunk is an object with one event."""

    __slots__ = ("_reader", "done")

    def __init__(self) -> None:
        self._reader = ConverseReader()
        self.done = False

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """The events of one frame. Raises Broken for one that cannot be read."""
        found: tuple[Event, ...] = ()
        try:
            members = read_members(frame.data)
        except BAD_JSON as error:
            raise Broken(502, f"The provider's stream cannot be read: {error}", code="bad_stream") from None
        for name, raw in members.items():
            found += self._reader.feed(Frame(name, bytes(raw)))
        self.done = self._reader.done
        return found


class NovaWriter:
    """Writes one stream."""

    __slots__ = ("_frames",)

    def __init__(self, stamp: Stamp, ask: Ask) -> None:
        self._frames = ConverseFrames()

    def send(self, event: Event) -> bytes:
        """The bytes for one event; may be empty."""
        frames = self._frames.send(event)
        return b"".join(write_chunk(Frame("", b'{"%b":%b}' % (f.event.encode(), f.data))) for f in frames)

    def fail(self, failure: Failure) -> bytes:
        """An exception in the middle of a stream."""
        return write_exception(*stream_exception(failure))


def tap(include_usage: bool) -> Tap:
    """The end is told before the usage."""
    return FrameTap(ChunkCutter(), _look)


def _look(frame: Frame) -> tuple[Usage | None, bool]:
    data = frame.data
    if not data.startswith(b'{"metadata"'):
        return None, data.startswith(b'{"messageStop"')
    try:
        return read_usage(bytes(read_members(data)["metadata"])), False
    except BAD_JSON:
        return None, False


CODEC: Codec[Ask, Reply] = msgspec.structs.replace(
    converse.CODEC,
    format=HERE,
    family=Family.BEDROCK,
    framing=Framing.AWS_CHUNKS,
    read_ask=read_ask,
    write_ask=write_ask,
    write_reply=write_reply,
    reader=NovaReader,
    writer=NovaWriter,
    tap=tap,
)
