"""Cohere's v2 chat: the codec."""

from collections.abc import Mapping
from types import MappingProxyType

from asbru.model.chat import Ask, Reply
from asbru.model.names import Family, Format
from asbru.wire.codec import Codec, Peek
from asbru.wire.cohere.chat_ask_in import read_ask
from asbru.wire.cohere.chat_ask_out import write_ask
from asbru.wire.cohere.chat_reply import read_reply, write_reply
from asbru.wire.cohere.chat_shapes import Body
from asbru.wire.cohere.chat_stream_in import ChatReader
from asbru.wire.cohere.chat_stream_out import ChatWriter
from asbru.wire.cohere.chat_tap import ChatTap
from asbru.wire.cohere.errors import read_failure, write_failure
from asbru.wire.cohere.usage import read_usage
from asbru.wire.envelope import Envelope
from asbru.wire.peeking import peek_fallbacks, peek_model, peek_stream, put_model
from asbru.wire.several import as_one, one_each


def peek(envelope: Envelope) -> Peek:
    """Model, stream and fallbacks; usage is always part of a stream. Raises Refused(400)."""
    members = envelope.members
    stream = peek_stream(members)
    return Peek(peek_model(members), stream, peek_fallbacks(members), stream)


WORDS: Mapping[str, str] = MappingProxyType(
    {"top_p": "p", "top_k": "k", "stop": "stop_sequences", "thinking.budget_tokens": "thinking.token_budget"}
)

CODEC: Codec[Ask, Reply] = Codec(
    format=Format.COHERE_CHAT,
    family=Family.COHERE,
    words=WORDS,
    body=Body,
    peek=peek,
    put=put_model,
    read_ask=read_ask,
    write_ask=write_ask,
    read_reply=read_reply,
    split=one_each,
    join=as_one,
    write_reply=write_reply,
    reader=ChatReader,
    writer=ChatWriter,
    read_usage=read_usage,
    tap=ChatTap,
    read_failure=read_failure,
    write_failure=write_failure,
)
