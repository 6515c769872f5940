"""One provider out of JSON that came over the API: the same shape and the same words as in the file."""

from collections.abc import Mapping
from typing import Any

import msgspec

from asbru.config.findings import ConfigError, Findings
from asbru.config.provider import provider_of
from asbru.config.settings import ProviderSettings
from asbru.config.shape import ProviderShape
from asbru.config.walk import walk

_SUFFIX = "_auto_detected"


def read_provider(name: str, document: Any, env: Mapping[str, str]) -> ProviderSettings | None:
    """Its settings, None for nothing that could be asked. Raises ConfigError with every offence, paths as the API has
    them (``keys[0].weight``).
    """
    findings = Findings(env)
    shape = msgspec.convert(walk(document, ProviderShape, findings), ProviderShape)
    found = provider_of(name, shape, findings)
    if findings.offences:
        head = f"providers.{name}."
        bare = tuple(
            msgspec.structs.replace(each, path=each.path.removeprefix(head).removeprefix(head[:-1]))
            for each in findings.offences
        )
        raise ConfigError(bare)
    return found


def document_of(each: ProviderSettings) -> dict[str, Any]:
    """The JSON of a provider that was found by the environment's keys."""
    keys = [
        {"id": key.id, "name": key.name, "value": f"env.{key.name.removesuffix(_SUFFIX)}", "weight": key.weight}
        for key in each.keys
        if key.name.endswith(_SUFFIX)
    ]
    return {"keys": keys} if keys else {}
