"""Images through InvokeModel: Amazon's Nova Canvas and Titan (``taskType``), and Stability AI's.

Sources: the user guide's "Request and response structure for image generation" (Nova Canvas), "Amazon Titan Image
Generator" and "Stability AI models".

Rule 1. Amazon's are told width and height, Stability's an aspect; where a request says the other, the nearest is
written and what is not met is named.
Rule 2. Stability makes one image of a request: more are asked for one by one.
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Image
from asbru.model.failure import Broken, Refused
from asbru.model.images import MOST_IMAGES, ImageAsk, ImageReply, Picture, aspect_of, measures, size_of
from asbru.model.names import Family, Format
from asbru.model.usage import Usage
from asbru.wire.bedrock.errors import read_failure, write_failure
from asbru.wire.codec import Codec, Peek, Stamp, Written
from asbru.wire.envelope import Envelope
from asbru.wire.peeking import peek_fallbacks
from asbru.wire.pictures import kind_of
from asbru.wire.shapes import BAD_JSON, NOTHING, Members, Shape, given, join, read_members, refused, said, write_json

CANVAS = Format.BEDROCK_CANVAS
STABILITY = Format.BEDROCK_STABILITY

Json = dict[str, object]

ASPECTS = ("16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21")
"""What Stability's models make."""

_SEEDS = 1 << 32
_PREMIUM = frozenset({"hd", "high", "premium"})


def peek(envelope: Envelope) -> Peek:
    """Fallbacks; the path says the rest."""
    return Peek("", False, peek_fallbacks(envelope.members))


def put(envelope: Envelope, model: str, stream: bool) -> dict[str, Raw]:
    """Nothing: the path names the model."""
    return {}


class _Text(Struct, forbid_unknown_fields=True, rename="camel"):
    text: str
    negative_text: str | None = None
    style: str | None = None


class _Variation(Struct, forbid_unknown_fields=True, rename="camel"):
    images: tuple[str, ...]
    text: str | None = None
    negative_text: str | None = None


class _Config(Struct, forbid_unknown_fields=True, rename="camel"):
    width: int | None = None
    height: int | None = None
    quality: str | None = None
    cfg_scale: float | None = None
    seed: int | None = None
    number_of_images: int | None = None


class CanvasBody(Struct, forbid_unknown_fields=True, kw_only=True, rename="camel"):
    task_type: str
    text_to_image_params: Raw = NOTHING
    image_variation_params: Raw = NOTHING
    image_generation_config: Raw = NOTHING


_BODY = Shape(CanvasBody)
_TEXT = Shape(_Text)
_VARIATION = Shape(_Variation)
_CONFIG = Shape(_Config)


