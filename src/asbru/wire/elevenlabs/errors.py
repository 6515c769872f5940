"""ElevenLabs' error body: ``{"detail": {"status", "message"}}``, or a list of what is wrong with which field (422)."""

import msgspec
from msgspec import Struct

from asbru.model.failure import Failure
from asbru.model.http import Headers
from asbru.wire.faults import Fault, judge, read_fault
from asbru.wire.shapes import BAD_JSON, write_json


class _Detail(Struct):
    message: str = ""
    status: str = ""


class _Offence(Struct):
    msg: str = ""
    type: str = ""
    loc: list[str | int] = []


class _Body(Struct):
    detail: _Detail | list[_Offence]


_body = msgspec.json.Decoder(_Body).decode


def read_failure(status: int, headers: Headers, body: bytes) -> Failure:
    """The failure in an answer that is not 2xx."""
    return judge(status, headers, _fault(body))


def _fault(body: bytes) -> Fault:
    try:
        detail = _body(body).detail
    except BAD_JSON:
        return read_fault(body)
    if isinstance(detail, _Detail):
        return Fault(message=detail.message, code=detail.status)
    first = detail[0] if detail else _Offence()
    where = ".".join(map(str, first.loc))
    return Fault(message=f"{where}: {first.msg}", code=first.type, param=where)


def write_failure(failure: Failure, request_id: str) -> bytes:
    """The body of an error answer."""
    return write_json({"detail": {"status": failure.code, "message": failure.message, "request_id": request_id}})
