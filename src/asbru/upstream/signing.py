"""What makes credentials that no fixed header carries: signatures, and tokens that expire."""

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from asbru.model.http import Headers
from asbru.model.keys import Key, Network
from asbru.providers import Auth
from asbru.upstream.call import Origin


class Unsigned(Struct, frozen=True):
    """A request before its credential. ``target``: path and query as they are sent. ``headers``: all but the length."""

    method: str
    origin: Origin
    target: str
    headers: Headers
    body: bytes


class Signer(Protocol):
    """Makes the credential of requests."""

    async def sign(self, request: Unsigned) -> Headers:
        """Headers to add. Raises Upstream when no credential can be had."""


class Account(Struct, frozen=True, kw_only=True):
    """One key of one provider, as far as signing needs it. ``settings``: the key's, and the row's where it has none."""

    provider: str
    auth: Auth
    key: Key | None
    settings: Mapping[str, str]
    network: Network


SignerOf = Callable[[Account], Signer | None]
"""Who signs with an account; None when a fixed header or query parameter does, or nothing is needed."""


def no_signer(account: Account) -> None:
    """For providers whose credential is a header."""
