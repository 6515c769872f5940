"""AWS's signature: the same as botocore's own client makes, and right for who checks it."""

import asyncio
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from asbru.edge.request import Request
from asbru.mock.aws_signature import check
from asbru.model.failure import Refused, Unreachable
from asbru.model.keys import Key, Network, Secret
from asbru.providers import SigV4
from asbru.upstream.call import Origin
from asbru.upstream.client import Client
from asbru.upstream.signers import Signers
from asbru.upstream.signing import Account, Unsigned
from asbru.upstream.sigv4 import SigV4Signer
from mock_thread import RunningMock

TARGET = "/model/arn%3Aaws%3Abedrock%3Aeu-north-1%3A1%3Ainference-profile%2Fx/converse"
HEADERS = {
    b"host": b"bedrock.example:8443",
    b"content-type": b"application/json",
    b"user-agent": b"asbru",
    b"x-amz-x": b"1",
}
SECRETS = {"access_key": Secret("AKIAMOCK"), "secret_key": Secret("mock-secret")}


def account(secrets: dict[str, Secret], value: str = "", **settings: str) -> Account:
    key = Key(id="k", name="k", value=Secret(value), secrets=secrets, settings=settings, ambient=True)
    return Account(provider="bedrock", auth=SigV4("bedrock"), key=key, settings=settings, network=Network())


def unsigned(target: str = TARGET, body: bytes = b'{"a":1}') -> Unsigned:
    return Unsigned("POST", Origin(host="bedrock.example", port=8443, tls=True), target, HEADERS, body)


def signed(signer: SigV4Signer, request: Unsigned) -> dict[bytes, bytes]:
    return dict(asyncio.run(signer.sign(request)))


def arrived(request: Unsigned, added: dict[bytes, bytes]) -> Request:
    path, _, query = request.target.partition("?")
    headers = {**request.headers, **added}
    return Request(id="r", method=request.method, path=path, query=query, headers=headers, body=request.body)


def seconds(added: dict[bytes, bytes]) -> float:
    return datetime.strptime(added[b"x-amz-date"].decode(), "%Y%m%dT%H%M%S%z").timestamp()


@pytest.mark.parametrize("target", [TARGET, "/foundation-models?byProvider=a%20b&x=1", "/"])
def test_the_signature_is_botocores_and_the_verifier_agrees(target: str) -> None:
    request = unsigned(target)
    added = signed(SigV4Signer(account(SECRETS, region="eu-north-1"), "bedrock"), request)
    assert set(added) == {b"authorization", b"x-amz-date"}
    assert b"/eu-north-1/bedrock/aws4_request" in added[b"authorization"]
    assert b"SignedHeaders=content-type;host;x-amz-date;x-amz-x," in added[b"authorization"]
    check(arrived(request, added), "bedrock", seconds(added))
    again = AWSRequest("POST", f"https://bedrock.example:8443{target}", data=request.body)
    again.context["timestamp"] = added[b"x-amz-date"].decode()
    auth = SigV4Auth(Credentials("AKIAMOCK", "mock-secret"), "bedrock", "eu-north-1")
    for name in (b"host", b"content-type", b"x-amz-x", b"x-amz-date"):
        again.headers[name.decode()] = {**HEADERS, **added}[name].decode()
    words = auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again)
    assert added[b"authorization"].decode().endswith(f"Signature={words}")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"body": b"{}"}, "does not match"),
        ({"path": "/model/x/converse"}, "does not match"),
        ({"method": "GET"}, "does not match"),
        ({"headers": {b"content-type": b"text/plain"}}, "does not match"),
        ({"headers": {b"authorization": b"AWS4-HMAC-SHA256 x"}}, "not in the expected form"),
    ],
)
def test_the_verifier_finds_what_was_changed(change: dict[str, Any], words: str) -> None:
    request = unsigned()
    added = signed(SigV4Signer(account(SECRETS), "bedrock"), request)
    told = arrived(request, added)
    for name, value in change.items():
        setattr(told, name, {**told.headers, **value} if name == "headers" else value)
    with pytest.raises(Refused, match=words):
        check(told, "bedrock", seconds(added))
    with pytest.raises(Refused, match="scoped"):
        check(arrived(request, added), "sts", seconds(added))
    with pytest.raises(Refused, match="expired"):
        check(arrived(request, added), "bedrock", seconds(added) + 3600)


def test_a_session_token_goes_along() -> None:
    secrets = {**SECRETS, "session_token": Secret("mock-session")}
    added = signed(SigV4Signer(account(secrets), "bedrock"), unsigned())
    assert added[b"x-amz-security-token"] == b"mock-session"
    check(arrived(unsigned(), added), "bedrock", seconds(added))


def test_a_key_with_a_value_is_a_bearer_token() -> None:
    signers = Signers(Client().send, time.time)
    assert signers(account({}, value="api-key")) is None
    first = signers(account(SECRETS))
    assert isinstance(first, SigV4Signer)
    assert signers(account(SECRETS)) is first


def test_the_chain_finds_what_the_environment_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    profile = tmp_path / "credentials"
    profile.write_text("[default]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = mock-secret\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profile))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    assert b"Credential=AKIAPROFILE/" in signed(SigV4Signer(account({}), "bedrock"), unsigned())[b"authorization"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mock-secret")
    assert b"Credential=AKIAENV/" in signed(SigV4Signer(account({}), "bedrock"), unsigned())[b"authorization"]
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    profile.write_text("")
    with pytest.raises(Unreachable, match="No AWS credentials were found"):
        signed(SigV4Signer(account({}), "bedrock"), unsigned())


def test_a_role_is_taken_once_for_all_who_wait(shared_mock: RunningMock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", shared_mock.url)
    role = account(SECRETS, role_arn="arn:aws:iam::123456789012:role/r", external_id="ours", region="eu-north-1")
    signer = SigV4Signer(role, "bedrock")

    async def many() -> list[dict[bytes, bytes]]:
        return [dict(added) for added in await asyncio.gather(*(signer.sign(unsigned()) for _ in range(20)))]

    before = shared_mock.stats()["requests"].get("POST /", 0)
    for added in asyncio.run(many()):
        assert b"Credential=ASIAMOCK/" in added[b"authorization"]
        check(arrived(unsigned(), added), "bedrock", seconds(added))
    assert shared_mock.stats()["requests"]["POST /"] == before + 1


def test_a_role_that_is_refused(shared_mock: RunningMock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", shared_mock.url)
    wrong = {**SECRETS, "secret_key": Secret("wrong")}
    signer = SigV4Signer(account(wrong, role_arn="arn:aws:iam::123456789012:role/r"), "bedrock")
    with pytest.raises(Unreachable, match="No AWS credentials can be had") as told:
        signed(signer, unsigned())
    assert "wrong" not in told.value.message


def test_without_the_extra_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.auth", None)
    with pytest.raises(Unreachable, match=r"needs the extra asbru\[aws\]"):
        signed(SigV4Signer(account(SECRETS), "bedrock"), unsigned())
