"""The members of one large JSON object out of a stream, an array's elements one by one: never the whole of it.

Only structure is looked at; a value is checked by whoever decodes it.
"""

import re
from collections.abc import AsyncIterator

from asbru.model.failure import Broken

_MARKS = re.compile(rb'["\\{}\[\],:]')
_MOST_VALUE = 64 << 20


class _Scan:
    """``spread``: the member whose array is taken apart."""

    def __init__(self, spread: bytes) -> None:
        self._spread = spread
        self._rest = b""
        self._at = 0
        self._from = -1
        self._depth = 0
        self._text = False
        self._name = b""
        self._apart = False

    def feed(self, chunk: bytes) -> list[tuple[bytes, bytes]]:
        """Name and value of what is whole now."""
        data = self._rest + chunk
        found: list[tuple[bytes, bytes]] = []
        at = self._at
        while (mark := _MARKS.search(data, at)) is not None:
            at = mark.end()
            byte = mark[0]
            if byte == b"\\":
                if at >= len(data):
                    at -= 1
                    break
                at += 1 if self._text else 0
            elif byte == b'"':
                self._text = not self._text
            elif not self._text:
                self._structure(byte, data, mark.start(), found)
        keep = min(at, self._from) if self._from >= 0 else at
        if len(data) - keep > _MOST_VALUE:
            raise Broken(502, "The provider's answer has a value without an end.")
        self._rest, self._at = data[keep:], (at if mark else max(at, len(data))) - keep
        self._from = self._from - keep if self._from >= 0 else -1
        return found

    def _structure(self, byte: bytes, data: bytes, at: int, found: list[tuple[bytes, bytes]]) -> None:
        level = 2 if self._apart else 1
        if byte in b"{[":
            self._depth += 1
            if self._depth == 1:
                self._from = at + 1
            elif self._depth == 2 and byte == b"[" and self._name == self._spread:
                self._apart, self._from = True, at + 1
        elif byte == b":" and self._depth == 1:
            self._name = data[self._from : at].strip().strip(b'"')
            self._from = at + 1
        elif byte == b"," and self._depth == level:
            self._take(data, at, found)
        elif byte in b"}]":
            if self._depth == level:
                self._take(data, at, found)
                self._apart = False
            self._depth -= 1

    def _take(self, data: bytes, at: int, found: list[tuple[bytes, bytes]]) -> None:
        value = data[self._from : at].strip()
        if value and self._name:
            found.append((self._name, value))
        self._from = at + 1
        if not self._apart:
            self._name = b""


async def members(chunks: AsyncIterator[bytes], spread: str) -> AsyncIterator[tuple[str, bytes]]:
    """Each top-level member: name and undecoded value; of ``spread``, an array, each element under that name."""
    scan = _Scan(spread.encode())
    async for chunk in chunks:
        for name, value in scan.feed(chunk):
            yield name.decode("utf-8", "replace"), value
