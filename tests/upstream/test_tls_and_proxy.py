"""TLS with a test authority, and tunnels through an HTTP proxy."""

import asyncio

import pytest
from msgspec import structs
from upstream_rig import OK, Authority, Peer, client, make_authority, make_call, provider, run

from asbru.model.failure import Failure, TimedOut, Unreachable
from asbru.upstream.call import Deadlines, Origin


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One CA for this file."""
    return make_authority(tmp_path_factory.mktemp("ca"))


async def obliging(peer: Peer) -> None:
    """Answers; closes after every second request, so that connections are made anew."""
    for _ in range(2):
        await peer.request()
        peer.say(OK)


def test_a_verified_provider(authority: Authority) -> None:
    """By name and by address, and the session is resumed on the next connection."""
    reused: list[bool] = []

    async def notes(peer: Peer) -> None:
        await peer.request()
        peer.say(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        reused.append(peer.writer.get_extra_info("ssl_object").session_reused)

    async def scenario() -> None:
        async with provider(notes, authority.server) as there, client() as sender:
            for host in ("localhost", "localhost", "127.0.0.1"):
                origin = structs.replace(there.origin(tls=True, host=host), ca_pem=authority.pem)
                assert (await sender.send(make_call(origin))).body == b"ok"
        assert reused == [False, True, False]

    run(scenario())


def test_a_large_body_over_tls(authority: Authority) -> None:
    """Both ways."""
    body = bytes(range(256)) * 8000

    async def echo(peer: Peer) -> None:
        while True:
            _, got = await peer.request()
            peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(got) + got)

    async def scenario() -> None:
        async with provider(echo, authority.server) as there, client() as sender:
            origin = structs.replace(there.origin(tls=True), ca_pem=authority.pem)
            for _ in range(2):
                assert (await sender.send(make_call(origin, body, limit=len(body)))).body == body
            assert len(there.peers) == 1

    run(scenario())


def test_certificates_that_are_not_accepted(authority: Authority) -> None:
    """Unknown authority, wrong name, no certificate at all; unless the operator said not to verify."""

    async def scenario() -> None:
        async with provider(obliging, authority.server) as there, provider(obliging, authority.other) as other:
            good = structs.replace(there.origin(tls=True, host="localhost"), ca_pem=authority.pem)
            wrong_name = structs.replace(good, port=other.port)
            cases = [
                (structs.replace(good, ca_pem=""), "certificate of localhost:.* was not accepted"),
                (wrong_name, "certificate of localhost:.* was not accepted: Hostname mismatch"),
                (structs.replace(good, ca_pem="no certificate"), "trusted certificates .* cannot be read"),
            ]
            async with client() as sender:
                for origin, words in cases:
                    with pytest.raises(Unreachable, match=words):
                        await sender.send(make_call(origin))
                trusting = structs.replace(wrong_name, ca_pem="", verify=False)
                assert (await sender.send(make_call(trusting))).body == b"ok"

    run(scenario())


def test_plain_where_tls_was_expected() -> None:
    """Says so, quickly."""

    async def plain(peer: Peer) -> None:
        await peer.reader.read(1)
        peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def scenario() -> None:
        async with provider(plain) as there, client() as sender:
            with pytest.raises(Unreachable, match=r"no TLS with|no connection to"):
                await sender.send(make_call(there.origin(tls=True)))

    run(scenario())


class Tunnels:
    """A proxy: notes what it was asked and pumps bytes both ways."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    async def __call__(self, peer: Peer) -> None:
        head = await peer.reader.readuntil(b"\r\n\r\n")
        self.asked.append(head)
        host, port = head.split(b" ")[1].rsplit(b":", 1)
        reader, writer = await asyncio.open_connection(host.decode(), int(port))
        peer.say(b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n")
        await asyncio.gather(pump(peer.reader, writer), pump(reader, peer.writer))


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Bytes from one to the other."""
    while data := await source.read(65536):
        sink.write(data)
    sink.close()


@pytest.mark.parametrize("tls", [True, False], ids=["tls", "plain"])
def test_through_a_proxy(authority: Authority, tls: bool) -> None:
    """One tunnel carries many requests; the proxy gets its own password and, under TLS, sees no key."""
    tunnels = Tunnels()

    async def scenario() -> None:
        async with provider(obliging, authority.server if tls else None) as there, provider(tunnels) as proxy:
            origin = structs.replace(
                there.origin(tls=tls),
                ca_pem=authority.pem if tls else "",
                proxy=f"http://127.0.0.1:{proxy.port}",
                proxy_auth=b"Basic dXNlcjpwYXNz",
            )
            async with client() as sender:
                for _ in range(2):
                    assert (await sender.send(make_call(origin))).body == b"ok"
            assert len(proxy.peers) == 1
            target = b"127.0.0.1:%d" % there.port
            assert tunnels.asked == [
                b"CONNECT %b HTTP/1.1\r\nhost: %b\r\nproxy-authorization: Basic dXNlcjpwYXNz\r\n\r\n" % (target, target)
            ]

    run(scenario())


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", Unreachable, "refused the connection .407."),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", Unreachable, "refused the connection .502."),
        (b"SSH-2.0-OpenSSH\r\n\r\n", Unreachable, "refused the connection|did not speak HTTP"),
        (b"", Unreachable, "closed the connection"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000, Unreachable, "did not speak HTTP"),
        (None, TimedOut, "within 0.2 s"),
    ],
    ids=["407", "502", "ssh", "closed", "endless", "silent"],
)
def test_proxies_that_do_not_help(said: bytes | None, kind: type[Failure], words: str) -> None:
    """The failure says which proxy; its password is in no message."""

    async def refuses(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        if said is None:
            await peer.left()
        else:
            peer.say(said)

    async def scenario() -> None:
        async with provider(refuses) as proxy, client() as sender:
            origin = Origin(
                host="api.example",
                port=443,
                tls=True,
                proxy=f"http://127.0.0.1:{proxy.port}",
                proxy_auth=b"Basic dXNlcjpwYXNz",
            )
            with pytest.raises(kind, match=words) as caught:
                await sender.send(structs.replace(make_call(origin), deadlines=Deadlines(connect=0.2)))
            assert "dXNlcjpwYXNz" not in caught.value.message + caught.value.detail

    run(scenario())


def test_a_proxy_that_is_not_there() -> None:
    """Named in the failure."""

    async def scenario() -> None:
        async with client() as sender:
            origin = Origin(host="api.example", port=443, tls=True, proxy="http://127.0.0.1:1")
            with pytest.raises(
                Unreachable, match=r"api\.example:443 through the proxy 127\.0\.0\.1:1: Connection refused"
            ):
                await sender.send(make_call(origin))

    run(scenario())
