"""OpenAI's error body: ``{"error": {"message", "type", "param", "code"}}``, with Bifrost's members beside it.

Bifrost's (api-inventory.md, error envelopes): ``is_bifrost_error``, ``status_code``, ``type``, ``extra_fields``.
Clients of OpenAI's SDK read ``error`` only.
"""

from asbru.model.failure import Failure, Upstream
from asbru.model.http import NO_HEADERS, Headers
from asbru.wire.faults import judge, read_fault
from asbru.wire.shapes import write_json

_TYPES = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    429: "rate_limit_error",
}

_OWN_TYPES = frozenset(
    {
        "insufficient_quota", "virtual_key_required", "virtual_key_not_found", "virtual_key_blocked",
        "provider_blocked", "model_blocked", "token_limited", "request_limited", "budget_exceeded",
        "missing_required_headers",
    }
)  # fmt: skip
"""Codes that are types at the same time: OpenAI's, and those of governance (features.md 3.2)."""

_STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "insufficient_quota": 429,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "tokens": 429,
    "requests": 429,
    "overloaded_error": 529,
    "server_is_overloaded": 503,
    "slow_down": 429,
    "timeout_error": 504,
    "context_length_exceeded": 400,
}


def error_type(status: int) -> str:
    """OpenAI's word for a status."""
    return _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")


def read_failure(status: int, headers: Headers, body: bytes) -> Failure:
    """The failure in an answer that is not 2xx."""
    return judge(status, headers, read_fault(body))


def read_stream_error(data: bytes) -> Upstream:
    """The failure in an error event; its status is guessed from its words, 502 when they say nothing."""
    fault = read_fault(data)
    status = fault.status or _STATUS_OF_TYPE.get(fault.type) or _STATUS_OF_TYPE.get(fault.code) or 502
    return judge(status, NO_HEADERS, fault)


def error_body(failure: Failure) -> dict[str, object]:
    """The body as an object."""
    kind = error_type(failure.status)
    code = failure.code if failure.code != kind else None
    if failure.code in _OWN_TYPES:
        kind = failure.code
    extra = {"provider": failure.provider, "model_requested": failure.model, "request_type": failure.request}
    shown = {name: value for name, value in extra.items() if value}
    return {
        "error": {"message": failure.message, "type": kind, "param": failure.param or None, "code": code or None},
        "type": kind,
        "is_bifrost_error": not isinstance(failure, Upstream),
        "status_code": failure.status,
        "extra_fields": {**shown, **failure.raw},
    }


def write_failure(failure: Failure, request_id: str) -> bytes:
    """The body of an error answer; the request's id goes into a header here."""
    return write_json(error_body(failure))
