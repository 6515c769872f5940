"""Finds the route of a path: exact paths first, then patterns with ``{name}`` segments, then those that need a search.

Rule 1. Paths arrive normalised once by the server; params are percent-decoded here (a model id may hold a slash) and
never name files.
Rule 2. A known path with another method answers 405 naming the allowed ones; an unknown path 404, in the prefix's
dialect.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

from msgspec import Struct

from asbru.edge.request import Fail, Handler, Request, Route
from asbru.model.failure import Refused
from asbru.model.http import Answer

_WHOLE = re.compile(r"\{\w+\}")
_NAME = re.compile(r"\{\w+\*?\}")


class Mount(Struct, frozen=True):
    """One row of the route table.

    ``path`` may have ``{name}`` segments. ``{name}:verb`` is a segment that ends with a verb; ``{name*}`` may hold
    slashes (``/models/{model*}:generateContent`` finds ``openai/gpt-4o``).
    """

    method: str
    path: str
    route: Route


class Router:
    """``find`` is the server's way in. ``prefixes``: path prefix -> how failures are written below it; "" must be
    there.
    """

    def __init__(self, mounts: Iterable[Mount], prefixes: dict[str, Fail]) -> None:
        self._exact: dict[tuple[str, str], Route] = {}
        self._patterns: dict[tuple[str, int], list[tuple[tuple[str, ...], dict[str, Route]]]] = {}
        self._searched: dict[str, dict[str, _Searched]] = {}
        self._methods: dict[str, list[str]] = {}
        self._prefixes = sorted(prefixes.items(), key=lambda row: -len(row[0]))
        for mount in mounts:
            self._add(mount)

    def _add(self, mount: Mount) -> None:
        if "{" not in mount.path:
            self._exact[mount.method, mount.path] = mount.route
            self._methods.setdefault(mount.path, []).append(mount.method)
            return
        parts = tuple(mount.path.split("/"))
        if any("{" in part and not _WHOLE.fullmatch(part) for part in parts):
            below = self._searched.setdefault(_root(mount.path), {})
            below.setdefault(mount.path, _Searched(mount.path)).routes[mount.method] = mount.route
            return
        rows = self._patterns.setdefault((_root(mount.path), len(parts)), [])
        for known, routes in rows:
            if known == parts:
                routes[mount.method] = mount.route
                return
        rows.append((parts, {mount.method: mount.route}))

    def find(self, method: str, path: str) -> tuple[Route, tuple[str, ...]]:
        """The route and its params; an unknown path is a route that refuses."""
        route = self._exact.get((method, path))
        if route is not None:
            return route, ()
        allowed = self._methods.get(path)
        if allowed is None:
            for routes, params in self._matches(path):
                if method in routes:
                    return routes[method], params
                allowed = list(routes)
        if method == "HEAD":
            return self._head(path), ()
        return self._refuse(method, path, allowed), ()

    def _matches(self, path: str) -> Iterator[tuple[dict[str, Route], tuple[str, ...]]]:
        parts = path.split("/")
        roots = ["/".join(parts[:n]) + "/" for n in range(len(parts) - 1, 0, -1)]
        # A verb first: ``{id}`` would match the segment with its verb.
        if ":" in parts[-1]:
            yield from self._search(path, roots, verb=True)
        for root in roots:
            for pattern, routes in self._patterns.get((root, len(parts)), ()):
                params = _match(pattern, parts)
                if params is not None:
                    yield routes, params
        yield from self._search(path, roots, verb=False)

    def _search(self, path: str, roots: list[str], *, verb: bool) -> Iterator[tuple[dict[str, Route], tuple[str, ...]]]:
        for root in roots:
            for searched in self._searched.get(root, _NONE).values():
                params = searched.match(path) if searched.verb is verb else None
                if params is not None:
                    yield searched.routes, params

    def _head(self, path: str) -> Route:
        """Some clients ask HEAD of their base URL before they start (Claude Code): it must not look like a failure."""
        return Route(handler=_empty, fail=self._fail(path))

    def _fail(self, path: str) -> Fail:
        return next(fail for prefix, fail in self._prefixes if path.startswith(prefix))

    def _refuse(self, method: str, path: str, allowed: list[str] | None) -> Route:
        if allowed is None:
            failure = Refused(404, f"Route not found: {path}", code="not_found_error")
        else:
            failure = Refused(405, f"{method} is not allowed on {path}; use {' or '.join(sorted(allowed))}.")
        return Route(handler=_refusing(failure), fail=self._fail(path))


class _Searched:
    """A path that needs a search, and its routes by method."""

    __slots__ = ("_begins", "_ends", "_pattern", "routes", "verb")

    def __init__(self, path: str) -> None:
        self.routes: dict[str, Route] = {}
        pieces = _NAME.split(path)
        self._begins, self._ends = pieces[0], pieces[-1]
        self.verb = self._ends.startswith(":")
        self._pattern = _pattern(path)

    def match(self, path: str) -> tuple[str, ...] | None:
        if not (path.endswith(self._ends) and path.startswith(self._begins)):
            return None
        found = self._pattern.fullmatch(path)
        return _params(found.groups()) if found else None


_NONE: Mapping[str, "_Searched"] = {}


def _root(path: str) -> str:
    """What stands before the first segment with a name: few rows share it."""
    return path.partition("{")[0].rpartition("/")[0] + "/"


def _match(pattern: tuple[str, ...], parts: list[str]) -> tuple[str, ...] | None:
    if any(expected != part and not expected.startswith("{") for expected, part in zip(pattern, parts, strict=True)):
        return None
    return _params(part for expected, part in zip(pattern, parts, strict=True) if expected.startswith("{"))


def _params(parts: Iterable[str]) -> tuple[str, ...] | None:
    params = tuple(unquote(part) for part in parts)
    return params if all(value and value.isprintable() for value in params) else None


def _pattern(path: str) -> re.Pattern[str]:
    """Verbs hold no slash and stand at the end of a segment."""
    pieces = _NAME.split(path)
    groups = ("(.+)" if name.endswith("*}") else "([^/]+)" for name in _NAME.findall(path))
    return re.compile("".join(re.escape(piece) + next(groups, "") for piece in pieces))


def _refusing(failure: Refused) -> Handler:
    async def refuse(request: Request) -> Answer:
        raise failure

    return refuse


async def _empty(request: Request) -> Answer:
    return Answer(status=200, headers={b"content-type": b"application/json"})
