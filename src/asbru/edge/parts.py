"""What the tables of routes are made from, and how a table is put below a prefix."""

from collections.abc import Iterable

from msgspec import Struct

from asbru.edge.batches import AnthropicBatches
from asbru.edge.inference import Inference
from asbru.edge.openai_batches import OpenAIBatches
from asbru.edge.routes import Mount
from asbru.gateway.models import ModelLists


class Parts(Struct, frozen=True, kw_only=True):
    """What answers. Each dialect's table picks what it needs."""

    inference: Inference
    lists: ModelLists
    anthropic_batches: AnthropicBatches
    openai_batches: OpenAIBatches


def below(prefix: str, mounts: Iterable[Mount]) -> list[Mount]:
    """The rows with ``prefix`` before their paths."""
    return [Mount(mount.method, prefix + mount.path, mount.route) for mount in mounts]
