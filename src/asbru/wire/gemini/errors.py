"""Google's error body: ``{"error": {"code", "message", "status", "details"}}`` (``google.rpc.Status``).

Source: cloud.google.com/apis/design/errors. ``code`` is the HTTP status, ``status`` the word for it. Streams that are
not SSE have it in a list. An unknown API key is 400 INVALID_ARGUMENT with the reason API_KEY_INVALID.
"""

import re
from typing import Any

import msgspec
from msgspec import Struct

from asbru.model.failure import Failure, Upstream
from asbru.model.http import NO_HEADERS, Headers
from asbru.wire.faults import Fault, judge, read_fault
from asbru.wire.shapes import BAD_JSON, write_json

_TYPE = "type.googleapis.com/google.rpc."

_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    416: "OUT_OF_RANGE",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}

_STATUS_OF_WORD = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}

_RPC = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"),
    *("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED"),
    *("INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"),
)
"""The words by their numbers (``google.rpc.Code``)."""

_SECONDS = re.compile(r"(\d{1,9}(?:\.\d+)?)s")
_INDEX = re.compile(r"\[(\d+)\]")


class _Detail(Struct, rename="camel"):
    reason: str = ""
    retry_delay: str = ""
    field_violations: list[dict[str, Any]] = []


class _Error(Struct):
    code: int = 0
    message: str = ""
    status: str = ""
    details: list[Any] = []


class _Body(Struct):
    error: _Error


_body = msgspec.json.Decoder(_Body | list[_Body]).decode


def error_word(status: int) -> str:
    """Google's word for a status."""
    return _WORDS.get(status, "INVALID_ARGUMENT" if status < 500 else "INTERNAL")


def rpc_status(body: bytes) -> dict[str, object]:
    """The ``google.rpc.Status`` in an error body: its code is a number of gRPC's."""
    try:
        told = _body(body)
        error = told.error if isinstance(told, _Body) else told[0].error
    except (*BAD_JSON, IndexError):
        error = _Error(500, "The request failed.")
    word = error.status if error.status in _RPC else error_word(error.code)
    return {"code": _RPC.index(word), "message": error.message}


def read_rpc_status(code: int) -> tuple[int, str]:
    """The HTTP status and the word for a number of gRPC's; statuses of HTTP are taken too."""
    if 0 < code < len(_RPC):
        return _STATUS_OF_WORD[_RPC[code]], _RPC[code]
    status = code if 400 <= code < 600 else 500
    return status, error_word(status)


def read_failure(status: int, headers: Headers, body: bytes) -> Failure:
    """The failure in an answer that is not 2xx."""
    return _judged(status, headers, body)


def read_stream_error(data: bytes) -> Upstream:
    """The failure in a chunk that is an error; 502 when that does not say its status."""
    return _judged(0, NO_HEADERS, data)


def _judged(status: int, headers: Headers, body: bytes) -> Upstream:
    try:
        told = _body(body)
        error = told.error if isinstance(told, _Body) else told[0].error
        details = [msgspec.convert(each, _Detail) for each in error.details]
    except (*BAD_JSON, IndexError):
        return judge(status or 502, headers, read_fault(body))
    known = error.code if 400 <= error.code <= 599 else _STATUS_OF_WORD.get(error.status, 502)
    if any(each.reason == "API_KEY_INVALID" for each in details):
        status = 401
    fields = [str(found.get("field", "")) for each in details for found in each.field_violations]
    param = _INDEX.sub(r".\1", next(iter(fields), ""))
    failure = judge(status or known, headers, Fault(message=error.message, code=error.status, param=param))
    delays = [float(found[1]) for each in details if (found := _SECONDS.fullmatch(each.retry_delay))]
    if delays and failure.retry_after is None:
        failure.retry_after = delays[0]
    return failure


def error_body(failure: Failure, request_id: str) -> dict[str, object]:
    """The body as an object. A word that is Google's own is kept."""
    kept = _STATUS_OF_WORD.get(failure.code) == failure.status
    error: dict[str, object] = {
        "code": failure.status,
        "message": failure.message,
        "status": failure.code if kept else error_word(failure.status),
    }
    if details := _details(failure, request_id):
        error["details"] = details
    return {"error": error}


def _details(failure: Failure, request_id: str) -> list[dict[str, object]]:
    details: list[dict[str, object]] = []
    if failure.param:
        found = {"field": failure.param, "description": failure.message}
        details.append({"@type": f"{_TYPE}BadRequest", "fieldViolations": [found]})
    if failure.retry_after is not None:
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{failure.retry_after:g}s"})
    if request_id:
        details.append({"@type": f"{_TYPE}RequestInfo", "requestId": request_id})
    return details


def write_failure(failure: Failure, request_id: str) -> bytes:
    """The body of an error answer, and a chunk that ends a stream."""
    return write_json(error_body(failure, request_id))
