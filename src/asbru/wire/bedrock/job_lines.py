"""The lines of Bedrock's input files: ``recordId`` and ``modelInput``, a body as InvokeModel or Converse has it.

Source: "Format and upload your batch inference data" in the Bedrock user guide.

Rule 1. The shape of the first body tells the format of all (``wire.bedrock.invoke``); one of another is a mistake.
Rule 2. A body becomes what its format has elsewhere: the model that the job names is put in, Amazon's version taken
out, and betas become a header of the batch.
Rule 3. A line without a recordId gets one, as Amazon gives them.
"""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from asbru.model.failure import Refused
from asbru.model.names import Format
from asbru.wire import CODECS
from asbru.wire.bedrock.invoke import format_of
from asbru.wire.envelope import Envelope
from asbru.wire.shapes import BAD_JSON

INVOKE, CONVERSE = "InvokeModel", "Converse"
"""What ``url`` says of a job of Bedrock's: bodies of Converse look like those of others."""


def invocation_type(format: Format) -> str:
    """How Bedrock calls the bodies of a job in ``format``."""
    return CONVERSE if format is Format.BEDROCK_CONVERSE else INVOKE


_VERSION, _BETA = "anthropic_version", "anthropic_beta"
_FIRST = 4_096
"""Lines in which a format is looked for: a file without one good line is no file of records."""


class Line(Struct):
    """A line, as far as it is looked at."""

    recordId: Raw | UnsetType = UNSET  # noqa: N815  AWS's spelling.
    modelInput: Raw | UnsetType = UNSET  # noqa: N815


_read = msgspec.json.Decoder(Line).decode
_strings = msgspec.json.Decoder(list[str]).decode


class RecordReader:
    """``betas``: those that the bodies named. Raises Refused(400) when no line has a body of a known format."""

    def __init__(self, raws: "Sequence[bytes | memoryview]", url: str, model: str) -> None:
        self._model = model
        self.format = Format.BEDROCK_CONVERSE if url == CONVERSE else _format(raws, model)
        self._in_path = CODECS[self.format].model_in_path
        self.betas: dict[str, None] = {}

    def read(self, n: int, raw: bytes | memoryview) -> tuple[Raw, Raw | UnsetType] | str:
        """Id and request of the n-th line, or what is wrong with it."""
        try:
            line = _read(raw)
        except msgspec.ValidationError:
            return "Input should be an object"
        except BAD_JSON as error:
            return f"is not valid JSON: {error}"
        id = Raw(b'"CALL%07d"' % (n + 1)) if line.recordId is UNSET else line.recordId
        if line.modelInput is UNSET:
            return id, UNSET
        try:
            return id, self._ask(line.modelInput)
        except Refused as refused:
            return f"modelInput: {refused.message}"

    def _ask(self, raw: Raw) -> Raw:
        envelope = Envelope(bytes(raw))
        members = envelope.members
        if self.format is not Format.BEDROCK_CONVERSE:
            found = format_of(members, self._model)
            if found is not self.format:
                raise Refused(400, f"is written as {found}, those before it as {self.format}")
        if self._in_path and "model" not in members:
            return raw
        put = {} if self._in_path else {"model": self._model or members.get("model", "")}
        if self.format is not Format.ANTHROPIC_MESSAGES:
            return Raw(envelope.splice(put))
        self._note(members.get(_BETA))
        return Raw(envelope.splice(put, drop={_VERSION, _BETA}))

    def _note(self, betas: Raw | None) -> None:
        if betas is None or bytes(betas) == b"null":
            return
        try:
            words = _strings(betas)
        except BAD_JSON:
            raise Refused(400, f"{_BETA}: must be names of betas") from None
        if not all(word.isascii() and word.isprintable() and "," not in word for word in words):
            raise Refused(400, f"{_BETA}: must be names of betas")
        self.betas.update(dict.fromkeys(words))


def _format(raws: "Sequence[bytes | memoryview]", model: str) -> Format:
    """That of the first line whose body has one. Raises Refused(400) with what is wrong with the first."""
    first: Refused | None = None
    for raw in raws[:_FIRST]:
        try:
            line = _read(raw)
            if line.modelInput is not UNSET:
                return format_of(Envelope(bytes(line.modelInput)).members, model)
        except BAD_JSON:
            continue
        except Refused as refused:
            first = first or refused
    text = f"line 1.modelInput: {first.message}" if first else "The file has no line with a modelInput."
    raise Refused(400, text, code="invalid_request_error", param="modelInput")
