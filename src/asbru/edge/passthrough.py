"""Routes whose requests pass through as they are: operations that only OpenAI's dialect has, and whole APIs.

Rule 1. Which provider: ``?provider=``, else ``x-model-provider``, else a ``provider`` in the JSON body, else a prefix
of its ``model``, else the route's own. These words are the gateway's: none of them is passed on.
Rule 2. ``/openai_passthrough/…`` and its like pass everything but credentials; only ``x-model-provider`` counts there.
"""

import mmap
import os
import re
from collections.abc import Callable, Iterable
from urllib.parse import parse_qs, unquote

import msgspec
from msgspec import Raw, Struct

from asbru.edge.request import Fail, Request, Route, asked_id
from asbru.edge.routes import Mount
from asbru.edge.wishes import pin_of
from asbru.gateway.passthrough import Passing, Passthrough, asked_model
from asbru.model.failure import Refused
from asbru.model.http import Answer
from asbru.model.names import Family, Format
from asbru.routing import Table, pick_provider, split_model
from asbru.wire import CODECS
from asbru.wire.codec import AnyCodec
from asbru.wire.envelope import Envelope
from asbru.wire.multipart import Pieces, Slice
from asbru.wire.shapes import write_json

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")

_ENDS: tuple[tuple[str, Format], ...] = (
    ("/chat/completions", Format.OPENAI_CHAT),
    ("/embeddings", Format.OPENAI_EMBEDDINGS),
    ("/images/generations", Format.OPENAI_IMAGES),
    ("/images/edits", Format.OPENAI_IMAGE_EDITS),
    ("/audio/transcriptions", Format.OPENAI_TRANSCRIPTIONS),
    ("/responses", Format.OPENAI_RESPONSES),
    ("/v1/messages", Format.ANTHROPIC_MESSAGES),
    (":generateContent", Format.GEMINI_GENERATE),
    (":streamGenerateContent", Format.GEMINI_GENERATE),
)
"""How paths end whose answers tell usage in a format that is known."""

_MODEL = re.compile(r"/models/([^/:]+):")
_string = msgspec.json.Decoder(str)


class Own(Struct, frozen=True):
    """An operation that is passed through. ``request``: its name in ``allowed_requests``. ``files``: it uploads one.

    ``family``: the dialect that its providers speak.
    """

    method: str
    path: str
    request: str
    files: bool = False
    family: Family = Family.OPENAI


CONTAINERS = (
    Own("POST", "/containers", "container_create"),
    Own("GET", "/containers", "container_list"),
    Own("GET", "/containers/{id}", "container_retrieve"),
    Own("DELETE", "/containers/{id}", "container_delete"),
    Own("POST", "/containers/{id}/files", "container_file_create", files=True),
    Own("GET", "/containers/{id}/files", "container_file_list"),
    Own("GET", "/containers/{id}/files/{file}", "container_file_retrieve"),
    Own("DELETE", "/containers/{id}/files/{file}", "container_file_delete"),
    Own("GET", "/containers/{id}/files/{file}/content", "container_file_content"),
)

_TREES = ("fine_tuning", "vector_stores", "evals", "assistants", "threads", "uploads")
_VIDEOS = (
    Own("POST", "/videos", "video_generation", files=True),
    Own("GET", "/videos", "video_list"),
    Own("GET", "/videos/{id}", "video_retrieve"),
    Own("DELETE", "/videos/{id}", "video_delete"),
    Own("GET", "/videos/{id}/content", "video_download"),
    Own("POST", "/videos/{id}/remix", "video_remix"),
)
OTHERS = (
    Own("POST", "/moderations", "passthrough"),
    *_VIDEOS,
    *(
        Own(method, path, "passthrough", files=tree == "uploads" and method == "POST")
        for tree in _TREES
        for path in (f"/{tree}", f"/{tree}/{{rest*}}")
        for method in ("GET", "POST", "DELETE")
    ),
)
"""What else only OpenAI's dialect has; answered by the provider, or by nobody."""

COHERES = tuple(
    Own(method, path, "passthrough", files=path == "/v1/datasets" and method == "POST", family=Family.COHERE)
    for path, methods in (
        ("/v1/datasets", ("POST", "GET")),
        ("/v1/datasets/{id}", ("GET", "DELETE")),
        ("/v1/embed-jobs", ("POST", "GET")),
        ("/v1/embed-jobs/{id}", ("GET",)),
        ("/v1/embed-jobs/{id}/cancel", ("POST",)),
        ("/v2/batches", ("POST", "GET")),
        ("/v2/batches/{id*}", ("GET",)),
        ("/v2/batches/{id*}:cancel", ("POST",)),
    )
    for method in methods
)
"""Cohere's jobs on datasets: they know no requests of ours, and are answered by Cohere."""


class Placed(Struct, frozen=True):
    """Where a request goes. ``path``: its ``{…}`` are filled by the key's settings, ``model`` and ``id``."""

    provider: str
    path: str
    model: str
    id: str = ""


