"""Anthropic's error body: ``{"type": "error", "error": {"type", "message"}, "request_id"}``.

Types by status: spec/batch.md section 2; the closed list of types: ``anthropic.types.shared.ErrorType``.
"""

from asbru.model.failure import Failure, Upstream
from asbru.model.http import NO_HEADERS, Headers
from asbru.wire.faults import judge, read_fault
from asbru.wire.shapes import write_json

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}

_STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


def error_type(status: int) -> str:
    """Anthropic's word for a status."""
    return _TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")


def read_failure(status: int, headers: Headers, body: bytes) -> Failure:
    """The failure in an answer that is not 2xx."""
    return judge(status, headers, read_fault(body))


def read_stream_error(data: bytes) -> Upstream:
    """The failure in an error event, its status by its type; 502 when that says nothing."""
    fault = read_fault(data)
    return judge(fault.status or _STATUS_OF_TYPE.get(fault.type, 502), NO_HEADERS, fault)


def write_failure(failure: Failure, request_id: str) -> bytes:
    """The body of an error answer, and the data of an error event. A type that is Anthropic's own word is kept."""
    kind = failure.code if failure.code in _STATUS_OF_TYPE else error_type(failure.status)
    error = {"type": kind, "message": failure.message}
    return write_json({"type": "error", "error": error, "request_id": request_id or None})
