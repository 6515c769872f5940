"""Usage as OpenAI's image and audio operations count it (``ImagesResponse.Usage``, ``Transcription.Usage`` 3.54).

Rule 1. What an image model puts out is image tokens unless it says otherwise.
Rule 2. Sound is counted in tokens or in seconds, as ``type`` says.
"""

import msgspec
from msgspec import Struct

from asbru.model.usage import Usage
from asbru.wire.shapes import BAD_JSON


class _Details(Struct):
    image_tokens: int | None = None
    text_tokens: int | None = None
    audio_tokens: int | None = None


class MediaUsage(Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    seconds: float | None = None
    input_tokens_details: _Details | None = None
    input_token_details: _Details | None = None
    output_tokens_details: _Details | None = None


class _Body(Struct):
    usage: MediaUsage | None = None


_decode = msgspec.json.Decoder(_Body).decode


def to_usage(usage: MediaUsage, *, images: bool = False) -> Usage:
    """Wire to model. ``images``: what is put out is images."""
    taken = usage.input_tokens_details or usage.input_token_details or _Details()
    given = usage.output_tokens_details
    output = usage.output_tokens or 0
    made = output if given is None else given.image_tokens or 0
    return Usage(
        input=usage.input_tokens or 0,
        output=output,
        input_audio=taken.audio_tokens or 0,
        input_image=taken.image_tokens or 0,
        output_image=made if images else 0,
        sound_ms=round((usage.seconds or 0) * 1000),
    )


def read_usage(body: bytes) -> Usage | None:
    """The usage of a whole reply about sound; None when there is none to read."""
    try:
        usage = _decode(body).usage
    except BAD_JSON:
        return None
    return None if usage is None else to_usage(usage)


def read_image_usage(body: bytes) -> Usage | None:
    """The same of one with images."""
    try:
        usage = _decode(body).usage
    except BAD_JSON:
        return None
    return None if usage is None else to_usage(usage, images=True)


def write_image_usage(usage: Usage) -> dict[str, object]:
    """Model to wire, for images."""
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"image_tokens": usage.input_image, "text_tokens": usage.input - usage.input_image},
        "output_tokens": usage.output,
        "output_tokens_details": {"image_tokens": usage.output_image, "text_tokens": usage.output - usage.output_image},
        "total_tokens": usage.input + usage.output,
    }


def write_sound_usage(usage: Usage) -> dict[str, object]:
    """Model to wire, for sound: tokens where there are any, else seconds."""
    if usage.sound_ms and not usage.input and not usage.output:
        return {"type": "duration", "seconds": usage.sound_ms / 1000}
    return {
        "type": "tokens",
        "input_tokens": usage.input,
        "input_token_details": {"audio_tokens": usage.input_audio, "text_tokens": usage.input - usage.input_audio},
        "output_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
    }
