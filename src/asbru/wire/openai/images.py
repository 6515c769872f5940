"""OpenAI image generations (``openai.types.ImageGenerateParams``, ``ImagesResponse``, ``ImageGenStreamEvent`` 3.54).

Rule 1. A size is written for an aspect where there is one that OpenAI's models make; an aspect that it does not have is
named as lost.
Rule 2. Reference images have another path (image edits); they are refused here, as a picture without them would be
another one.
Rule 3. Who asks for a URL and gets bytes is given them as a ``data:`` URL.
"""

import msgspec
from msgspec import Struct

from asbru.model.chat import Image
from asbru.model.events import Close, Done, Event, Open, Start
from asbru.model.failure import Broken, Failure, Refused
from asbru.model.images import MOST_IMAGES, ImageAsk, ImageReply, Picture, size_of
from asbru.model.names import Family, Format
from asbru.model.usage import Usage
from asbru.wire.codec import Codec, Peek, Stamp, Written
from asbru.wire.envelope import Envelope
from asbru.wire.openai.errors import read_failure, write_failure
from asbru.wire.openai.media_streams import ErrorReader, MediaTap, write_stream_error
from asbru.wire.openai.media_usage import MediaUsage, read_image_usage, to_usage, write_image_usage
from asbru.wire.peeking import peek_fallbacks, peek_model, peek_stream, put_model
from asbru.wire.shapes import BAD_JSON, Members, Shape, read_members, refused, said, write_json
from asbru.wire.sse import write_frame

HERE = Format.OPENAI_IMAGES
COMPLETED = "image_generation.completed"


