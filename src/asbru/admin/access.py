"""Who may use the management API.

Rule 1. Until somebody has been made an admin, only the set-up token opens it: it is made at start and printed once.
Rule 2. Afterwards: a session (cookie or bearer token), a personal API token, or name and password (Basic).
Rule 3. A viewer reads; an operator changes everything but who may manage; an admin everything.
Rule 4. A cookie is believed only when the browser says that the page which asks is ours: no other site can use it.
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
from collections.abc import Callable, Iterable
from enum import StrEnum
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from asbru.admin.documents import Documents, new_id
from asbru.admin.passwords import hashed, matches
from asbru.edge.request import Handler, Request
from asbru.edge.routes import Mount
from asbru.model.failure import Refused
from asbru.model.http import Answer
from asbru.store import Store, logins

COOKIE = "token"
TRIES = 5
"""Wrong passwords in a row before a name is locked."""
LOCKED = 300.0
"""Seconds for which it is."""
_NAMES_KEPT = 10_000


class Role(StrEnum):
    """What somebody may do, from less to more."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


_ORDER = tuple(Role)


class User(Struct, frozen=True, kw_only=True):
    """Somebody who manages. ``password``: in PHC form."""

    id: str
    username: str
    password: str
    role: Role
    created_at: float = 0.0


class ApiToken(Struct, frozen=True, kw_only=True):
    """A token for programs. ``digest``: SHA-256 of it. ``user``: whose it is; it can do no more than that user."""

    id: str
    name: str
    digest: str
    hint: str
    user: str
    role: Role
    expires_at: float | None = None
    created_at: float = 0.0


class Caller(Struct, frozen=True):
    """Who calls. ``name``: for the audit log. ``digest``: of the session's token, "" without one."""

    name: str
    role: Role
    user: str = ""
    digest: str = ""


def digest_of(token: str) -> str:
    """What is kept of a token: they are random, nothing slower is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Access:
    """The gate before ``/api``. ``setup``: the set-up token of this start."""

    def __init__(self, store: Store, setup: str) -> None:
        self._store = store
        self._setup = setup
        self.users = Documents(store, "user", User, "User", ("password",))
        self.tokens = Documents(store, "api_token", ApiToken, "Token", ("digest",))
        self._wrong: dict[str, tuple[int, float]] = {}

    async def open_for_setup(self) -> bool:
        """Whether nobody is an admin yet."""
        return not await self.users.all()

    async def make_sure_of(self, username: str, password: str) -> None:
        """An admin with this name and password, as the configuration file wants it: the file always wins."""
        found = next((each for each in await self.users.all() if each.username == username), None)
        if found is not None and found.role is Role.ADMIN:
            kept = found.password
            if await self._store.call(lambda: matches(password, kept)):
                return
        made = await self._store.call(lambda: hashed(password))
        if found is not None:
            new = replace(found, password=made, role=Role.ADMIN)
            await self.users.change("file", found.id, lambda old: (username, new))
            await self._store.write(lambda db: logins.end_all(db, new.id))
            return
        user = User(id=new_id(), username=username, password=made, role=Role.ADMIN, created_at=self._store.clock())
        with contextlib.suppress(Refused):
            # Another worker was faster.
            await self.users.add("file", user.id, username, user)

    def guarded(self, mounts: Iterable[Mount], role: Callable[[Mount], Role]) -> list[Mount]:
        """``mounts``, each with a handler that is called once it is known who calls and that they may."""
        return [
            Mount(each.method, each.path, replace(each.route, handler=self._guarded(each.route.handler, role(each))))
            for each in mounts
        ]

    def _guarded(self, handler: Handler, role: Role) -> Handler:
        async def guard(request: Request) -> Answer:
            caller = await self.caller(request)
            if caller is None:
                raise Refused(401, "Unauthorized", code="authentication_error")
            if _ORDER.index(caller.role) < _ORDER.index(role):
                raise Refused(403, f"this needs the role {role}, yours is {caller.role}", code="permission_error")
            request.actor = caller.name
            return await handler(request)

        return guard

    async def caller(self, request: Request) -> Caller | None:
        """Who calls, None for nobody. Raises Refused(429) for a name that is locked, Refused(403) for another site."""
        if await self.open_for_setup():
            shown = _bearer(request) or request.headers.get(b"x-asbru-setup-token", b"").decode("latin-1")
            good = bool(self._setup) and hmac.compare_digest(shown.encode(), self._setup.encode())
            return Caller("setup", Role.ADMIN) if good else None
        if bearer := _bearer(request):
            return await self._by_token(bearer)
        if basic := _basic(request):
            user = await self.signed_in(*basic)
            return Caller(user.username, user.role, user.id) if user else None
        if cookie := cookie_of(request):
            _same_site(request)
            return await self._by_session(cookie)
        return None

    async def _by_token(self, token: str) -> Caller | None:
        caller = await self._by_session(token)
        if caller is not None:
            return caller
        digest, now = digest_of(token), self._store.clock()
        for each in await self.tokens.all():
            if hmac.compare_digest(each.digest, digest) and (each.expires_at is None or now < each.expires_at):
                user = await self.users.find(each.user)
                if user is not None:
                    role = min(each.role, user.role, key=_ORDER.index)
                    return Caller(f"{user.username} ({each.name})", role, user.id)
        return None

    async def _by_session(self, token: str) -> Caller | None:
        digest, now = digest_of(token), self._store.clock()
        login = await self._store.read(lambda db: logins.find(db, digest, now))
        user = await self.users.find(login.user) if login else None
        return Caller(user.username, user.role, user.id, digest) if user else None

    async def signed_in(self, username: str, password: str) -> User | None:
        """The user with this name and password. Raises Refused(429) when the name is locked."""
        now = self._store.clock()
        count, since = self._wrong.get(username, (0, 0.0))
        if count >= TRIES and now < since + LOCKED:
            wait = since + LOCKED - now
            raise Refused(429, "Too many wrong passwords: try again later.", code="rate_limited", retry_after=wait)
        user = next((each for each in await self.users.all() if each.username == username), None)
        kept = user.password if user else _NOBODYS
        good = await self._store.call(lambda: matches(password, kept))
        if user is not None and good:
            self._wrong.pop(username, None)
            return user
        if len(self._wrong) >= _NAMES_KEPT:
            self._wrong.clear()
        self._wrong[username] = (count + 1 if now < since + LOCKED else 1, now)
        return None


_NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""Matches nothing: a name that nobody has takes as long as one that somebody has."""


def _bearer(request: Request) -> str:
    value = request.headers.get(b"authorization", b"").decode("latin-1")
    return value[7:].strip() if value[:7].lower() == "bearer " else ""


def _basic(request: Request) -> tuple[str, str] | None:
    value = request.headers.get(b"authorization", b"").decode("latin-1")
    if value[:6].lower() != "basic ":
        return None
    try:
        name, colon, password = base64.b64decode(value[6:].strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if colon else None


def cookie_of(request: Request) -> str:
    """The session's token out of the cookies, "" without one."""
    for part in request.headers.get(b"cookie", b"").decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def _same_site(request: Request) -> None:
    """Raises Refused(403) when a page of another site asks for a change."""
    if request.method in ("GET", "HEAD"):
        return
    site = request.headers.get(b"sec-fetch-site", b"").decode("latin-1")
    origin = request.headers.get(b"origin", b"").decode("latin-1")
    host = request.headers.get(b"host", b"").decode("latin-1")
    if site in ("same-origin", "none") or (not site and not origin):
        return
    if not site and urlsplit(origin).netloc == host:
        return
    raise Refused(403, "This request comes from another site.", code="permission_error")
