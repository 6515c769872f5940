"""OpenAI transcriptions (``openai.types.audio.TranscriptionCreateParams``, ``Transcription…`` 3.54): forms to text.

Rule 1. The wanted ``response_format`` decides the shape of the answer; what a shape needs and the provider does not
tell is left out (``segments``) or, where the shape is nothing without it (srt, vtt), made from the words.
Rule 2. An answer in pieces is ``transcript.text.delta`` and a last ``transcript.text.done`` with text and usage.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from asbru.model.chat import Text
from asbru.model.events import Close, Delta, Done, Event, Open, Start
from asbru.model.failure import Failure, Refused
from asbru.model.names import Family, Format
from asbru.model.transcribe import Spoken, TranscribeAsk, TranscribeReply
from asbru.model.usage import Usage
from asbru.wire.codec import JSON, Codec, Stamp, Written
from asbru.wire.envelope import Envelope
from asbru.wire.multipart import Form
from asbru.wire.openai.errors import read_failure, write_failure
from asbru.wire.openai.forms import peek
from asbru.wire.openai.media_streams import ErrorReader, MediaTap, write_stream_error
from asbru.wire.openai.media_usage import read_usage, write_sound_usage
from asbru.wire.peeking import put_model
from asbru.wire.shapes import BAD_JSON, Members, refused, said, write_json
from asbru.wire.sse import write_frame
from asbru.wire.subtitles import captions, write_srt, write_vtt

HERE = Format.OPENAI_TRANSCRIPTIONS
WANTED = ("json", "text", "srt", "verbose_json", "vtt", "diarized_json")
_PLAIN = b"text/plain; charset=utf-8"
_VTT = b"text/vtt; charset=utf-8"

_string = msgspec.json.Decoder(str).decode
_strings = msgspec.json.Decoder(tuple[str, ...] | str).decode
_number = msgspec.json.Decoder(float, strict=False).decode
_DROPPED = frozenset({"chunking_strategy", "fallbacks"})


class _Fields(Struct):
    """The fields of a form, taken one by one."""

    members: Members

    def text(self, name: str) -> str:
        raw = self.members.pop(name, None)
        try:
            return _string(raw) if raw is not None else ""
        except BAD_JSON as error:
            raise refused(name, error) from None

    def number(self, name: str) -> float | None:
        raw = self.members.pop(name, None)
        try:
            return _number(raw) if raw is not None else None
        except BAD_JSON:
            raise refused(name, "must be a number") from None

    def texts(self, name: str) -> tuple[str, ...]:
        """``name`` repeated, or ``name[]``."""
        told: tuple[str, ...] = ()
        for each in (name, f"{name}[]"):
            raw = self.members.pop(each, None)
            value = _strings(raw) if raw is not None else ()
            told += (value,) if isinstance(value, str) else value
        return told


def read_ask(envelope: Envelope) -> TranscribeAsk:
    """The request. Raises Refused(400) naming the field that is wrong."""
    if not isinstance(envelope, Form):
        raise Refused(400, "The body must be multipart/form-data.", code="invalid_request_error")
    file = envelope.file("file")
    fields = _Fields(dict(envelope.members))
    fields.members.pop("stream", None)
    wanted = fields.text("response_format")
    if wanted and wanted not in WANTED:
        raise refused("response_format", f"must be one of {', '.join(WANTED)}")
    times = fields.texts("timestamp_granularities")
    if not set(times) <= {"word", "segment"}:
        raise refused("timestamp_granularities", "must be word or segment")
    others = [part.name for part in envelope.parts if part.filename is not None and part.name != "file"]
    if others:
        raise refused(others[0], "is a file that is not known here")
    return TranscribeAsk(
        model=fields.text("model"),
        sound=file.content,
        fence=envelope.boundary,
        name=file.filename or "",
        media_type=file.media_type,
        language=fields.text("language"),
        prompt=fields.text("prompt"),
        wanted=wanted,
        temperature=fields.number("temperature"),
        times=times,
        speakers=wanted == "diarized_json",
        stream=bytes(envelope.members.get("stream", b"")) == b"true",
        extra={name: raw for name, raw in fields.members.items() if name not in _DROPPED},
        origin=HERE,
    )


def write_reply(reply: TranscribeReply, stamp: Stamp) -> Written:
    """The text in the wanted shape."""
    ask = stamp.ask
    wanted = ask.wanted if isinstance(ask, TranscribeAsk) else ""
    lost = tuple(name for name, raw in reply.extra.items() if said(raw))
    match wanted:
        case "text":
            return Written(f"{reply.text}\n".encode(), lost, _PLAIN)
        case "srt":
            return Written(write_srt(_captions(reply)), lost, _PLAIN)
        case "vtt":
            return Written(write_vtt(_captions(reply)), lost, _VTT)
        case "verbose_json":
            return Written(write_json(_verbose(reply, ask.times)), lost, JSON)
        case "diarized_json":
            return Written(write_json(_diarized(reply)), lost, JSON)
        case _:
            return Written(write_json({"text": reply.text} | _usage(reply.usage)), lost, JSON)


def _captions(reply: TranscribeReply) -> Sequence[Spoken]:
    return reply.segments or captions(reply.words)


def _usage(usage: Usage) -> dict[str, object]:
    return {"usage": write_sound_usage(usage)} if usage != Usage() else {}


def _seconds(reply: TranscribeReply) -> float:
    last = [each.end for each in (*reply.words[-1:], *reply.segments[-1:])]
    return max(last, default=0.0) if reply.seconds is None else reply.seconds


def _verbose(reply: TranscribeReply, times: tuple[str, ...]) -> dict[str, object]:
    told: dict[str, object] = {
        "task": "transcribe",
        "language": reply.language,
        "duration": _seconds(reply),
        "text": reply.text,
    }
    if "word" in times:
        told["words"] = [{"word": each.text, "start": each.start, "end": each.end} for each in reply.words]
    if "segment" in times or not times:
        told["segments"] = [_segment(n, each) for n, each in enumerate(_captions(reply))]
    return told | _usage(reply.usage)


def _segment(n: int, each: Spoken) -> dict[str, object]:
    """The figures of Whisper's decoder are not told by others; the SDK demands them."""
    figures = {"avg_logprob": 0.0, "compression_ratio": 1.0, "no_speech_prob": 0.0, "temperature": 0.0}
    return {"id": n, "seek": 0, "start": each.start, "end": each.end, "text": each.text, "tokens": [], **figures}


