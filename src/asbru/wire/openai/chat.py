"""OpenAI chat completions: the codec."""

import msgspec
from msgspec import Raw

from asbru.model.chat import Ask, Reply
from asbru.model.failure import Refused
from asbru.model.names import Family, Format
from asbru.wire.codec import Codec, Peek
from asbru.wire.envelope import Envelope
from asbru.wire.openai.chat_ask_in import read_ask
from asbru.wire.openai.chat_ask_out import write_ask
from asbru.wire.openai.chat_reply import read_reply, write_reply
from asbru.wire.openai.chat_shapes import Body, StreamOptions
from asbru.wire.openai.chat_stream_in import ChatReader
from asbru.wire.openai.chat_stream_out import ChatWriter
from asbru.wire.openai.chat_tap import ChatTap
from asbru.wire.openai.chat_usage import read_usage
from asbru.wire.openai.errors import read_failure, write_failure
from asbru.wire.peeking import model_member, peek_fallbacks, peek_model, peek_stream
from asbru.wire.shapes import BAD_JSON, read_members, write_json

_options = msgspec.json.Decoder(StreamOptions)
_ASK_USAGE = Raw(b'{"include_usage":true}')
_TRUE = Raw(b"true")


def peek(envelope: Envelope) -> Peek:
    """Model, stream and fallbacks. Raises Refused(400) when one of them is not what it must be."""
    members = envelope.members
    model = peek_model(members)
    if "stream" not in members and "fallbacks" not in members:
        return Peek(model)
    stream = peek_stream(members)
    include_usage = False
    if stream and "stream_options" in members:
        options = envelope.get("stream_options", _options)
        include_usage = options is not None and bool(options.include_usage)
    return Peek(model, stream, peek_fallbacks(members), include_usage)


def put(envelope: Envelope, model: str, stream: bool) -> dict[str, Raw]:
    """The provider's name of the model; a stream is asked for its usage, beside what the client's ``stream_options``
    say.
    """
    if not stream:
        return {"model": model_member(model)}
    return {"model": model_member(model), "stream_options": _with_usage(envelope.members.get("stream_options"))}


def _with_usage(options: Raw | None) -> Raw:
    return _ASK_USAGE if options is None else _merged(bytes(options))


def _merged(options: bytes) -> Raw:
    try:
        return Raw(write_json(read_members(options) | {"include_usage": _TRUE}))
    except BAD_JSON:
        if options == b"null":
            return _ASK_USAGE
        raise Refused(
            400, "stream_options: must be an object", code="invalid_request_error", param="stream_options"
        ) from None


CODEC: Codec[Ask, Reply] = Codec(
    format=Format.OPENAI_CHAT,
    family=Family.OPENAI,
    body=Body,
    peek=peek,
    put=put,
    read_ask=read_ask,
    write_ask=write_ask,
    read_reply=read_reply,
    write_reply=write_reply,
    reader=ChatReader,
    writer=ChatWriter,
    read_usage=read_usage,
    tap=ChatTap,
    read_failure=read_failure,
    write_failure=write_failure,
)
