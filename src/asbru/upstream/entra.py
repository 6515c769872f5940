"""Tokens of Microsoft Entra for an application: the client credentials grant of OAuth 2.

Source: learn.microsoft.com, "Microsoft identity platform and the OAuth 2.0 client credentials flow"; azure-identity
1.27 (``AZURE_AUTHORITY_HOST``).
"""

from collections.abc import Callable
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from msgspec import Struct

from asbru.model.failure import Broken, Rejected
from asbru.model.keys import Secret
from asbru.providers import AzureToken
from asbru.upstream.call import Call, Send
from asbru.upstream.origin import deadlines_of, origin_of
from asbru.upstream.signing import Account
from asbru.upstream.tokens import Token

AUTHORITY = "https://login.microsoftonline.com"
_LIMIT = 1 << 20


class _Granted(Struct):
    access_token: str
    expires_in: float


class _Refused(Struct):
    error: str = ""


_granted = msgspec.json.Decoder(_Granted).decode
_refused = msgspec.json.Decoder(_Refused).decode


class EntraTokens:
    """``await tokens()`` fetches one for the account's application. ``clock``: Unix seconds."""

    def __init__(self, account: Account, auth: AzureToken, send: Send, clock: Callable[[], float]) -> None:
        self._account = account
        self._scope = account.settings.get("scope", auth.scope)
        self._send = send
        self._clock = clock

    async def __call__(self) -> Token:
        """A new token. Raises Upstream when Entra gives none, or cannot be asked."""
        at = self._clock()
        answer = await self._send(self._call())
        if answer.status >= 300:
            raise Rejected(401, f"Microsoft Entra gave no token{_why(answer.body)}.", code="authentication_error")
        try:
            granted = _granted(answer.body)
        except msgspec.DecodeError:
            raise Broken(502, "Microsoft Entra's answer cannot be read.") from None
        return Token(Secret(granted.access_token), at + granted.expires_in)

    def _call(self) -> Call:
        key, settings, network = self._account.key, self._account.settings, self._account.network
        assert key is not None
        url = f"{settings.get('authority', AUTHORITY)}/{quote(settings['tenant_id'], safe='')}/oauth2/v2.0/token"
        parts = urlsplit(url)
        form = {
            "grant_type": "client_credentials",
            "client_id": settings["client_id"],
            "client_secret": key.secrets["client_secret"].reveal(),
            "scope": self._scope,
        }
        head = (
            f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\nuser-agent: asbru\r\naccept: application/json\r\n"
            "content-type: application/x-www-form-urlencoded\r\n"
        )
        return Call(
            origin=origin_of(url, network),
            head=head.encode(),
            body=urlencode(form).encode(),
            deadlines=deadlines_of(network),
            limit=_LIMIT,
        )


def _why(body: bytes) -> str:
    """Entra's word for what is wrong (``invalid_client``): its description names the application, and stays here."""
    try:
        return f": {word}" if (word := _refused(body).error) else ""
    except msgspec.DecodeError:
        return ""
