"""Which providers' own batch APIs can be used, and how they are reached, for the batch engine."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from urllib.parse import urlsplit

import msgspec

from asbru.batch.gather import NativeProvider
from asbru.batch.native import Job, NativeApi
from asbru.batch.native_anthropic import NativeAnthropic
from asbru.batch.native_calls import Address, Send
from asbru.batch.native_files import NativeFiles
from asbru.batch.native_fireworks import NativeFireworks
from asbru.batch.native_gemini import NativeGemini
from asbru.batch.native_mistral import MISTRAL
from asbru.batch.native_openai import OPENAI
from asbru.batch.native_openrouter import NativeOpenRouter
from asbru.batch.native_together import TOGETHER
from asbru.batch.native_xai import XAI
from asbru.config import ProviderSettings, Settings
from asbru.gateway.bending import merge
from asbru.gateway.door import base_url_of, credential_of, filled, foreign, headers_of, merge_headers
from asbru.gateway.snapshot import PriceOf
from asbru.model.failure import Refused
from asbru.model.keys import Key
from asbru.providers import Endpoint, Provider, Quirks
from asbru.routing import in_turn
from asbru.upstream.origin import deadlines_of, origin_of
from asbru.wire import CODECS

KINDS: Mapping[str, Callable[..., NativeApi]] = {
    "openai": partial(NativeFiles, OPENAI),
    "mistral": partial(NativeFiles, MISTRAL),
    "together": partial(NativeFiles, TOGETHER),
    "xai": partial(NativeFiles, XAI),
    "anthropic": NativeAnthropic,
    "fireworks": NativeFireworks,
    "openrouter": NativeOpenRouter,
    "gemini": NativeGemini,
}
"""Clients by ``BatchApi.kind``, made of ``send``, an ``AddressOf`` and the seconds that find() waits."""


def native_providers(
    settings: Settings, send: Send, price: PriceOf, dice: Callable[[], float]
) -> dict[str, NativeProvider]:
    """By name, those that have a batch API and a key that may use it. ``price``: of the batch APIs."""
    return {
        name: _native(name, each, send, (price, dice))
        for name, each in settings.providers.items()
        if each.provider.batch is not None and (each.provider.keyless or _keys(each))
    }


def _keys(each: ProviderSettings) -> tuple[Key, ...]:
    """Those that may be used, and say all that the addresses of batches ask for."""
    able = (key for key in each.keys if key.enabled and key.value and key.use_for_batch_api)
    return tuple(key for key in able if _addressed(each.provider, key))


def _addressed(provider: Provider, key: Key) -> bool:
    assert provider.batch is not None
    try:
        filled(provider.batch.path + provider.batch.files, provider, key)
    except Refused:
        return False
    return True


def _native(
    name: str, each: ProviderSettings, send: Send, given: tuple[PriceOf, Callable[[], float]]
) -> NativeProvider:
    price, dice = given
    limits = each.provider.batch
    assert limits is not None
    keys = _keys(each)
    ways = [way for way in each.provider.serves if way.format in limits.formats]
    return NativeProvider(
        name=name,
        api=KINDS[limits.kind](send, partial(_address, each)),
        limits=limits,
        ways=tuple(msgspec.structs.replace(way, quirks=_quirks(each, way)) for way in ways),
        keys=keys,
        price=partial(price, name),
        choose=partial(_choose, keys, dice),
        keyless=each.provider.keyless,
        settings=each.provider.settings,
    )


def _quirks(each: ProviderSettings, way: Endpoint) -> Quirks:
    """Of the provider's bodies, none of which is to be streamed."""
    quirks = merge(each.provider.quirks, way.quirks)
    return msgspec.structs.replace(quirks, drop=quirks.drop | {"stream"})


def _choose(keys: tuple[Key, ...], dice: Callable[[], float], model: str, without: Collection[str] = ()) -> Key | None:
    """One key that allows ``model``, by weight; none of those whose ids are in ``without``."""
    allowed = [key for key in keys if key.allows(model) and key.id not in without]
    return in_turn(allowed, dice)[0] if allowed else None


def _address(each: ProviderSettings, job: Job) -> Address:
    provider, network = each.provider, each.network
    assert provider.batch is not None
    url = base_url_of(provider, job.key)
    own = headers_of(provider, job.key, network)
    without = foreign(CODECS[job.format].family, provider.auth)
    return Address(
        provider=provider.name,
        origin=origin_of(url, network),
        base=urlsplit(url).path.rstrip("/").removesuffix(provider.batch.without),
        batches=filled(provider.batch.path, provider, job.key),
        files=filled(provider.batch.files, provider, job.key),
        headers={**merge_headers(own, job.headers, without), **credential_of(provider.auth, job.key)},
        deadlines=deadlines_of(network),
        elsewhere=partial(origin_of, network=network),
    )
