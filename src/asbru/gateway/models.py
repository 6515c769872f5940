"""Which models there are: the providers' own lists, kept for a minute.

Rule 1. A provider that cannot be asked now is left out of a list over all providers; asked for alone, its failure is
told.
Rule 2. Keys with addresses of their own are all asked; who cannot be asked is left out while another can.
Rule 3. A key's ``models`` narrow what is listed; a model named there that the provider does not list is added.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from asbru.gateway.door import account_of, base_url_of, credential_of, filled, head_lines, headers_of, with_query
from asbru.gateway.handle import Send
from asbru.gateway.snapshot import Snapshot
from asbru.model.failure import Failure, Refused
from asbru.model.keys import Key
from asbru.model.models import Model
from asbru.providers import Provider
from asbru.upstream.call import Call
from asbru.upstream.origin import deadlines_of, origin_of
from asbru.upstream.signing import Unsigned
from asbru.wire import CODECS
from asbru.wire.models import Page, read_models

_KEPT = 60.0
"""Seconds a list is kept."""
_PAGES = 20
"""Most pages that are asked for."""
_LIMIT = 16 << 20
"""Most bytes of one page."""


class ModelLists:
    """``ticks``: seconds of a monotonic clock."""

    def __init__(self, snapshot: Callable[[], Snapshot], send: Send, ticks: Callable[[], float]) -> None:
        self._snapshot = snapshot
        self._send = send
        self._ticks = ticks
        self._known: dict[str, tuple[float, tuple[Model, ...]]] = {}

    async def of(self, provider: str, fresh: bool = False) -> tuple[Model, ...]:
        """The models of one provider; ``fresh``: asked for now.

        Raises Refused(400) for an unknown one, Upstream when it cannot be asked.
        """
        snapshot = self._snapshot()
        if provider not in snapshot.providers:
            known = ", ".join(sorted(snapshot.providers))
            raise Refused(400, f"provider {provider!r} is not configured; configured: {known}", param="provider")
        at, models = self._known.get(provider, (-_KEPT, ()))
        if fresh or self._ticks() - at >= _KEPT:
            models = await self._ask(snapshot, provider)
            self._known[provider] = self._ticks(), models
        return models

    async def everywhere(self) -> tuple[Model, ...]:
        """The models of all configured providers, those which could not be asked left out."""
        names = sorted(self._snapshot().providers)
        lists = await asyncio.gather(*(self.of(name) for name in names), return_exceptions=True)
        out: list[Model] = []
        for models in lists:
            if isinstance(models, Failure):
                continue
            if isinstance(models, BaseException):
                raise models
            out.extend(models)
        return tuple(out)

    async def _ask(self, snapshot: Snapshot, name: str) -> tuple[Model, ...]:
        keys = [key for key in snapshot.table.providers[name].keys if key.enabled]
        listed: dict[str, Model] = {}
        failed: list[Failure] = []
        asked = _one_per_address(snapshot.providers[name], keys)
        for key in asked:
            try:
                listed.update((model.id, model) for model in await self._whole(snapshot, name, key))
            except Failure as failure:
                failed.append(failure)
        if failed and len(failed) == len(asked):
            raise failed[0]
        return _narrowed(name, listed, keys)

    async def _whole(self, snapshot: Snapshot, name: str, key: Key | None) -> list[Model]:
        """The list, and those beside it as far as they can be read."""
        provider = snapshot.providers[name]
        models = await self._pages(snapshot, name, key, provider.models_path)
        for path in provider.more_models_paths:
            with suppress(Failure):
                models += await self._pages(snapshot, name, key, path)
        return models

    async def _pages(self, snapshot: Snapshot, name: str, key: Key | None, path: str) -> list[Model]:
        """All pages of one list."""
        models: list[Model] = []
        page = Page((), "")
        for _ in range(_PAGES):
            after = f"{'&' if '?' in path else '?'}{page.after}" if page.after else ""
            page = await self._page(snapshot, name, key, path + after)
            models.extend(page.models)
            if not page.after:
                break
        return models

    async def _page(self, snapshot: Snapshot, name: str, key: Key | None, path: str) -> Page:
        provider, network = snapshot.providers[name], snapshot.networks[name]
        url = filled(provider.models_base_url, provider, key) or base_url_of(provider, key)
        path = with_query(urlsplit(url).path.rstrip("/") + filled(path, provider, key), provider.auth, key)
        origin, headers = origin_of(url, network), headers_of(provider, key, network)
        headers[b"host"] = urlsplit(url).netloc.rpartition("@")[2].encode()
        signer = snapshot.signer(account_of(provider, provider.auth, key, network))
        credential = (
            credential_of(provider.auth, key)
            if signer is None
            else await signer.sign(Unsigned("GET", origin, path, headers, b""))
        )
        head = f"GET {path} HTTP/1.1\r\n".encode() + head_lines({**headers, **credential})
        call = Call(origin=origin, head=head, deadlines=deadlines_of(network), limit=_LIMIT)
        answer = await self._send(call)
        if answer.status >= 300:
            raise CODECS[provider.serves[0].format].read_failure(answer.status, answer.headers, answer.body)
        return read_models(answer.body, name)


def _one_per_address(provider: Provider, keys: list[Key]) -> list[Key | None]:
    """Who is asked: the first key, or one for each address where keys have their own. Nobody when there is no list."""
    if not provider.models_path:
        return []
    found = {base_url_of(provider, key): key for key in reversed(keys)}
    return list(reversed(found.values())) or [None]


def _narrowed(name: str, listed: dict[str, Model], keys: list[Key]) -> tuple[Model, ...]:
    named = {model for key in keys for model in key.models if model != "*"}
    open_to_all = not keys or any(not key.models or "*" in key.models for key in keys)
    for model in named - listed.keys():
        listed[model] = Model(id=model, provider=name, name=model, owned_by=name)
    return tuple(
        model
        for model in listed.values()
        if not keys or ((open_to_all or model.id in named) and any(key.allows(model.id) for key in keys))
    )
