"""Speech from text: what is asked.

Rule 1. Nobody decodes or converts sound. What cannot make the wanted encoding refuses.
Rule 2. A streamed answer is a stream of pieces: an ``Audio`` part of chat, each Delta's text the base64 of a piece.
"""

from collections.abc import Mapping

from msgspec import Raw, Struct

from asbru.model.names import Format
from asbru.model.usage import Usage


class SpeechAsk(Struct, frozen=True, kw_only=True):
    """``voice``: in the provider's words. ``encoding``: mp3, opus, aac, flac, wav, pcm; "" not said.

    ``instructions``: how to speak. ``events``: the pieces are wanted as events (OpenAI ``stream_format: sse``), not
    as bare sound.
    """

    model: str
    text: str
    voice: str = ""
    encoding: str = ""
    speed: float | None = None
    instructions: str = ""
    language: str = ""
    events: bool = False
    extra: Mapping[str, Raw] = {}
    origin: Format


class SpeechReply(Struct, frozen=True, kw_only=True):
    """A whole answer. ``encoding``: in the words of SpeechAsk; ``rate``: samples a second, of pcm (16 bit, mono)."""

    model: str = ""
    sound: bytes
    encoding: str
    rate: int = 0
    usage: Usage = Usage()
    origin: Format


MEDIA_TYPES: Mapping[str, str] = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
"""Of each encoding, as OpenAI answers."""
