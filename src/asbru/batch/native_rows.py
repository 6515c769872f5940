"""Lines of result files as OpenAI writes them: ``custom_id`` with a response, or with an error.

Mistral, Together, Groq and OpenRouter write the same line; where there is no response Together names codes of its own.
"""

import msgspec
from msgspec import Raw, Struct

from asbru.batch.native import JobResult
from asbru.model.batches import Outcome
from asbru.wire.shapes import BAD_JSON

_CODES = {
    "batch_expired": Outcome.EXPIRED,
    "batch_cancelled": Outcome.CANCELED,
    "batch_canceled": Outcome.CANCELED,
}
_STATUSES = {"batch_client_error": 400, "invalid_request_error": 400, "rate_limit_exceeded": 429}


class Response(Struct):
    """What became of a request that was sent."""

    status_code: int
    body: Raw = Raw(b"null")
    request_id: str | None = None


class Trouble(Struct):
    """Why a request was not sent, or has no response."""

    code: str | int | None = None
    message: str | None = None
    type: str | None = None


class Row(Struct):
    """A line of an output or error file."""

    custom_id: str
    response: Response | None = None
    error: Trouble | str | None = None


_row = msgspec.json.Decoder(Row)


def read_row(line: bytes | Raw) -> JobResult | None:
    """A line of a result file; None when it is none."""
    try:
        row = _row.decode(line)
    except BAD_JSON:
        return None
    response, error = row.response, row.error
    if response is not None and not error:
        fine = 200 <= response.status_code < 300
        return JobResult(
            upstream_id=row.custom_id,
            outcome=Outcome.SUCCEEDED if fine else Outcome.ERRORED,
            status=response.status_code,
            body=bytes(response.body),
            request_id=response.request_id or "",
        )
    trouble = Trouble(message=error) if isinstance(error, str) else error or Trouble()
    return troubled(row.custom_id, trouble, (response.request_id or "") if response else "")


def troubled(name: str, trouble: Trouble, request_id: str = "") -> JobResult:
    """The result of a request that has no response."""
    code = str(trouble.code or trouble.type or "")
    outcome = _CODES.get(code, Outcome.ERRORED)
    status = _STATUSES.get(code, 500)
    kind = "invalid_request_error" if status == 400 else "server_error"
    error = {"message": trouble.message, "type": kind, "param": None, "code": code or None}
    errored = outcome is Outcome.ERRORED
    return JobResult(
        upstream_id=name,
        outcome=outcome,
        status=status if errored else 0,
        body=msgspec.json.encode({"error": error}) if errored else b"",
        request_id=request_id,
    )
