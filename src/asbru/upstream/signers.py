"""Which signer an account needs: chosen here, by the row's ``Auth``, and nowhere else."""

from asbru.upstream.signing import Account, Signer


class Signers:
    """One signer per account, kept as long as the account stays as it is: what it has fetched serves all its doors."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[Account, Signer | None]] = {}

    def __call__(self, account: Account) -> Signer | None:
        """The signer of ``account``; None when it needs none."""
        at = account.provider, account.key.id if account.key else ""
        kept = self._kept.get(at)
        if kept is None or kept[0] != account:
            kept = self._kept[at] = account, self._made(account)
        return kept[1]

    def _made(self, account: Account) -> Signer | None:
        match account.auth:
            case _:
                return None
