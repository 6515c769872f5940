"""The server, as its connections see it."""

from typing import TYPE_CHECKING, Protocol

from asbru.edge.cors import Pages
from asbru.edge.reader import Site
from asbru.edge.reply import Tails

if TYPE_CHECKING:
    from asbru.edge.connection import Connection


class Host(Site, Protocol):
    """``tails``: how heads end just now. ``draining``: take no more. ``running``: exchanges without an answer.
    ``pages``: of which origins pages in browsers may ask.
    """

    tails: Tails
    pages: Pages
    draining: bool
    running: int

    def joined(self, connection: "Connection") -> bool:
        """A client came; False when there is no room."""

    def left(self, connection: "Connection") -> None:
        """A client is gone."""