class Body(Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    prompt: str
    n: int | None = None
    size: str | None = None
    quality: str | None = None
    style: str | None = None
    background: str | None = None
    output_format: str | None = None
    output_compression: int | None = None
    response_format: str | None = None
    stream: bool | None = None
    partial_images: int | None = None
    user: str | None = None


class _Picture(Struct):
    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None


class _Reply(Struct):
    created: int = 0
    data: list[_Picture] | None = None
    size: str | None = None
    quality: str | None = None
    background: str | None = None
    output_format: str | None = None
    usage: MediaUsage | None = None


_BODY = Shape(Body)
_reply = msgspec.json.Decoder(_Reply).decode
_READ = frozenset(_Reply.__struct_fields__)


def peek(envelope: Envelope) -> Peek:
    """Model, stream and fallbacks. Raises Refused(400) when one of them is not what it must be."""
    members = envelope.members
    return Peek(peek_model(members), peek_stream(members), peek_fallbacks(members), True)


def read_ask(envelope: Envelope) -> ImageAsk:
    """The request. Raises Refused(400) naming the member that is wrong."""
    spare: Members = {}
    body = _BODY.pick(envelope.members, spare)
    if body.response_format not in (None, "url", "b64_json"):
        raise refused("response_format", "must be url or b64_json")
    if not 1 <= (1 if body.n is None else body.n) <= MOST_IMAGES:
        raise refused("n", f"must be from 1 to {MOST_IMAGES}")
    return ImageAsk(
        model=body.model,
        prompt=body.prompt,
        count=body.n,
        size=body.size or "",
        quality=body.quality or "",
        style=body.style or "",
        background=body.background or "",
        output=body.output_format or "",
        compression=body.output_compression,
        as_url=None if body.response_format is None else body.response_format == "url",
        stream=bool(body.stream),
        partial=body.partial_images or 0,
        user=body.user or "",
        extra=spare,
        origin=HERE,
    )


def write_ask(ask: ImageAsk) -> Written:
    """The body, and what it cannot carry. Raises Refused(400) for images to begin from."""
    if ask.references:
        message = "This provider's endpoint makes images from text only."
        raise Refused(400, message, code="unsupported_operation", param="references")
    home = ask.origin is HERE
    lost = [name for name, raw in ask.extra.items() if not home and said(raw)]
    size, exact = (ask.size, True) if ask.size else size_of(ask.aspect)
    lost += [] if exact else ["aspect"]
    for name in ("resolution", "avoid", "seed", "guidance"):
        lost += [name] if getattr(ask, name) not in ("", None) else []
    told = {
        "model": ask.model,
        "prompt": ask.prompt,
        "n": ask.count,
        "size": size,
        "quality": ask.quality,
        "style": ask.style,
        "background": ask.background,
        "output_format": ask.output,
        "output_compression": ask.compression,
        "response_format": None if ask.as_url is None else "url" if ask.as_url else "b64_json",
        "stream": ask.stream or None,
        "partial_images": ask.partial or None,
        "user": ask.user,
    }
    body: dict[str, object] = {name: value for name, value in told.items() if value not in ("", None)}
    return Written(write_json({**body, **(ask.extra if home else {})}), tuple(lost))


def read_reply(body: bytes) -> ImageReply:
    """The images. Raises Broken for what is not an answer with images."""
    try:
        whole = _reply(body)
        extra = {name: raw for name, raw in read_members(body).items() if name not in _READ}
    except BAD_JSON as error:
        raise Broken(502, f"The provider's answer is not a list of images: {error}", code="bad_reply") from None
    kind = f"image/{whole.output_format}" if whole.output_format else ""
    return ImageReply(
        pictures=tuple(_read_picture(each, kind) for each in whole.data or ()),
        created=whole.created,
        size=whole.size or "",
        quality=whole.quality or "",
        background=whole.background or "",
        output=whole.output_format or "",
        usage=to_usage(whole.usage or MediaUsage(), images=True),
        extra=extra,
        origin=HERE,
    )


def _read_picture(each: _Picture, kind: str) -> Picture:
    data = each.b64_json or ""
    return Picture(data=data, url=each.url or "", media_type=kind if data else "", prompt=each.revised_prompt or "")


def write_reply(reply: ImageReply, stamp: Stamp) -> Written:
    """An answer with images. Raises Refused(400), with the provider's reason, when there is none."""
    home = reply.origin is HERE
    lost = [name for name, raw in reply.extra.items() if not home and said(raw)]
    lost += ["text"] if reply.text else []
    shown = _shown(reply)
    ask = stamp.ask
    as_url = isinstance(ask, ImageAsk) and ask.as_url is True
    told: dict[str, object] = {
        "created": reply.created or stamp.at,
        "background": reply.background,
        "data": [_written(each, as_url) for each in shown],
        "output_format": reply.output or _output(shown),
        "quality": reply.quality,
        "size": reply.size,
        "usage": write_image_usage(reply.usage) if reply.usage.input or reply.usage.output else None,
    }
    body = {name: value for name, value in told.items() if value not in ("", None)}
    return Written(write_json({**body, **(reply.extra if home else {})}), tuple(lost))


def _shown(reply: ImageReply) -> list[Picture]:
    """The pictures that there are. Raises Refused(400), with the provider's reason, when it made none."""
    shown = [each for each in reply.pictures if each.data or each.url]
    if not shown:
        why = next((each.refused for each in reply.pictures if each.refused), reply.text) or "no image was made"
        raise Refused(400, f"The provider made no image: {why}", code="moderation_blocked", param="prompt")
    return shown


def _written(picture: Picture, as_url: bool) -> dict[str, str]:
    out = {"revised_prompt": picture.prompt} if picture.prompt else {}
    if picture.url:
        return out | {"url": picture.url}
    if as_url:
        return out | {"url": f"data:{picture.media_type or 'image/png'};base64,{picture.data}"}
    return out | {"b64_json": picture.data}


def _output(shown: list[Picture]) -> str:
    return next((each.media_type.removeprefix("image/") for each in shown if each.media_type), "")


def unfold(reply: ImageReply) -> tuple[Event, ...]:
    """The reply as a stream: each image whole."""
    events: list[Event] = [Start(id="", model=reply.model, created=reply.created, origin=reply.origin)]
    for index, picture in enumerate(_shown(reply)):
        kind = picture.media_type
        part = Image(data=picture.data, media_type=kind) if picture.data else Image(url=picture.url)
        events += [Open(index, part), Close(index)]
    return (*events, Done(usage=reply.usage))


class ImageWriter:
    """Writes one stream: an ``image_generation.completed`` for each image, the usage with the last."""

    __slots__ = ("_ask", "_at", "_waiting")

    def __init__(self, stamp: Stamp, ask: ImageAsk) -> None:
        self._ask = ask
        self._at = stamp.at
        self._waiting: Image | None = None

    def send(self, event: Event) -> bytes:
        """The bytes for one event; may be empty."""
        match event:
            case Open(part=Image() as image):
                out = self._completed(None)
                self._waiting = image
                return out
            case Done():
                return self._completed(write_image_usage(event.usage))
            case _:
                return b""

    def _completed(self, usage: dict[str, object] | None) -> bytes:
        image, ask = self._waiting, self._ask
        self._waiting = None
        if image is None:
            return b""
        told: dict[str, object] = {
            "type": COMPLETED,
            "b64_json": image.data,
            "background": ask.background or "auto",
            "created_at": self._at,
            "output_format": image.media_type.removeprefix("image/") or "png",
            "quality": ask.quality or "auto",
            "size": ask.size or "auto",
            "usage": usage or write_image_usage(Usage()),
        }
        return write_frame(COMPLETED, write_json(told | ({"url": image.url} if image.url else {})))

    def fail(self, failure: Failure) -> bytes:
        """An error in the middle of a stream."""
        return write_stream_error(failure)


CODEC: Codec[ImageAsk, ImageReply] = Codec(
    format=HERE,
    family=Family.OPENAI,
    request="image_generation",
    unread=True,
    peek=peek,
    put=put_model,
    body=Body,
    read_ask=read_ask,
    write_ask=write_ask,
    read_reply=read_reply,
    write_reply=write_reply,
    unfold=unfold,
    reader=ErrorReader,
    writer=ImageWriter,
    read_usage=read_image_usage,
    tap=lambda include_usage: MediaTap((COMPLETED,), images=True),
    read_failure=read_failure,
    write_failure=write_failure,
)
