"""What a virtual key may ask for: which providers and models, and which of them when the caller leaves it open."""

from collections.abc import Callable, Iterator, Sequence

from asbru.model.failure import Refused
from asbru.model.people import Principal, ProviderConfig, VirtualKey

Split = Callable[[str, str], tuple[str, str]]
"""(model as asked, parameter's name) -> (provider, "" when none is said; model). Raises Refused(400)."""


def permitted(who: Principal, wanted: Sequence[str], split: Split, dice: Callable[[], float]) -> tuple[str, ...]:
    """``wanted`` (the model, then the fallbacks) as the key of ``who`` allows it; those that it forbids are left out.

    A model that names no provider goes to one of the key's, drawn by weight; without fallbacks of the caller's own the
    others follow it. Raises Refused(403) when the model itself is forbidden.
    """
    key = who.key
    if key is None or not key.provider_configs:
        return tuple(wanted)
    provider, model = split(wanted[0], "model")
    if provider:
        check(key, provider, model)
        first = [wanted[0]]
    else:
        first = list(_drawn(key, model, dice))
        if len(wanted) > 1:
            del first[1:]
    for n, name in enumerate(wanted[1:]):
        provider, model = split(name, f"fallbacks.{n}")
        if provider and allows(key, provider, model):
            first.append(name)
    return tuple(first)


def check(key: VirtualKey, provider: str, model: str) -> None:
    """Raises Refused(403) when the key may not ask ``provider`` for ``model`` ("": for something that has none)."""
    if not key.provider_configs:
        return
    if not any(config.provider == provider for config in key.provider_configs):
        raise _blocked("provider_blocked", f"Provider '{provider}' is not allowed for this virtual key")
    if model and not allows(key, provider, model):
        raise _blocked("model_blocked", f"Model '{model}' is not allowed for this virtual key")


def serves(config: ProviderConfig, model: str) -> bool:
    """Whether a config lets ``model`` pass; an empty list lets all."""
    return not config.allowed_models or "*" in config.allowed_models or model in config.allowed_models


def allows(key: VirtualKey | None, provider: str, model: str) -> bool:
    """Whether the key may ask ``provider`` for ``model``."""
    if key is None or not key.provider_configs:
        return True
    return any(config.provider == provider and serves(config, model) for config in key.provider_configs)


def _drawn(key: VirtualKey, model: str, dice: Callable[[], float]) -> Iterator[str]:
    """The providers of the key that may serve ``model``: one drawn by weight, the others by falling weight."""
    able = [config for config in key.provider_configs if config.weight is not None and serves(config, model)]
    if not able:
        raise _blocked("model_blocked", f"Model '{model}' is not allowed for this virtual key")
    point = dice() * sum(config.weight or 0.0 for config in able)
    chosen = able[0]
    for config in able:
        chosen = config
        point -= config.weight or 0.0
        if point < 0:
            break
    rest = sorted((config for config in able if config is not chosen), key=lambda config: -(config.weight or 0.0))
    return (f"{config.provider}/{model}" for config in (chosen, *rest))


def _blocked(code: str, message: str) -> Refused:
    return Refused(403, message, code=code, param="model")
