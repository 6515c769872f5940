"""Who may ask, how much, and what it cost. Pure decisions over a book of counters."""

from asbru.governance.book import Book, Grant, Hold, Need, Shortage
from asbru.governance.people import NOBODY_KNOWN, People, Register, allowances_of, digest_of
from asbru.governance.permits import allows, check, permitted
from asbru.governance.windows import window_of

__all__ = [
    "NOBODY_KNOWN",
    "Book",
    "Grant",
    "Hold",
    "Need",
    "People",
    "Register",
    "Shortage",
    "allowances_of",
    "allows",
    "check",
    "digest_of",
    "permitted",
    "window_of",
]
