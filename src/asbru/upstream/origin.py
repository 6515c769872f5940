"""Where connections to a URL go, and how patient they are, by a provider's network settings."""

import base64
from urllib.parse import urlsplit

from asbru.model.keys import Network
from asbru.upstream.call import Deadlines, Origin


def origin_of(url: str, network: Network) -> Origin:
    """Where connections to ``url`` go."""
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    user = network.proxy_username
    token = base64.b64encode(f"{user}:{network.proxy_password.reveal()}".encode()) if user else b""
    return Origin(
        host=parts.hostname or "",
        port=parts.port or (443 if tls else 80),
        tls=tls,
        verify=not network.insecure_skip_verify,
        ca_pem=network.ca_cert_pem,
        proxy=network.proxy,
        proxy_auth=b"Basic " + token if token else b"",
        max_connections=network.max_conns_per_host,
    )


def deadlines_of(network: Network) -> Deadlines:
    """The deadlines that a provider's network settings ask for."""
    return Deadlines(
        connect=network.connect_timeout,
        first_byte=network.request_timeout,
        silence=network.stream_idle_timeout,
        total=network.request_timeout,
    )
