"""One path for several dialects: below a framework's prefix each has models at ``/v1/models``, files at ``/v1/files``.

Who asks is told by what its SDK sends: Google's its own kind of key, Anthropic's a version; others speak OpenAI's.
"""

from msgspec.structs import replace

from asbru.edge.request import Request, Route
from asbru.model.failure import Failure
from asbru.model.http import Answer


def by_caller(openai: Route, anthropic: Route, gemini: Route) -> Route:
    """A route that answers in the caller's dialect. Bodies are taken in as OpenAI's route says."""

    async def answer(request: Request) -> Answer:
        headers = request.headers
        route = openai
        if b"x-goog-api-key" in headers or b"x-goog-api-client" in headers:
            route = gemini
        elif b"anthropic-version" in headers:
            route = anthropic
        try:
            return await route.handler(request)
        except Failure as failure:
            return route.fail(failure, request.id)

    return replace(openai, handler=answer)
