"""Failures as answers, in the dialect of the route."""

import math

from asbru.model.failure import Failure
from asbru.model.http import Answer
from asbru.model.names import Format
from asbru.wire import CODECS, s3
from asbru.wire.bedrock.errors import error_type

_JSON = b"application/json"


def fail_openai(failure: Failure, request_id: str) -> Answer:
    """OpenAI's error object inside Bifrost's (api-inventory.md, error envelopes)."""
    return _answer(failure, CODECS[Format.OPENAI_CHAT].write_failure(failure, request_id))


def fail_anthropic(failure: Failure, request_id: str) -> Answer:
    """Anthropic's ``{"type": "error", …, "request_id"}``."""
    return _answer(failure, CODECS[Format.ANTHROPIC_MESSAGES].write_failure(failure, request_id))


def fail_cohere(failure: Failure, request_id: str) -> Answer:
    """Cohere's ``{"id", "message"}``."""
    return _answer(failure, CODECS[Format.COHERE_CHAT].write_failure(failure, request_id))


def fail_bedrock(failure: Failure, request_id: str) -> Answer:
    """``{"__type", "message"}``, with the type and the request's id in the headers that AWS's SDKs read."""
    answer = _answer(failure, CODECS[Format.BEDROCK_CONVERSE].write_failure(failure, request_id))
    told = {b"x-amzn-errortype": error_type(failure).encode(), b"x-amzn-requestid": request_id.encode()}
    answer.headers = {**answer.headers, **told}
    return answer


def fail_gemini(failure: Failure, request_id: str) -> Answer:
    """Google's ``{"error": {"code", "message", "status", "details"}}``."""
    return _answer(failure, CODECS[Format.GEMINI_GENERATE].write_failure(failure, request_id))


def fail_s3(failure: Failure, request_id: str) -> Answer:
    """S3's ``<Error>``, for the files of Bedrock's batches."""
    answer = _answer(failure, s3.write_failure(failure, request_id))
    answer.headers = {**answer.headers, b"content-type": b"application/xml", b"x-amz-request-id": request_id.encode()}
    return answer


def _answer(failure: Failure, body: bytes) -> Answer:
    headers = {b"content-type": _JSON}
    if failure.retry_after is not None:
        headers[b"retry-after"] = str(math.ceil(failure.retry_after)).encode()
    if 400 <= failure.status < 500 and failure.status not in (408, 409, 429):
        # Official SDKs retry by status; a mistake of the caller's must not come back three times.
        headers[b"x-should-retry"] = b"false"
    return Answer(status=failure.status, headers=headers, body=body)
