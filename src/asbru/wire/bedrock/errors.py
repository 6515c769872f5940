"""Bedrock's errors: ``{"__type", "message"}`` with the type in ``x-amzn-ErrorType`` too, and exceptions in streams.

Types and their statuses: botocore, bedrock-runtime 2023-09-30 (shapes with ``exception``).
"""

from asbru.model.failure import Failure, Upstream
from asbru.model.http import NO_HEADERS, Headers
from asbru.wire.faults import judge, read_fault
from asbru.wire.shapes import write_json

_STATUS_OF_TYPE = {
    "ValidationException": 400,
    "ServiceQuotaExceededException": 400,
    "ConflictException": 400,
    "UnrecognizedClientException": 403,
    "AccessDeniedException": 403,
    "ResourceNotFoundException": 404,
    "ModelTimeoutException": 408,
    "ModelErrorException": 424,
    "ModelStreamErrorException": 424,
    "ThrottlingException": 429,
    "ModelNotReadyException": 429,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
}

_TYPES = {
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
    529: "ServiceUnavailableException",
}

_IN_STREAMS = {
    400: "validationException",
    408: "modelTimeoutException",
    424: "modelStreamErrorException",
    429: "throttlingException",
    503: "serviceUnavailableException",
    529: "serviceUnavailableException",
}
"""The members of ``ConverseStreamOutput`` and ``ResponseStream`` that are exceptions."""


def error_type(failure: Failure) -> str:
    """Bedrock's word for a failure; its own words are kept."""
    if _STATUS_OF_TYPE.get(failure.code) == failure.status:
        return failure.code
    usual = "ValidationException" if failure.status < 500 else "InternalServerException"
    return _TYPES.get(failure.status, usual)


def read_failure(status: int, headers: Headers, body: bytes) -> Failure:
    """The failure in an answer that is not 2xx."""
    return judge(status, headers, read_fault(body))


def write_failure(failure: Failure, request_id: str) -> bytes:
    """The body of an error answer."""
    return write_json({"__type": error_type(failure), "message": failure.message})


def read_exception(name: str, payload: bytes, words: str = "") -> Upstream:
    """The failure in an exception of a stream. ``words``: what an error without a payload says."""
    kind = name[:1].upper() + name[1:]
    fault = read_fault(payload or write_json({"message": words}))
    failure = judge(_STATUS_OF_TYPE.get(kind, 502), NO_HEADERS, fault)
    failure.code = kind or failure.code
    return failure


def stream_exception(failure: Failure) -> tuple[str, bytes]:
    """Name and payload of the exception that tells a failure in the middle of a stream."""
    usual = "validationException" if 400 <= failure.status < 500 else "internalServerException"
    return _IN_STREAMS.get(failure.status, usual), write_json({"message": failure.message})
