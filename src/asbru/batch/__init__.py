"""Work that may take a day and must survive a crash."""

from asbru.batch.engine import Engine, EngineSettings
from asbru.batch.ids import make_ids
from asbru.batch.service import BatchService, BatchSettings, CreateCommand

__all__ = ["BatchService", "BatchSettings", "CreateCommand", "Engine", "EngineSettings", "make_ids"]
