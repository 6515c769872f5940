"""What Gemini hears: generateContent with a sound and the wish for its transcript: the codec, for callers of OpenAI's.

Rule 1. It tells words and no times: shapes that are made of times (subtitles, speakers) are refused.
Rule 2. The sound travels in the request, in base64, as far as Google takes it so; its kind is told by the file's media
type or name.
"""

from base64 import b64encode

from asbru.model.chat import Ask, Audio, Sampling, Text, Turn
from asbru.model.failure import Broken, Refused, Rejected
from asbru.model.names import Family, Finish, Format, Role
from asbru.model.transcribe import TranscribeAsk, TranscribeReply
from asbru.wire.codec import Codec, Written
from asbru.wire.gemini import generate
from asbru.wire.gemini.errors import read_failure, write_failure
from asbru.wire.gemini.media import guessed
from asbru.wire.shapes import refused, said

HERE = Format.GEMINI_TRANSCRIPTS

MOST = 20 << 20
"""Bytes of a request with a sound in it (ai.google.dev, "Audio understanding")."""
_TOLD = ("", "json", "text")
_WISH = "Generate a transcript of the speech, and say nothing else."
_KINDS = {
    "mpeg": "mp3",
    "mpga": "mp3",
    "x-wav": "wav",
    "wave": "wav",
    "vnd.wave": "wav",
    "x-flac": "flac",
    "x-m4a": "m4a",
}


def write_ask(ask: TranscribeAsk) -> Written:
    """The body, and what it cannot carry. Raises Refused(400) for what cannot be told, (413) for a sound too long."""
    if ask.wanted not in _TOLD:
        raise refused("response_format", "this provider tells no times: json or text")
    if ask.times:
        raise refused("timestamp_granularities", "this provider tells no times")
    if len(ask.sound) * 4 // 3 > MOST:
        raise Refused(413, f"file: this provider takes at most {MOST >> 20} MB", code="request_too_large", param="file")
    wish = _WISH + (f" The speech is in this language: {ask.language}." if ask.language else "")
    texts = (wish, *([f"Words that may occur in it: {ask.prompt}"] if ask.prompt else []))
    sound = Audio(data=b64encode(b"".join(ask.sound.pieces())).decode(), format=_kind(ask))
    whole = Ask(
        model=ask.model,
        turns=(Turn(Role.USER, (sound, *map(Text, texts))),),
        sampling=Sampling(temperature=ask.temperature),
        origin=Format.GEMINI_GENERATE,
    )
    written = generate.CODEC.write_ask(whole)
    return Written(written.body, (*[name for name, raw in ask.extra.items() if said(raw)], *written.lost))


def _kind(ask: TranscribeAsk) -> str:
    for told in (ask.media_type.partition(";")[0].strip().lower(), guessed(ask.name)):
        kind, _, subtype = told.partition("/")
        if kind in ("audio", "video") and subtype:
            return _KINDS.get(subtype, subtype)
    raise refused("file", "its name or its media type must tell its kind (a.wav, audio/mpeg)")


def read_reply(body: bytes) -> TranscribeReply:
    """What was heard. Raises Broken when there are no words, Rejected when that is what Google wanted."""
    reply = generate.CODEC.read_reply(body)
    text = "".join(part.text for part in reply.parts if isinstance(part, Text)).strip()
    if not text and reply.finish is Finish.CONTENT_FILTER:
        raise Rejected(400, "The provider would not tell what it heard.", code="content_filter")
    if not text and reply.finish is not Finish.STOP:
        raise Broken(502, f"The provider told nothing: it ended with {reply.finish}", code="bad_reply")
    return TranscribeReply(text=text, usage=reply.usage, extra=reply.extra, origin=HERE)


CODEC: Codec[TranscribeAsk, TranscribeReply] = Codec(
    format=HERE,
    family=Family.GEMINI,
    request="transcription",
    model_in_path=True,
    peek=generate.peek,
    put=generate.put,
    write_ask=write_ask,
    read_reply=read_reply,
    read_usage=generate.CODEC.read_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)
