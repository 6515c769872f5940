"""Images, speech and transcripts: mistakes named, losses told, shapes exact, streams cut anywhere."""

import json
import random
from base64 import b64encode
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from asbru.model.chat import Audio, Image
from asbru.model.events import Delta, Done, Event, Open, Start
from asbru.model.failure import Broken, Bug, Overloaded, Refused, Upstream
from asbru.model.images import ImageAsk, ImageReply, Picture
from asbru.model.names import Format
from asbru.model.speech import SpeechAsk
from asbru.model.transcribe import Spoken, TranscribeAsk, TranscribeReply
from asbru.model.usage import Usage
from asbru.wire import CODECS, AnyCodec, Envelope, Frame, Stamp
from asbru.wire.framing import CUTTERS, WRITERS
from asbru.wire.multipart import Form, Slice
from asbru.wire.openai.media_streams import END, MediaTap
from asbru.wire.openai.speech import wants_events
from asbru.wire.subtitles import captions, write_srt, write_vtt

IMAGES, SPEECH, EVENTS = (
    CODECS[each] for each in (Format.OPENAI_IMAGES, Format.OPENAI_SPEECH, Format.OPENAI_SPEECH_EVENTS)
)
TRANSCRIPTS, EDITS = CODECS[Format.OPENAI_TRANSCRIPTIONS], CODECS[Format.OPENAI_IMAGE_EDITS]
ELEVEN_SPEECH, ELEVEN_TEXT = CODECS[Format.ELEVENLABS_SPEECH], CODECS[Format.ELEVENLABS_TRANSCRIPTS]
HERE = Format.OPENAI_IMAGES
STAMP = Stamp(id="1", at=1_800_000_000, model="m")


def ask(codec: AnyCodec, **members: Any) -> Any:
    return codec.read_ask(Envelope(json.dumps({"model": "m", **members}).encode()))


def said(body: bytes) -> Any:
    return json.loads(body)


IMAGE_MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({}, "prompt"),
    ({"prompt": 5}, "prompt"),
    ({"prompt": "x", "n": "two"}, "n"),
    ({"prompt": "x", "n": 0}, "n"),
    ({"prompt": "x", "n": 11}, "n"),
    ({"prompt": "x", "response_format": "gif"}, "response_format"),
    ({"prompt": "x", "output_compression": 1.5}, "output_compression"),
]


@pytest.mark.parametrize(("members", "param"), IMAGE_MISTAKES)
def test_image_mistakes(members: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused) as told:
        ask(IMAGES, **members)
    assert (told.value.status, told.value.param) == (400, param)


@pytest.mark.parametrize("members", [{"stream": "yes"}, {"model": ""}, {"fallbacks": 5}])
def test_what_is_peeked_is_checked(members: dict[str, Any]) -> None:
    for codec in (IMAGES, EDITS, EVENTS):
        with pytest.raises(Refused):
            codec.peek(Envelope(json.dumps({"model": "m", "stream": True, "fallbacks": [], **members}).encode()))
            if "stream" in members:
                raise Refused(400, "events are always a stream")


def test_images_at_home_keep_everything() -> None:
    members = {
        "prompt": "x", "n": 2, "size": "auto", "quality": "low", "style": "vivid", "background": "opaque",
        "output_format": "webp", "output_compression": 50, "response_format": "url", "stream": True,
        "partial_images": 2, "user": "u", "moderation": "low",
    }  # fmt: skip
    written = IMAGES.write_ask(ask(IMAGES, **members))
    assert (said(written.body), written.lost) == ({"model": "m", **members}, ())


def test_images_from_elsewhere() -> None:
    far = ImageAsk(
        model="m", prompt="x", aspect="16:9", resolution="2K", avoid="dogs", seed=1, guidance=2.0, as_url=False,
        extra={"personGeneration": Raw(b'"ALLOW"'), "nothing": Raw(b"null")}, origin=Format.GEMINI_GENERATE,
    )  # fmt: skip
    written = IMAGES.write_ask(far)
    assert said(written.body) == {"model": "m", "prompt": "x", "size": "1536x1024", "response_format": "b64_json"}
    assert set(written.lost) == {"personGeneration", "aspect", "resolution", "avoid", "seed", "guidance"}
    with pytest.raises(Refused, match="from text only"):
        IMAGES.write_ask(msgspec.structs.replace(far, references=(Image(url="x"),)))


