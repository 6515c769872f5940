# One case per line, as in a table.
"""Images of Bedrock's models: Amazon's and Stability's bodies, there and back."""

from typing import Any

import msgspec
import pytest
from wire_kit import STAMP

from asbru.model.chat import Image
from asbru.model.failure import Broken, Refused
from asbru.model.images import ImageAsk, ImageReply, Picture
from asbru.model.names import Format
from asbru.wire import CODECS, Envelope
from asbru.wire.bedrock.invoke import format_of

CANVAS, STABILITY = CODECS[Format.BEDROCK_CANVAS], CODECS[Format.BEDROCK_STABILITY]
PNG, JPEG = "iVBORw0KGgo=", "/9j/4AAQ"

CANVASES: list[dict[str, Any]] = [
    {"taskType": "TEXT_IMAGE", "textToImageParams": {"text": "a fox"}},
    {
        "taskType": "TEXT_IMAGE", "textToImageParams": {"text": "a fox", "negativeText": "snow", "style": "PHOTOREALISM"},
        "imageGenerationConfig": {"numberOfImages": 2, "width": 1280, "height": 720, "quality": "premium", "cfgScale": 6.5, "seed": 7},
        "odd": 1,
    },
    {"taskType": "IMAGE_VARIATION", "imageVariationParams": {"text": "a fox", "images": [PNG]}},
]  # fmt: skip
STABILITIES: list[dict[str, Any]] = [
    {"prompt": "a fox"},
    {
        "prompt": "a fox",
        "negative_prompt": "snow",
        "aspect_ratio": "16:9",
        "output_format": "jpeg",
        "seed": 7,
        "strength": 0.5,
    },
    {"prompt": "a fox", "mode": "image-to-image", "image": JPEG},
]


@pytest.mark.parametrize(
    ("codec", "body"), [*((CANVAS, body) for body in CANVASES), *((STABILITY, body) for body in STABILITIES)]
)
def test_what_is_read_is_written(codec: Any, body: dict[str, Any]) -> None:
    envelope = Envelope(msgspec.json.encode(body))
    written = codec.write_ask(codec.read_ask(envelope))
    assert msgspec.json.decode(written.body) == body
    assert written.lost == ()
    assert codec.peek(envelope).model == ""
    assert codec.put(envelope, "m", False) == {}
    assert format_of(envelope.members, "stability.x") in (codec.format, Format.BEDROCK_STABILITY)


WRONG: list[tuple[Any, dict[str, Any], str]] = [
    (CANVAS, {"taskType": "INPAINTING"}, "taskType: must be TEXT_IMAGE or IMAGE_VARIATION"),
    (CANVAS, {"taskType": "TEXT_IMAGE"}, "textToImageParams: Field required"),
    (CANVAS, {"taskType": "TEXT_IMAGE", "textToImageParams": {}}, "textToImageParams.text: Field required"),
    (
        CANVAS,
        {"taskType": "TEXT_IMAGE", "textToImageParams": {"text": "a"}, "imageGenerationConfig": {"width": "x"}},
        "imageGenerationConfig.width: Expected",
    ),
    (CANVAS, {"taskType": "IMAGE_VARIATION"}, "imageVariationParams: Field required"),
    (STABILITY, {}, "prompt: Field required"),
]


