"""Gemini's own images: generateContent that answers with pictures (``gemini-2.5-flash-image``): the codec.

Clients of Google's ask for these as for anything else; this is how callers of other dialects' image operations ask.

Rule 1. One picture is made at a time; for more the request is sent as often.
Rule 2. What the model says beside its pictures is kept; a reply without any tells why.
"""

import msgspec
from msgspec import Raw

from asbru.model.chat import Ask, Image, Part, Sampling, Text, Turn
from asbru.model.images import ASPECTS, MOST_IMAGES, ImageAsk, ImageReply, Picture
from asbru.model.names import Family, Format, Role
from asbru.model.usage import Usage
from asbru.wire.codec import Codec, Written
from asbru.wire.gemini import generate
from asbru.wire.gemini.errors import read_failure, write_failure
from asbru.wire.gemini.generate_ask_in import CONFIG
from asbru.wire.gemini.media import Json
from asbru.wire.gemini.predict import measured, unsaid
from asbru.wire.shapes import refused, said, write_json

HERE = Format.GEMINI_IMAGES

_MODALITIES = Raw(b'["TEXT","IMAGE"]')


def write_ask(ask: ImageAsk) -> Written:
    """The body, and what it cannot carry."""
    lost = [name for name, raw in ask.extra.items() if said(raw)]
    lost += unsaid(ask)
    asked = (("avoid", ask.avoid), ("guidance", ask.guidance), ("output_compression", ask.compression))
    lost += [name for name, value in asked if value not in ("", None)]
    if ask.output not in ("", "png"):
        lost.append("output_format")
    aspect, resolution = measured(ask, ASPECTS, lost)
    parts: tuple[Part, ...] = (*ask.references, Text(ask.prompt))
    told = {"aspectRatio": aspect, "imageSize": resolution}
    config: Json = {name: value for name, value in told.items() if value}
    extra: dict[str, Raw] = {f"{CONFIG}.responseModalities": _MODALITIES}
    if config:
        extra[f"{CONFIG}.imageConfig"] = Raw(write_json(config))
    whole = Ask(
        model=ask.model,
        turns=(Turn(Role.USER, parts),),
        sampling=Sampling(seed=ask.seed),
        extra=extra,
        origin=Format.GEMINI_GENERATE,
    )
    written = generate.CODEC.write_ask(whole)
    return Written(written.body, (*lost, *written.lost))


def split_ask(ask: ImageAsk) -> tuple[ImageAsk, ...]:
    """One picture at a time. Raises Refused(400) for too many."""
    if not 1 <= (ask.count or 1) <= MOST_IMAGES:
        raise refused("n", f"must be from 1 to {MOST_IMAGES}")
    return (msgspec.structs.replace(ask, count=1),) * (ask.count or 1)


def join_replies(replies: list[ImageReply]) -> ImageReply:
    """All pictures, and all that was used."""
    used = [reply.usage for reply in replies]
    usage = Usage(
        input=sum(each.input for each in used),
        output=sum(each.output for each in used),
        reasoning=sum(each.reasoning for each in used),
        input_image=sum(each.input_image for each in used),
        output_image=sum(each.output_image for each in used),
    )
    pictures = tuple(picture for reply in replies for picture in reply.pictures)
    return msgspec.structs.replace(replies[0], pictures=pictures, usage=usage)


def read_reply(body: bytes) -> ImageReply:
    """The pictures among the parts. Raises Broken for what is not a response."""
    reply = generate.CODEC.read_reply(body)
    texts = "".join(part.text for part in reply.parts if isinstance(part, Text))
    pictures = tuple(
        Picture(data=part.data, url=part.url, media_type=part.media_type)
        for part in reply.parts
        if isinstance(part, Image)
    )
    if not pictures:
        pictures = (Picture(refused=texts or f"it ended with {reply.finish or 'nothing'}"),)
    return ImageReply(
        model=reply.model,
        pictures=pictures,
        text=texts if any(picture.data for picture in pictures) else "",
        created=reply.created,
        usage=reply.usage,
        extra=reply.extra,
        origin=HERE,
    )


CODEC: Codec[ImageAsk, ImageReply] = Codec(
    format=HERE,
    family=Family.GEMINI,
    request="image_generation",
    model_in_path=True,
    peek=generate.peek,
    put=generate.put,
    write_ask=write_ask,
    read_reply=read_reply,
    split=split_ask,
    join=join_replies,
    read_usage=generate.CODEC.read_usage,
    read_failure=read_failure,
    write_failure=write_failure,
)
