"""Amazon's ``aws-chunked`` coding of a body: chunks with their sizes, perhaps signed, perhaps with trailers.

Source: "Signature calculations: transferring payload in multiple chunks" and "checking object integrity" in the S3 user
guide; botocore ``httpchecksum.py`` (``AwsChunkedWrapper``).

Rule 1. Neither the signatures nor the trailers are checked: the credentials they are made with are the caller's.
Rule 2. A body that is cut, or that goes on behind its last chunk, is a mistake.
"""

from collections.abc import Iterable, Iterator

from asbru.model.failure import Refused

_LONGEST_LINE = 1 << 10
_LARGEST = 1 << 40


def decoded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes in a body so coded. Raises Refused(400)."""
    coder = _Decoder()
    for piece in pieces:
        yield from coder.feed(piece)
    coder.finish()


class _Decoder:
    """``left``: bytes of the chunk being read that have not come yet, with the line feed that ends it."""

    def __init__(self) -> None:
        self._rest = b""
        self._left = 0
        self._trailers = False
        self._over = False

    def feed(self, piece: bytes) -> Iterator[bytes]:
        data, self._rest = self._rest + piece, b""
        while data:
            if self._left:
                taken, data = data[: self._left], data[self._left :]
                payload = taken[: max(self._left - 2, 0)]
                self._left -= len(taken)
                if payload:
                    yield payload
                continue
            line, end, after = data.partition(b"\r\n")
            if not end:
                if len(line) > _LONGEST_LINE:
                    raise _broken("a chunk's size has no end")
                self._rest = data
                return
            self._line(line)
            data = after

    def _line(self, line: bytes) -> None:
        if self._over:
            raise _broken("it goes on behind its end")
        if self._trailers:
            self._over = not line
            return
        word = line.partition(b";")[0].strip()
        if not word or len(word) > 16 or word.strip(b"0123456789abcdefABCDEF"):
            raise _broken("a chunk has no size")
        size = int(word, 16)
        if size > _LARGEST:
            raise _broken("a chunk is too large")
        self._trailers = size == 0
        self._left = size + 2 if size else 0

    def finish(self) -> None:
        """Raises Refused(400) when the end has not come. The empty line behind the trailers may be missing."""
        if self._left or self._rest or not self._trailers:
            raise _broken("it is cut")


def _broken(why: str) -> Refused:
    return Refused(400, f"The body is not aws-chunked: {why}.", code="IncompleteBody")
