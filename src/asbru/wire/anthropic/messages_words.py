"""Why a message ended (``anthropic.types.StopReason``)."""

from asbru.model.names import Finish

_IN = {
    "end_turn": Finish.STOP,
    "max_tokens": Finish.LENGTH,
    "stop_sequence": Finish.STOP_SEQUENCE,
    "tool_use": Finish.TOOL_CALLS,
    "pause_turn": Finish.PAUSE,
    "refusal": Finish.REFUSAL,
    "model_context_window_exceeded": Finish.CONTEXT_EXCEEDED,
}

_OUT = {finish: word for word, finish in _IN.items()} | {Finish.CONTENT_FILTER: "refusal"}


def read_stop(word: str | None) -> Finish | None:
    """``stop_reason`` as the house says it; a word we do not know is an ordinary end."""
    return None if word is None else _IN.get(word, Finish.STOP)


def write_stop(finish: Finish | None) -> str:
    """``stop_reason``."""
    return "end_turn" if finish is None else _OUT[finish]
