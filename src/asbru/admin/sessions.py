"""``/api/session``, ``/api/users``, ``/api/tokens``, ``/api/audit-logs``: who manages, and what they did."""

import secrets
from datetime import datetime

import msgspec
from msgspec.structs import replace

from asbru.admin.access import COOKIE, Access, ApiToken, Role, User, cookie_of, digest_of
from asbru.admin.bodies import Body, answer, number_of, read, route, time_of, wrong
from asbru.admin.documents import new_id
from asbru.admin.passwords import hashed, weakness
from asbru.admin.resources import Shown
from asbru.edge.request import Request
from asbru.edge.routes import Mount
from asbru.model.failure import Refused
from asbru.model.http import Answer
from asbru.store import Store, logins, objects

LIFE = 30 * 86_400.0
"""Seconds that a session lasts (features.md 9)."""


class LoginBody(Body, frozen=True, kw_only=True):
    username: str
    password: str


class UserBody(Body, frozen=True, kw_only=True):
    username: str | None = None
    password: str | None = None
    role: Role | None = None


class TokenBody(Body, frozen=True, kw_only=True):
    name: str
    role: Role = Role.VIEWER
    expires_at: datetime | None = None


class Sessions:
    """The routes."""

    def __init__(self, store: Store, access: Access) -> None:
        self._store = store
        self._access = access

    def open(self) -> list[Mount]:
        """Those that need nobody to be signed in."""
        return [
            Mount("POST", "/api/session/login", route(self._login, "Sign in", LoginBody)),
            Mount("POST", "/api/session/logout", route(self._logout, "Sign out")),
            Mount("GET", "/api/session/is-auth-enabled", route(self._enabled, "Whether one has to sign in")),
        ]

    def closed(self) -> list[Mount]:
        """Those for admins, and for oneself."""
        return [
            Mount("POST", "/api/session/setup", route(self._set_up, "Make the first admin", LoginBody)),
            Mount("GET", "/api/users", route(self._users, "List: users")),
            Mount("POST", "/api/users", route(self._add_user, "Create: user", UserBody)),
            Mount("PUT", "/api/users/{id}", route(self._change_user, "Update: user", UserBody)),
            Mount("DELETE", "/api/users/{id}", route(self._remove_user, "Delete: user")),
            Mount("GET", "/api/tokens", route(self._tokens, "List: API tokens")),
            Mount("POST", "/api/tokens", route(self._add_token, "Create: API token", TokenBody)),
            Mount("DELETE", "/api/tokens/{id}", route(self._remove_token, "Delete: API token")),
            Mount("GET", "/api/audit-logs", route(self._audit, "What was changed, newest first")),
        ]

    async def _set_up(self, request: Request) -> Answer:
        said = read(request, LoginBody)
        if not await self._access.open_for_setup():
            raise Refused(409, "There is an admin already.", code="conflict_error")
        user = await self._add(request.actor, said.username, said.password, Role.ADMIN)
        return await self._begin(request, user, "Set up successfully")

    async def _login(self, request: Request) -> Answer:
        said = read(request, LoginBody)
        if await self._access.open_for_setup():
            raise Refused(403, "Authentication is not enabled", code="permission_error")
        user = await self._access.signed_in(said.username, said.password)
        if user is None:
            raise Refused(401, "Invalid username or password", code="authentication_error")
        return await self._begin(request, user, "Login successful")

    async def _begin(self, request: Request, user: User, message: str) -> Answer:
        token, now = secrets.token_urlsafe(32), self._store.clock()
        login = logins.Login(user.id, now, now + LIFE)
        await self._store.write(lambda db: logins.begin(db, digest_of(token), login))
        return answer({"message": message, "token": token}, headers={b"set-cookie": _cookie(request, token, int(LIFE))})

    async def _logout(self, request: Request) -> Answer:
        caller = await self._access.caller(request)
        if caller is not None and caller.digest:
            digest = caller.digest
            await self._store.write(lambda db: logins.end(db, digest))
        return answer({"message": "Logout successful"}, headers={b"set-cookie": _cookie(request, "", 0)})

    async def _enabled(self, request: Request) -> Answer:
        enabled = not await self._access.open_for_setup()
        caller = await self._access.caller(request) if enabled or cookie_of(request) else None
        return answer({"is_auth_enabled": enabled, "has_valid_token": caller is not None})

    async def _add(self, actor: str, username: str, password: str, role: Role) -> User:
        if not username.strip() or len(username) > 255 or ":" in username:
            raise wrong("username", "must have 1 to 255 characters and no colon")
        if problem := weakness(password):
            raise wrong("password", problem)
        kept = await self._store.call(lambda: hashed(password))
        user = User(id=new_id(), username=username, password=kept, role=role, created_at=self._store.clock())
        await self._access.users.add(actor, user.id, username, user)
        return user

    async def _users(self, request: Request) -> Answer:
        users = await self._access.users.all()
        return answer({"users": [_shown_user(user) for user in users], "count": len(users)})

    async def _add_user(self, request: Request) -> Answer:
        said = read(request, UserBody)
        user = await self._add(request.actor, said.username or "", said.password or "", said.role or Role.VIEWER)
        return answer({"message": "User created successfully", "user": _shown_user(user)})

    async def _change_user(self, request: Request) -> Answer:
        said, id = read(request, UserBody), request.params[0]
        users = self._access.users
        old = await users.get(id)
        if said.role not in (None, Role.ADMIN):
            await self._keep_an_admin(old)
        new = replace(old, role=said.role or old.role)
        if said.password is not None:
            if problem := weakness(said.password):
                raise wrong("password", problem)
            password = said.password
            new = replace(new, password=await self._store.call(lambda: hashed(password)))
        await users.change(request.actor, id, lambda found: (found.username, new))
        if said.password is not None:
            await self._store.write(lambda db: logins.end_all(db, id))
        return answer({"message": "User updated successfully", "user": _shown_user(new)})

    async def _remove_user(self, request: Request) -> Answer:
        id = request.params[0]
        await self._keep_an_admin(await self._access.users.get(id))
        await self._access.users.remove(request.actor, id, lambda db: logins.end_all(db, id))
        return answer({"message": "User deleted successfully"})

    async def _keep_an_admin(self, user: User) -> None:
        """Raises Refused(400) when there would be no admin any more."""
        admins = [each for each in await self._access.users.all() if each.role is Role.ADMIN]
        if [each.id for each in admins] == [user.id]:
            raise wrong("", "This is the last admin: make another one first.")

    async def _tokens(self, request: Request) -> Answer:
        tokens = await self._access.tokens.all()
        return answer({"tokens": [_shown_token(token) for token in tokens], "count": len(tokens)})

    async def _add_token(self, request: Request) -> Answer:
        said = read(request, TokenBody)
        caller = await self._access.caller(request)
        if caller is None or not caller.user:
            raise wrong("", "Sign in as a user to make a token.")
        if not said.name.strip():
            raise wrong("name", "Field required")
        if said.expires_at is not None and said.expires_at.tzinfo is None:
            raise wrong("expires_at", "must say its time zone (end it with Z for UTC)")
        value, now = f"asbru-{secrets.token_urlsafe(32)}", self._store.clock()
        token = ApiToken(
            id=new_id(),
            name=said.name,
            digest=digest_of(value),
            hint=f"{value[:8]}{'*' * 8}{value[-4:]}",
            user=caller.user,
            role=said.role,
            expires_at=said.expires_at.timestamp() if said.expires_at else None,
            created_at=now,
        )
        await self._access.tokens.add(request.actor, token.id, token.name, token)
        return answer({"message": "Token created successfully", "token": {**_shown_token(token), "value": value}})

    async def _remove_token(self, request: Request) -> Answer:
        await self._access.tokens.remove(request.actor, request.params[0])
        return answer({"message": "Token deleted successfully"})

    async def _audit(self, request: Request) -> Answer:
        limit = number_of(request, "limit", 50, 1_000)
        before = number_of(request, "before", 0, 10**9) or 1 << 62
        found = await self._store.read(lambda db: objects.changes(db, limit, before))
        return answer({"audit_logs": [_shown_change(n, each) for n, each in found], "count": len(found)})


def _shown_change(n: int, change: objects.Change) -> Shown:
    return {
        "id": n,
        "at": time_of(change.at),
        "actor": change.actor,
        "action": change.action,
        "kind": change.kind,
        "object": change.id,
        "before": msgspec.Raw(change.before or b"null"),
        "after": msgspec.Raw(change.after or b"null"),
    }


def _shown_user(user: User) -> Shown:
    return {"id": user.id, "username": user.username, "role": user.role, "created_at": time_of(user.created_at)}


def _shown_token(token: ApiToken) -> Shown:
    return {
        "id": token.id,
        "name": token.name,
        "value": token.hint,
        "role": token.role,
        "user": token.user,
        "expires_at": time_of(token.expires_at) if token.expires_at is not None else None,
        "created_at": time_of(token.created_at),
    }


def _cookie(request: Request, token: str, seconds: int) -> bytes:
    secure = "; Secure" if request.headers.get(b"x-forwarded-proto", b"") == b"https" else ""
    return f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}".encode()
