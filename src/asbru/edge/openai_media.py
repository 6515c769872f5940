"""OpenAI's routes for images and sound.

Rule 1. The file of a form's body is mapped, not read, and its name is gone at once: its bytes leave the disk when
nobody holds them. So an upload takes a megabyte of memory while it comes, and pieces of it while it is sent on; how
long it may be is ``client.max_request_body_size_mb``.
Rule 2. Speech is two formats at one path, bare sound or events; the body says which.
"""

import mmap
import os

from asbru.edge.failures import fail_openai
from asbru.edge.inference import Asked, Inference, named
from asbru.edge.request import Request, Route
from asbru.edge.routes import Mount
from asbru.model.failure import Refused
from asbru.model.http import Answer
from asbru.model.names import Format
from asbru.wire import CODECS
from asbru.wire.envelope import Envelope
from asbru.wire.multipart import Form
from asbru.wire.openai.speech import wants_events

FORMS = {
    "/images/edits": Format.OPENAI_IMAGE_EDITS,
    "/images/variations": Format.OPENAI_IMAGE_VARIATIONS,
    "/audio/transcriptions": Format.OPENAI_TRANSCRIPTIONS,
    "/audio/translations": Format.OPENAI_TRANSLATIONS,
}
_JSON_TOO = frozenset({Format.OPENAI_IMAGE_EDITS})
"""Formats whose bodies may also be JSON."""


def openai_media_rows(inference: Inference, default: str) -> list[Mount]:
    """``default``: the provider of a model without prefix, "" to demand one."""
    return [
        Mount("POST", "/images/generations", inference.route(Format.OPENAI_IMAGES, default, fail_openai)),
        Mount("POST", "/audio/speech", _speech(inference, default)),
        *(Mount("POST", path, _form(inference, each, default)) for path, each in FORMS.items()),
    ]


def _speech(inference: Inference, default: str) -> Route:
    sound, events = CODECS[Format.OPENAI_SPEECH], CODECS[Format.OPENAI_SPEECH_EVENTS]

    async def speak(request: Request) -> Answer:
        envelope = named(request, Envelope(request.body))
        codec = events if wants_events(envelope) else sound
        return await inference.carry(request, Asked(codec, envelope, codec.peek(envelope), default))

    summary = f"Body: {sound.format}"
    return Route(handler=speak, fail=fail_openai, limit=inference.limit, summary=summary, body=sound.body)


def _form(inference: Inference, format: Format, default: str) -> Route:
    codec = CODECS[format]

    async def infer(request: Request) -> Answer:
        envelope = named(request, received(request, json=format in _JSON_TOO))
        return await inference.carry(request, Asked(codec, envelope, codec.peek(envelope), default))

    return Route(
        handler=infer,
        fail=fail_openai,
        limit=inference.limit,
        spool=True,
        summary=f"Body: {format}",
        kind="multipart/form-data",
    )


def received(request: Request, *, json: bool) -> Envelope:
    """The form that ``request`` has brought, or its JSON object. Raises Refused(400) when it is neither."""
    kind = request.headers.get(b"content-type", b"").decode("latin-1")
    try:
        if json and kind.partition(";")[0].strip().lower() == "application/json":
            with open(request.spool, "rb") as file:
                return Envelope(file.read())
        return Form(_mapped(request.spool), kind)
    finally:
        os.unlink(request.spool)


def _mapped(path: str) -> mmap.mmap:
    with open(path, "rb") as file:
        if not os.fstat(file.fileno()).st_size:
            raise Refused(400, "The body is empty.", code="invalid_request_error")
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
