# ruff: noqa: E501
# One case per line, as in a table.
"""Tokens: fetched through our own client, once for all who wait, kept until shortly before they end."""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from upstream_rig import Peer, Provider, client, provider, run

from asbru.model.failure import Broken, Failure, Rejected, Unreachable
from asbru.model.keys import Key, Network, Secret
from asbru.providers import Auth, AzureToken, Bearer, GoogleToken, InHeader, NoAuth
from asbru.upstream.call import Origin
from asbru.upstream.signers import Signers
from asbru.upstream.signing import Account, Unsigned

REQUEST = Unsigned("POST", Origin(host="x", port=443, tls=True), "/v1", {}, b"{}")
PEM = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    .decode()
)


class Office:
    """Gives tokens, each with its number; what it was asked is kept. ``says``: instead of a token."""

    def __init__(self, life: int = 3600) -> None:
        self.life = life
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.says: tuple[int, Any] | None = None
        self.now = 1000.0

    async def serve(self, peer: Peer) -> None:
        """One connection."""
        while True:
            head, body = await peer.request()
            self.asked.append((head.decode().split("\r\n")[0], parse_qs(body.decode())))
            status, told = self.says or (200, self.token())
            text = told if isinstance(told, bytes) else json.dumps(told).encode()
            head = b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
            peer.say(head % (status, len(text)) + text)

    def token(self) -> dict[str, Any]:
        """The next token."""
        return {"access_token": f"t{len(self.asked)}", "expires_in": self.life, "token_type": "Bearer"}


def account(auth: Auth, value: str = "", settings: dict[str, str] | None = None, **secrets: str) -> Account:
    key = Key(id="k", name="k", value=Secret(value), secrets={name: Secret(text) for name, text in secrets.items()})
    return Account(provider="p", auth=auth, key=key, settings=settings or {}, network=Network())


def entra(there: Provider) -> Account:
    settings = {"authority": f"http://127.0.0.1:{there.port}", "tenant_id": "ten/ant", "client_id": "me"}
    return account(AzureToken(), settings=settings, client_secret="s&cret")


def service_account(there: Provider) -> Account:
    told = {
        "type": "service_account",
        "client_email": "me@x.iam.gserviceaccount.com",
        "private_key": PEM,
        "private_key_id": "1",
        "token_uri": f"http://127.0.0.1:{there.port}/token",
    }
    return account(GoogleToken(), auth_credentials=json.dumps(told))


def user(there: Provider) -> Account:
    told = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    return account(GoogleToken(), auth_credentials=json.dumps(told))


KINDS = pytest.mark.parametrize("kind", [entra, service_account])
Kind = Callable[[Provider], Account]


@KINDS
def test_one_token_for_all_who_wait_and_for_all_requests_after(kind: Kind) -> None:
    office = Office()

    async def scenario() -> None:
        async with provider(office.serve) as there, client() as sender:
            signers = Signers(sender.send, lambda: office.now)
            signer = signers(kind(there))
            assert signer is not None
            assert signers(kind(there)) is signer
            together = await asyncio.gather(*(signer.sign(REQUEST) for _ in range(20)))
            assert {tuple(headers.items()) for headers in together} == {((b"authorization", b"Bearer t1"),)}
            assert await signer.sign(REQUEST) == {b"authorization": b"Bearer t1"}
            assert len(office.asked) == 1

    run(scenario())


def test_what_entra_is_asked() -> None:
    office = Office()

    async def scenario() -> None:
        async with provider(office.serve) as there, client() as sender:
            signer = Signers(sender.send, lambda: office.now)(entra(there))
            assert signer is not None
            await signer.sign(REQUEST)

    run(scenario())
    assert office.asked == [
        (
            "POST /ten%2Fant/oauth2/v2.0/token HTTP/1.1",
            {
                "grant_type": ["client_credentials"],
                "client_id": ["me"],
                "client_secret": ["s&cret"],
                "scope": ["https://cognitiveservices.azure.com/.default"],
            },
        )
    ]


def test_what_google_is_asked() -> None:
    office = Office()

    async def scenario() -> None:
        async with provider(office.serve) as there, client() as sender:
            signer = Signers(sender.send, lambda: office.now)(service_account(there))
            assert signer is not None
            await signer.sign(REQUEST)

    run(scenario())
    ((line, form),) = office.asked
    assert line == "POST /token HTTP/1.1"
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assert len(form["assertion"][0].split(".")) == 3