REPLY = {
    "created": 5,
    "data": [{"b64_json": "QQ==", "revised_prompt": "a fox"}, {"url": "https://x/y"}],
    "output_format": "webp",
    "quality": "low",
    "size": "1x1",
    "background": "opaque",
    "usage": {"input_tokens": 9, "input_tokens_details": {"image_tokens": 4, "text_tokens": 5}, "output_tokens": 7},
}


def test_image_replies() -> None:
    reply = IMAGES.read_reply(json.dumps({**REPLY, "odd": 1}).encode())
    assert reply.pictures[0] == Picture(data="QQ==", media_type="image/webp", prompt="a fox")
    assert reply.usage == Usage(input=9, output=7, input_image=4, output_image=7)
    assert IMAGES.read_usage(json.dumps(REPLY).encode()) == reply.usage
    again = said(IMAGES.write_reply(reply, STAMP).body)
    assert {name: again[name] for name in REPLY if name != "usage"} == {k: v for k, v in REPLY.items() if k != "usage"}
    assert (again["odd"], again["usage"]["total_tokens"]) == (1, 16)
    foreign = msgspec.structs.replace(reply, origin=Format.GEMINI_GENERATE, text="here", created=0, output="")
    written = IMAGES.write_reply(foreign, Stamp(id="1", at=7, ask=ask(IMAGES, prompt="x", response_format="url")))
    told = said(written.body)
    assert (set(written.lost), told["created"], told["output_format"]) == ({"odd", "text"}, 7, "webp")
    assert told["data"][0]["url"] == "data:image/webp;base64,QQ=="


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data": 5}', b'{"data": [5]}', b"\xff"])
def test_broken_answers(body: bytes) -> None:
    for codec in (IMAGES, ELEVEN_TEXT):
        with pytest.raises(Broken):
            codec.read_reply(body)
    assert IMAGES.read_usage(b"\xff") is None
    assert TRANSCRIPTS.read_usage(body) is None


def test_no_image_is_told_with_its_reason() -> None:
    empty = ImageReply(pictures=(Picture(refused="violence"),), origin=Format.GEMINI_GENERATE)
    for reply, why in ((empty, "violence"), (ImageReply(pictures=(), text="I will not", origin=HERE), "I will not")):
        with pytest.raises(Refused, match=why) as told:
            IMAGES.write_reply(reply, STAMP)
        assert told.value.code == "moderation_blocked"


def events_of(body: bytes) -> list[Any]:
    cut = CUTTERS[IMAGES.framing]()
    return [json.loads(frame.data) for frame in cut.feed(body) + cut.flush()]


def test_whole_images_as_a_stream() -> None:
    reply = ImageReply(
        pictures=(Picture(data="QQ==", media_type="image/jpeg"), Picture(url="https://x/y")),
        usage=Usage(input=3, output=4, output_image=4),
        origin=HERE,
    )
    writer = IMAGES.writer(STAMP, ask(IMAGES, prompt="x", size="1x1"))
    first, second = events_of(b"".join(map(writer.send, IMAGES.unfold(reply))))
    assert (first["type"], first["b64_json"], first["output_format"]) == ("image_generation.completed", "QQ==", "jpeg")
    assert (first["usage"]["total_tokens"], first["size"], first["created_at"]) == (0, "1x1", STAMP.at)
    assert (second["url"], second["usage"]["total_tokens"]) == ("https://x/y", 7)
    assert writer.send(Done()) == b""


@pytest.mark.parametrize("codec", [IMAGES, EDITS, EVENTS, TRANSCRIPTS], ids=lambda codec: codec.format)
def test_failures_in_streams(codec: AnyCodec) -> None:
    body = codec.writer(STAMP, None if codec is not IMAGES else ask(IMAGES, prompt="x")).fail(Overloaded(529, "Busy."))
    (told,) = events_of(body)
    assert (told["type"], told["error"]["message"]) == ("error", "Busy.")
    reader = codec.reader()
    assert reader.feed(Frame("", b'{"type":"x"}')) == ()
    with pytest.raises(Upstream, match="Busy"):
        reader.feed(Frame("error", json.dumps(told).encode()))


def test_what_only_passes_writes_nothing() -> None:
    assert EDITS.writer(STAMP, None).send(Done()) == b""
    assert not EDITS.streams
    with pytest.raises(Bug):
        EDITS.read_ask(Envelope(b"{}"))


LONG = (
    b'data: {"type":"image_generation.completed","b64_json":"'
    + b"A" * (5 * END)
    + b'","usage":'
    + (json.dumps(REPLY["usage"]).encode() + b"}\n\n")
)
TAPPED = (
    b'event: x\ndata: {"type":"image_generation.partial_image","b64_json":"AA"}\n\n'
    + LONG
    + LONG.replace(b"\n", b"\r\n")
)


