"""Counting tokens: what is asked is a conversation (``chat.Ask``), what is answered is a number."""

from collections.abc import Mapping

from msgspec import Raw, Struct

from asbru.model.names import Format
from asbru.model.usage import Usage


class Counted(Struct, frozen=True, kw_only=True):
    """``input``: all tokens of the request, the ``cached`` ones included. ``tokens``: their ids, where they are told.

    ``estimated``: counted from bytes, because the provider counts for nobody.
    """

    input: int
    cached: int = 0
    tokens: tuple[int, ...] = ()
    estimated: bool = False
    extra: Mapping[str, Raw] = {}
    origin: Format

    @property
    def usage(self) -> Usage:
        """Counting costs nothing."""
        return Usage()
