"""Bedrock Converse: the codec."""

from msgspec import Raw

from asbru.model.chat import Ask, Reply
from asbru.model.names import Family, Format, Framing
from asbru.model.usage import Usage
from asbru.wire.aws import EventCutter
from asbru.wire.bedrock.converse_ask_in import read_ask
from asbru.wire.bedrock.converse_ask_out import write_ask
from asbru.wire.bedrock.converse_reply import read_reply, write_reply
from asbru.wire.bedrock.converse_stream_in import ConverseReader
from asbru.wire.bedrock.converse_stream_out import ConverseWriter
from asbru.wire.bedrock.converse_usage import read_usage
from asbru.wire.bedrock.errors import read_failure, write_failure
from asbru.wire.bedrock.taps import FrameTap
from asbru.wire.codec import Codec, Peek, Tap
from asbru.wire.envelope import Envelope
from asbru.wire.peeking import peek_fallbacks
from asbru.wire.several import as_one, one_each
from asbru.wire.sse import Frame


def peek(envelope: Envelope) -> Peek:
    """Fallbacks; the path says the rest. Raises Refused(400)."""
    return Peek("", False, peek_fallbacks(envelope.members), True)


def put(envelope: Envelope, model: str, stream: bool) -> dict[str, Raw]:
    """Nothing: the path names the model."""
    return {}


def tap(include_usage: bool) -> Tap:
    """The end is told before the usage."""
    return FrameTap(EventCutter(), _look)


def _look(frame: Frame) -> tuple[Usage | None, bool]:
    return (read_usage(frame.data) if frame.event == "metadata" else None), frame.event == "messageStop"


CODEC: Codec[Ask, Reply] = Codec(
    format=Format.BEDROCK_CONVERSE,
    family=Family.BEDROCK,
    framing=Framing.AWS,
    model_in_path=True,
    peek=peek,
    put=put,
    read_ask=read_ask,
    write_ask=write_ask,
    read_reply=read_reply,
    split=one_each,
    join=as_one,
    write_reply=write_reply,
    reader=ConverseReader,
    writer=ConverseWriter,
    read_usage=read_usage,
    tap=tap,
    read_failure=read_failure,
    write_failure=write_failure,
)
