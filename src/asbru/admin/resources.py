"""A managed resource: five verbs over documents of one kind."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct

from asbru.admin.bodies import answer, paged, query_of, read, route
from asbru.admin.documents import Documents, new_id
from asbru.edge.request import Request
from asbru.edge.routes import Mount
from asbru.model.http import Answer
from asbru.store.db import Db

D = TypeVar("D", bound=Struct)
B = TypeVar("B", bound=Struct)

Shown = dict[str, object]


class Kind(Struct, Generic[D, B], frozen=True, kw_only=True):
    """What makes a resource out of documents. ``plural`` and ``singular``: its words in JSON. ``path``: in addresses.

    ``make(body, old, id)``: the new document and its name, ``old`` None for a new one; raises Refused(400).
    ``show(documents)``: each as the API has it. ``told(document)``: more for the answer to a create (a secret, once).
    ``removed(db, id)``: what else goes when one goes. ``as_map``: from memory they are shown by id (features.md 3.6).
    """

    path: str
    plural: str
    singular: str
    documents: Documents[D]
    body: type[B]
    make: Callable[[B, D | None, str], Awaitable[tuple[str, D]]]
    show: Callable[[Sequence[D]], Awaitable[list[Shown]]]
    name: Callable[[D], str]
    told: Callable[[D], Shown] = lambda document: {}
    removed: Callable[[Db, str], None] = lambda db, id: None
    keep: Callable[[Request, D], bool] = lambda request, document: True
    as_map: bool = True


class Resource(Generic[D, B]):
    """``changed``: called after every change, so that this worker knows at once."""

    def __init__(self, kind: Kind[D, B], changed: Callable[[], Awaitable[None]]) -> None:
        self._kind = kind
        self._changed = changed

    def mounts(self, root: str) -> list[Mount]:
        """Its routes below ``root``."""
        kind = self._kind
        many, one = f"{root}/{kind.path}", f"{root}/{kind.path}/{{id}}"
        word = kind.documents.word.lower()
        return [
            Mount("GET", many, route(self._list, f"List: {word}")),
            Mount("POST", many, route(self._create, f"Create: {word}", kind.body)),
            Mount("GET", one, route(self._get, f"Get: {word}")),
            Mount("PUT", one, route(self._update, f"Update: {word}", kind.body)),
            Mount("DELETE", one, route(self._delete, f"Delete: {word}")),
        ]

    async def _list(self, request: Request) -> Answer:
        kind = self._kind
        found = [each for each in await kind.documents.all() if kind.keep(request, each)]
        page, numbers = paged(request, found, kind.name)
        shown = await kind.show(page)
        listed: Any = shown
        if kind.as_map and query_of(request, "from_memory") == "true":
            listed = {str(each["id"]): each for each in shown}
        return answer({kind.plural: listed, **numbers})

    async def _create(self, request: Request) -> Answer:
        kind, id = self._kind, new_id()
        name, new = await kind.make(read(request, kind.body), None, id)
        await kind.documents.add(request.actor, id, name, new)
        await self._changed()
        shown = (await kind.show([new]))[0]
        message = f"{kind.documents.word} created successfully"
        return answer({"message": message, kind.singular: {**shown, **kind.told(new)}})

    async def _get(self, request: Request) -> Answer:
        kind = self._kind
        found = await kind.documents.get(request.params[0])
        return answer({kind.singular: (await kind.show([found]))[0]})

    async def _update(self, request: Request) -> Answer:
        kind, id = self._kind, request.params[0]
        said = read(request, kind.body)
        old = await kind.documents.get(id)
        name, new = await kind.make(said, old, id)
        await kind.documents.change(request.actor, id, lambda found: (name, new))
        await self._changed()
        message = f"{kind.documents.word} updated successfully"
        return answer({"message": message, kind.singular: (await kind.show([new]))[0]})

    async def _delete(self, request: Request) -> Answer:
        kind, id = self._kind, request.params[0]
        await kind.documents.remove(request.actor, id, lambda db: kind.removed(db, id))
        await self._changed()
        return answer({"message": f"{kind.documents.word} deleted successfully"})
