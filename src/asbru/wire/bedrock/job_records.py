"""The records of Bedrock's batch jobs: what output files and manifests hold, whatever dialect the batch was made in.

Source: "Process multiple prompts with batch inference" in the Bedrock user guide: output lines are ``modelInput``,
``modelOutput`` or ``error``, ``recordId``; a ``manifest.json.out`` counts them.
"""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from msgspec import Raw

from asbru.model.batches import Batch, ItemResult, Outcome
from asbru.model.chat import Ask
from asbru.model.failure import Failure, Refused
from asbru.model.http import NO_HEADERS
from asbru.model.names import OPERATIONS, Format, Operation
from asbru.wire import CODECS
from asbru.wire.bedrock.invoke import INVOKED
from asbru.wire.envelope import Envelope
from asbru.wire.shapes import write_json

_VERSION = Raw(b'"bedrock-2023-05-31"')
_TARGETS: Mapping[Operation, Format] = MappingProxyType(
    {
        Operation.CHAT: Format.BEDROCK_CONVERSE,
        Operation.EMBED: Format.BEDROCK_COHERE_EMBED,
        Operation.RERANK: Format.BEDROCK_RERANK_INVOKE,
        Operation.IMAGE: Format.BEDROCK_CANVAS,
    }
)
"""What is written where a batch's own format is none that Bedrock has."""

_UNDONE: Mapping[Outcome, tuple[int, str]] = MappingProxyType(
    {
        Outcome.EXPIRED: (408, "The job's time was over before this record was processed."),
        Outcome.CANCELED: (409, "The job was stopped before this record was processed."),
    }
)


def invoked_format(format: Format) -> Format:
    """What the records of a batch in ``format`` are written in. Raises Refused(400)."""
    if format in INVOKED or format is Format.BEDROCK_CONVERSE:
        return format
    target = _TARGETS.get(OPERATIONS[format])
    if target is None:
        raise Refused(400, f"This batch is one of {format}: Bedrock has nothing of the kind.")
    return target


def write_input(ask: bytes, format: Format, wanted: Format) -> Raw:
    """A request as ``modelInput``; null when it cannot be written so."""
    try:
        envelope = Envelope(ask)
        if format is not wanted:
            read = CODECS[format].read_ask(envelope)
            read = msgspec.structs.replace(read, stream=False) if isinstance(read, Ask) else read
            envelope = Envelope(CODECS[wanted].write_ask(read).body)
        put = {"anthropic_version": _VERSION} if wanted is Format.ANTHROPIC_MESSAGES else {}
        return Raw(envelope.splice(put, drop={"model", "stream", "fallbacks"}))
    except Failure:
        return Raw(b"null")


def write_record(result: ItemResult, model_input: Raw) -> bytes:
    """One line of an output file; the result's body is in the format of the records."""
    line: dict[str, object] = {"modelInput": model_input}
    if result.outcome is Outcome.SUCCEEDED:
        line["modelOutput"] = Raw(result.body)
    else:
        code, message = _UNDONE.get(result.outcome) or _error(result)
        line["error"] = {"errorCode": code, "errorMessage": message}
    line["recordId"] = result.custom_id
    body = write_json(line)
    return (msgspec.json.format(body, indent=-1) if b"\n" in body or b"\r" in body else body) + b"\n"


def _error(result: ItemResult) -> tuple[int, str]:
    status = result.status or 500
    return status, CODECS[result.format].read_failure(status, NO_HEADERS, result.body).message


def write_manifest(batch: Batch) -> bytes:
    """``manifest.json.out``."""
    counts = batch.counts
    errors = counts.errored + counts.canceled + counts.expired
    return write_json(
        {
            "totalRecordCount": counts.total,
            "processedRecordCount": counts.succeeded + counts.errored,
            "successRecordCount": counts.succeeded,
            "errorRecordCount": errors,
            "inputTokenCount": batch.usage.input,
            "outputTokenCount": batch.usage.output,
        }
    )