@pytest.mark.parametrize(("codec", "body", "words"), WRONG)
def test_a_mistake_is_named(codec: Any, body: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as told:
        codec.read_ask(Envelope(msgspec.json.encode(body)))
    assert told.value.message.startswith(words)


def ask(**said: Any) -> ImageAsk:
    return ImageAsk(model="m", prompt="a fox", origin=Format.OPENAI_IMAGES, **said)


WRITTEN: list[tuple[Any, ImageAsk, dict[str, Any], set[str]]] = [
    (
        CANVAS,
        ask(size="auto", quality="low", style="vivid", output="jpeg", compression=5, user="u", background="opaque"),
        {"imageGenerationConfig": {"quality": "standard"}},
        {"style", "output_format", "output_compression", "user", "background"},
    ),
    (
        CANVAS,
        ask(size="1024x1536", quality="hd", count=3),
        {"imageGenerationConfig": {"numberOfImages": 3, "width": 1024, "height": 1536, "quality": "premium"}},
        set(),
    ),
    (
        CANVAS,
        ask(aspect="16:9", resolution="2K"),
        {"imageGenerationConfig": {"width": 1536, "height": 1024}},
        {"aspect", "resolution"},
    ),
    (STABILITY, ask(size="1024x1536", output="webp"), {"aspect_ratio": "2:3", "output_format": "webp"}, set()),
    (
        STABILITY,
        ask(size="1000x950", quality="high", guidance=5.0),
        {"aspect_ratio": "1:1"},
        {"size", "quality", "guidance"},
    ),
    (STABILITY, ask(aspect="3:4", avoid="snow"), {"negative_prompt": "snow"}, {"aspect"}),
]


@pytest.mark.parametrize(("codec", "asked", "expected", "lost"), WRITTEN)
def test_others_words(codec: Any, asked: ImageAsk, expected: dict[str, Any], lost: set[str]) -> None:
    written = codec.write_ask(asked)
    plain = (
        {"taskType": "TEXT_IMAGE", "textToImageParams": {"text": "a fox"}} if codec is CANVAS else {"prompt": "a fox"}
    )
    assert msgspec.json.decode(written.body) == {**plain, **expected}
    assert set(written.lost) == lost


def test_references_must_be_bytes() -> None:
    linked = ask(references=(Image(url="https://x/y.png"),))
    for codec in (CANVAS, STABILITY):
        with pytest.raises(Refused, match="by their data"):
            codec.write_ask(linked)
    with pytest.raises(Refused, match="from one image"):
        STABILITY.write_ask(ask(references=(Image(data=PNG), Image(data=PNG))))


def test_stabilitys_images_one_by_one() -> None:
    assert STABILITY.split is not None
    assert STABILITY.join is not None
    assert [each.seed for each in STABILITY.split(ask(count=3, seed=5))] == [5, 6, 7]
    assert len(STABILITY.split(ask())) == 1
    with pytest.raises(Refused, match="n: must be from 1 to 10"):
        STABILITY.split(ask(count=11))
    one = ImageReply(pictures=(Picture(data=PNG),), origin=Format.BEDROCK_STABILITY)
    assert len(STABILITY.join([one, one]).pictures) == 2


def test_replies() -> None:
    reply = CANVAS.read_reply(msgspec.json.encode({"images": [PNG, JPEG], "error": None, "maskImage": "x"}))
    assert [(one.data, one.media_type) for one in reply.pictures] == [(PNG, "image/png"), (JPEG, "image/jpeg")]
    assert msgspec.json.decode(CANVAS.write_reply(reply, STAMP).body) == {
        "images": [PNG, JPEG],
        "error": None,
        "maskImage": "x",
    }
    written = STABILITY.write_reply(reply, STAMP)
    assert msgspec.json.decode(written.body) == {"images": [PNG, JPEG], "seeds": [0, 0], "finish_reasons": [None, None]}
    assert written.lost == ("maskImage",)
    for body in (
        {"images": [], "error": "blocked"},
        {"error": "blocked"},
        {"images": [None], "finish_reasons": ["blocked"]},
    ):
        reply = CANVAS.read_reply(msgspec.json.encode(body))
        assert [one.refused for one in reply.pictures] == ["blocked"]
        assert msgspec.json.decode(CANVAS.write_reply(reply, STAMP).body) == {"images": [], "error": "blocked"}
    blocked = STABILITY.read_reply(
        msgspec.json.encode({"images": [PNG], "seeds": [1], "finish_reasons": ["SUCCESS", "Filter reason: prompt"]})
    )
    assert msgspec.json.decode(STABILITY.write_reply(blocked, STAMP).body)["finish_reasons"] == [
        None,
        "Filter reason: prompt",
    ]
    linked = ImageReply(pictures=(Picture(url="https://x"),), text="so", origin=Format.OPENAI_IMAGES)
    assert set(CANVAS.write_reply(linked, STAMP).lost) == {"text", "images.0: by url"}
    assert CANVAS.read_usage(b"{}") is None
    for nothing in (b"{}", b"[", b'{"images":1}'):
        with pytest.raises(Broken, match="images"):
            CANVAS.read_reply(nothing)
