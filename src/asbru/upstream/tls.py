"""TLS to providers: verified certificates, one context per kind of trust, sessions used again."""

import ssl

SESSIONS = 256
"""Most hosts whose last session is kept, per context."""


class Context(ssl.SSLContext):
    """A client context that resumes the last session with each host (asyncio has no parameter for it)."""

    sessions: dict[str, ssl.SSLSession]

    def wrap_bio(  # type: ignore[override]
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Called by the event loop for each new connection."""
        known = session or self.sessions.get(server_hostname or "")
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, known)

    def remember(self, host: str, connection: ssl.SSLObject | None) -> None:
        """Keep the session of a connection that has carried an answer (TLS 1.3 tickets come after the handshake)."""
        session = connection.session if connection is not None else None
        if session is None:
            return
        if len(self.sessions) >= SESSIONS and host not in self.sessions:
            self.sessions.clear()
        self.sessions[host] = session


class Contexts:
    """Contexts by (verify, ca_pem): loading the system's certificates costs tens of milliseconds."""

    def __init__(self) -> None:
        self._known: dict[tuple[bool, str], Context] = {}

    def get(self, verify: bool, ca_pem: str) -> Context:
        """The context. Raises ssl.SSLError when ``ca_pem`` is no certificate."""
        key = (verify, ca_pem)
        context = self._known.get(key)
        if context is None:
            context = self._known[key] = make_context(verify, ca_pem)
        return context


def make_context(verify: bool, ca_pem: str) -> Context:
    """TLS 1.2 or newer, HTTP/1.1, the system's certificates and those of ``ca_pem``."""
    context = Context(ssl.PROTOCOL_TLS_CLIENT)
    context.sessions = {}
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context.load_default_certs()
    if ca_pem:
        context.load_verify_locations(cadata=ca_pem)
    return context
