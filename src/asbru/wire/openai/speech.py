"""OpenAI speech (``openai.types.audio.SpeechCreateParams`` 3.54): sound as it comes, or as events.

Rule 1. ``stream_format: sse`` makes it another format of the same operation: its answer is a stream of events
(``speech.audio.delta`` with base64, ``speech.audio.done`` with the usage).
Rule 2. Bare sound says nothing of its usage; what is billed by the character is counted from the request.
Rule 3. A whole answer of another format is plain samples as they are, or a WAVE file of them, as was wanted.
Rule 4. In the model sound in a stream is an ``Audio`` part, and each Delta's text the base64 of a piece.
"""

from base64 import b64decode, b64encode

import msgspec
from msgspec import Struct

from asbru.model.chat import Audio
from asbru.model.events import Delta, Done, Event, Open, Start
from asbru.model.failure import Failure
from asbru.model.names import Family, Format, Framing
from asbru.model.speech import MEDIA_TYPES, SpeechAsk, SpeechReply
from asbru.model.usage import Usage
from asbru.wire.codec import Codec, Peek, Stamp, Written
from asbru.wire.envelope import Envelope
from asbru.wire.openai.errors import read_failure, write_failure
from asbru.wire.openai.media_streams import ErrorReader, MediaTap, write_stream_error
from asbru.wire.openai.media_usage import read_usage, write_sound_usage
from asbru.wire.peeking import peek_fallbacks, peek_model, peek_whole, put_model
from asbru.wire.shapes import Members, Shape, refused, said, write_json
from asbru.wire.sound import wav
from asbru.wire.sse import Frame, write_frame

DELTA, DONE = "speech.audio.delta", "speech.audio.done"
_string = msgspec.json.Decoder(str)


class Voice(Struct, forbid_unknown_fields=True):
    id: str


