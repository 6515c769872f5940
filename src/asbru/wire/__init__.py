"""Every body format, read into the model and written from it. Bytes in, bytes out, no I/O."""

from asbru.model.names import Format
from asbru.wire.anthropic import messages
from asbru.wire.bedrock import converse
from asbru.wire.codec import AnyCodec, Codec, Peek, Reader, Stamp, Tap, Writer, Written
from asbru.wire.envelope import Envelope
from asbru.wire.openai import chat, embeddings
from asbru.wire.sse import Frame, Framer, write_frame

CODECS: dict[Format, AnyCodec] = {
    Format.OPENAI_CHAT: chat.CODEC,
    Format.OPENAI_EMBEDDINGS: embeddings.CODEC,
    Format.ANTHROPIC_MESSAGES: messages.CODEC,
    Format.BEDROCK_CONVERSE: converse.CODEC,
}
"""The explicit list: one codec for each format."""

__all__ = [
    "CODECS",
    "AnyCodec",
    "Codec",
    "Envelope",
    "Frame",
    "Framer",
    "Peek",
    "Reader",
    "Stamp",
    "Tap",
    "Writer",
    "Written",
    "write_frame",
]
