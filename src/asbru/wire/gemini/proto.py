"""Google's JSON is that of protocol buffers, which can be said in several ways.

Sources: protobuf.dev/programming-guides/json; google-genai sends bytes in the URL-safe alphabet, and some members of
its configs in snake case.

Rule 1. Members are read in camel case and in snake case, and written in camel case.
Rule 2. Bytes are read in both base64 alphabets, with or without padding, and written in the standard one.
Rule 3. Numbers may come as strings, and whole ones as floats (google-genai: ``topK: 40.0``).
"""

import re
from typing import TypeVar

import msgspec
from msgspec import Raw

from asbru.wire.shapes import BAD_JSON, Members, Shape, read_members, refused, write_json

T = TypeVar("T")

_UPPER = re.compile(r"[A-Z]")
_LOWER = re.compile(r"(?<=[a-zA-Z0-9])_([a-z0-9])")
_STANDARD = str.maketrans("-_", "+/")


def snake(camel: str) -> str:
    """``inlineData`` as ``inline_data``."""
    return _UPPER.sub(lambda letter: "_" + letter[0].lower(), camel)


def camel(snake_case: str) -> str:
    """``inline_data`` as ``inlineData``; a name in camel case stays what it is."""
    return _LOWER.sub(lambda letter: letter[1].upper(), snake_case)


class ProtoShape(Shape[T]):
    """A struct whose members are named in camel case, read from either case."""

    __slots__ = ()

    def __init__(self, kind: type[T]) -> None:
        super().__init__(kind)
        self._decode = msgspec.json.Decoder(kind, strict=False).decode

    def pick(self, members: Members, spare: Members) -> T:
        """The struct out of the top level of a body; what it does not know goes to ``spare``."""
        return super().pick(self._camel(members, ""), spare)

    def _read_without_unknown(self, raw: Raw, path: str, spare: Members) -> T:
        members = read_members(raw)
        renamed = self._camel(members, path)
        if renamed is members:
            return super()._read_without_unknown(raw, path, spare)
        told = Raw(write_json(renamed))
        try:
            return self._decode(told)
        except BAD_JSON as error:
            if not str(error).startswith("Object contains unknown field"):
                raise refused(path, error) from None
        return super()._read_without_unknown(told, path, spare)

    def _camel(self, members: Members, path: str) -> Members:
        """Members of any name, as what is unknown here goes back to Google or is named."""
        if not any("_" in name for name in members):
            return members
        renamed: Members = {}
        for name, raw in members.items():
            told = camel(name)
            if told in renamed:
                raise refused(f"{path}.{told}" if path else told, "is given twice")
            renamed[told] = raw
        return renamed


def standard_base64(data: str) -> str:
    """``data`` in the standard alphabet, padded: what every other vendor wants."""
    if "-" in data or "_" in data:
        data = data.translate(_STANDARD)
    return data + "=" * (-len(data) % 4)