class PassRoutes:
    """Makes the routes. ``clock``: Unix seconds. ``limit``: most bytes of a request body."""

    def __init__(self, passthrough: Passthrough, clock: Callable[[], float], limit: int) -> None:
        self._passthrough = passthrough
        self._clock = clock
        self._limit = limit

    def operations(self, owns: Iterable[Own], default: str, fail: Fail) -> list[Mount]:
        """Rows for single operations. ``default``: the provider when none is named, "" to demand one."""
        return [Mount(own.method, own.path, self._operation(own, default, fail)) for own in owns]

    def raw(self, prefix: str, default: str, fail: Fail) -> list[Mount]:
        """Rows for everything below ``prefix``."""

        async def through(request: Request) -> Answer:
            named = request.headers.get(b"x-model-provider", b"").decode("latin-1")
            provider = pick_provider(named, self._table) if named else default
            path = request.path.removeprefix(prefix)
            model, stream = asked_model(request.headers, request.body)
            in_path = _MODEL.search(path)
            return await self._passthrough(
                Passing(
                    id=request.id,
                    method=request.method,
                    path=path,
                    query=_without(request.query, "key"),
                    headers=request.headers,
                    body=request.body,
                    provider=provider,
                    request="passthrough_stream" if stream else "passthrough",
                    model=model or (unquote(in_path[1]) if in_path else ""),
                    codec=_codec(path),
                    stream=True,
                    pin=pin_of(request.headers),
                    at=self._clock(),
                    asked_id=asked_id(request.headers).decode(),
                    who=request.who,
                )
            )

        route = Route(
            handler=through, fail=fail, limit=self._limit, summary=f"Passed on to {default} as it is", kind="*/*"
        )
        return [Mount(method, f"{prefix}/{{path*}}", route) for method in METHODS]

    def placed(self, request: str, place: Callable[[Request, Table], Placed], fail: Fail, family: Family) -> Route:
        """A route to where ``place`` says, at providers of ``family``. ``request``: see Own."""

        async def operate(asked: Request) -> Answer:
            to = place(asked, self._table)
            self._check(to.provider, family)
            return await self._passthrough(
                Passing(
                    id=asked.id,
                    method=asked.method,
                    path=to.path,
                    fills={"id": to.id},
                    query=_without(asked.query, "key"),
                    headers=asked.headers,
                    body=asked.body,
                    provider=to.provider,
                    request=request,
                    model=to.model,
                    pin=pin_of(asked.headers),
                    at=self._clock(),
                    asked_id=asked_id(asked.headers).decode(),
                    who=asked.who,
                )
            )

        return Route(handler=operate, fail=fail, limit=self._limit, summary=f"Passed on: {request}")

    @property
    def _table(self) -> Table:
        return self._passthrough.gateway.snapshot.table

    def _operation(self, own: Own, default: str, fail: Fail) -> Route:
        start = own.path.partition("{")[0].rstrip("/")

        async def operate(request: Request) -> Answer:
            body = _body(request)
            provider, model, body = self._whose(request, body, default, own.family)
            return await self._passthrough(
                Passing(
                    id=request.id,
                    method=own.method,
                    path=request.path[request.path.index(start) :],
                    query=_without(request.query, "provider"),
                    headers=request.headers,
                    body=body,
                    provider=provider,
                    request=own.request,
                    model=model,
                    pin=pin_of(request.headers),
                    at=self._clock(),
                    asked_id=asked_id(request.headers).decode(),
                    who=request.who,
                )
            )

        return Route(
            handler=operate,
            fail=fail,
            limit=self._limit,
            spool=own.files,
            summary=f"Passed on: {own.request}",
            kind="multipart/form-data" if own.files else "application/json",
        )

    def _whose(
        self, request: Request, body: bytes | Pieces, default: str, family: Family
    ) -> tuple[str, str, bytes | Pieces]:
        """Provider and model, and the body without the gateway's own words."""
        named = parse_qs(request.query).get("provider", [""])[0]
        named = named or request.headers.get(b"x-model-provider", b"").decode("latin-1")
        model = ""
        if (
            isinstance(body, bytes)
            and body
            and request.headers.get(b"content-type", b"").startswith(b"application/json")
        ):
            body, said, model = _taken(body, self._table)
            named = named or said
        provider = pick_provider(named, self._table, "provider") if named else default
        if not provider:
            raise Refused(400, "provider: Field required", code="invalid_request_error", param="provider")
        self._check(provider, family)
        return provider, model, body

    def _check(self, name: str, family: Family) -> None:
        """Raises Refused(400) for a provider that is not asked in this dialect."""
        provider = self._passthrough.gateway.snapshot.providers.get(name)
        if provider and not any(CODECS[each.format].family is family for each in provider.serves):
            message = f"This operation is not supported by {name} provider."
            raise Refused(400, message, code="unsupported_operation", param="provider")


def _taken(body: bytes, table: Table) -> tuple[bytes, str, str]:
    """The body as it goes upstream, the provider that it names, and the model."""
    envelope = Envelope(body)
    named = envelope.get("provider", _string) or ""
    model = envelope.get("model", _string) or ""
    prefix, _, rest = model.partition("/")
    if rest and table.names(prefix):
        named, model = split_model(model, "", table)
        return envelope.splice({"model": Raw(write_json(model))}, None, ("provider",)), named, model
    return (envelope.splice(None, None, ("provider",)) if "provider" in envelope.members else body), named, model


def _is_json(request: Request) -> bool:
    return request.headers.get(b"content-type", b"").startswith(b"application/json")


def _body(request: Request) -> bytes | Pieces:
    """The body; one that lies in a file as a map of it, whose name is gone."""
    if not request.spool:
        return request.body
    try:
        with open(request.spool, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if not size or _is_json(request):
                return file.read()
            return Pieces([Slice(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), 0, size)])
    finally:
        os.unlink(request.spool)


def _without(query: str, name: str) -> str:
    """``query`` without parameter ``name``; the others keep their bytes."""
    if name not in query:
        return query
    return "&".join(each for each in query.split("&") if each.partition("=")[0] != name)


def _codec(path: str) -> AnyCodec | None:
    return next((CODECS[each] for end, each in _ENDS if path.endswith(end)), None)
