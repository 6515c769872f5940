"""Imagen: ``:predict`` with a prompt as an instance (google-genai ``_GenerateImagesConfig_to_vertex``): the codec.

Rule 1. Sizes are said as an aspect and a resolution; a size in pixels becomes the nearest aspect, named as lost where
it is not exactly that.
Rule 2. A picture that was filtered is a prediction without bytes, which tells why.
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.failure import Broken, Refused
from asbru.model.images import ImageAsk, ImageReply, Picture, aspect_of, resolution_of
from asbru.model.names import Family, Format
from asbru.model.usage import Usage
from asbru.wire.codec import Codec, Stamp, Written
from asbru.wire.envelope import Envelope
from asbru.wire.gemini.errors import read_failure, write_failure
from asbru.wire.gemini.generate import peek, put
from asbru.wire.gemini.media import Json
from asbru.wire.gemini.proto import ProtoShape
from asbru.wire.shapes import BAD_JSON, NOTHING, Members, given, join, read_members, refused, said, write_json

HERE = Format.GEMINI_PREDICT

ASPECTS = ("1:1", "3:4", "4:3", "9:16", "16:9")
"""What Imagen can be asked for."""

_HOME = (Format.GEMINI_PREDICT, Format.VERTEX_PREDICT)
_PATH = "parameters"


class _Instance(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    prompt: str | None = None


class _Output(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    mime_type: str | None = None
    compression_quality: int | None = None


class _Parameters(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    sample_count: int | None = None
    aspect_ratio: str | None = None
    sample_image_size: str | None = None
    negative_prompt: str | None = None
    seed: int | None = None
    guidance_scale: float | None = None
    output_options: Raw = NOTHING


class Body(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Of embeddings on Vertex AI too."""

    instances: list[Raw] | None = None
    parameters: Raw = NOTHING


class _Prediction(Struct, rename="camel"):
    bytes_base64_encoded: str = ""
    mime_type: str = ""
    prompt: str = ""
    rai_filtered_reason: str = ""


class _Reply(Struct):
    predictions: list[_Prediction] = []


_BODY, _INSTANCE = ProtoShape(Body), ProtoShape(_Instance)
_PARAMETERS, _OUTPUT = ProtoShape(_Parameters), ProtoShape(_Output)
_reply = msgspec.json.Decoder(_Reply).decode


