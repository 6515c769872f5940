"""Everything that can go wrong with an exchange, small on purpose.

::

    Failure                     status, code, message, param, retry_after; .provider when it came from one
    ├── Refused                 our caller's fault, or our rules: 400 401 403 404 413 429; never retried
    │   └── Limited             402 429: a limit of ours is used up; another target may have one of its own
    ├── Upstream                the provider's fault
    │   ├── Unreachable         connect, TLS, reset before the first byte
    │   ├── TimedOut
    │   ├── Overloaded          429, 503, 529: carries retry_after
    │   ├── Rejected            other 4xx: the provider did not like the request
    │   └── Broken              5xx, or an answer we cannot read
    ├── Unavailable             ours, for a while: 503, what we need (the database) cannot be reached; to be tried again
    └── Bug                     ours: 500 with an id, the text only in the log

``routing/retry.py`` maps (class, status) to a verdict; codecs translate failures from and to each dialect's error body.
"""

from collections.abc import Mapping


class Failure(Exception):
    """What the caller is told.

    status: the HTTP status. code: the error type in the words of the upstream dialect or ours
    (``invalid_request_error``). param: the path of the offending field (``messages.3.content``), or "". retry_after:
    seconds, or None. provider: name of the provider it came from, or "". detail: for the log only, never shown.
    request, model: what was asked, in the words of ``allowed_requests`` and as the caller named it, once it is known.
    raw: what the caller is shown of the provider's bodies, by member.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str = "",
        param: str = "",
        retry_after: float | None = None,
        provider: str = "",
        detail: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.retry_after = retry_after
        self.provider = provider
        self.detail = detail
        self.request = ""
        self.model = ""
        self.raw: Mapping[str, object] = {}


class Refused(Failure):
    """Our caller's fault, or our rules; never retried."""


class Limited(Refused):
    """A limit or budget is used up. ``elsewhere``: that of one target only, another may still be asked."""

    def __init__(self, status: int, message: str, *, code: str, retry_after: float, elsewhere: bool) -> None:
        super().__init__(status, message, code=code, retry_after=retry_after)
        self.elsewhere = elsewhere


class Upstream(Failure):
    """The provider's fault."""


class Unreachable(Upstream):
    """No connection, a TLS failure, or a reset before the first byte."""


class TimedOut(Upstream):
    """The provider kept silent for too long."""


class Overloaded(Upstream):
    """429, 503 or 529."""


class Rejected(Upstream):
    """The provider did not like the request (other 4xx)."""


class Broken(Upstream):
    """5xx, or an answer that cannot be read."""


class Unavailable(Failure):
    """Ours, for a while: something that we need cannot be reached. Nothing was done; the caller may try again."""

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(503, message, code="overloaded_error", retry_after=1.0, detail=detail)


class Bug(Failure):
    """Our fault: the caller gets 500 and the request's id, the log gets the rest."""
