"""The top level of a JSON body, its values undecoded.

Splicing keeps the order of keys and every value byte for byte (big integers, ``1.0``, ``\\u00e9``, the order of keys
inside tool schemas): what providers' prompt caches depend on. Only white space between top-level members changes.
"""

from collections.abc import Collection, Mapping
from typing import TypeVar

import msgspec
from msgspec import Raw

from asbru.model.failure import Refused

_decode = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode
_T = TypeVar("_T")


class Envelope:
    """``members``: name -> undecoded value, in the order of the body. ``kind``: the media type of what splice() gives.

    Raises Refused(400) when the body is not one JSON object.
    """

    __slots__ = ("members",)

    kind = b"application/json"

    def __init__(self, body: bytes) -> None:
        try:
            self.members: dict[str, Raw] = _decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise Refused(400, f"The body is not a JSON object: {error}", code="invalid_request_error") from None

    def get(self, name: str, decoder: "msgspec.json.Decoder[_T]") -> _T | None:
        """Member ``name`` decoded, or None when it is absent or null. Raises Refused(400) naming the member."""
        raw = self.members.get(name)
        if raw is None or bytes(raw) == b"null":
            return None
        try:
            return decoder.decode(raw)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise Refused(400, f"{name}: {error}", code="invalid_request_error", param=name) from None

    def splice(
        self,
        put: Mapping[str, object] | None = None,
        rename: Mapping[str, str] | None = None,
        drop: Collection[str] = (),
    ) -> bytes:
        """The body with members put, renamed and dropped.

        Values in ``put`` may be ``Raw``; absent names are appended.
        """
        members: dict[str, object] = dict(self.members)
        if rename:
            members = {rename.get(name, name): value for name, value in members.items()}
        for name in drop:
            members.pop(name, None)
        if put:
            members.update(put)
        return _encode(members)
