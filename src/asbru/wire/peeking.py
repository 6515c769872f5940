"""What routing reads out of undecoded members, the same in every format that names its model in the body."""

from functools import lru_cache

import msgspec
from msgspec import Raw

from asbru.model.failure import Refused
from asbru.wire.codec import Peek
from asbru.wire.envelope import Envelope
from asbru.wire.shapes import BAD_JSON, Members, refused, write_json

LONGEST_MODEL = 1024
"""Most bytes of a model's name as JSON: names are kept in a cache."""

_string = msgspec.json.Decoder(str).decode
_strings = msgspec.json.Decoder(list[object]).decode


def peek_model(members: Members) -> str:
    """Member ``model``. Raises Refused(400) when it is missing, empty or not a string."""
    raw = members.get("model")
    if raw is None:
        raise Refused(400, "model: Field required", code="invalid_request_error", param="model")
    if len(raw) > LONGEST_MODEL:
        raise refused("model", f"must not be longer than {LONGEST_MODEL} bytes")
    try:
        model = _string(raw)
    except BAD_JSON as error:
        raise refused("model", error) from None
    if not model:
        raise refused("model", "must not be empty")
    return model


def peek_stream(members: Members) -> bool:
    """Member ``stream``. Raises Refused(400) when it is neither a boolean nor null."""
    raw = members.get("stream")
    if raw is None:
        return False
    word = bytes(raw)
    if word == b"true":
        return True
    if word not in (b"false", b"null"):
        raise refused("stream", "Expected `bool`")
    return False


def peek_fallbacks(members: Members) -> tuple[str, ...]:
    """The gateway's own member ``fallbacks``; entries that are not strings are dropped, as Bifrost does (features.md
    2.4).
    """
    raw = members.get("fallbacks")
    if raw is None or bytes(raw) == b"null":
        return ()
    try:
        return tuple(entry for entry in _strings(raw) if isinstance(entry, str) and entry)
    except BAD_JSON as error:
        raise refused("fallbacks", error) from None


@lru_cache(maxsize=4096)
def model_member(model: str) -> Raw:
    """A model's name as a member's value."""
    return Raw(write_json(model))


def peek_whole(envelope: Envelope) -> Peek:
    """Model and fallbacks of a format that has no streams. Raises Refused(400)."""
    return Peek(peek_model(envelope.members), fallbacks=peek_fallbacks(envelope.members))


def put_model(envelope: Envelope, model: str, stream: bool) -> dict[str, Raw]:
    """``put`` of a format that needs nothing but the provider's name of the model."""
    return {"model": model_member(model)}
