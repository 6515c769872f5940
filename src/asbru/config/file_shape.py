"""The whole of ``config.json``."""

from collections.abc import Mapping
from typing import ClassVar

from asbru.config.people_shape import AuthShape, GovernanceShape
from asbru.config.shape import AsbruShape, ClientShape, ProviderShape, Shape
from asbru.config.store_shape import StoreShape


class FileShape(Shape, frozen=True, kw_only=True):
    """The whole file. ``providers`` None: the file says nothing of them, and the environment is asked."""

    LATER: ClassVar[Mapping[str, object]] = {
        "audit_logs": {},
        "cluster_config": {},
        "encryption_key": "",
        "framework": {},
        "guardrails_config": {},
        "large_payload_optimization": {},
        "load_balancer_config": {},
        "mcp": {},
        "plugins": [],
        "saml_config": {},
        "vector_store": {},
        "websocket": {},
    }
    IDLE = frozenset({"$schema", "version"})

    client: ClientShape | None = None
    providers: dict[str, ProviderShape] | None = None
    governance: GovernanceShape | None = None
    auth_config: AuthShape | None = None
    asbru: AsbruShape | None = None
    config_store: StoreShape | None = None
    logs_store: StoreShape | None = None
