"""Object stores that speak S3, by obstore, which is imported on first use (extra ``asbru[s3]``).

Rule 1. Objects are streamed: what is in memory is a few pieces. An object appears whole or not at all.
Rule 2. Credentials are those of an account (``sigv4``), asked for again before they are old.
Rule 3. What goes wrong is told with S3's own code (``NoSuchBucket``), never with the text of a library.
"""

import re
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from asbru.model.failure import Broken, Overloaded, Rejected, Unreachable, Upstream
from asbru.upstream.signing import Account
from asbru.upstream.sigv4 import DEFAULT_REGION, SigV4Signer

_PIECE = 256 << 10
_PART = 8 << 20
_KEPT = timedelta(minutes=5)
_CODE = re.compile(r"<Code>([A-Za-z]{1,64})</Code>")
_MESSAGE = re.compile(r"<Message>([^<]{1,300})</Message>")
_STATUS = re.compile(r"status code: (\d{3})")


class Site(Struct, frozen=True, kw_only=True):
    """Where buckets are. ``endpoint`` "": Amazon's own for the account's region."""

    endpoint: str
    account: Account


class Found(Struct, frozen=True):
    """An object in a list."""

    key: str
    size: int


class Objects:
    """One bucket."""

    def __init__(self, site: Site, bucket: str) -> None:
        self._site = site
        self.bucket = bucket
        self._store: Any = None
        self._got: Any = None
        self._signer = SigV4Signer(site.account, "s3")

    async def get(self, key: str) -> AsyncIterator[bytes]:
        """The bytes of an object. Raises Upstream at once when it cannot be had."""
        obstore = await self._ready()
        try:
            found = await obstore.get_async(self._opened(), key)
        except Exception as error:
            raise self._failure(error, key) from None
        return self._pieces(found, key)

    async def _pieces(self, found: Any, key: str) -> AsyncIterator[bytes]:
        try:
            async for piece in found.stream(min_chunk_size=_PIECE):
                yield bytes(piece)
        except Exception as error:
            raise self._failure(error, key) from None

    async def put(self, key: str, pieces: AsyncIterator[bytes]) -> None:
        """Write an object over what was there. Raises Upstream, and what ``pieces`` raises; nothing is kept then."""
        obstore = await self._ready()
        broken: list[BaseException] = []

        async def kept() -> AsyncIterator[bytes]:
            try:
                async for piece in pieces:
                    yield piece
            except BaseException as error:
                broken.append(error)
                raise

        try:
            await obstore.put_async(self._opened(), key, kept(), chunk_size=_PART)
        except Exception as error:
            raise (broken[0] if broken else self._failure(error, key)) from None

    async def list(self, prefix: str) -> AsyncIterator[Found]:
        """The objects whose keys begin so, in their order."""
        await self._ready()
        folder, _, _ = prefix.rpartition("/")
        try:
            async for page in self._opened().list(f"{folder}/" if folder else None):
                for each in page:
                    if each["path"].startswith(prefix):
                        yield Found(each["path"], each["size"])
        except Exception as error:
            raise self._failure(error, prefix) from None

    async def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; absent ones are well removed."""
        obstore = await self._ready()
        for key in keys:
            try:
                await obstore.delete_async(self._opened(), key)
            except FileNotFoundError:
                continue
            except Exception as error:
                raise self._failure(error, key) from None

    async def _ready(self) -> Any:
        """The library, with credentials that are fresh. Raises Unreachable."""
        try:
            import obstore
        except ImportError:
            raise Unreachable(503, "Buckets need the extra asbru[s3].", code="missing_extra") from None
        self._got = await self._signer.credentials()
        return obstore

    def _opened(self) -> Any:
        if self._store is None:
            from obstore.store import S3Store

            endpoint = self._site.endpoint
            given: dict[str, Any] = {"endpoint": endpoint} if endpoint else {}
            given["credential_provider"] = self._credentials
            self._store = S3Store(
                self.bucket,
                **given,
                region=self._site.account.settings.get("region") or DEFAULT_REGION,
                virtual_hosted_style_request=not endpoint,
                client_options={"allow_http": endpoint.startswith("http:"), "timeout": timedelta(minutes=10)},
                retry_config={"max_retries": 3, "retry_timeout": timedelta(minutes=1)},
            )
        return self._store

    def _credentials(self) -> dict[str, Any]:
        return {
            "access_key_id": self._got.access_key,
            "secret_access_key": self._got.secret_key,
            "token": self._got.token,
            "expires_at": datetime.now(UTC) + _KEPT,
        }

    def _failure(self, error: BaseException, key: str) -> BaseException:
        """``error`` in our words."""
        if isinstance(error, Upstream) or not isinstance(error, Exception):
            return error
        text = str(error)
        code, status = _CODE.search(text), _STATUS.search(text)
        where = f"s3://{self.bucket}/{key}"
        told = _MESSAGE.search(text)
        words = f"{where}: {code[1]}{': ' + told[1] if told else ''}" if code else f"{where} cannot be reached."
        if status is None:
            absent = isinstance(error, FileNotFoundError)
            kind, number = (Rejected, 404) if absent else (Unreachable, 502)
            return kind(number, f"{where}: NoSuchKey" if absent else words, code="NoSuchKey" if absent else "",
                        provider="s3", detail=text[:500])  # fmt: skip
        number = int(status[1])
        chosen = Overloaded if number in (429, 503) else Rejected if 400 <= number < 500 else Broken
        return chosen(number, words, code=code[1] if code else "", provider="s3", detail=text[:500])
