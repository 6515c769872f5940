"""Virtual keys, teams, customers and limits: documents to model."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from asbru.governance import People, Register
from asbru.model.people import Customer, ModelConfig, ProviderLimits, Team, VirtualKey
from asbru.store import objects
from asbru.store.db import Db

SHAPES: Mapping[str, type[Struct]] = {
    "virtual_key": VirtualKey,
    "team": Team,
    "customer": Customer,
    "model_config": ModelConfig,
    "provider_limits": ProviderLimits,
}
"""What the body of each kind of document is."""

_DECODERS = {kind: msgspec.json.Decoder(shape) for kind, shape in SHAPES.items()}


def read_people(db: Db) -> People:
    """All of them. Raises ValueError for a document that nobody but a person with an editor can have written."""
    found: dict[str, list[Struct]] = {kind: [] for kind in SHAPES}
    for document in objects.all_of(db, SHAPES):
        found[document.kind].append(_DECODERS[document.kind].decode(document.body))
    return People(
        Register(
            virtual_keys=tuple(each for each in found["virtual_key"] if isinstance(each, VirtualKey)),
            teams=tuple(each for each in found["team"] if isinstance(each, Team)),
            customers=tuple(each for each in found["customer"] if isinstance(each, Customer)),
            models=tuple(each for each in found["model_config"] if isinstance(each, ModelConfig)),
            providers=tuple(each for each in found["provider_limits"] if isinstance(each, ProviderLimits)),
        )
    )