def read_ask(envelope: Envelope) -> ImageAsk:
    """The request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    body = _BODY.pick(envelope.members, spare)
    if not body.instances:
        raise refused("instances", "Field required")
    if len(body.instances) > 1:
        raise refused("instances.1", "one prompt at a time")
    prompt = _INSTANCE.read(body.instances[0], "instances.0", spare).prompt
    if prompt is None:
        raise refused("instances.0.prompt", "Field required")
    raw = given(body.parameters)
    told = _Parameters() if raw is None else _PARAMETERS.read(raw, _PATH, spare)
    options = given(told.output_options)
    output = _Output() if options is None else _OUTPUT.read(options, join(_PATH, "outputOptions"), spare)
    return ImageAsk(
        model="",
        prompt=prompt,
        count=told.sample_count,
        aspect=told.aspect_ratio or "",
        resolution=told.sample_image_size or "",
        avoid=told.negative_prompt or "",
        seed=told.seed,
        guidance=told.guidance_scale,
        output=(output.mime_type or "").removeprefix("image/"),
        compression=output.compression_quality,
        extra=spare,
        origin=HERE,
    )


def write_ask(ask: ImageAsk) -> Written:
    """The body for the Gemini API, which knows neither seeds nor what to avoid. Raises Refused(400) as below."""
    written = write_vertex_ask(msgspec.structs.replace(ask, seed=None, avoid=""))
    asked = (("seed", ask.seed), ("avoid", ask.avoid))
    return Written(written.body, (*written.lost, *(name for name, value in asked if value not in ("", None))))


def write_vertex_ask(ask: ImageAsk) -> Written:
    """The body, and what it cannot carry. Raises Refused(400) for images to begin from."""
    if ask.references:
        raise Refused(400, "This model makes images from text only.", code="unsupported_operation", param="references")
    home = ask.origin in _HOME
    lost = [name for name, raw in ask.extra.items() if not (home and _goes_home(name)) and said(raw)]
    lost += unsaid(ask)
    options: Json = {"mimeType": f"image/{ask.output}"} if ask.output else {}
    if ask.compression is not None:
        options["compressionQuality"] = ask.compression
    aspect, resolution = measured(ask, ASPECTS, lost)
    told = {
        "sampleCount": ask.count,
        "aspectRatio": aspect,
        "sampleImageSize": resolution,
        "negativePrompt": ask.avoid,
        "seed": ask.seed,
        "guidanceScale": ask.guidance,
        "outputOptions": options,
    }
    parameters: Json = {name: value for name, value in told.items() if value not in ("", None, {})}
    body: Json = {"instances": [{"prompt": ask.prompt}]}
    for name, raw in ask.extra.items():
        if home and name.startswith(f"{_PATH}.") and _goes_home(name):
            parameters[name.removeprefix(f"{_PATH}.")] = raw
        elif home and "." not in name:
            body[name] = raw
    return Written(write_json(body | ({_PATH: parameters} if parameters else {})), tuple(lost))


def _goes_home(name: str) -> bool:
    return "." not in name or (name.startswith(f"{_PATH}.") and name.count(".") == 1)


def unsaid(ask: ImageAsk) -> list[str]:
    """What Google's image models cannot be told, in OpenAI's words."""
    asked = (("quality", ask.quality), ("style", ask.style), ("background", ask.background))
    lost = [name for name, value in asked if value not in ("", "auto")]
    if ask.user:
        lost.append("user")
    return lost + (["partial_images"] if ask.partial else [])


def measured(ask: ImageAsk, aspects: tuple[str, ...], lost: list[str]) -> tuple[str, str]:
    """Aspect and resolution; a size that has no aspect of its own is named in ``lost``."""
    if ask.aspect or ask.resolution or not ask.size:
        return ask.aspect, ask.resolution
    aspect, exact = aspect_of(ask.size, aspects)
    lost += [] if exact else ["size"]
    return aspect, resolution_of(ask.size)


def read_reply(body: bytes) -> ImageReply:
    """The images. Raises Broken for what is not an answer with images."""
    try:
        told = _reply(body).predictions
        extra = {name: raw for name, raw in read_members(body).items() if name != "predictions"}
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a list of images: {error}", code="bad_reply") from None
    pictures = tuple(
        Picture(
            data=each.bytes_base64_encoded,
            media_type=each.mime_type,
            prompt=each.prompt,
            refused=each.rai_filtered_reason,
        )
        for each in told
    )
    return ImageReply(pictures=pictures, extra=extra, origin=HERE)


def write_reply(reply: ImageReply, stamp: Stamp) -> Written:
    """A prediction for each image. Links are not Google's: a picture that has nothing else is named as lost."""
    home = reply.origin in _HOME
    lost = [name for name, raw in reply.extra.items() if not home and said(raw)]
    lost += ["text"] if reply.text else []
    predictions: list[Json] = []
    for n, picture in enumerate(reply.pictures):
        kind, _, data = picture.url.partition(";base64,") if picture.url.startswith("data:") else ("", "", "")
        told = {
            "bytesBase64Encoded": picture.data or data,
            "mimeType": picture.media_type or kind.removeprefix("data:") or f"image/{reply.output or 'png'}",
            "prompt": picture.prompt,
            "raiFilteredReason": picture.refused,
        }
        if picture.refused:
            told["mimeType"] = ""
        elif not told["bytesBase64Encoded"]:
            lost.append(f"predictions.{n}: image by url")
        predictions.append({name: value for name, value in told.items() if value})
    return Written(write_json({"predictions": predictions} | (dict(reply.extra) if home else {})), tuple(lost))


def read_usage(body: bytes) -> Usage | None:
    """Imagen bills images, which are not tokens."""
    return None


CODEC: Codec[ImageAsk, ImageReply] = Codec(
    format=HERE,
    family=Family.GEMINI,
    request="image_generation",
    model_in_path=True,
    body=Body,
    peek=peek,
    put=put,
    read_ask=read_ask,
    write_ask=write_ask,
    read_reply=read_reply,
    write_reply=write_reply,
    read_usage=read_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)

VERTEX: Codec[ImageAsk, ImageReply] = msgspec.structs.replace(
    CODEC, format=Format.VERTEX_PREDICT, write_ask=write_vertex_ask
)
