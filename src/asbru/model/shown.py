"""Whose bodies are shown beside an answer: what went to the provider, and what came from it."""

from msgspec import Struct


class Shown(Struct, frozen=True):
    """None: not said."""

    request: bool | None = None
    response: bool | None = None

    def over(self, usual: "Shown") -> "Shown":
        """What holds when ``usual`` does unless something else is said."""
        if self is NOTHING:
            return usual
        return Shown(
            usual.request if self.request is None else self.request,
            usual.response if self.response is None else self.response,
        )


NOTHING = Shown()
