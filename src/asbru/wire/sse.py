"""Server-sent events: bytes to frames and back (WHATWG HTML, section 9.2.6).

Rule 1. Lines end with \\n, \\r\\n or \\r; an empty line ends a frame; frames without data are not told.
Rule 2. ``id`` and ``retry`` lines and comments are skipped: no vendor's model stream means anything by them.
"""

from msgspec import Struct

from asbru.model.failure import Broken

LIMIT = 16 << 20
"""Most bytes of one frame."""

_BOM = b"\xef\xbb\xbf"


class Frame(Struct, frozen=True):
    """One event: its ``event`` name ("" when the stream names none) and its ``data`` (lines joined by \\n)."""

    event: str
    data: bytes


END = Frame("", b"")
"""Told to a reader when its stream is over and no end marker was seen: some formats (Gemini) have none."""


class Framer:
    """Cuts a stream into frames, however its bytes arrive."""

    __slots__ = ("_begun", "_limit", "_rest", "_skip_newline")

    def __init__(self, limit: int = LIMIT) -> None:
        self._rest = bytearray()
        self._limit = limit
        self._begun = False
        self._skip_newline = False

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that ``chunk`` completes. Raises Broken when a frame grows beyond the limit."""
        if not self._begun or self._skip_newline or chunk.find(b"\r") >= 0:
            chunk = self._plain(chunk)
        rest = self._rest
        if not rest and chunk.startswith(b"data: ") and chunk.find(b"\n") == len(chunk) - 2 and chunk.endswith(b"\n"):
            # One frame of one line, as most chunks are.
            return [Frame("", chunk[6:-2])]
        seam = max(len(rest) - 1, 0)
        if rest or not chunk.endswith(b"\n\n"):
            rest += chunk
            cut = rest.rfind(b"\n\n", seam)
            if cut < 0:
                self._check(len(rest))
                return []
            chunk = bytes(rest[:cut])
            del rest[: cut + 2]
            self._check(len(rest))
        return [frame for block in chunk.split(b"\n\n") if block and (frame := parse_frame(block)) is not None]

    def flush(self) -> list[Frame]:
        """The frame that lacks its empty line when the stream is over: some servers leave it out after ``[DONE]``."""
        block = bytes(self._rest)
        self._rest.clear()
        frame = parse_frame(block.strip(b"\n")) if block else None
        return [] if frame is None else [frame]

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise Broken(502, f"The provider sent an event of more than {self._limit} bytes.", code="frame_too_large")

    def _plain(self, chunk: bytes) -> bytes:
        """``chunk`` without a leading byte order mark, its line ends made \\n."""
        if not self._begun:
            chunk = bytes(self._rest) + chunk
            self._rest.clear()
            if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
                self._rest += chunk
                return b""
            self._begun = True
            chunk = chunk.removeprefix(_BOM)
        if self._skip_newline and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._skip_newline = False
        if b"\r" in chunk:
            self._skip_newline = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return chunk


def parse_frame(block: bytes) -> Frame | None:
    """The frame in ``block``, whose lines end with \\n; None when it has no data."""
    lines = block.split(b"\n")
    if len(lines) == 1 and block.startswith(b"data: "):
        return Frame("", block[6:])
    event = b""
    data: list[bytes] = []
    for line in lines:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value
    if not data:
        return None
    return Frame(event.decode("utf-8", "replace"), b"\n".join(data))


def write_frame(event: str, data: bytes) -> bytes:
    """One frame; ``data`` must be free of line ends (JSON written by us is), ``event`` may be empty."""
    if event:
        return b"event: " + event.encode() + b"\ndata: " + data + b"\n\n"
    return b"data: " + data + b"\n\n"