def read_canvas(envelope: Envelope) -> ImageAsk:
    """The request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    body = _BODY.pick(envelope.members, spare)
    config = _Config()
    if (raw := given(body.image_generation_config)) is not None:
        config = _CONFIG.read(raw, "imageGenerationConfig", spare)
    ask = ImageAsk(
        model="",
        prompt="",
        count=config.number_of_images,
        size=f"{config.width}x{config.height}" if config.width and config.height else "",
        quality=config.quality or "",
        seed=config.seed,
        guidance=config.cfg_scale,
        extra=spare,
        origin=CANVAS,
    )
    if body.task_type == "TEXT_IMAGE":
        told = _TEXT.read(_demanded(body.text_to_image_params, "textToImageParams"), "textToImageParams", spare)
        return msgspec.structs.replace(
            ask, prompt=told.text, avoid=told.negative_text or "", style=(told.style or "").lower()
        )
    if body.task_type != "IMAGE_VARIATION":
        raise refused("taskType", "must be TEXT_IMAGE or IMAGE_VARIATION where another maker's model is asked")
    path = "imageVariationParams"
    varied = _VARIATION.read(_demanded(body.image_variation_params, path), path, spare)
    images = tuple(Image(media_type=kind_of(data) or "image/png", data=data) for data in varied.images)
    return msgspec.structs.replace(ask, prompt=varied.text or "", avoid=varied.negative_text or "", references=images)


def _demanded(raw: Raw, path: str) -> Raw:
    told = given(raw)
    if told is None:
        raise refused(path, "Field required")
    return told


def write_canvas(ask: ImageAsk) -> Written:
    """The body, and what it cannot carry. Raises Refused(400) for a reference that is not bytes."""
    lost = _lost(ask, CANVAS)
    params: Json = {"text": ask.prompt} if ask.prompt else {}
    if ask.avoid:
        params["negativeText"] = ask.avoid
    config: Json = {} if ask.count is None else {"numberOfImages": ask.count}
    size, exact = (ask.size, True) if ask.size else size_of(ask.aspect)
    if (known := measures(size)) is not None:
        config |= {"width": known[0], "height": known[1]}
    lost += [] if exact else ["aspect"]
    if ask.quality not in ("", "auto"):
        config["quality"] = "premium" if ask.quality in _PREMIUM else "standard"
    for name, value in (("cfgScale", ask.guidance), ("seed", ask.seed)):
        if value is not None:
            config[name] = value
    lost += ["output_format"] if ask.output not in ("", "png") else []
    if ask.references:
        params["images"] = [_bytes(image, n) for n, image in enumerate(ask.references)]
        body: Json = {"taskType": "IMAGE_VARIATION", "imageVariationParams": params}
    else:
        if ask.style and ask.origin is CANVAS:
            params["style"] = ask.style.upper()
        body = {"taskType": "TEXT_IMAGE", "textToImageParams": params}
    lost += ["style"] if ask.style and ask.origin is not CANVAS else []
    if config:
        body["imageGenerationConfig"] = config
    if ask.origin is CANVAS:
        body |= {name: raw for name, raw in ask.extra.items() if "." not in name}
    return Written(write_json(body), tuple(lost))


def _bytes(image: Image, n: int) -> str:
    if not image.data:
        path = join("references", n)
        raise Refused(400, f"{path}: this model takes images by their data", code="invalid_request_error", param=path)
    return image.data


def _lost(ask: ImageAsk, home: Format) -> list[str]:
    """What neither of them has a word for."""
    lost = [name for name, raw in ask.extra.items() if (ask.origin is not home or "." in name) and said(raw)]
    lost += [name for name in ("resolution", "background", "user") if getattr(ask, name) not in ("", "auto")]
    return lost + (["output_compression"] if ask.compression is not None else [])


class _Reply(Struct):
    images: list[str | None] | None = None
    finish_reasons: list[str | None] | None = None
    error: str | None = None


_reply = msgspec.json.Decoder(_Reply).decode
_READ = frozenset({"images", "error", "finish_reasons", "seeds"})


def _read_reply(body: bytes, home: Format) -> ImageReply:
    try:
        whole = _reply(body)
        extra = {name: raw for name, raw in read_members(body).items() if name not in _READ}
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a list of images: {error}", code="bad_reply") from None
    reasons = whole.finish_reasons or []
    pictures = [Picture(data=data, media_type=kind_of(data)) for data in whole.images or () if data]
    refusals = [reason for reason in (*reasons, whole.error) if reason and reason != "SUCCESS"]
    if not pictures and not refusals and whole.images is None:
        raise Broken(502, "The provider's answer has no images.", code="bad_reply")
    pictures += [Picture(refused=reason) for reason in refusals]
    return ImageReply(pictures=tuple(pictures), extra=extra, origin=home)


def read_canvas_reply(body: bytes) -> ImageReply:
    """The images, or why there are none. Raises Broken for what is neither."""
    return _read_reply(body, CANVAS)


def write_canvas_reply(reply: ImageReply, stamp: Stamp) -> Written:
    """The images, and why there are fewer."""
    lost = _lost_of(reply, CANVAS)
    why = next((each.refused for each in reply.pictures if each.refused), None)
    body: Json = {"images": _data(reply, lost), "error": why}
    return Written(write_json(body | (dict(reply.extra) if reply.origin is CANVAS else {})), tuple(lost))


def _lost_of(reply: ImageReply, home: Format) -> list[str]:
    lost = [name for name, raw in reply.extra.items() if reply.origin is not home and said(raw)]
    return lost + (["text"] if reply.text else [])


def _data(reply: ImageReply, lost: list[str]) -> list[str]:
    """The images that are bytes; those that are links are named in ``lost``."""
    lost += [f"images.{n}: by url" for n, each in enumerate(reply.pictures) if each.url]
    return [each.data for each in reply.pictures if each.data]


def _no_usage(body: bytes) -> Usage | None:
    return None


CANVAS_CODEC: Codec[ImageAsk, ImageReply] = Codec(
    format=CANVAS,
    family=Family.BEDROCK,
    request="image_generation",
    model_in_path=True,
    peek=peek,
    put=put,
    read_ask=read_canvas,
    write_ask=write_canvas,
    read_reply=read_canvas_reply,
    write_reply=write_canvas_reply,
    read_usage=_no_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)


class StabilityBody(Struct, forbid_unknown_fields=True, kw_only=True):
    prompt: str
    negative_prompt: str | None = None
    aspect_ratio: str | None = None
    output_format: str | None = None
    seed: int | None = None
    image: str | None = None


_STABILITY = Shape(StabilityBody)


def read_stability(envelope: Envelope) -> ImageAsk:
    """The request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    body = _STABILITY.pick(envelope.members, spare)
    spare.pop("mode", None)
    image = () if body.image is None else (Image(media_type=kind_of(body.image) or "image/png", data=body.image),)
    return ImageAsk(
        model="",
        prompt=body.prompt,
        avoid=body.negative_prompt or "",
        aspect=body.aspect_ratio or "",
        output=body.output_format or "",
        seed=body.seed,
        references=image,
        extra=spare,
        origin=STABILITY,
    )