def _diarized(reply: TranscribeReply) -> dict[str, object]:
    segments = [
        {
            "type": "transcript.text.segment",
            "id": f"seg_{n}",
            "start": each.start,
            "end": each.end,
            "text": each.text,
            "speaker": each.speaker or "A",
        }
        for n, each in enumerate(_captions(reply))
    ]
    told = {"task": "transcribe", "duration": _seconds(reply), "text": reply.text, "segments": segments}
    return told | _usage(reply.usage)


def unfold(reply: TranscribeReply) -> tuple[Event, ...]:
    """The reply as a stream of one piece."""
    begun = (Start(id="", model="", origin=reply.origin), Open(0, Text("")))
    return (*begun, Delta(index=0, text=reply.text), Close(0), Done(usage=reply.usage))


class TranscriptWriter:
    """Writes one stream."""

    __slots__ = ("_text",)

    def __init__(self, stamp: Stamp, ask: TranscribeAsk) -> None:
        self._text = ""

    def send(self, event: Event) -> bytes:
        """The bytes for one event; may be empty."""
        match event:
            case Delta():
                self._text += event.text
                return _event({"type": "transcript.text.delta", "delta": event.text})
            case Done():
                return _event({"type": "transcript.text.done", "text": self._text} | _usage(event.usage))
            case _:
                return b""

    def fail(self, failure: Failure) -> bytes:
        """An error in the middle of a stream."""
        return write_stream_error(failure)


def _event(told: dict[str, object]) -> bytes:
    return write_frame("", write_json(told))


CODEC: Codec[TranscribeAsk, TranscribeReply] = Codec(
    format=HERE,
    family=Family.OPENAI,
    request="transcription",
    unread=True,
    peek=peek,
    put=put_model,
    read_ask=read_ask,
    write_reply=write_reply,
    unfold=unfold,
    reader=ErrorReader,
    writer=TranscriptWriter,
    read_usage=read_usage,
    tap=lambda include_usage: MediaTap(("transcript.text.done",)),
    read_failure=read_failure,
    write_failure=write_failure,
)
