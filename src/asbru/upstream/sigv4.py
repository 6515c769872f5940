"""AWS's signature, made by botocore, which is imported on first use (extra ``asbru[aws]``).

Rule 1. Credentials are the key's own, else those of AWS's chain (environment, profile, container, instance); with a
role, those that STS gives for it. Whatever may touch disk or network runs in a thread, once for all who wait.
Rule 2. Signed are the host, the type of the body and Amazon's own headers; the rest may change on the way.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec import Struct

from asbru.model.failure import Failure, Unreachable
from asbru.model.http import Headers
from asbru.upstream.signing import Account, Unsigned

DEFAULT_REGION = "us-east-1"
SESSION_NAME = "asbru"

_SIGNED = frozenset({b"host", b"content-type"})
_AMAZONS = b"x-amz"
_ADDED = frozenset({"authorization", "x-amz-date", "x-amz-security-token"})


class Tools(Struct, frozen=True):
    """What is used of botocore."""

    request: Callable[..., Any]
    auth: Callable[..., Any]
    credentials: Any


class SigV4Signer:
    """Signs the requests of one account for one of Amazon's services."""

    def __init__(self, account: Account, service: str) -> None:
        self._account = account
        self._service = service
        self._region = account.settings.get("region") or DEFAULT_REGION
        self._tools: Tools | None = None
        self._lock = asyncio.Lock()

    async def credentials(self) -> Any:
        """``access_key``, ``secret_key`` and ``token``, for who signs itself. Raises Unreachable."""
        return (await self._ready()).credentials.get_frozen_credentials()

    async def _ready(self) -> Tools:
        tools = self._tools
        return await self._renewed() if tools is None or _is_old(tools.credentials) else tools

    async def sign(self, request: Unsigned) -> Headers:
        """Headers to add. Raises Unreachable when no credentials can be had."""
        tools = await self._ready()
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in request.headers.items()
            if name in _SIGNED or name.startswith(_AMAZONS)
        }
        scheme = "https" if request.origin.tls else "http"
        url = f"{scheme}://{headers.get('host', request.origin.host)}{request.target}"
        signed = tools.request(method=request.method, url=url, headers=headers, data=request.body)
        credentials = tools.credentials.get_frozen_credentials()
        tools.auth(credentials, self._service, self._region).add_auth(signed)
        return {
            name.lower().encode(): str(value).encode("latin-1")
            for name, value in signed.headers.items()
            if name.lower() in _ADDED
        }

    async def _renewed(self) -> Tools:
        async with self._lock:
            if self._tools is not None and not _is_old(self._tools.credentials):
                return self._tools
            try:
                self._tools = await asyncio.to_thread(self._found)
            except Failure:
                raise
            except Exception as error:
                words = f"No AWS credentials can be had for provider {self._account.provider}."
                raise Unreachable(502, words, code="no_credentials", detail=repr(error)) from error
            return self._tools

    def _found(self) -> Tools:
        """Runs in a thread: imports, reads files, asks the network."""
        if self._tools is not None:
            self._tools.credentials.get_frozen_credentials()
            return self._tools
        try:
            from botocore.auth import SigV4Auth
            from botocore.awsrequest import AWSRequest
            from botocore.session import Session
        except ImportError:
            words = f"Provider {self._account.provider} needs the extra asbru[aws]."
            raise Unreachable(503, words, code="missing_extra") from None
        credentials = self._credentials(Session())
        if credentials is None:
            words = f"No AWS credentials were found for provider {self._account.provider}."
            raise Unreachable(502, words, code="no_credentials")
        credentials.get_frozen_credentials()
        return Tools(AWSRequest, SigV4Auth, credentials)

    def _credentials(self, session: Any) -> Any:
        from botocore.credentials import AssumeRoleCredentialFetcher, Credentials, DeferredRefreshableCredentials

        said, secrets = self._account.settings, self._account.key.secrets if self._account.key else {}
        access, secret, token = (
            secrets[name].reveal() if name in secrets else None
            for name in ("access_key", "secret_key", "session_token")
        )
        base = Credentials(access, secret, token) if access and secret else session.get_credentials()
        role = said.get("role_arn")
        if not role or base is None:
            return base
        extra = {"RoleSessionName": said.get("session_name") or SESSION_NAME}
        if said.get("external_id"):
            extra["ExternalId"] = said["external_id"]
        make = partial(session.create_client, region_name=self._region, config=self._sts_config())
        fetcher = AssumeRoleCredentialFetcher(make, base, role, extra_args=extra)
        return DeferredRefreshableCredentials(method="sts-assume-role", refresh_using=fetcher.fetch_credentials)

    def _sts_config(self) -> Any:
        """STS is asked by botocore itself, through the same proxy."""
        from botocore.config import Config

        proxy = self._account.network.proxy
        proxies = {"http": proxy, "https": proxy} if proxy else None
        return Config(connect_timeout=10, read_timeout=20, retries={"max_attempts": 2}, proxies=proxies)


def _is_old(credentials: Any) -> bool:
    """Whether they must be renewed before they are used; those that never expire are not."""
    needed = getattr(credentials, "refresh_needed", None)
    return bool(needed and needed())
