"""Lists of models in the caller's dialect.

``/v1/models`` shows all providers as ``provider/model``; ``/openai``, ``/anthropic``, ``/genai`` and ``/cohere`` show
their own provider's models under their bare names. ``x-bf-list-models-provider`` or ``?provider=`` names another one,
or ``all``.
"""

from urllib.parse import parse_qs

import msgspec

from asbru.edge.request import Fail, Handler, Request, Route
from asbru.gateway.models import ModelLists
from asbru.governance import allows
from asbru.model.failure import Refused
from asbru.model.http import Answer
from asbru.model.models import Model
from asbru.wire.models import (
    anthropic_entry,
    bedrock_entry,
    cohere_entry,
    gemini_entry,
    openai_entry,
    write_anthropic,
    write_bedrock,
    write_cohere,
    write_gemini,
    write_openai,
)

_JSON = {b"content-type": b"application/json"}
_WORDS = (b"x-bf-list-models-provider", b"x-bf-model-provider", b"x-model-provider")

Shown = list[tuple[str, Model]]


class ModelRoutes:
    """``default``: the provider whose models are shown bare; "" shows all with their prefix."""

    def __init__(self, lists: ModelLists, default: str, fail: Fail) -> None:
        self._lists = lists
        self._default = default
        self._fail = fail

    def openai(self) -> tuple[Route, Route]:
        """The list, and one model by id."""
        return self._route(self._openai_list), self._route(self._openai_one)

    def anthropic(self) -> tuple[Route, Route]:
        """The page, and one model by id."""
        return self._route(self._anthropic_page), self._route(self._anthropic_one)

    def bedrock(self) -> tuple[Route, Route]:
        """The list, and one model by id."""
        return self._route(self._bedrock_list), self._route(self._bedrock_one)

    def gemini(self) -> tuple[Route, Route]:
        """The page, and one model by name."""
        return self._route(self._gemini_page), self._route(self._gemini_one)

    def cohere(self) -> tuple[Route, Route]:
        """The page, and one model by name."""
        return self._route(self._cohere_page), self._route(self._cohere_one)

    def _route(self, handler: Handler) -> Route:
        return Route(handler=handler, fail=self._fail, limit=0)

    async def _openai_list(self, request: Request) -> Answer:
        return Answer(status=200, headers=_JSON, body=write_openai(await self._shown(request)))

    async def _openai_one(self, request: Request) -> Answer:
        return Answer(status=200, headers=_JSON, body=msgspec.json.encode(openai_entry(*await self._one(request))))

    async def _anthropic_page(self, request: Request) -> Answer:
        shown, has_more = _page(await self._shown(request), parse_qs(request.query))
        return Answer(status=200, headers=_JSON, body=write_anthropic(shown, has_more))

    async def _anthropic_one(self, request: Request) -> Answer:
        return Answer(status=200, headers=_JSON, body=msgspec.json.encode(anthropic_entry(*await self._one(request))))

    async def _bedrock_list(self, request: Request) -> Answer:
        return Answer(status=200, headers=_JSON, body=write_bedrock(await self._shown(request)))

    async def _bedrock_one(self, request: Request) -> Answer:
        details = {"modelDetails": bedrock_entry(*await self._one(request))}
        return Answer(status=200, headers=_JSON, body=msgspec.json.encode(details))

    async def _gemini_page(self, request: Request) -> Answer:
        shown, after = _google_page(await self._shown(request), parse_qs(request.query))
        return Answer(status=200, headers=_JSON, body=write_gemini(shown, after))

    async def _gemini_one(self, request: Request) -> Answer:
        return Answer(status=200, headers=_JSON, body=msgspec.json.encode(gemini_entry(*await self._one(request))))

    async def _cohere_page(self, request: Request) -> Answer:
        query = parse_qs(request.query)
        shown, size = await self._shown(request), _number(query, "page_size", 1000)
        if after := query.get("page_token", [""])[0]:
            shown = shown[_index([name for name, _ in shown], after, "page_token") + 1 :]
        more = shown[size - 1][0] if len(shown) > size else ""
        return Answer(status=200, headers=_JSON, body=write_cohere(shown[:size], more))

    async def _cohere_one(self, request: Request) -> Answer:
        return Answer(status=200, headers=_JSON, body=msgspec.json.encode(cohere_entry(*await self._one(request))))

    async def _shown(self, request: Request) -> Shown:
        asked = parse_qs(request.query).get("provider", [""])[0]
        for word in _WORDS:
            asked = asked or request.headers.get(word, b"").decode("latin-1")
        name = asked or self._default
        every = name in ("", "all")
        found = await (self._lists.everywhere() if every else self._lists.of(name))
        models = [model for model in found if allows(request.who.key, model.provider, model.id)]
        if every:
            return [(f"{model.provider}/{model.id}", model) for model in models]
        return [(model.id if name == self._default else f"{name}/{model.id}", model) for model in models]

    async def _one(self, request: Request) -> tuple[str, Model]:
        wanted = request.params[0]
        for shown, model in await self._shown(request):
            if shown == wanted:
                return shown, model
        raise Refused(404, f"model: {wanted} not found", code="not_found_error", param="model")


def _page(shown: Shown, query: dict[str, list[str]]) -> tuple[Shown, bool]:
    """``limit`` (1-1000, default 20), ``after_id`` and ``before_id`` as on Anthropic's Models API."""
    limit = _number(query, "limit", 20)
    ids = [name for name, _ in shown]
    if after := query.get("after_id", [""])[0]:
        start = _index(ids, after, "after_id") + 1
        return shown[start : start + limit], start + limit < len(shown)
    if before := query.get("before_id", [""])[0]:
        end = _index(ids, before, "before_id")
        return shown[max(0, end - limit) : end], end - limit > 0
    return shown[:limit], limit < len(shown)


def _number(query: dict[str, list[str]], name: str, usual: int) -> int:
    text = query.get(name, [str(usual)])[0]
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise Refused(400, f"{name}: must be a number from 1 to 1000, not {text!r}", param=name)
    return int(text)


def _index(ids: list[str], wanted: str, name: str) -> int:
    try:
        return ids.index(wanted)
    except ValueError:
        raise Refused(400, f"{name}: {wanted} is not in this list", param=name) from None


def _google_page(shown: Shown, query: dict[str, list[str]]) -> tuple[Shown, str]:
    """``pageSize`` (at most 1000, default 50) and ``pageToken`` (here: the name that the page begins with)."""
    text = query.get("pageSize", query.get("page_size", ["50"]))[0]
    if not text.isdecimal():
        raise Refused(400, f"pageSize: must be a number from 1 to 1000, not {text!r}", param="pageSize")
    size = min(int(text[:9]), 1000) or 50
    token = query.get("pageToken", query.get("page_token", [""]))[0]
    start = _index([name for name, _ in shown], token, "pageToken") if token else 0
    after = shown[start + size : start + size + 1]
    return shown[start : start + size], after[0][0] if after else ""
