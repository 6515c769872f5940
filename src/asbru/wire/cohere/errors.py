"""Cohere's error body: ``{"id", "message"}`` (SDK 7.3, ``cohere.core.ApiError``: clients see the body as it is).

``type`` and ``code`` beside them are Bifrost's (api-inventory.md, /cohere).
"""

from asbru.model.failure import Broken, Failure, Upstream
from asbru.model.http import Headers
from asbru.wire.faults import judge, read_fault
from asbru.wire.openai.errors import error_type
from asbru.wire.shapes import write_json


def read_failure(status: int, headers: Headers, body: bytes) -> Failure:
    """The failure in an answer that is not 2xx."""
    return judge(status, headers, read_fault(body))


def ended_badly(reason: str, message: str) -> Upstream:
    """The failure of a generation that ended with ``finish_reason`` ERROR or TIMEOUT."""
    told = message or f"The provider ended its answer with {reason}."
    return Broken(504 if reason == "TIMEOUT" else 502, told, code=reason)


def write_failure(failure: Failure, request_id: str) -> bytes:
    """The body of an error answer."""
    kind = error_type(failure.status)
    body = {"id": request_id, "message": failure.message, "type": kind, "code": failure.code or kind}
    return write_json(body)