def test_a_token_is_renewed_before_its_end_and_serves_on_when_there_is_no_new_one() -> None:
    office = Office(life=1000)

    async def scenario() -> None:
        async with provider(office.serve) as there, client() as sender:
            signer = Signers(sender.send, lambda: office.now)(entra(there))
            assert signer is not None
            tokens = []
            for now, says in ((1000, None), (1699, None), (1701, (503, b"busy")), (1702, None), (2000, None)):
                office.now, office.says = now, says
                tokens.append((await signer.sign(REQUEST))[b"authorization"][7:])
            assert tokens == [b"t1", b"t1", b"t1", b"t3", b"t3"]
            office.now, office.says = 2702, (503, b"busy")
            with pytest.raises(Rejected):
                await signer.sign(REQUEST)

    run(scenario())


def test_who_leaves_does_not_end_the_fetch_of_the_others() -> None:
    office = Office()

    async def scenario() -> None:
        async with provider(office.serve) as there, client() as sender:
            signer = Signers(sender.send, lambda: office.now)(entra(there))
            assert signer is not None
            leaving = asyncio.ensure_future(signer.sign(REQUEST))
            staying = asyncio.ensure_future(signer.sign(REQUEST))
            await asyncio.sleep(0)
            leaving.cancel()
            assert await staying == {b"authorization": b"Bearer t1"}
            assert len(office.asked) == 1

    run(scenario())


@pytest.mark.parametrize(
    ("kind", "says", "failure"),
    [
        (entra, (401, {"error": "invalid_client", "error_description": "hidden"}), "Microsoft Entra gave no token: invalid_client."),
        (entra, (500, b"<html>"), "Microsoft Entra gave no token."),
        (entra, (200, b"[]"), "Microsoft Entra's answer cannot be read."),
        (service_account, (400, {"error": "invalid_grant", "error_description": "Bad."}), "Google gave no token: invalid_grant: Bad."),
    ],
)  # fmt: skip
def test_no_token(kind: Kind, says: tuple[int, Any], failure: str) -> None:
    office = Office()
    office.says = says

    async def scenario() -> Failure:
        async with provider(office.serve) as there, client() as sender:
            signer = Signers(sender.send, lambda: office.now)(kind(there))
            assert signer is not None
            with pytest.raises(Failure) as caught:
                await signer.sign(REQUEST)
            return caught.value

    told = run(scenario())
    assert (told.message, isinstance(told, Rejected | Broken)) == (failure, True)


@KINDS
def test_nobody_there(kind: Kind) -> None:
    async def scenario() -> None:
        async with client() as sender:
            nowhere = Provider()
            nowhere.port = 1
            signer = Signers(sender.send, lambda: 0.0)(kind(nowhere))
            assert signer is not None
            with pytest.raises(Unreachable):
                await signer.sign(REQUEST)

    run(scenario())


def test_credentials_that_google_auth_cannot_read() -> None:
    async def scenario() -> None:
        async with client() as sender:
            broken = account(GoogleToken(), auth_credentials='{"type": "service_account"}')
            signer = Signers(sender.send, lambda: 0.0)(broken)
            assert signer is not None
            with pytest.raises(Rejected, match=r"gave no token|cannot be read"):
                await signer.sign(REQUEST)

    run(scenario())


def test_without_google_auth_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.auth.exceptions", None)

    async def scenario() -> None:
        async with client() as sender:
            signer = Signers(sender.send, lambda: 0.0)(account(GoogleToken()))
            assert signer is not None
            with pytest.raises(Broken, match=r"asbru\[google\]"):
                await signer.sign(REQUEST)

    run(scenario())


def test_application_default_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """As google-auth finds them: here in the file that GOOGLE_APPLICATION_CREDENTIALS names."""
    office = Office()

    async def scenario() -> None:
        async with provider(office.serve) as there, client() as sender:
            key = service_account(there).key
            assert key is not None
            (tmp_path / "adc.json").write_text(key.secrets["auth_credentials"].reveal())
            monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "adc.json"))
            monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
            signer = Signers(sender.send, lambda: office.now)(account(GoogleToken()))
            assert signer is not None
            assert await signer.sign(REQUEST) == {b"authorization": b"Bearer t1"}

    run(scenario())


@pytest.mark.parametrize("auth", [Bearer(), InHeader("x-key"), NoAuth(), AzureToken(), GoogleToken()])
def test_a_key_with_a_value_needs_no_signer(auth: Auth) -> None:
    async def scenario() -> None:
        async with client() as sender:
            assert Signers(sender.send, lambda: 0.0)(account(auth, "sk")) is None

    run(scenario())


def test_a_changed_key_gets_a_new_signer() -> None:
    async def scenario() -> None:
        async with client() as sender:
            signers = Signers(sender.send, lambda: 0.0)
            first = signers(account(AzureToken(), client_secret="a"))
            assert signers(account(AzureToken(), client_secret="a")) is first
            assert signers(account(AzureToken(), client_secret="b")) is not first

    run(scenario())