def test_taps_read_usage_however_it_is_cut() -> None:
    dice = random.Random(5)
    for _ in range(60):
        at = sorted({0, len(TAPPED), *(dice.randrange(len(TAPPED)) for _ in range(dice.randrange(30)))})
        tap = IMAGES.tap(True)
        assert b"".join(tap.feed(TAPPED[a:b]) for a, b in pairwise(at)) + tap.finish() == TAPPED
        assert (tap.done, tap.failed, tap.usage) == (
            True,
            False,
            Usage(input=18, output=14, input_image=8, output_image=14),
        )


@pytest.mark.parametrize(
    ("body", "done", "failed"),
    [
        (b'data: {"type":"a.done"}', True, False),
        (b'data: {"type":"a.done", "usage": 5}\n\n', False, False),
        (b'data: {"type":"error","error":{"message":"x"}}\n\n', False, True),
        (b'data: {"error":null,"usage":null}\n\n', False, False),
        (b'data: {"usage"', False, False),
        (b"", False, False),
    ],
)
def test_taps(body: bytes, done: bool, failed: bool) -> None:
    tap = MediaTap(("a.done",))
    tap.feed(body)
    tap.finish()
    assert (tap.done, tap.failed, tap.usage) == (done, failed, Usage())


SPEECH_MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"voice": "v"}, "input"),
    ({"input": "x"}, "voice"),
    ({"input": "x", "voice": {"name": "v"}}, "voice.id"),
    ({"input": "x", "voice": "v", "speed": "fast"}, "speed"),
    ({"input": "x", "voice": "v", "response_format": "ogg"}, "response_format"),
]


@pytest.mark.parametrize(("members", "param"), SPEECH_MISTAKES)
def test_speech_mistakes(members: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused) as told:
        ask(SPEECH, **members)
    assert told.value.param == param


def test_which_speech() -> None:
    def envelope(word: Any) -> Envelope:
        return Envelope(json.dumps({"model": "m", "stream_format": word, "input": "four"}).encode())

    assert [wants_events(envelope(word)) for word in (None, "audio", "sse")] == [False, False, True]
    for word in ("events", 5):
        with pytest.raises(Refused, match="stream_format"):
            wants_events(envelope(word))
    assert EVENTS.peek(envelope("sse")).stream
    assert SPEECH.asked_usage(envelope("sse")) == Usage(characters=4)
    assert IMAGES.asked_usage(envelope("sse")) == Usage()


ASKED = SpeechAsk(
    model="m", text="x", voice="21m00Tcm", encoding="pcm", speed=1.1, instructions="softly", language="no",
    extra={"odd": Raw(b"1")}, origin=Format.OPENAI_SPEECH,
)  # fmt: skip


def test_speech_is_written() -> None:
    home = SPEECH.write_ask(ask(SPEECH, input="x", voice={"id": "v"}, speed=1.5, odd=[1]))
    assert said(home.body) == {"model": "m", "input": "x", "voice": "v", "speed": 1.5, "odd": [1]}
    assert SPEECH.write_ask(msgspec.structs.replace(ASKED, origin=Format.GEMINI_GENERATE)).lost == ("odd", "language")
    away = ELEVEN_SPEECH.write_ask(ASKED)
    settings = {"language_code": "no", "voice_settings": {"speed": 1.1}}
    assert said(away.body) == {"text": "x", "model_id": "m", **settings}
    assert away.path == (("voice", "21m00Tcm"), ("encoding", "pcm_24000"))
    assert away.lost == ("instructions", "odd")
    for changes, names in (({"encoding": "aac"}, "makes mp3, opus, pcm"), ({"voice": "a/b"}, "named by their ids")):
        with pytest.raises(Refused, match=names):
            ELEVEN_SPEECH.write_ask(msgspec.structs.replace(ASKED, **changes))
    assert ELEVEN_SPEECH.read_usage(b"sound") is None
    assert ELEVEN_SPEECH.put(Envelope(b"{}"), "m", False) == {"model_id": Raw(b'"m"')}
    assert ELEVEN_TEXT.put(Envelope(b"{}"), "m", False) == {"model_id": Raw(b'"m"')}


