"""A route for a request that is out of the ordinary: its body is packed, or a page in a browser sent it."""

from asbru.edge.coded import unpacked
from asbru.edge.cors import Pages, for_page
from asbru.edge.request import Route
from asbru.model.http import Headers

ODD = frozenset({b"content-encoding", b"origin"})
"""The headers that tell."""


def fitted(route: Route, headers: Headers, pages: Pages) -> Route:
    """``route``, with what goes before it."""
    if b"content-encoding" in headers:
        route = unpacked(route)
    return for_page(route, pages) if b"origin" in headers else route
