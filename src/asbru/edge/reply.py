"""Answers as bytes: status lines, our own headers and framing are made once, the rest is joined."""

from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus

from msgspec import Struct

from asbru.edge.job import Job
from asbru.edge.request import asked_id
from asbru.model.http import Answer, Headers

STATUS: Mapping[int, bytes] = {
    code: b"HTTP/1.1 %d %b\r\n" % (code, phrase.encode())
    for code in range(200, 600)
    for phrase in [HTTPStatus(code).phrase if code in HTTPStatus._value2member_map_ else "Unknown"]
}
SECURITY = (
    b"x-frame-options: DENY\r\n"
    b"x-content-type-options: nosniff\r\n"
    b"referrer-policy: strict-origin-when-cross-origin\r\n"
    b"content-security-policy: frame-ancestors 'none'\r\n"
    b"permissions-policy: camera=(), microphone=(), geolocation=()\r\n"
)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
BODYLESS = frozenset((204, 304))
# What concerns one connection only (RFC 9110 section 7.6.1), and what we say ourselves.
OURS = frozenset(
    (
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-connection", b"te", b"trailer"),
        *(b"transfer-encoding", b"upgrade", b"content-length", b"date", b"request-id", b"x-request-id"),
        *(b"x-frame-options", b"x-content-type-options", b"referrer-policy", b"permissions-policy"),
    )
)


class Tails(Struct, frozen=True):
    """The end of a head, with the empty line: for a connection that stays, one that closes, and HTTP/1.0 that stays."""

    stays: bytes
    closes: bytes
    stays_old: bytes


def make_tails(now: float) -> Tails:
    """``now``: seconds since 1970; made anew every second or so for the date."""
    base = SECURITY + b"date: " + formatdate(now, usegmt=True).encode() + b"\r\n"
    return Tails(base + b"\r\n", base + b"connection: close\r\n\r\n", base + b"connection: keep-alive\r\n\r\n")


def write_headers(headers: Headers) -> bytes:
    """The answer's own headers. Raises ValueError when one would break out of its line."""
    if not OURS.isdisjoint(headers):
        headers = {name: value for name, value in headers.items() if name not in OURS}
    if not headers:
        return b""
    block = b"\r\n".join([b": ".join(item) for item in headers.items()]) + b"\r\n"
    if block.count(b"\n") != len(headers) or block.count(b"\r") != len(headers):
        raise ValueError("a header of the answer contains a line break")
    return block


def _names(job: Job) -> tuple[bytes, bytes]:
    """``request-id``, which is ours, and ``x-request-id``, which is the client's own where it has one."""
    ours = job.id.encode()
    return ours, (asked_id(job.request.headers) or ours) if job.request is not None else ours


def write_whole(answer: Answer, job: Job, tail: bytes) -> bytes:
    """Head and body of an answer that is here. Raises ValueError for headers that cannot be written."""
    status, body = answer.status, answer.body
    name, asked = _names(job)
    head = write_headers(answer.headers) if answer.headers else b""
    if status in BODYLESS:
        return b"%b%brequest-id: %b\r\nx-request-id: %b\r\n%b" % (STATUS[status], head, name, asked, tail)
    return b"%b%bcontent-length: %d\r\nrequest-id: %b\r\nx-request-id: %b\r\n%b%b" % (
        STATUS[status],
        head,
        len(body) if answer.length is None else answer.length,
        name,
        asked,
        tail,
        b"" if job.bare else body,
    )


def write_head(answer: Answer, job: Job, tail: bytes) -> bytes:
    """Head of an answer in pieces: of a known length, chunked, or until the connection closes on HTTP/1.0."""
    name, asked = _names(job)
    framing = b"" if job.old else b"transfer-encoding: chunked\r\n"
    if answer.length is not None:
        framing = b"content-length: %d\r\n" % answer.length
    head = write_headers(answer.headers)
    return b"%b%b%brequest-id: %b\r\nx-request-id: %b\r\n%b" % (STATUS[answer.status], head, framing, name, asked, tail)
