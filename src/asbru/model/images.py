"""Making images from words (and from other images): one request, one reply, the same in every format.

Rule 1. Sizes are said in two ways, which are kept apart: ``size`` in pixels (OpenAI), ``aspect`` and ``resolution``
(Gemini). A codec that needs the other one asks ``aspect_of`` or ``size_of`` and says what it lost.
Rule 2. Images are base64 as they came; nobody decodes them.
"""

from collections.abc import Mapping

from msgspec import Raw, Struct

from asbru.model.chat import Image
from asbru.model.names import Format
from asbru.model.usage import Usage


class ImageAsk(Struct, frozen=True, kw_only=True):
    """``count``: how many images, None: not said. ``size``: ``1024x1536`` or ``auto``; ``aspect``: ``2:3``;
    ``resolution``: ``1K``, ``2K``; "" not said.

    ``references``: images to begin from (an edit). ``output``: png, jpeg, webp. ``compression``: 0 to 100.
    ``as_url``: True when the caller wants links, False when it wants the bytes, None: not said.
    ``partial``: how many unfinished images to show in a stream. ``avoid``: what should not be seen.
    """

    model: str
    prompt: str
    references: tuple[Image, ...] = ()
    count: int | None = None
    size: str = ""
    aspect: str = ""
    resolution: str = ""
    quality: str = ""
    style: str = ""
    background: str = ""
    output: str = ""
    compression: int | None = None
    as_url: bool | None = None
    avoid: str = ""
    seed: int | None = None
    guidance: float | None = None
    stream: bool = False
    partial: int = 0
    user: str = ""
    extra: Mapping[str, Raw] = {}
    origin: Format


class Picture(Struct, frozen=True, kw_only=True):
    """One image, as base64 ``data`` with its ``media_type`` ("" when the format does not tell) or by ``url``.

    ``prompt``: the one that it was made from, where the provider wrote its own. ``refused``: why there is no image.
    """

    data: str = ""
    url: str = ""
    media_type: str = ""
    prompt: str = ""
    refused: str = ""


class ImageReply(Struct, frozen=True, kw_only=True):
    """``created``: Unix seconds, 0 when not told. ``text``: what the model said beside the images."""

    model: str = ""
    pictures: tuple[Picture, ...]
    created: int = 0
    size: str = ""
    quality: str = ""
    background: str = ""
    output: str = ""
    text: str = ""
    usage: Usage = Usage()
    extra: Mapping[str, Raw] = {}
    origin: Format


MOST_IMAGES = 10
"""What may be asked for at once (OpenAI's limit): some endpoints make one at a time, and are asked as often."""

ASPECTS: tuple[str, ...] = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
"""What Gemini can be asked for (google-genai ``ImageConfig.aspect_ratio``)."""

_TALL, _WIDE = "1024x1536", "1536x1024"


def measures(size: str) -> tuple[int, int] | None:
    """Width and height of ``1024x1536``; None for ``auto``, "" and what is no size."""
    width, cross, height = size.partition("x")
    if not (cross and width.isdecimal() and height.isdecimal() and len(size) <= 11):
        return None
    return (int(width), int(height)) if int(width) and int(height) else None


def aspect_of(size: str, among: tuple[str, ...] = ASPECTS) -> tuple[str, bool]:
    """The aspect nearest to a size in pixels, and whether it is exactly that of the size; ("", True) for no size."""
    known = measures(size)
    if known is None:
        return "", True
    wanted = known[0] / known[1]
    best = min(among, key=lambda aspect: abs(_ratio(aspect) - wanted))
    return best, abs(_ratio(best) - wanted) < 0.01


def size_of(aspect: str) -> tuple[str, bool]:
    """The size in pixels that OpenAI's image models make nearest to an aspect, and whether it has that aspect."""
    if not aspect:
        return "", True
    exact = {"1:1": "1024x1024", "2:3": _TALL, "3:2": _WIDE}.get(aspect)
    if exact:
        return exact, True
    left, colon, right = aspect.partition(":")
    if not (colon and left.isdecimal() and right.isdecimal()):
        return "", False
    return (_TALL if int(left) < int(right) else _WIDE), False


def resolution_of(size: str) -> str:
    """Gemini's word for a size in pixels: ``1K``, ``2K`` or ``4K``; "" for no size, and for what 1K covers anyway."""
    known = measures(size)
    longest = max(known) if known else 0
    if longest <= 1792:
        return ""
    return "2K" if longest <= 2560 else "4K"


def _ratio(aspect: str) -> float:
    left, _, right = aspect.partition(":")
    return int(left) / int(right)
