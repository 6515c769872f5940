"""Google's pictures: Imagen's predictions, and Gemini's own among the parts of a response."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw
from wire_kit import STAMP

from asbru.model.chat import Image
from asbru.model.failure import Broken, Refused
from asbru.model.images import ImageAsk, ImageReply, Picture
from asbru.model.names import Format
from asbru.model.usage import Usage
from asbru.wire import CODECS, AnyCodec, Envelope

PREDICT = CODECS[Format.GEMINI_PREDICT]
VERTEX = CODECS[Format.VERTEX_PREDICT]
IMAGES = CODECS[Format.GEMINI_IMAGES]
OPENAI = CODECS[Format.OPENAI_IMAGES]
Json = dict[str, Any]


def read(codec: AnyCodec, body: Json) -> ImageAsk:
    asked: ImageAsk = codec.read_ask(Envelope(msgspec.json.encode(body)))
    return msgspec.structs.replace(asked, model="m")


def written(codec: AnyCodec, asked: ImageAsk) -> tuple[Json, set[str]]:
    out = codec.write_ask(asked)
    return msgspec.json.decode(out.body), set(out.lost)


PROMPT = [{"prompt": "A bridge"}]
HOME: list[Json] = [
    {"instances": PROMPT},
    {"instances": PROMPT, "parameters": {"sampleCount": 2, "aspectRatio": "3:4", "sampleImageSize": "2K", "guidanceScale": 1.5}},
    {"instances": PROMPT, "parameters": {"outputOptions": {"mimeType": "image/jpeg", "compressionQuality": 80}}},
    {"instances": PROMPT, "parameters": {"personGeneration": "allow_all"}, "labels": {"a": "b"}},
]  # fmt: skip


@pytest.mark.parametrize("body", HOME)
def test_at_home_it_is_written_as_it_came(body: Json) -> None:
    assert written(PREDICT, read(PREDICT, body)) == (body, set())
    assert written(VERTEX, read(VERTEX, body)) == (body, set())


def test_only_vertex_knows_seeds_and_what_to_avoid() -> None:
    body = {"instances": PROMPT, "parameters": {"seed": 7, "negativePrompt": "fog"}}
    assert written(VERTEX, read(VERTEX, body)) == (body, set())
    assert written(PREDICT, read(PREDICT, body)) == ({"instances": PROMPT}, {"seed", "avoid"})


def test_snake_case_and_strings() -> None:
    told = {
        "instances": PROMPT,
        "parameters": {"sample_count": "2", "aspect_ratio": "1:1", "output_options": {"mime_type": "image/png"}},
    }
    asked = read(PREDICT, told)
    assert (asked.count, asked.aspect, asked.output) == (2, "1:1", "png")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "instances"), ({"instances": []}, "instances"), ({"instances": 5}, "instances"), ({"instances": [5]}, "instances.0"),
        ({"instances": [{}]}, "instances.0.prompt"), ({"instances": PROMPT * 2}, "instances.1"),
        ({"instances": PROMPT, "parameters": 5}, "parameters"),
        ({"instances": PROMPT, "parameters": {"sampleCount": "many"}}, "parameters.sampleCount"),
        ({"instances": PROMPT, "parameters": {"outputOptions": 5}}, "parameters.outputOptions"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(body: Json, param: str) -> None:
    with pytest.raises(Refused) as failed:
        read(PREDICT, body)
    assert (failed.value.status, failed.value.param) == (400, param)


OPENAIS = {
    "model": "m", "prompt": "A bridge", "n": 2, "size": "1536x1024", "quality": "high", "style": "vivid", "background": "auto",
    "output_format": "webp", "output_compression": 50, "user": "u", "brand_new": 1,
}  # fmt: skip


def test_openais_words_in_googles() -> None:
    body, lost = written(PREDICT, read(OPENAI, OPENAIS))
    options = {"mimeType": "image/webp", "compressionQuality": 50}
    assert body == {
        "instances": PROMPT,
        "parameters": {"sampleCount": 2, "aspectRatio": "4:3", "outputOptions": options},
    }
    assert lost == {"size", "quality", "style", "user", "brand_new"}
    body, lost = written(IMAGES, read(OPENAI, OPENAIS))
    assert body == {
        "contents": [{"role": "user", "parts": [{"text": "A bridge"}]}],
        "generationConfig": {"responseModalities": ["TEXT", "IMAGE"], "imageConfig": {"aspectRatio": "3:2"}},
    }
    assert lost == {"quality", "style", "user", "brand_new", "output_compression", "output_format"}


def test_googles_words_in_openais() -> None:
    told = {"instances": PROMPT, "parameters": {"sampleCount": 2, "aspectRatio": "2:3", "negativePrompt": "fog"}}
    body, lost = written(OPENAI, read(VERTEX, told))
    assert body == {"model": "m", "prompt": "A bridge", "n": 2, "size": "1024x1536"}
    assert lost == {"avoid"}


REFERENCE = Image(data="AA==", media_type="image/png")


def test_images_to_begin_from() -> None:
    asked = ImageAsk(
        model="m", prompt="Bluer", references=(REFERENCE,), seed=7, avoid="fog", partial=2, origin=Format.OPENAI_IMAGES
    )
    with pytest.raises(Refused, match="from text only"):
        PREDICT.write_ask(asked)
    body, lost = written(IMAGES, asked)
    assert [next(iter(part)) for part in body["contents"][0]["parts"]] == ["inlineData", "text"]
    assert body["generationConfig"]["seed"] == 7
    assert lost == {"avoid", "partial_images"}


def test_one_picture_at_a_time() -> None:
    asked = ImageAsk(model="m", prompt="A bridge", count=3, origin=Format.OPENAI_IMAGES)
    assert IMAGES.split is not None
    assert IMAGES.join is not None
    assert [each.count for each in IMAGES.split(asked)] == [1, 1, 1]
    assert len(IMAGES.split(msgspec.structs.replace(asked, count=None))) == 1
    one = ImageReply(
        pictures=(Picture(data="AA=="),), usage=Usage(input=3, output=9, output_image=8), origin=Format.GEMINI_IMAGES
    )
    both = IMAGES.join([one, one])
    assert len(both.pictures) == 2
    assert both.usage == Usage(input=6, output=18, output_image=16)


def test_predictions_both_ways() -> None:
    body = {
        "predictions": [
            {"bytesBase64Encoded": "AA==", "mimeType": "image/png", "prompt": "A long bridge"},
            {"raiFilteredReason": "No faces."},
        ],
        "positivePromptSafetyAttributes": {},
    }
    reply = PREDICT.read_reply(msgspec.json.encode(body))
    assert reply.pictures == (
        Picture(data="AA==", media_type="image/png", prompt="A long bridge"),
        Picture(refused="No faces."),
    )
    assert msgspec.json.decode(PREDICT.write_reply(reply, STAMP).body) == body
    assert PREDICT.read_usage(msgspec.json.encode(body)) is None
    foreign = ImageReply(
        pictures=(
            Picture(url="data:image/webp;base64,AA=="),
            Picture(url="https://example.org/a.png"),
            Picture(data="AA=="),
        ),
        text="Here:",
        output="jpeg",
        extra={"x": Raw(b"1")},
        origin=Format.OPENAI_IMAGES,
    )
    out = PREDICT.write_reply(foreign, STAMP)
    assert msgspec.json.decode(out.body)["predictions"] == [
        {"bytesBase64Encoded": "AA==", "mimeType": "image/webp"},
        {"mimeType": "image/jpeg"},
        {"bytesBase64Encoded": "AA==", "mimeType": "image/jpeg"},
    ]
    assert set(out.lost) == {"x", "text", "predictions.1: image by url"}
    with pytest.raises(Broken):
        PREDICT.read_reply(b'{"predictions": 5}')


def test_pictures_among_the_parts() -> None:
    parts = [{"text": "Here:"}, {"inlineData": {"mimeType": "image/png", "data": "AA=="}}]
    usage = {
        "promptTokenCount": 3,
        "candidatesTokenCount": 1300,
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
    }
    reply = IMAGES.read_reply(
        msgspec.json.encode(
            {
                "candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}],
                "usageMetadata": usage,
                "modelVersion": "m",
            }
        )
    )
    assert (reply.model, reply.text, reply.pictures) == ("m", "Here:", (Picture(data="AA==", media_type="image/png"),))
    assert (reply.usage.output, reply.usage.output_image) == (1300, 1290)
    none = IMAGES.read_reply(
        b'{"candidates": [{"content": {"parts": [{"text": "I will not."}]}, "finishReason": "STOP"}]}'
    )
    assert none.pictures == (Picture(refused="I will not."),)
    filtered = IMAGES.read_reply(b'{"candidates": [{"finishReason": "IMAGE_SAFETY"}]}')
    assert filtered.pictures == (Picture(refused="it ended with content_filter"),)
    with pytest.raises(Refused, match="I will not"):
        OPENAI.write_reply(none, STAMP)


@pytest.mark.parametrize("count", [-1, 11, 10**7, 10**18])
def test_nobody_asks_for_pictures_without_end(count: int) -> None:
    asked = read(PREDICT, {"instances": PROMPT, "parameters": {"sampleCount": count}})
    for format in (Format.GEMINI_IMAGES, Format.BEDROCK_STABILITY):
        split = CODECS[format].split
        assert split is not None
        with pytest.raises(Refused, match="n: must be from 1 to 10"):
            split(asked)


def test_seeds_are_counted_on_while_they_are_seeds() -> None:
    split = CODECS[Format.BEDROCK_STABILITY].split
    assert split is not None
    for seed, seeds in ((7, [7, 8]), (2**64 - 1, [2**64 - 1] * 2), (None, [None, None])):
        assert [
            one.seed for one in split(ImageAsk(model="m", prompt="x", count=2, seed=seed, origin=Format.OPENAI_IMAGES))
        ] == seeds
