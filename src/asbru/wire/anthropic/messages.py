"""Anthropic messages: the codec."""

from msgspec import Raw

from asbru.model.chat import Ask, Reply
from asbru.model.failure import Refused
from asbru.model.names import Family, Format
from asbru.wire.anthropic.errors import read_failure, write_failure
from asbru.wire.anthropic.messages_ask_in import read_ask
from asbru.wire.anthropic.messages_ask_out import write_ask
from asbru.wire.anthropic.messages_reply import read_reply, write_reply
from asbru.wire.anthropic.messages_shapes import Body
from asbru.wire.anthropic.messages_stream_in import MessageReader
from asbru.wire.anthropic.messages_stream_out import MessageWriter
from asbru.wire.anthropic.messages_tap import MessageTap
from asbru.wire.anthropic.messages_usage import read_usage
from asbru.wire.codec import Codec, Peek
from asbru.wire.envelope import Envelope
from asbru.wire.peeking import model_member, peek_fallbacks, peek_model, peek_stream
from asbru.wire.several import as_one, one_each
from asbru.wire.shapes import kind_of


def peek(envelope: Envelope) -> Peek:
    """Model, stream and fallbacks; usage is always part of a stream. Raises Refused(400)."""
    members = envelope.members
    model = peek_model(members)
    if "stream" not in members and "fallbacks" not in members:
        return Peek(model)
    stream = peek_stream(members)
    return Peek(model, stream, peek_fallbacks(members), stream)


def put(envelope: Envelope, model: str, stream: bool) -> dict[str, Raw]:
    """The provider's name of the model."""
    return {"model": model_member(model)}


_BEGINNING = b'{"type":"'


def event_name(data: bytes) -> str:
    """An event is named after its ``type``, which stands first in every event that is seen."""
    if data.startswith(_BEGINNING):
        name = data[len(_BEGINNING) : data.find(b'"', len(_BEGINNING))].decode("utf-8", "replace")
    else:
        try:
            name = kind_of(Raw(data), "")
        except Refused:
            return ""
    return name if name.isprintable() else ""


CODEC: Codec[Ask, Reply] = Codec(
    format=Format.ANTHROPIC_MESSAGES,
    family=Family.ANTHROPIC,
    body=Body,
    peek=peek,
    put=put,
    read_ask=read_ask,
    write_ask=write_ask,
    read_reply=read_reply,
    split=one_each,
    join=as_one,
    write_reply=write_reply,
    reader=MessageReader,
    writer=MessageWriter,
    read_usage=read_usage,
    tap=MessageTap,
    event_name=event_name,
    read_failure=read_failure,
    write_failure=write_failure,
)
