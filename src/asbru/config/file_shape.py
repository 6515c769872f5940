"""The whole of ``config.json``."""

from collections.abc import Mapping
from typing import ClassVar

from asbru.config.people_shape import AuthShape, GovernanceShape
from asbru.config.shape import ALWAYS, AsbruShape, ClientShape, ProviderShape, Shape


class FileShape(Shape, frozen=True, kw_only=True):
    """The whole file. ``providers`` None: the file says nothing of them, and the environment is asked."""

    LATER: ClassVar[Mapping[str, object]] = {
        "audit_logs": {},
        "cluster_config": {},
        "config_store": ALWAYS,
        "encryption_key": "",
        "framework": {},
        "guardrails_config": {},
        "large_payload_optimization": {},
        "load_balancer_config": {},
        "logs_store": ALWAYS,
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
