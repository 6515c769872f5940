"""OpenAI's Responses over HTTP: create, count, and what became of them by id.

Rule 1. A reply that we have written (translated) is kept, unless the request says ``store: false``; one that passes
through is kept by its provider.
Rule 2. An id that is not ours is the provider's: such requests are passed on.
"""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Raw

from asbru.edge.batches import first, number
from asbru.edge.failures import fail_openai
from asbru.edge.inference import Asked, Inference
from asbru.edge.keeping import Keeping
from asbru.edge.memory import Memory
from asbru.edge.passthrough import Own, PassRoutes
from asbru.edge.request import Handler, Request, Route
from asbru.edge.routes import Mount
from asbru.gateway import Exchange
from asbru.model.failure import Refused
from asbru.model.http import Answer
from asbru.model.names import Format
from asbru.store.replies import Kept
from asbru.wire import CODECS
from asbru.wire.codec import AnyCodec
from asbru.wire.envelope import Envelope
from asbru.wire.openai.responses_history import PREVIOUS, REFERENCE, input_items
from asbru.wire.openai.responses_kept import Wanted, response_of, whole_of, write_deleted, write_items, write_stream
from asbru.wire.openai.responses_object import response_id_of
from asbru.wire.peeking import model_member

_JSON = {b"content-type": b"application/json"}
_EVENTS = {b"content-type": b"text/event-stream; charset=utf-8"}
_FALSE = b"false"
_OWN = (
    ("GET", "/responses/{id}"),
    ("DELETE", "/responses/{id}"),
    ("POST", "/responses/{id}/cancel"),
    ("GET", "/responses/{id}/input_items"),
)


OfKept = Callable[[Request, Kept], Coroutine[Any, Any, Answer]]
"""Answers for a reply that we have kept."""


class Responses:
    """Makes the routes of one gateway."""

    def __init__(self, inference: Inference, memory: Memory, passed: PassRoutes) -> None:
        self._inference = inference
        self._memory = memory
        self._passed = passed

    def rows(self, default: str) -> list[Mount]:
        """All of them. ``default``: the provider of a model without prefix, "" to demand one."""
        return [
            Mount("POST", "/responses", self.create(default)),
            Mount("POST", "/responses/input_tokens", self.count(default)),
            *self._by_id(default or "openai"),
        ]

    def create(self, default: str) -> Route:
        """The route that makes a response. The path may name the model, as Azure's does."""
        codec = CODECS[Format.OPENAI_RESPONSES]

        async def create(request: Request) -> Answer:
            x = await self._exchange(request, codec, default)
            answer = await self._inference.exchanged(x)
            if bytes((x.asked or x.envelope.members).get("store", b"")) == _FALSE:
                return answer
            return await self._kept(x, answer)

        return self._route(create, codec)

    def count(self, default: str) -> Route:
        """The route that counts tokens."""
        codec = CODECS[Format.OPENAI_INPUT_TOKENS]

        async def count(request: Request) -> Answer:
            return await self._inference.exchanged(await self._exchange(request, codec, default))

        return self._route(count, codec)

    def _route(self, handler: Handler, codec: AnyCodec) -> Route:
        limit, summary = self._inference.limit, f"Body: {codec.format}"
        return Route(handler=handler, fail=fail_openai, limit=limit, summary=summary, body=codec.body)

    async def _exchange(self, request: Request, codec: AnyCodec, default: str) -> Exchange:
        envelope = Envelope(request.body)
        if request.params:
            envelope.members["model"] = model_member(request.params[0])
        peek = codec.peek(envelope)
        whole = envelope
        if PREVIOUS in envelope.members or REFERENCE in request.body:
            whole = await self._memory.resume(request.who.owner, envelope)
        x = self._inference.exchange(request, Asked(codec, whole, peek, default))
        if whole is not envelope:
            x.asked = envelope.members
        return x

    async def _kept(self, x: Exchange, answer: Answer) -> Answer:
        """The answer, once it can be found again; one of a provider that speaks Responses passes as it is."""
        id = response_id_of(x.id)
        mark = f'{{"id":"{id}"'.encode()
        if answer.stream is None:
            body = whole_of(answer.body)
            if body.startswith(mark):
                await self._keep(x, id, body)
            return answer

        async def keep(event: bytes) -> None:
            await self._keep(x, id, response_of(event))

        answer.stream = Keeping(answer.stream, b'"response":' + mark, keep)
        return answer

    async def _keep(self, x: Exchange, id: str, body: bytes) -> None:
        asked = x.asked or x.envelope.members
        await self._memory.keep(x.who.owner, asked, input_items(asked) or [], (id, body))

    def _by_id(self, default: str) -> list[Mount]:
        own = (self._retrieve, self._delete, self._cancel, self._input_items)
        passed = self._passed.operations([Own(*each, "responses") for each in _OWN], default, fail_openai)
        return [
            Mount(mount.method, mount.path, self._either(handler, mount.route, default))
            for handler, mount in zip(own, passed, strict=True)
        ]

    def _either(self, handler: OfKept, passed: Route, default: str) -> Route:
        """Ours, or else the provider's."""

        async def either(request: Request) -> Answer:
            id = request.params[0]
            kept = await self._memory.find(request.who.owner, id)
            if kept is not None:
                return await handler(request, kept)
            if not request.headers.get(b"x-model-provider") and not self._inference.knows(default):
                raise Refused(404, f"Response with id '{id}' not found.", code="not_found_error", param="response_id")
            return await passed.handler(request)

        return msgspec.structs.replace(passed, handler=either)

    async def _retrieve(self, request: Request, kept: Kept) -> Answer:
        query = parse_qs(request.query)
        if first(query, "stream") != "true":
            return Answer(status=200, headers=_JSON, body=kept.reply)
        return Answer(status=200, headers=_EVENTS, body=write_stream(kept.reply, number(query, "starting_after", -1)))

    async def _delete(self, request: Request, kept: Kept) -> Answer:
        await self._memory.delete(request.who.owner, kept.id)
        return Answer(status=200, headers=_JSON, body=write_deleted(kept.id))

    async def _cancel(self, request: Request, kept: Kept) -> Answer:
        raise Refused(400, "Cannot cancel a synchronous response.", code="invalid_request_error", param="response_id")

    async def _input_items(self, request: Request, kept: Kept) -> Answer:
        query = parse_qs(request.query)
        order, after = first(query, "order") or "desc", first(query, "after")
        if order not in ("asc", "desc"):
            raise Refused(400, f"order: must be asc or desc, not {order!r}", param="order")
        limit = number(query, "limit", 20)
        wanted = Wanted(limit=limit, after=after, oldest_first=order == "asc")
        page = write_items(input_items({"input": Raw(kept.asked)}) or [], kept.id, wanted)
        if page is None:
            raise Refused(400, f"after: {after} is not an item of this response", param="after")
        return Answer(status=200, headers=_JSON, body=page)
