"""OpenAI's operations on uploaded files that no other dialect has: image edits, image variations, speech translations.

Their bodies are forms (image edits may also be JSON); they are passed on as they are, but for the model's name.
Source: ``openai.types.ImageEditParams``, ``ImageCreateVariationParams``, ``audio.TranslationCreateParams`` 3.54.
"""

from typing import Any

from asbru.model.failure import Failure
from asbru.model.names import Family, Format
from asbru.wire.codec import Codec, Peek, Stamp
from asbru.wire.envelope import Envelope
from asbru.wire.openai.errors import read_failure, write_failure
from asbru.wire.openai.media_streams import ErrorReader, MediaTap, write_stream_error
from asbru.wire.openai.media_usage import read_image_usage, read_usage
from asbru.wire.peeking import peek_fallbacks, peek_model, peek_stream, peek_whole, put_model


def peek(envelope: Envelope) -> Peek:
    """Model, stream and fallbacks. Raises Refused(400) when one of them is not what it must be."""
    members = envelope.members
    return Peek(peek_model(members), peek_stream(members), peek_fallbacks(members), True)


class FailWriter:
    """Writes nothing but failures: the rest of such a stream passes as it is."""

    __slots__ = ()

    def __init__(self, stamp: Stamp, ask: Any) -> None:
        pass

    def send(self, event: object) -> bytes:
        """Nothing."""
        return b""

    def fail(self, failure: Failure) -> bytes:
        """An error in the middle of a stream."""
        return write_stream_error(failure)


EDITS: Codec[Any, Any] = Codec(
    format=Format.OPENAI_IMAGE_EDITS,
    family=Family.OPENAI,
    request="image_edit",
    unread=True,
    peek=peek,
    put=put_model,
    reader=ErrorReader,
    writer=FailWriter,
    read_usage=read_image_usage,
    tap=lambda include_usage: MediaTap(("image_edit.completed",), images=True),
    read_failure=read_failure,
    write_failure=write_failure,
)

VARIATIONS: Codec[Any, Any] = Codec(
    format=Format.OPENAI_IMAGE_VARIATIONS,
    family=Family.OPENAI,
    request="image_variation",
    peek=peek_whole,
    put=put_model,
    read_usage=read_image_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)

TRANSLATIONS: Codec[Any, Any] = Codec(
    format=Format.OPENAI_TRANSLATIONS,
    family=Family.OPENAI,
    request="translation",
    peek=peek_whole,
    put=put_model,
    read_usage=read_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)
