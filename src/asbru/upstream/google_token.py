"""Tokens of Google's, by google-auth: for a service account or another kind of credentials that a key holds, else by
Application Default Credentials.

google-auth is imported on first use (the extra ``asbru[google]``) and works in a thread; what it sends goes out through
our own client, with the provider's proxy and trust.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from asbru.model.failure import Broken, Rejected, Unreachable, Upstream
from asbru.model.http import Answer
from asbru.model.keys import Network, Secret
from asbru.providers import GoogleToken
from asbru.upstream.call import Call, Deadlines, Send
from asbru.upstream.origin import origin_of
from asbru.upstream.signing import Account
from asbru.upstream.tokens import Token

PATIENCE = 30.0
"""Seconds, when google-auth does not say how long to wait."""
_LIMIT = 1 << 20
_MISSING = "Google's credentials need the package google-auth: install asbru[google]."


class GoogleTokens:
    """``await tokens()`` fetches one for the account."""

    def __init__(self, account: Account, auth: GoogleToken, send: Send) -> None:
        self._account = account
        self._auth = auth
        self._send = send
        self._credentials: Any = None

    async def __call__(self) -> Token:
        """A new token. Raises Upstream when Google gives none, or cannot be asked."""
        transport = Transport(self._send, self._account.network, asyncio.get_running_loop())
        return await asyncio.to_thread(self._fetched, transport)

    def _fetched(self, transport: "Transport") -> Token:
        try:
            failures = import_module("google.auth.exceptions")
        except ImportError:
            raise Broken(502, _MISSING) from None
        try:
            if self._credentials is None:
                self._credentials = self._made(transport)
            self._credentials.refresh(transport)
        except failures.TransportError as error:
            raise Unreachable(502, f"Google could not be asked for a token: {_told(error)}.") from None
        except failures.GoogleAuthError as error:
            raise Rejected(
                401, f"Google gave no token: {_told(error)}.", code="authentication_error", detail=str(error)
            ) from None
        except ValueError as error:
            raise Rejected(401, "Google's credentials cannot be read.", detail=str(error)) from None
        expiry = self._credentials.expiry.replace(tzinfo=UTC).timestamp()
        return Token(Secret(self._credentials.token), expiry)

    def _made(self, transport: "Transport") -> Any:
        """google-auth's credentials object. Its modules are only partly typed."""
        key, scopes = self._account.key, [self._auth.scope]
        secret = key.secrets.get("auth_credentials") if key else None
        if secret is None:
            return import_module("google.auth").default(scopes=scopes, request=transport)[0]
        said = json.loads(secret.reveal())
        if said.get("type") == "authorized_user":
            user = import_module("google.oauth2.credentials")
            return user.Credentials.from_authorized_user_info(said, scopes=scopes)
        account = import_module("google.oauth2.service_account")
        return account.Credentials.from_service_account_info(said, scopes=scopes)


def _told(error: Exception) -> str:
    """The first sentence of google-auth's words, on one line."""
    words = str(error.args[0] if error.args else error).split("\n", 1)[0]
    return words.removesuffix(".")[:200]


class Response(Struct, frozen=True):
    """An answer as google-auth wants it."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class Transport:
    """Called by google-auth in its thread; sends through our client on ``loop``."""

    def __init__(self, send: Send, network: Network, loop: asyncio.AbstractEventLoop) -> None:
        self._send = send
        self._network = network
        self._loop = loop

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Response:
        """One request. Raises google-auth's TransportError when there is no answer."""
        lines = _lines(url, method, headers or {})
        sent = body.encode() if isinstance(body, str) else body or b""
        call = Call(
            origin=origin_of(url, self._network),
            head=lines,
            body=sent,
            deadlines=Deadlines(first_byte=timeout or PATIENCE, total=timeout or PATIENCE),
            limit=_LIMIT,
        )
        try:
            answer = asyncio.run_coroutine_threadsafe(self._answer(call), self._loop).result()
        except Upstream as failure:
            raise import_module("google.auth.exceptions").TransportError(failure.message) from failure
        told = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers.items()}
        return Response(answer.status, told, answer.body)

    async def _answer(self, call: Call) -> Answer:
        return await self._send(call)


def _lines(url: str, method: str, headers: Mapping[str, str]) -> bytes:
    """Request line and headers."""
    parts = urlsplit(url)
    named = {"host": parts.netloc, "accept": "*/*"} | {name.lower(): value for name, value in headers.items()}
    named.pop("content-length", None)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return "".join((f"{method} {target} HTTP/1.1\r\n", *(f"{name}: {named[name]}\r\n" for name in named))).encode()
