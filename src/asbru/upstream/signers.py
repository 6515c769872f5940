"""Which signer an account needs: chosen here, by the row's ``Auth``, and nowhere else."""

from collections.abc import Callable

from asbru.providers import Auth, AzureToken, GoogleToken, SigV4
from asbru.upstream.call import Send
from asbru.upstream.entra import EntraTokens
from asbru.upstream.google_token import GoogleTokens
from asbru.upstream.signing import Account, Signer
from asbru.upstream.sigv4 import SigV4Signer
from asbru.upstream.tokens import TokenSigner


class Signers:
    """One signer per account, kept as long as the account stays as it is: what it has fetched serves all its doors.

    ``send``: how tokens are fetched. ``clock``: Unix seconds.
    """

    def __init__(self, send: Send, clock: Callable[[], float]) -> None:
        self._send = send
        self._clock = clock
        self._kept: dict[tuple[str, str, Auth], tuple[Account, Signer | None]] = {}

    def __call__(self, account: Account) -> Signer | None:
        """The signer of ``account``; None when its key itself goes with each request, or nothing does."""
        at = account.provider, account.key.id if account.key else "", account.auth
        kept = self._kept.get(at)
        if kept is None or kept[0] != account:
            kept = self._kept[at] = account, self._made(account)
        return kept[1]

    def _made(self, account: Account) -> Signer | None:
        if account.key is None or account.key.value:
            return None
        match account.auth:
            case AzureToken() as auth:
                return TokenSigner(EntraTokens(account, auth, self._send, self._clock), self._clock)
            case GoogleToken() as auth:
                return TokenSigner(GoogleTokens(account, auth, self._send), self._clock)
            case SigV4(service):
                return SigV4Signer(account, service)
            case _:
                return None
