"""Which providers' own batch APIs can be used, and how they are reached, for the batch engine."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from importlib.util import find_spec
from urllib.parse import urlsplit

import msgspec

from asbru.batch.gather import NativeProvider
from asbru.batch.native import Job, NativeApi
from asbru.batch.native_anthropic import NativeAnthropic
from asbru.batch.native_bedrock import NativeBedrock
from asbru.batch.native_calls import Address, Depot, Send
from asbru.batch.native_files import NativeFiles
from asbru.batch.native_fireworks import NativeFireworks
from asbru.batch.native_gemini import NativeGemini
from asbru.batch.native_mistral import MISTRAL
from asbru.batch.native_openai import OPENAI
from asbru.batch.native_openrouter import NativeOpenRouter
from asbru.batch.native_together import TOGETHER
from asbru.batch.native_vertex import NativeVertex
from asbru.batch.native_xai import XAI
from asbru.config import ProviderSettings, Settings
from asbru.gateway.bending import merge
from asbru.gateway.door import account_of, base_url_of, credential_of, filled, foreign, headers_of, merge_headers
from asbru.gateway.snapshot import PriceOf
from asbru.model.failure import Refused
from asbru.model.keys import Key
from asbru.providers import Endpoint, Provider, Quirks, SigV4
from asbru.routing import in_turn
from asbru.upstream.objects import Objects, Site
from asbru.upstream.origin import deadlines_of, origin_of
from asbru.upstream.signing import SignerOf
from asbru.wire import CODECS

KINDS: Mapping[str, Callable[..., NativeApi]] = {
    "openai": partial(NativeFiles, OPENAI),
    "mistral": partial(NativeFiles, MISTRAL),
    "together": partial(NativeFiles, TOGETHER),
    "xai": partial(NativeFiles, XAI),
    "anthropic": NativeAnthropic,
    "bedrock": NativeBedrock,
    "fireworks": NativeFireworks,
    "openrouter": NativeOpenRouter,
    "gemini": NativeGemini,
    "vertex": NativeVertex,
}
"""Clients by ``BatchApi.kind``, made of ``send``, an ``AddressOf`` and the seconds that find() waits."""


def native_providers(
    settings: Settings, out: tuple[Send, SignerOf], price: PriceOf, dice: Callable[[], float]
) -> dict[str, NativeProvider]:
    """By name, those that have a batch API and a key that may use it. ``out``: how they are called, and who signs.
    ``price``: of the batch APIs.
    """
    return {
        name: _native(name, each, out, (price, dice))
        for name, each in settings.providers.items()
        if each.provider.batch is not None and (each.provider.keyless or _keys(each))
    }


def _keys(each: ProviderSettings) -> tuple[Key, ...]:
    """Those that may be used, and say all that the addresses of batches ask for."""
    able = (key for key in each.keys if key.usable and key.use_for_batch_api)
    return tuple(key for key in able if _addressed(each.provider, key))


def _addressed(provider: Provider, key: Key) -> bool:
    assert provider.batch is not None
    needs = provider.batch.needs
    if not set(needs) <= provider.settings_with(key).keys():
        return False
    if "batch_bucket" in needs and find_spec("obstore") is None:
        return False
    if "batch_gcs_bucket" in needs and key.value:
        # Google's buckets take tokens only.
        return False
    try:
        filled(provider.batch.path + provider.batch.files, provider, key)
    except Refused:
        return False
    return True


def _native(
    name: str, each: ProviderSettings, out: tuple[Send, SignerOf], given: tuple[PriceOf, Callable[[], float]]
) -> NativeProvider:
    (send, signer), (price, dice) = out, given
    limits = each.provider.batch
    assert limits is not None
    keys = _keys(each)
    ways = [way for way in each.provider.serves if way.format in limits.formats]
    return NativeProvider(
        name=name,
        api=KINDS[limits.kind](send, _Addresses(each, signer)),
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


class _Addresses:
    """Where each job of a provider goes. Buckets stay open."""

    def __init__(self, each: ProviderSettings, signer: SignerOf) -> None:
        self._each = each
        self._signer = signer
        self._depots: dict[str, Depot] = {}

    def __call__(self, job: Job) -> Address:
        """For ``job``."""
        each, key = self._each, job.key
        provider, network = each.provider, each.network
        assert provider.batch is not None
        url = base_url_of(provider, key)
        own = headers_of(provider, key, network)
        if provider.batch.at_models and provider.models_base_url:
            url = filled(provider.models_base_url, provider, key)
            own = {**own, b"host": urlsplit(url).netloc.encode()}
        without = foreign(CODECS[job.format].family, provider.auth)
        return Address(
            provider=provider.name,
            origin=origin_of(url, network),
            base=urlsplit(url).path.rstrip("/").removesuffix(provider.batch.without),
            batches=filled(provider.batch.path, provider, key),
            files=filled(provider.batch.files, provider, key),
            headers={**merge_headers(own, job.headers, without), **credential_of(provider.auth, key)},
            deadlines=deadlines_of(network),
            elsewhere=partial(origin_of, network=network),
            signer=self._signer(account_of(provider, provider.auth, key, network)),
            depot=self._depot(key),
        )

    def _depot(self, key: Key | None) -> Depot | None:
        """The bucket that a key names."""
        if key is None or "batch_bucket" not in key.settings:
            return None
        if key.id not in self._depots:
            each, said = self._each, key.settings
            account = account_of(each.provider, SigV4("s3"), key, each.network)
            site = Site(endpoint=said.get("batch_endpoint", ""), account=account)
            bucket = Objects(site, said["batch_bucket"])
            self._depots[key.id] = Depot(bucket, said.get("batch_prefix", ""), said.get("batch_role", ""))
        return self._depots[key.id]