class Body(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    input: str
    voice: str | Voice
    response_format: str | None = None
    speed: float | None = None
    instructions: str | None = None
    stream_format: str | None = None


_BODY = Shape(Body)


def wants_events(envelope: Envelope) -> bool:
    """Whether ``stream_format`` is sse. Raises Refused(400) when it is neither that nor audio."""
    word = envelope.get("stream_format", _string)
    if word not in (None, "audio", "sse"):
        raise refused("stream_format", "must be audio or sse")
    return word == "sse"


def read_ask(envelope: Envelope) -> SpeechAsk:
    """The request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    body = _BODY.pick(envelope.members, spare)
    if body.response_format is not None and body.response_format not in MEDIA_TYPES:
        raise refused("response_format", f"must be one of {', '.join(MEDIA_TYPES)}")
    return SpeechAsk(
        model=body.model,
        text=body.input,
        voice=body.voice if isinstance(body.voice, str) else body.voice.id,
        encoding=body.response_format or "",
        speed=body.speed,
        instructions=body.instructions or "",
        events=body.stream_format == "sse",
        extra=spare,
        origin=Format.OPENAI_SPEECH,
    )


def write_ask(ask: SpeechAsk) -> Written:
    """The body, for an endpoint that answers with bare sound."""
    home = ask.origin is Format.OPENAI_SPEECH
    lost = [name for name, raw in ask.extra.items() if not home and said(raw)]
    lost += ["language"] if ask.language else []
    told = {
        "model": ask.model,
        "input": ask.text,
        "voice": ask.voice,
        "response_format": ask.encoding,
        "speed": ask.speed,
        "instructions": ask.instructions,
    }
    body: dict[str, object] = {name: value for name, value in told.items() if value not in ("", None)}
    return Written(write_json({**body, **(ask.extra if home else {})}), tuple(lost))


def asked_usage(envelope: Envelope) -> Usage:
    """How many characters are to be spoken."""
    text = envelope.get("input", _string)
    return Usage(characters=len(text or ""))


def _made(reply: SpeechReply, ask: SpeechAsk | None) -> tuple[bytes, str]:
    """The sound as it is wanted, and its encoding."""
    if reply.encoding == "pcm" and (ask is None or ask.encoding != "pcm"):
        return wav(reply.sound, reply.rate), "wav"
    return reply.sound, reply.encoding


def write_reply(reply: SpeechReply, stamp: Stamp) -> Written:
    """Bare sound."""
    sound, encoding = _made(reply, stamp.ask)
    return Written(sound, kind=MEDIA_TYPES.get(encoding, "application/octet-stream").encode())


def unfold(reply: SpeechReply) -> tuple[Event, ...]:
    """The events of a whole answer: all of it in one piece, whose part tells the encoding and the rate."""
    start = Start(id="", model=reply.model, origin=reply.origin)
    opened = Open(0, Audio(data="", format=f"{reply.encoding};rate={reply.rate}"))
    return start, opened, Delta(index=0, text=b64encode(reply.sound).decode()), Done(usage=reply.usage)


class SoundReader:
    """Reads bare sound: each piece is a Delta."""

    __slots__ = ("_begun", "done")

    def __init__(self) -> None:
        self.done = False
        self._begun = False

    def feed(self, frame: Frame) -> tuple[Event, ...]:
        """The events of one piece."""
        if frame.event == "end":
            self.done = True
            return (Done(),)
        delta = Delta(index=0, text=b64encode(frame.data).decode())
        if self._begun:
            return (delta,)
        self._begun = True
        return Start(id="", model="", origin=Format.OPENAI_SPEECH), Open(0, Audio(data="", format="")), delta


class SoundWriter:
    """Writes bare sound. A failure cannot be told in it: the connection is cut."""

    __slots__ = ()

    def __init__(self, stamp: Stamp, ask: SpeechAsk) -> None:
        pass

    def send(self, event: Event) -> bytes:
        """The bytes for one event; may be empty."""
        return b64decode(event.text) if isinstance(event, Delta) else b""

    def fail(self, failure: Failure) -> bytes:
        """Nothing."""
        return b""


class SpeechEventWriter:
    """Writes the events of ``stream_format: sse``."""

    __slots__ = ("_ask", "_rate")

    def __init__(self, stamp: Stamp, ask: SpeechAsk) -> None:
        self._ask = ask
        self._rate = 0

    def send(self, event: Event) -> bytes:
        """The bytes for one event; may be empty."""
        match event:
            case Open(part=Audio(format=told)) if told.startswith("pcm;rate="):
                self._rate = int(told.removeprefix("pcm;rate="))
                return b""
            case Delta() if self._rate:
                whole = SpeechReply(
                    sound=b64decode(event.text), encoding="pcm", rate=self._rate, origin=self._ask.origin
                )
                return _event(DELTA, {"audio": b64encode(_made(whole, self._ask)[0]).decode()})
            case Delta():
                return _event(DELTA, {"audio": event.text})
            case Done():
                return _event(DONE, {"usage": write_sound_usage(event.usage)})
            case _:
                return b""

    def fail(self, failure: Failure) -> bytes:
        """An error in the middle of a stream."""
        return write_stream_error(failure)


def _event(kind: str, told: dict[str, object]) -> bytes:
    return write_frame("", write_json({"type": kind, **told}))


def peek_events(envelope: Envelope) -> Peek:
    """Model and fallbacks; it is a stream."""
    return Peek(peek_model(envelope.members), True, peek_fallbacks(envelope.members), True)


CODEC: Codec[SpeechAsk, SpeechReply] = Codec(
    format=Format.OPENAI_SPEECH,
    family=Family.OPENAI,
    request="speech",
    framing=Framing.BYTES,
    flows=True,
    peek=peek_whole,
    put=put_model,
    body=Body,
    read_ask=read_ask,
    write_ask=write_ask,
    write_reply=write_reply,
    reader=SoundReader,
    writer=SoundWriter,
    asked_usage=asked_usage,
    read_usage=read_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)

EVENTS: Codec[SpeechAsk, SpeechReply] = Codec(
    format=Format.OPENAI_SPEECH_EVENTS,
    family=Family.OPENAI,
    request="speech",
    unread=True,
    peek=peek_events,
    put=put_model,
    body=Body,
    read_ask=read_ask,
    write_reply=write_reply,
    unfold=unfold,
    reader=ErrorReader,
    writer=SpeechEventWriter,
    asked_usage=asked_usage,
    read_usage=read_usage,
    tap=lambda include_usage: MediaTap((DONE,)),
    read_failure=read_failure,
    write_failure=write_failure,
)
