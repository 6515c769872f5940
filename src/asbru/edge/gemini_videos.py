"""Google's operations that take minutes (videos of Veo's), which only its dialect has: passed on as they are.

Rule 1. Whose: a prefix of the model, else ``x-model-provider``, else the path's own; of Google's dialect.
Rule 2. At Vertex AI the project and the region are those of our key, whatever the client's path says.
"""

from collections.abc import Callable

from asbru.edge.failures import fail_gemini
from asbru.edge.gemini import Place, named, published
from asbru.edge.passthrough import PassRoutes, Placed
from asbru.edge.request import Request
from asbru.edge.routes import Mount
from asbru.model.names import Family
from asbru.routing import Table, pick_provider, split_model

_OURS = "/projects/{project_id}/locations/{region}/publishers/google/models/{model}"
_ABOUT = {":predictLongRunning": "video_generation", ":fetchPredictOperation": "video_retrieve"}


def gemini_video_rows(passed: PassRoutes, vertex: str) -> list[Mount]:
    """To be put before the rows of models. ``vertex``: where Vertex AI has its models."""

    def row(method: str, path: str, request: str, place: Callable[[Request, Table], Placed]) -> Mount:
        return Mount(method, path, passed.placed(request, place, fail_gemini, Family.GEMINI))

    return [
        row("POST", "/models/{model*}:predictLongRunning", "video_generation", _begun),
        row("GET", "/models/{model*}/operations/{id}", "video_retrieve", _asked_of_model),
        row("GET", "/operations/{id}", "video_retrieve", _asked),
        *(row("POST", vertex + verb, request, _at_vertex(verb)) for verb, request in _ABOUT.items()),
    ]


def _whose(request: Request, table: Table, place: Place) -> tuple[str, str]:
    """Provider and model."""
    default, model = place
    word = request.headers.get(b"x-model-provider", b"").decode("latin-1")
    return split_model(model, pick_provider(word, table) if word else default, table)


def _begun(request: Request, table: Table) -> Placed:
    provider, model = _whose(request, table, named(request))
    return Placed(provider, "/models/{model}:predictLongRunning", model)


def _asked_of_model(request: Request, table: Table) -> Placed:
    provider, model = _whose(request, table, named(request))
    return Placed(provider, "/models/{model}/operations/{id}", model, request.params[1])


def _asked(request: Request, table: Table) -> Placed:
    id = request.params[0]
    provider, _ = _whose(request, table, (named(request)[0], "any"))
    return Placed(provider, "/operations/{id}", "", id)


def _at_vertex(verb: str) -> Callable[[Request, Table], Placed]:
    def place(request: Request, table: Table) -> Placed:
        provider, model = _whose(request, table, published(request))
        return Placed(provider, _OURS + verb, model)

    return place
