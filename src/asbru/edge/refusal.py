"""What is said to a client whose bytes are not a request, before there is a route with a dialect."""

import msgspec

from asbru.model.http import Answer


class Refusal(Exception):
    """The connection is answered with ``status`` and a short message, and closed. ``answer``: a route's own words."""

    def __init__(self, status: int, message: str, answer: Answer | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.answer = answer


def refusal_answer(refusal: Refusal) -> Answer:
    """A small JSON body that every SDK shows as it is."""
    if refusal.answer is not None:
        return refusal.answer
    error = {"message": refusal.message, "type": "invalid_request_error"}
    body = msgspec.json.encode({"error": error})
    return Answer(status=refusal.status, headers={b"content-type": b"application/json"}, body=body)