def split_stability(ask: ImageAsk) -> tuple[ImageAsk, ...]:
    """One image at a time; a seed is counted on, or all would be the same. Raises Refused(400) for too many."""
    if not 1 <= (ask.count or 1) <= MOST_IMAGES:
        raise refused("n", f"must be from 1 to {MOST_IMAGES}")
    # A seed that is larger than any that they take is theirs to refuse.
    step = 1 if ask.seed is not None and ask.seed < _SEEDS else 0
    return tuple(
        msgspec.structs.replace(ask, count=None, seed=None if ask.seed is None else ask.seed + n * step)
        for n in range(ask.count or 1)
    )


def join_stability(replies: list[ImageReply]) -> ImageReply:
    """All images in order."""
    pictures = tuple(picture for reply in replies for picture in reply.pictures)
    return msgspec.structs.replace(replies[0], pictures=pictures)


def write_stability(ask: ImageAsk) -> Written:
    """The body, and what it cannot carry. Raises Refused(400) for more than one reference, or one that is not bytes."""
    lost = _lost(ask, STABILITY)
    if len(ask.references) > 1:
        raise Refused(400, "references: this model begins from one image", code="invalid_request_error", param="image")
    body: Json = {"prompt": ask.prompt}
    if ask.references:
        body |= {"mode": "image-to-image", "image": _bytes(ask.references[0], 0)}
    if ask.avoid:
        body["negative_prompt"] = ask.avoid
    aspect, exact = (ask.aspect, ask.aspect in ASPECTS) if ask.aspect else aspect_of(ask.size, ASPECTS)
    if aspect in ASPECTS and not ask.references:
        body["aspect_ratio"] = aspect
    lost += ["aspect" if ask.aspect else "size"] if not exact else []
    if ask.output:
        body["output_format"] = ask.output
    if ask.seed is not None:
        body["seed"] = ask.seed
    lost += [name for name in ("quality", "style") if getattr(ask, name) not in ("", "auto", "standard")]
    lost += ["guidance"] if ask.guidance is not None else []
    if ask.origin is STABILITY:
        body |= {name: raw for name, raw in ask.extra.items() if "." not in name}
    return Written(write_json(body), tuple(lost))


def read_stability_reply(body: bytes) -> ImageReply:
    """The images, or why there are none. Raises Broken for what is neither."""
    return _read_reply(body, STABILITY)


def write_stability_reply(reply: ImageReply, stamp: Stamp) -> Written:
    """The images; for each, null or why there is none."""
    lost = _lost_of(reply, STABILITY)
    images = _data(reply, lost)
    refusals = [each.refused for each in reply.pictures if each.refused]
    body: Json = {"images": images, "seeds": [0] * len(images), "finish_reasons": [*[None] * len(images), *refusals]}
    return Written(write_json(body | (dict(reply.extra) if reply.origin is STABILITY else {})), tuple(lost))


STABILITY_CODEC: Codec[ImageAsk, ImageReply] = msgspec.structs.replace(
    CANVAS_CODEC,
    format=STABILITY,
    split=split_stability,
    join=join_stability,
    read_ask=read_stability,
    write_ask=write_stability,
    read_reply=read_stability_reply,
    write_reply=write_stability_reply,
)
