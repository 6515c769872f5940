"""Google's videos (google-genai ``models.generate_videos``, ``operations.get``): operations, done when asked twice."""

import itertools
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from asbru.edge.request import Handler, Request
from asbru.mock import gemini
from asbru.mock.gemini_checks import plain
from asbru.mock.strict import Mistake, read
from asbru.mock.talk import Talker
from asbru.model.failure import Refused
from asbru.model.http import Answer

_FILES = "https://generativelanguage.googleapis.com/v1beta/files"


class Instance(Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    prompt: Annotated[str, Meta(min_length=1)]
    image: Any = None
    last_frame: Any = None
    video: Any = None
    reference_images: Any = None


class Parameters(Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    aspect_ratio: str | None = None
    duration_seconds: int | None = None
    enhance_prompt: bool | None = None
    negative_prompt: str | None = None
    person_generation: str | None = None
    resolution: str | None = None
    sample_count: Annotated[int, Meta(ge=1, le=4)] | None = None
    seed: int | None = None


class Asked(Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    instances: Annotated[list[Instance], Meta(min_length=1, max_length=1)]
    parameters: Parameters | None = None


_asked = msgspec.json.Decoder(Asked, strict=False)


class Videos:
    """``operations``: method, path below the version, handler."""

    def __init__(self, talker: Talker) -> None:
        self._talker = talker
        self._known: dict[str, tuple[str, int]] = {}
        self._count = itertools.count(1)

    def operations(self) -> Iterator[tuple[str, str, Handler]]:
        """What is served."""
        yield "POST", "/models/{model}:predictLongRunning", self._begin
        yield "GET", "/models/{model}/operations/{id}", self._show

    async def _begin(self, request: Request) -> Answer:
        self._talker.admit(gemini.DIALECT, request)
        model = request.params[0]
        if not model.startswith("veo"):
            raise gemini.no_such_model(model)
        try:
            read(_asked, plain(request.body))
        except Mistake as mistake:
            raise gemini.refusal(mistake) from None
        id = f"op{next(self._count)}"
        self._known[id] = (model, 0)
        return _json({"name": f"models/{model}/operations/{id}"})

    async def _show(self, request: Request) -> Answer:
        self._talker.admit(gemini.DIALECT, request)
        model, id = request.params
        made, times = self._known.get(id, ("", 0))
        if made != model:
            raise Refused(404, f"Operation {id} was not found.", code="NOT_FOUND")
        self._known[id] = (model, times + 1)
        name = f"models/{model}/operations/{id}"
        if not times:
            return _json({"name": name})
        video = {"video": {"uri": f"{_FILES}/{id}:download?alt=media"}}
        told = {"@type": "type.googleapis.com/google.ai.generativelanguage.v1beta.PredictLongRunningResponse"}
        return _json(
            {"name": name, "done": True, "response": {**told, "generateVideoResponse": {"generatedSamples": [video]}}}
        )


def _json(told: object) -> Answer:
    return Answer(status=200, headers=gemini.DIALECT.headers, body=msgspec.json.encode(told))
