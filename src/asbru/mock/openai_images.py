"""OpenAI's images, read strictly (``openai`` SDK 3.54.0, ``types/image_…_params.py``)."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from asbru.edge.request import Request
from asbru.mock.dialect import Stamp
from asbru.mock.directives import Directive
from asbru.mock.files import Operation
from asbru.mock.forms import Form
from asbru.mock.frames import Frames, Pace
from asbru.mock.openai import DIALECT, refusal
from asbru.mock.said import count
from asbru.mock.strict import Mistake, read
from asbru.mock.talk import Talker, spoil
from asbru.model.failure import Refused
from asbru.model.http import Answer

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
Bits = Annotated[int, Meta(ge=1, le=10)]


class ImageRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    prompt: Annotated[str, Meta(min_length=1, max_length=32000)]
    model: str = "gpt-image-1"
    n: Bits | None = None
    size: str | None = None
    quality: Literal["low", "medium", "high", "xhigh", "max", "auto", "standard", "hd"] | None = None
    style: Literal["vivid", "natural"] | None = None
    background: Literal["transparent", "opaque", "auto"] | None = None
    moderation: Literal["low", "auto"] | None = None
    output_format: Literal["png", "webp", "jpeg"] | None = None
    output_compression: Annotated[int, Meta(ge=0, le=100)] | None = None
    response_format: Literal["url", "b64_json"] | None = None
    stream: bool | None = None
    partial_images: Annotated[int, Meta(ge=0, le=3)] | None = None
    user: str | None = None
    safety_identifier: str | None = None


class Made(Struct, kw_only=True):
    """What is to be made. ``kind``: image_generation or image_edit."""

    kind: str
    model: str
    prompt: str
    n: int = 1
    as_url: bool = False
    stream: bool = False
    partial: int = 0
    inputs: int = 0
    size: str = "1024x1024"
    output: str = "png"


_decoder = msgspec.json.Decoder(ImageRequest)
_EDIT = frozenset(
    [
        "image",
        "mask",
        "prompt",
        "model",
        "n",
        "size",
        "quality",
        "background",
        "input_fidelity",
        "output_format",
        "output_compression",
        "response_format",
        "stream",
        "partial_images",
        "user",
    ]
)
_VARIATION = frozenset(["image", "model", "n", "response_format", "size", "user"])


class OpenAIImages:
    """Generations, edits and variations: a pixel each."""

    def __init__(self, talker: Talker) -> None:
        self._talker = talker

    def operations(self) -> Iterator[Operation]:
        """Method, path and handler of each."""
        yield "POST", "/v1/images/generations", self.generate
        yield "POST", "/v1/images/edits", self.edit
        yield "POST", "/v1/images/variations", self.vary

    async def generate(self, request: Request, key: str) -> Answer:
        """An image from words."""
        try:
            asked = read(_decoder, request.body)
        except Mistake as mistake:
            raise refusal(mistake) from None
        dalle = asked.model.startswith("dall-e")
        if asked.response_format and not dalle:
            raise refusal(Mistake("unknown", ["response_format"], ""))
        if asked.partial_images and not asked.stream:
            raise Refused(400, "'partial_images' is only allowed when 'stream' is enabled.", param="partial_images")
        made = Made(
            kind="image_generation",
            model=asked.model,
            prompt=asked.prompt,
            n=asked.n or 1,
            as_url=dalle and asked.response_format != "b64_json",
            stream=bool(asked.stream),
            partial=asked.partial_images or 0,
            size=asked.size or "1024x1024",
            output=asked.output_format or "png",
        )
        return await self._make(request, key, made)

    async def edit(self, request: Request, key: str) -> Answer:
        """An image from images and words."""
        form = Form(request.headers.get(b"content-type", b""), request.body, _EDIT)
        form.needs("image", "prompt")
        if not form.files.get("image"):
            raise Refused(400, "Invalid type for 'image': expected a file, but got a string instead.", param="image")
        made = Made(
            kind="image_edit",
            model=form.text("model", "gpt-image-1"),
            prompt=form.text("prompt"),
            n=int(form.text("n", "1")),
            stream=form.word("stream", ("true", "false")) == "true",
            partial=int(form.text("partial_images", "0")),
            inputs=len(form.files["image"]) + len(form.files.get("mask", ())),
        )
        return await self._make(request, key, made)

    async def vary(self, request: Request, key: str) -> Answer:
        """An image like another."""
        form = Form(request.headers.get(b"content-type", b""), request.body, _VARIATION)
        form.needs("image")
        as_url = form.word("response_format", ("url", "b64_json")) != "b64_json"
        n = int(form.text("n", "1"))
        made = Made(
            kind="image_variation", model=form.text("model", "dall-e-2"), prompt="", n=n, as_url=as_url, inputs=1
        )
        return await self._make(request, key, made)

    async def _make(self, request: Request, key: str, made: Made) -> Answer:
        told = await self._talker.begin(DIALECT, request, key, (made.model, made.prompt))
        stamp = self._talker.stamp(made.model)
        if not made.stream:
            return spoil(
                Answer(status=200, headers=DIALECT.headers, body=msgspec.json.encode(_whole(made, stamp))), told
            )
        headers = {**DIALECT.headers, b"content-type": b"text/event-stream; charset=utf-8"}
        frames = Frames(_frames(made, stamp, told), Pace(between=max(told.pace, 0.0), cut=told.cut))
        return spoil(Answer(status=200, headers=headers, stream=frames), told)


def _whole(made: Made, stamp: Stamp) -> dict[str, Any]:
    one: dict[str, Any] = {"url": f"https://images.invalid/{stamp.id}.png"} if made.as_url else {"b64_json": PIXEL}
    told: dict[str, Any] = {"created": stamp.at, "data": [one] * made.n}
    if made.model.startswith("dall-e"):
        return told
    shown = {"background": "opaque", "output_format": made.output, "quality": "low", "size": made.size}
    return told | shown | {"usage": _usage(made, made.n)}


def _usage(made: Made, n: int) -> dict[str, Any]:
    text, images, output = count(made.prompt), 100 * made.inputs, 272 * n
    return {
        "input_tokens": text + images,
        "input_tokens_details": {"text_tokens": text, "image_tokens": images},
        "output_tokens": output,
        "total_tokens": text + images + output,
    }


def _frames(made: Made, stamp: Stamp, told: Directive) -> Iterator[bytes]:
    """Partial images, then the whole one. ``big``: so many characters of base64 in it."""
    head = {"created_at": stamp.at, "size": made.size, "quality": "low", "background": "opaque", "output_format": "png"}
    for n in range(made.partial):
        partial = {"type": f"{made.kind}.partial_image", **head, "partial_image_index": n, "b64_json": PIXEL}
        yield _frame(partial)
    if told.status or told.errorafter >= 0:
        yield DIALECT.error_frame(Refused(400, "moderation refused it", code="moderation_blocked"))
        return
    data = "A" * told.big or PIXEL
    yield _frame({"type": f"{made.kind}.completed", **head, "b64_json": data, "usage": _usage(made, 1)})


def _frame(event: dict[str, Any]) -> bytes:
    return f"event: {event['type']}\ndata: ".encode() + msgspec.json.encode(event) + b"\n\n"
