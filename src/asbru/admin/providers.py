"""``/api/providers``, ``/api/keys``, ``/api/models``: who can be asked, and with which keys."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from asbru.admin.bodies import answer, missing, number_of, query_of, route, wrong
from asbru.admin.documents import new_id
from asbru.admin.resources import Shown
from asbru.config import ConfigError
from asbru.config.provider_document import read_provider
from asbru.config.secrecy import shown, taken_back
from asbru.edge.request import Request
from asbru.edge.routes import Mount
from asbru.gateway.models import ModelLists
from asbru.model.failure import Failure, Refused
from asbru.model.http import Answer
from asbru.store.objects import Change

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_OUR_WORDS = ("provider", "name", "status", "provider_status", "config_hash")


class Sources(Protocol):
    """Where providers' JSON is kept. ``documents``: what holds now, by name. ``env``: what ``env.NAME`` refers to."""

    documents: dict[str, Any]
    env: Mapping[str, str]

    async def put(self, name: str, document: Any, change: Change) -> None:
        """Store one, None for one that is not wanted."""


class Providers:
    """The routes. ``changed``: this worker reads anew what is configured. ``clock``: Unix seconds."""

    def __init__(
        self, sources: Sources, lists: ModelLists, changed: Callable[[], Awaitable[None]], clock: Callable[[], float]
    ) -> None:
        self._sources = sources
        self._lists = lists
        self._changed = changed
        self._clock = clock

    def mounts(self) -> list[Mount]:
        """All of them."""
        return [
            Mount("GET", "/api/providers", route(self._list, "List: providers")),
            Mount("POST", "/api/providers", route(self._create, "Create: provider")),
            Mount("GET", "/api/providers/{provider}", route(self._get, "Get: provider")),
            Mount("PUT", "/api/providers/{provider}", route(self._update, "Update: provider")),
            Mount("DELETE", "/api/providers/{provider}", route(self._delete, "Delete: provider")),
            Mount("POST", "/api/providers/{provider}/test", route(self._test, "Ask a provider for its models")),
            Mount("GET", "/api/keys", route(self._keys, "List: keys of providers")),
            Mount("GET", "/api/models", route(self._models, "List: models")),
        ]

    async def _list(self, request: Request) -> Answer:
        found = [self._shown(name) for name in sorted(self._sources.documents)]
        return answer({"providers": found, "total": len(found)})

    async def _get(self, request: Request) -> Answer:
        return answer(self._shown(self._known(request.params[0])))

    async def _create(self, request: Request) -> Answer:
        document = _object(request)
        name = document.get("provider") or document.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise wrong("provider", "must be a name of small letters, digits, and -_.")
        if name in self._sources.documents:
            raise Refused(409, f"Provider {name} already exists", code="conflict_error", param="provider")
        return await self._put(request, name, document, "create")

    async def _update(self, request: Request) -> Answer:
        name = self._known(request.params[0])
        old = self._sources.documents[name]
        said = taken_back(_object(request), old)
        # What an update does not speak of stays: a client of an older API cannot lose what it does not know.
        return await self._put(request, name, {**old, **said}, "update")

    async def _put(self, request: Request, name: str, document: dict[str, Any], action: str) -> Answer:
        bare = {member: value for member, value in document.items() if member not in _OUR_WORDS}
        for key in bare.get("keys") or []:
            if isinstance(key, dict) and not key.get("id"):
                key["id"] = new_id()
        try:
            read_provider(name, bare, self._sources.env)
        except ConfigError as error:
            first = error.offences[0]
            raise wrong(first.path, "; ".join(map(str, error.offences)).removeprefix(f"{first.path}: ")) from None
        old = self._sources.documents.get(name)
        change = Change(
            at=self._clock(),
            actor=request.actor,
            action=action,
            kind="provider",
            id=name,
            before=b"" if old is None else msgspec.json.encode(shown(old, self._sources.env)),
            after=msgspec.json.encode(shown(bare, self._sources.env)),
        )
        await self._sources.put(name, bare, change)
        await self._changed()
        return answer(self._shown(name))

    async def _delete(self, request: Request) -> Answer:
        name = self._known(request.params[0])
        before = msgspec.json.encode(shown(self._sources.documents[name], self._sources.env))
        change = Change(at=self._clock(), actor=request.actor, action="delete", kind="provider", id=name, before=before)
        document = self._shown(name)
        await self._sources.put(name, None, change)
        await self._changed()
        return answer(document)

    async def _test(self, request: Request) -> Answer:
        name = self._known(request.params[0])
        started = self._clock()
        try:
            models = await self._lists.of(name, fresh=True)
        except Failure as failure:
            told: Shown = {"ok": False, "status": failure.status, "message": failure.message}
        else:
            told = {"ok": True, "models": len(models)}
        return answer({**told, "seconds": round(self._clock() - started, 3)})

    async def _keys(self, request: Request) -> Answer:
        return answer(
            [{"provider": name, **key} for name in sorted(self._sources.documents) for key in self._shown(name)["keys"]]
        )

    async def _models(self, request: Request) -> Answer:
        wanted, query = query_of(request, "provider"), query_of(request, "query").casefold()
        keys = frozenset(filter(None, query_of(request, "keys").split(",")))
        limit = number_of(request, "limit", 5, 10_000)
        found = await (self._lists.of(self._known(wanted)) if wanted else self._lists.everywhere())
        models = []
        for model in found:
            shown_keys = self._shown(model.provider)["keys"]
            able = [key["id"] for key in shown_keys if not key.get("models") or model.id in key["models"]]
            if query in model.id.casefold() and (not keys or not keys.isdisjoint(able)):
                models.append({"name": model.id, "provider": model.provider, "accessible_by_keys": able})
        return answer({"models": models[:limit], "total": len(models)})

    def _known(self, name: str) -> str:
        if name not in self._sources.documents:
            raise missing("Provider")
        return name

    def _shown(self, name: str) -> dict[str, Any]:
        """As the API has it, credentials masked."""
        document: dict[str, Any] = shown(self._sources.documents.get(name, {}), self._sources.env)
        keys = [
            {**key, "id": key.get("id") or key.get("name") or f"{name}-{n + 1}"}
            for n, key in enumerate(document.get("keys") or [])
        ]
        return {**document, "name": name, "keys": keys, "status": "active"}


def _object(request: Request) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise wrong("", f"The body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise wrong("", "The body must be an object")
    return value