def test_sound_in_pieces() -> None:
    reader, cutter = SPEECH.reader(), CUTTERS[SPEECH.framing]()
    frames = [*cutter.feed(b"\x00one"), *cutter.feed(b"two"), *cutter.flush()]
    found: list[Event] = [event for frame in frames for event in reader.feed(frame)]
    assert [type(event) for event in found] == [Start, Open, Delta, Delta, Done]
    assert isinstance(found[1], Open)
    assert isinstance(found[1].part, Audio)
    assert reader.done
    sound, events = SPEECH.writer(STAMP, ASKED), EVENTS.writer(STAMP, ASKED)
    assert b"".join(map(sound.send, found)) == b"\x00onetwo"
    assert sound.fail(Broken(502, "x")) == b""
    told = events_of(b"".join(map(events.send, found)))
    assert [each["type"] for each in told] == ["speech.audio.delta"] * 2 + ["speech.audio.done"]
    assert told[0]["audio"] == b64encode(b"\x00one").decode()
    assert WRITERS[SPEECH.framing](Frame("", b"x")) == b"x"


def form(*fields: tuple[str, str], file: str = "file", more: bytes = b"") -> Form:
    parts = [("model", "m"), *fields]
    body = b"".join(f'--b\r\ncontent-disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in parts)
    sound = f'--b\r\ncontent-disposition: form-data; name="{file}"; filename="a.wav"\r\n\r\nRIFF\r\n'.encode()
    return Form(body + sound + more + b"--b--\r\n", "multipart/form-data; boundary=b")


def test_transcripts_are_read() -> None:
    fields = [("language", "no"), ("prompt", "p"), ("response_format", "verbose_json"), ("temperature", "0.5")]
    fields += [("timestamp_granularities[]", "word"), ("timestamp_granularities[]", "segment"), ("odd", "1")]
    read = TRANSCRIPTS.read_ask(form(*fields, ("chunking_strategy", "auto"), ("stream", "true")))
    assert (read.language, read.prompt, read.wanted, read.temperature) == ("no", "p", "verbose_json", 0.5)
    assert (read.times, read.stream, list(read.extra)) == (("word", "segment"), True, ["odd"])
    assert (read.sound.whole(), read.name, read.fence) == (b"RIFF", "a.wav", b"b")
    plain = TRANSCRIPTS.read_ask(form(("timestamp_granularities", "word")))
    assert (plain.times, plain.temperature, plain.stream) == (("word",), None, False)


EXTRA_FILE = b'--b\r\ncontent-disposition: form-data; name="other"; filename="b"\r\n\r\nx\r\n'


@pytest.mark.parametrize(
    ("made", "param"),
    [
        (form(("response_format", "docx")), "response_format"),
        (form(("temperature", "warm")), "temperature"),
        (form(("timestamp_granularities", "letter")), "timestamp_granularities"),
        (form(("language", "a"), ("language", "b")), "language"),
        (form(file="sound"), "file"),
        (form(more=EXTRA_FILE), "other"),
    ],
)
def test_transcript_mistakes(made: Form, param: str) -> None:
    with pytest.raises(Refused) as told:
        TRANSCRIPTS.read_ask(made)
    assert told.value.param == param


WORDS = tuple(
    Spoken(text=text, start=n, end=n + 0.5, speaker=who)
    for n, (text, who) in enumerate([("Odin", "A"), ("rides.", "A"), ("Loki", "A"), ("laughs", "B")])
)
HEARD = TranscribeReply(
    text="Odin rides. Loki laughs", language="no", words=WORDS, usage=Usage(sound_ms=3500),
    extra={"odd": Raw(b"1")}, origin=Format.ELEVENLABS_TRANSCRIPTS,
)  # fmt: skip


def shaped(wanted: str, reply: TranscribeReply = HEARD, times: tuple[str, ...] = ()) -> tuple[bytes, bytes]:
    asked = TranscribeAsk(
        model="m", sound=Slice(b"", 0, 0), fence=b"b", wanted=wanted, times=times, origin=Format.OPENAI_TRANSCRIPTIONS
    )
    written = TRANSCRIPTS.write_reply(reply, Stamp(id="1", at=1, ask=asked))
    assert written.lost == ("odd",)
    return written.body, written.kind


def test_transcripts_in_every_shape() -> None:
    body, _ = shaped("json")
    assert said(body) == {"text": HEARD.text, "usage": {"type": "duration", "seconds": 3.5}}
    assert shaped("text") == (b"Odin rides. Loki laughs\n", b"text/plain; charset=utf-8")
    assert shaped("srt")[0].startswith(b"1\n00:00:00,000 --> 00:00:01,500\nOdin rides.\n\n2\n00:00:02,000 --> ")
    assert shaped("vtt") == (write_vtt(captions(WORDS)), b"text/vtt; charset=utf-8")
    verbose = said(shaped("verbose_json")[0])
    assert (verbose["duration"], verbose["language"], len(verbose["segments"])) == (3.5, "no", 3)
    assert "words" not in verbose
    assert [word["word"] for word in said(shaped("verbose_json", times=("word",))[0])["words"]][-1] == "laughs"
    diarized = said(shaped("diarized_json", msgspec.structs.replace(HEARD, seconds=9.0))[0])
    assert ([each["speaker"] for each in diarized["segments"]], diarized["duration"]) == (["A", "A", "B"], 9.0)
    silent = msgspec.structs.replace(HEARD, words=(), usage=Usage(), seconds=None)
    assert "usage" not in said(shaped("json", silent)[0])
    assert said(shaped("verbose_json", silent)[0])["duration"] == 0


def test_captions_end_somewhere() -> None:
    far = Spoken(text="late", start=90.0, end=91.0)
    long = Spoken(text="x" * 79, start=91.0, end=92.0)
    assert [each.text for each in captions([WORDS[0], far, long])] == ["Odin", "late", "x" * 79]
    assert write_srt([Spoken(text="a\n\nb", start=3661.001, end=3661.5)]) == b"1\n01:01:01,001 --> 01:01:01,500\na b\n"


def test_transcripts_as_a_stream() -> None:
    writer = TRANSCRIPTS.writer(STAMP, None)
    tokens = Usage(input=5, input_audio=4, output=2)
    told = events_of(b"".join(map(writer.send, TRANSCRIPTS.unfold(msgspec.structs.replace(HEARD, usage=tokens)))))
    assert [each["type"] for each in told] == ["transcript.text.delta", "transcript.text.done"]
    assert told[1]["text"] == HEARD.text
    assert told[1]["usage"]["input_token_details"] == {"audio_tokens": 4, "text_tokens": 1}
    tap = TRANSCRIPTS.tap(True)
    tap.feed(b"data: " + json.dumps(told[1]).encode() + b"\n\n")
    assert (tap.done, tap.usage) == (True, tokens)


def test_transcripts_for_elevenlabs() -> None:
    fields = (
        ("language", "no"),
        ("prompt", "p"),
        ("temperature", "0.5"),
        ("response_format", "diarized_json"),
        ("odd", "1"),
    )
    written = ELEVEN_TEXT.write_ask(TRANSCRIPTS.read_ask(form(*fields)))
    assert written.upload is not None
    sent = Form(written.upload.whole(), written.kind.decode())
    assert {name: json.loads(bytes(raw)) for name, raw in sent.members.items()} == {
        "model_id": "m", "language_code": "no", "temperature": "0.5", "timestamps_granularity": "word", "diarize": "true",
    }  # fmt: skip
    assert sent.file("file").content.whole() == b"RIFF"
    assert written.lost == ("prompt", "odd")
    words = [
        {"text": "Odin", "start": 0.5, "end": 1, "type": "word", "speaker_id": "s"},
        {"text": " ", "type": "spacing"},
    ]
    body = json.dumps({"text": "Odin", "language_code": "nor", "words": words, "audio_duration_secs": 1.5}).encode()
    reply = ELEVEN_TEXT.read_reply(body)
    assert (reply.words, reply.seconds) == ((Spoken(text="Odin", start=0.5, end=1, speaker="s"),), 1.5)
    assert ELEVEN_TEXT.read_usage(body) == Usage(sound_ms=1500)


@pytest.mark.parametrize(
    ("body", "message", "code", "param"),
    [
        (b'{"detail":{"status":"voice_not_found","message":"No voice."}}', "No voice.", "voice_not_found", ""),
        (
            b'{"detail":[{"loc":["body","text"],"msg":"required","type":"missing"}]}',
            "body.text: required",
            "missing",
            "body.text",
        ),
        (b'{"detail":[]}', ": ", "", ""),
        (b'{"error":{"message":"odd"}}', "odd", "", ""),
        (b"<html>", "The provider answered 422.", "", ""),
    ],
)
def test_elevenlabs_failures(body: bytes, message: str, code: str, param: str) -> None:
    failure = ELEVEN_SPEECH.read_failure(422, {}, body)
    assert (failure.message, failure.code, failure.param) == (message, code, param)


def test_elevenlabs_failures_are_written() -> None:
    told = said(ELEVEN_SPEECH.write_failure(Refused(400, "no", code="x"), "r"))
    assert told == {"detail": {"status": "x", "message": "no", "request_id": "r"}}
