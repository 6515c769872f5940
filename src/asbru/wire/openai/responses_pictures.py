"""Pictures in a response: what the built-in tool ``image_generation`` made, each an item of the output.

Sources: ``openai.types.responses`` (``ImageGenerationCall`` of ``response_output_item``). How it was made (size,
quality, background) repeats the tool's settings; the prompt that the tool was given does not.
"""

import msgspec
from msgspec import Raw, Struct

from asbru.model.chat import Image
from asbru.wire.pictures import kind_of
from asbru.wire.shapes import Members, write_json

KIND = "image_generation_call"

Json = dict[str, object]


class _Call(Struct):
    result: str | None = None
    output_format: str | None = None
    revised_prompt: str | None = None


class _Kind(Struct):
    type: str = ""


_call = msgspec.json.Decoder(_Call).decode
_kind = msgspec.json.Decoder(_Kind).decode
_KINDS = {
    "png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif", "svg": "image/svg+xml",
}  # fmt: skip
_FORMATS = {kind: name for name, kind in _KINDS.items()}


def read_picture(raw: Raw) -> Image | None:
    """The picture in an item; None when it holds none. Raises msgspec's errors."""
    call = _call(raw)
    if not call.result:
        return None
    kind = _KINDS.get(call.output_format or "") or kind_of(call.result) or "image/png"
    return Image(media_type=kind, data=call.result)


def read_prompts(output: list[Raw]) -> Members:
    """The prompts that pictures were made from, by their paths. Raises msgspec's errors."""
    calls = [(n, _call(raw)) for n, raw in enumerate(output) if _kind(raw).type == KIND]
    return {
        f"output.{n}.revised_prompt": Raw(write_json(call.revised_prompt))
        for n, call in calls
        if call.result and call.revised_prompt
    }


def picture_item(part: Image, id: str) -> Json | None:
    """The item for a picture; None for one without data."""
    if not part.data:
        return None
    item: Json = {**begun_item(id), "status": "completed", "result": part.data}
    name = _FORMATS.get(part.media_type)
    return {**item, "output_format": name} if name else item


def begun_item(id: str) -> Json:
    """The item of a picture that is still to come."""
    return {"id": id, "type": KIND, "status": "in_progress", "result": None}
