"""Checks AWS's signature version 4, written from its description and not with botocore, which signs.

Source: "Create a signed AWS API request" in the IAM user guide. The path is encoded once more, as all services but S3
have it. Every access key's secret is ``mock-secret``; one that begins with ASIA is temporary and needs
``mock-session``.
"""

import hashlib
import hmac
import re
from datetime import datetime
from urllib.parse import parse_qsl, quote

from asbru.edge.request import Request
from asbru.model.failure import Refused

SECRET = "mock-secret"  # noqa: S105 - a scripted provider's.
SESSION = "mock-session"
_ALGORITHM = "AWS4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([\w-]+)/([\w-]+)/aws4_request, ?"
    r"SignedHeaders=([\w;-]+), ?Signature=([0-9a-f]{64})"
)
_LATE = 900.0


def access_key(value: str) -> str:
    """The access key in an ``authorization`` header, "" when it holds no such signature."""
    found = _AUTHORIZATION.fullmatch(value)
    return found[1] if found else ""


def check(request: Request, service: str, now: float) -> None:
    """Raises Refused(403) as AWS words it. ``now``: Unix seconds."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.items()}
    found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if found is None:
        raise _refused("IncompleteSignatureException", "Authorization header is not in the expected form.")
    key, day, region, said, signed, signature = found.groups()
    at = headers.get("x-amz-date", "")
    if said != service or not at.startswith(day):
        raise _refused("InvalidSignatureException", f"Credential should be scoped to correct service: '{service}'.")
    if abs(_seconds(at) - now) > _LATE:
        raise _refused("InvalidSignatureException", f"Signature expired: {at}")
    if "host" not in signed.split(";"):
        raise _refused("InvalidSignatureException", "'Host' must be a 'SignedHeader' in the AWS Authorization.")
    if key.startswith("ASIA") and headers.get("x-amz-security-token") != SESSION:
        raise _refused("UnrecognizedClientException", "The security token included in the request is invalid.")
    scope = f"{day}/{region}/{service}/aws4_request"
    text = "\n".join((_ALGORITHM, at, scope, _digest(_canonical(request, headers, signed).encode())))
    if not hmac.compare_digest(_signature(day, region, service, text), signature):
        words = "The request signature we calculated does not match the signature you provided."
        raise _refused("InvalidSignatureException", words)


def _canonical(request: Request, headers: dict[str, str], signed: str) -> str:
    query = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parse_qsl(request.query))
    lines = [f"{name}:{' '.join(headers.get(name, '').split())}" for name in signed.split(";")]
    return "\n".join(
        (
            request.method,
            quote(request.path, safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in query),
            *lines,
            "",
            signed,
            _digest(request.body),
        )
    )


def _signature(day: str, region: str, service: str, text: str) -> str:
    key = f"AWS4{SECRET}".encode()
    for step in (day, region, service, "aws4_request"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _seconds(at: str) -> float:
    try:
        return datetime.strptime(at, "%Y%m%dT%H%M%S%z").timestamp()
    except ValueError:
        return 0.0


def _refused(code: str, words: str) -> Refused:
    return Refused(403, words, code=code)
