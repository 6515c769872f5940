"""Server-sent events: bytes to frames and back (WHATWG HTML, section 9.2.6)."""

from msgspec import Struct


class Frame(Struct, frozen=True):
    """One event: its ``event`` name ("" when the stream names none) and its ``data`` (lines joined by \\n)."""

    event: str
    data: bytes
