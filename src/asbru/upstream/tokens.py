"""Tokens that expire: fetched when first needed, kept until shortly before their end.

Rule 1. One fetch at a time: whoever needs the token meanwhile waits for the same one, and a waiter that leaves does
not end it.
Rule 2. A token that still lives serves on when a new one cannot be had.
"""

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct

from asbru.model.failure import Upstream
from asbru.model.http import Headers
from asbru.model.keys import Secret
from asbru.upstream.signing import Unsigned

EARLY = 300.0
"""Seconds before a token's end at which a new one is fetched; a shorter life is used by half."""


class Token(Struct, frozen=True):
    """``expires``: Unix seconds."""

    value: Secret
    expires: float


class TokenSigner:
    """Signs with ``authorization: Bearer`` and the token that ``fetch`` gives. ``clock``: Unix seconds."""

    def __init__(self, fetch: Callable[[], Awaitable[Token]], clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._token: Token | None = None
        self._renew = 0.0
        self._under_way: asyncio.Task[Token] | None = None

    async def sign(self, request: Unsigned) -> Headers:
        """The header. Raises Upstream when there is no token."""
        token = await self._current()
        return {b"authorization": b"Bearer " + token.value.reveal().encode()}

    async def _current(self) -> Token:
        now = self._clock()
        if self._token is not None and now < self._renew:
            return self._token
        if self._under_way is None:
            self._under_way = asyncio.get_running_loop().create_task(self._renewed())
        try:
            return await asyncio.shield(self._under_way)
        except Upstream:
            if self._token is not None and now < self._token.expires:
                return self._token
            raise

    async def _renewed(self) -> Token:
        try:
            token = await self._fetch()
        finally:
            self._under_way = None
        life = token.expires - self._clock()
        self._token, self._renew = token, token.expires - min(EARLY, life / 2)
        return token
