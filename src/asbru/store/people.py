"""Virtual keys, teams, customers and limits: documents to model."""

import hashlib
from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Struct

from asbru.governance import People, Register
from asbru.model.people import Customer, ModelConfig, ProviderLimits, Team, VirtualKey
from asbru.store import objects
from asbru.store.db import Db
from asbru.store.objects import Document

SHAPES: Mapping[str, type[Struct]] = {
    "virtual_key": VirtualKey,
    "team": Team,
    "customer": Customer,
    "model_config": ModelConfig,
    "provider_limits": ProviderLimits,
}
"""What the body of each kind of document is."""

_DECODERS = {kind: msgspec.json.Decoder(shape) for kind, shape in SHAPES.items()}


def merge(db: Db, register: Register, now: float) -> None:
    """Take in what the configuration file says of people.

    Rule: while the file says the same of a document as before, what has been changed here since stays; when the file
    says something new, the file wins (features.md 1.4). What the file no longer names stays.
    """
    for kind, each in _documents(register):
        body = msgspec.json.encode(each)
        digest = hashlib.sha256(body).hexdigest()
        found = objects.find(db, kind, each.id)
        if found is not None and found.file_digest == digest:
            continue
        made = found.created_at if found else now
        if hasattr(each, "created_at"):
            body = msgspec.json.encode(msgspec.structs.replace(each, created_at=made, updated_at=now))
        objects.put(
            db,
            Document(
                kind=kind,
                id=each.id,
                name=_name_of(each),
                body=body,
                origin="file",
                file_digest=digest,
                created_at=made,
                updated_at=now,
            ),
        )


Limited = VirtualKey | Team | Customer | ModelConfig | ProviderLimits


def _documents(register: Register) -> Iterator[tuple[str, Limited]]:
    yield from (("virtual_key", each) for each in register.virtual_keys)
    yield from (("team", each) for each in register.teams)
    yield from (("customer", each) for each in register.customers)
    yield from (("model_config", each) for each in register.models)
    yield from (("provider_limits", each) for each in register.providers)


def _name_of(each: Limited) -> str:
    match each:
        case ModelConfig():
            return f"{each.provider}/{each.model_name}"
        case ProviderLimits():
            return each.id
    return each.name


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
