"""ElevenLabs transcripts (``speech-to-text``, SDK ``elevenlabs`` ``SpeechToTextChunkResponseModel``): a form, text out.

Rule 1. Words, the spaces between them and noises come as one list; spaces go, noises are no words.
Rule 2. Their languages have three letters where they are told; they are passed on as told.
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.failure import Broken
from asbru.model.names import Family, Format
from asbru.model.transcribe import Spoken, TranscribeAsk, TranscribeReply
from asbru.model.usage import Usage
from asbru.wire.codec import Codec, Written
from asbru.wire.elevenlabs.errors import read_failure, write_failure
from asbru.wire.envelope import Envelope
from asbru.wire.multipart import Pieces, field, part_head
from asbru.wire.peeking import peek_whole
from asbru.wire.shapes import BAD_JSON, said, write_json

HERE = Format.ELEVENLABS_TRANSCRIPTS


class _Word(Struct):
    text: str
    start: float | None = None
    end: float | None = None
    type: str = "word"
    speaker_id: str | None = None


class _Reply(Struct):
    text: str
    language_code: str | None = None
    words: list[_Word] = []
    audio_duration_secs: float | None = None


_reply = msgspec.json.Decoder(_Reply).decode


def write_ask(ask: TranscribeAsk) -> Written:
    """The form, and what it cannot carry."""
    told = {
        "model_id": ask.model,
        "language_code": ask.language,
        "temperature": "" if ask.temperature is None else f"{ask.temperature:g}",
        "timestamps_granularity": "word",
        "diarize": "true" if ask.speakers else "",
    }
    fence = ask.fence
    fields = [field(fence, name, value.encode()) for name, value in told.items() if value]
    head = part_head(fence, "file", ask.name or "audio", ask.media_type)
    upload = Pieces([*fields, head, ask.sound, b"\r\n--" + fence + b"--\r\n"])
    lost = ["prompt"] if ask.prompt else []
    lost += [name for name, raw in ask.extra.items() if said(raw)]
    kind = b'multipart/form-data; boundary="' + fence + b'"'
    return Written(b"", tuple(lost), kind, upload)


def read_reply(body: bytes) -> TranscribeReply:
    """What was heard. Raises Broken for what is no transcript."""
    try:
        reply = _reply(body)
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a transcript: {error}", code="bad_reply") from None
    words = tuple(
        Spoken(text=word.text, start=word.start or 0.0, end=word.end or 0.0, speaker=word.speaker_id or "")
        for word in reply.words
        if word.type == "word"
    )
    seconds = reply.audio_duration_secs
    return TranscribeReply(
        text=reply.text,
        language=reply.language_code or "",
        seconds=seconds,
        words=words,
        usage=Usage(sound_ms=round((seconds or 0) * 1000)),
        origin=HERE,
    )


def put(envelope: Envelope, model: str, stream: bool) -> dict[str, Raw]:
    """The provider's name of the model."""
    return {"model_id": Raw(write_json(model))}


def read_usage(body: bytes) -> Usage | None:
    """How long the sound was; None when the answer is no transcript."""
    try:
        return read_reply(body).usage
    except Broken:
        return None


CODEC: Codec[TranscribeAsk, TranscribeReply] = Codec(
    format=HERE,
    family=Family.ELEVENLABS,
    request="transcription",
    peek=peek_whole,
    put=put,
    write_ask=write_ask,
    read_reply=read_reply,
    read_usage=read_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)
