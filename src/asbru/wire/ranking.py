"""Documents to be ranked: texts, or objects with one."""

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from asbru.model.failure import Refused
from asbru.model.rerank import Ranked, RerankAsk, searches_for
from asbru.model.usage import Usage
from asbru.wire.codec import Stamp
from asbru.wire.envelope import Envelope
from asbru.wire.shapes import BAD_JSON, join, refused

Documents = tuple[str | Raw, ...]

_document = msgspec.json.Decoder(str | dict[str, Raw]).decode
_list = msgspec.json.Decoder(list[Raw])
_string = msgspec.json.Decoder(str).decode


def read_documents(raws: Sequence[Raw], path: str = "documents") -> Documents:
    """Each a text, or the bytes of an object. Raises Refused(400) naming one that is neither, or the lack of any."""
    if not raws:
        raise refused(path, "must not be empty")
    return tuple(_read(raw, join(path, n)) for n, raw in enumerate(raws))


def _read(raw: Raw, path: str) -> str | Raw:
    try:
        told = _document(raw)
    except BAD_JSON as error:
        raise refused(path, error) from None
    return told if isinstance(told, str) else raw


def text_of(document: str | Raw) -> str:
    """The text of a document: of an object its ``text``, or all of it where it has none."""
    if isinstance(document, str):
        return document
    try:
        members = _document(document)
        return members if isinstance(members, str) else _string(members["text"])
    except (KeyError, *BAD_JSON):
        return bytes(document).decode()


def document_of(ranked: Ranked, stamp: Stamp) -> object | None:
    """A result's document as an object, when the caller asked for it: the provider's, else that of the request."""
    ask = stamp.ask
    if ranked.document is not None:
        return _object(ranked.document)
    if not isinstance(ask, RerankAsk) or not ask.with_documents or not 0 <= ranked.index < len(ask.documents):
        return None
    return _object(ask.documents[ranked.index])


def _object(document: str | Raw) -> object:
    if isinstance(document, str):
        return {"text": document}
    return document if bytes(document).lstrip().startswith(b"{") else {"text": text_of(document)}


def asked_usage(envelope: Envelope, name: str = "documents") -> Usage:
    """The searches that so many documents are billed as; nothing where nobody could count them."""
    try:
        documents = envelope.get(name, _list)
        return Usage(searches=searches_for(len(documents or ())))
    except Refused:
        return Usage()
