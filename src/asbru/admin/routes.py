"""All routes of the management API, and the role that each of them needs."""

from collections.abc import Awaitable, Callable

from asbru.admin.access import Access, Role
from asbru.admin.groups import Groups, desk_of
from asbru.admin.keys import VirtualKeys
from asbru.admin.providers import Providers
from asbru.admin.sessions import Sessions
from asbru.edge.routes import Mount
from asbru.store import Store

_ADMINS = ("/api/users", "/api/tokens", "/api/session", "/api/audit-logs")


def admin_mounts(
    store: Store, access: Access, providers: Providers, changed: Callable[[], Awaitable[None]]
) -> list[Mount]:
    """``changed``: this worker reads anew what is configured."""
    desk = desk_of(store, changed)
    sessions = Sessions(store, access)
    closed = [*sessions.closed(), *VirtualKeys(desk).mounts(), *Groups(desk).mounts(), *providers.mounts()]
    return [*sessions.open(), *access.guarded(closed, role_of)]


def role_of(mount: Mount) -> Role:
    """Who may use a route."""
    if mount.path.startswith(_ADMINS):
        return Role.ADMIN
    return Role.VIEWER if mount.method == "GET" else Role.OPERATOR
