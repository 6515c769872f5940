"""The bridge: carries one exchange from admission to record."""

from asbru.gateway.exchange import Exchange
from asbru.gateway.handle import Gateway, Tools
from asbru.gateway.snapshot import Snapshot

__all__ = ["Exchange", "Gateway", "Snapshot", "Tools"]
