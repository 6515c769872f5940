"""Which providers there are: those of the file and the environment, and what was said of them over the API since.

Rule 1. While the file says the same of a provider as when it was changed over the API, the change holds; when the file
says something new of it, the file wins (features.md 1.4).
Rule 2. A provider's JSON holds credentials: it is sealed as a whole in the store.
"""

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from asbru.config import ConfigError, ProviderSettings, Settings
from asbru.config.provider_document import document_of, read_provider
from asbru.store import Store, objects
from asbru.store.db import Db
from asbru.store.seal import Sealer, SealError

KIND = "provider"

_log = logging.getLogger("asbru.sources")


class Kept(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A provider's document in the store. ``sealed``: its JSON. ``deleted``: the file has it, and it is not wanted."""

    sealed: str = ""
    deleted: bool = False


_kept = msgspec.json.Decoder(Kept).decode


class Sources:
    """``file``: what the file and the environment say. ``env``: what ``env.NAME`` refers to."""

    def __init__(self, store: Store, file: Settings, sealer: Sealer, env: Mapping[str, str]) -> None:
        self._store = store
        self._file = file
        self._sealer = sealer
        self.env = env
        self._said: dict[str, Any] = {
            name: file.documents.get(name) or document_of(each) for name, each in file.providers.items()
        }
        self._digests = {name: _digest(said) for name, said in self._said.items()}
        self.documents: dict[str, Any] = dict(self._said)
        self.settings = file

    def digest(self, name: str) -> str:
        """Of what the file says of a provider, "" when it says nothing."""
        return self._digests.get(name, "")

    async def read(self) -> Settings:
        """What holds now. A document that cannot be read is left out and told in the log: the others still serve."""
        rows = await self._store.read(lambda db: objects.all_of(db, (KIND,)))
        documents, providers = dict(self._said), dict(self._file.providers)
        for row in rows:
            if row.file_digest != self.digest(row.id):
                continue
            kept = _kept(row.body)
            documents.pop(row.id, None)
            providers.pop(row.id, None)
            if kept.deleted:
                continue
            try:
                document = msgspec.json.decode(self._sealer.open(kept.sealed, row.id))
                found = read_provider(row.id, document, self.env)
            except (SealError, ConfigError) as error:
                _log.error(
                    "a provider cannot be read and is left out", extra={"provider": row.id, "reason": str(error)}
                )
                continue
            documents[row.id] = document
            if found is not None:
                providers[row.id] = self._placed(row.id, found)
        self.documents = documents
        self.settings = replace(self._file, providers=providers)
        return self.settings

    def _placed(self, name: str, found: ProviderSettings) -> ProviderSettings:
        """The built-in local model is where its server was started."""
        started = self._file.providers.get(name)
        if found.provider.base_url or started is None or not started.provider.base_url:
            return found
        return replace(found, provider=replace(found.provider, base_url=started.provider.base_url))

    def row(self, name: str, document: Any, now: float) -> objects.Document:
        """A provider's JSON, None for one that is not wanted, ready for the store."""
        kept = Kept(deleted=True) if document is None else Kept(sealed=self._sealer.seal(_json(document), name))
        return objects.Document(
            kind=KIND,
            id=name,
            name=name,
            body=msgspec.json.encode(kept),
            file_digest=self.digest(name),
            created_at=now,
            updated_at=now,
        )

    async def put(self, name: str, document: Any, change: objects.Change) -> None:
        """Store a provider's JSON, None for one that is not wanted any more."""
        row = self.row(name, document, change.at)

        def work(db: Db) -> None:
            if document is None and name not in self._said:
                objects.remove(db, KIND, name)
            else:
                objects.put(db, row)
            objects.note(db, change)

        await self._store.write(work)


def _json(document: Any) -> bytes:
    return msgspec.json.encode(document)


def _digest(document: Any) -> str:
    return hashlib.sha256(_json(document)).hexdigest()
