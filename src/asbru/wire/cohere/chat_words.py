"""Small vocabularies of Cohere's chat: why a reply ended (``cohere.types.ChatFinishReason``, and v1's ``FinishReason``
for what v2 has no word for).
"""

from asbru.model.names import Finish

_IN = {
    "COMPLETE": Finish.STOP,
    "STOP_SEQUENCE": Finish.STOP_SEQUENCE,
    "MAX_TOKENS": Finish.LENGTH,
    "TOOL_CALL": Finish.TOOL_CALLS,
    "ERROR_TOXIC": Finish.CONTENT_FILTER,
    "ERROR_LIMIT": Finish.CONTEXT_EXCEEDED,
}

_OUT = {finish: word for word, finish in _IN.items()} | {Finish.REFUSAL: "ERROR_TOXIC", Finish.PAUSE: "COMPLETE"}

FAILED = frozenset({"ERROR", "TIMEOUT"})
"""Reasons that mean there is no answer."""


def read_finish(word: str | None) -> Finish:
    """Why it ended; a word we do not know is an ordinary end."""
    return _IN.get(word or "", Finish.STOP)


def write_finish(finish: Finish | None) -> str:
    """``finish_reason``."""
    return "COMPLETE" if finish is None else _OUT[finish]
