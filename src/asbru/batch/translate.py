"""A result in the reader's dialect, whatever dialect its batch or its provider spoke."""

import msgspec

from asbru.model.batches import ItemResult, Outcome
from asbru.model.failure import Broken, Failure
from asbru.model.http import NO_HEADERS
from asbru.model.names import Format
from asbru.wire import CODECS
from asbru.wire.codec import Stamp
from asbru.wire.shapes import BAD_JSON


def in_format(result: ItemResult, batch: str, at: float, wanted: Format) -> ItemResult:
    """``result`` with its body in ``wanted``. ``at``: Unix seconds, for formats that tell when a reply was made."""
    if result.format is wanted or not result.body:
        return result
    read, write = CODECS[result.format], CODECS[wanted]
    if result.outcome is Outcome.SUCCEEDED:
        try:
            stamp = Stamp(id=f"{batch}_{result.n}", at=int(at), model=result.model)
            body = write.write_reply(read.read_reply(result.body), stamp).body
        except Failure as unreadable:
            return errored(result, unreadable, wanted)
        return msgspec.structs.replace(result, format=wanted, body=body)
    failure = read.read_failure(result.status or 500, NO_HEADERS, result.body)
    body = write.write_failure(failure, result.request_id)
    return msgspec.structs.replace(result, format=wanted, body=body)


def errored(result: ItemResult, failure: Failure, wanted: Format) -> ItemResult:
    """The result of an item that failed with ``failure``."""
    body = CODECS[wanted].write_failure(failure, result.request_id)
    return msgspec.structs.replace(result, outcome=Outcome.ERRORED, status=failure.status, format=wanted, body=body)


def one_line(body: bytes) -> bytes:
    """``body`` without line feeds, as JSONL needs it. Raises Broken when it is not JSON.

    Line feeds can only stand between tokens of valid JSON; a body without any keeps its bytes.
    """
    try:
        if not body.isascii():
            body.decode()
        return msgspec.json.format(body, indent=-1) if b"\n" in body or b"\r" in body else _valid(body)
    except BAD_JSON:
        raise Broken(502, "The provider's answer is not JSON.", code="invalid_response") from None


_check = msgspec.json.Decoder(msgspec.Raw).decode


def _valid(body: bytes) -> bytes:
    _check(body)
    return body
